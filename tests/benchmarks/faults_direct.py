"""What a misbehaving service or a kill costs where requests are asked one by one: every fault by itself, and
every two of them together.

    python -m tests.benchmarks.faults_direct [SEED]

Each case has 48 requests, six at a time; whatever ends a run, SIGKILL and Ctrl-C among it, is followed by
another run. `lost` counts requests whose answer the service gave and the ledger lacks, `doubled` answers
that were settled twice and requests that were sent though the ledger had their answer, too often, or after an
answer that stands and arrived; `untold_usd` is what was billed and is neither settled nor told as maybe
billed, `held_usd` what stays reserved in the end. `stops` are runs that ended with an error that says what to
do, `crashes` with any other; `idle` cases are those in which a fault found nothing to strike.
"""

import itertools
import logging
import multiprocessing
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.benchmarks.figures import tell
from tests.claude.direct_fault_case import FAULTS_HERE, Case, drive

AT_ONCE = 4  # a case mostly waits
LIMIT_SECONDS = 120  # of a case that comes next


def driven(given: tuple[tuple[str, ...], int]) -> Case:
    logging.disable()
    faults, seed = given
    with tempfile.TemporaryDirectory() as folder:
        return drive(faults, Path(folder), seed=seed)


def main() -> None:
    seed = int(sys.argv[1]) if sys.argv[1:] else 0
    faults = [*((name,) for name in FAULTS_HERE), *itertools.combinations(FAULTS_HERE, 2)]
    began = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(AT_ONCE) as pool:  # a case forks: no threads beside it
        coming = pool.imap_unordered(driven, [(each, seed) for each in faults])
        found: list[Case] = []
        with suppress(multiprocessing.TimeoutError):
            found.extend(coming.next(LIMIT_SECONDS) for _ in faults)
    for case in found:
        if case.lost or case.doubled or case.crashes or case.untold_usd or case.held_usd:
            print(f"{' + '.join(case.faults)}: {case}")
    tell(
        {
            "cases": len(faults),
            "lost": sum(len(case.lost) for case in found),
            "doubled": sum(len(case.doubled) for case in found),
            "untold_usd": float(sum(case.untold_usd for case in found)),
            "held_usd": float(sum(case.held_usd for case in found)),
            "crashes": sum(len(case.crashes) for case in found),
            "stops": sum(len(case.stops) for case in found),
            "runs_most": max(case.runs for case in found),
            "idle": sum(any(not case.struck[name] for name in case.faults) for case in found),
            "unfinished": len(faults) - len(found),
            "seconds": time.monotonic() - began,
        }
    )


if __name__ == "__main__":
    main()
