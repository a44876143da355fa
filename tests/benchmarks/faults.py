"""What a misbehaving service costs: every fault of the stand-in by itself, every two of them together, and by
20 seeds three that must strike the same message batch.

    python -m tests.benchmarks.faults [SEED]

Each case has 48 requests in five message batches, with other users' message batches beside them in a listing
that lags behind; whatever ends a run is followed by another run. `lost` counts requests whose answer the
service gave and the ledger lacks, `doubled` those that were sent though settled, alive or asked often enough:
both by the stand-in's own files. `stops` are runs that ended with an error that says what to do, `crashes`
with any other; `idle` cases are those in which a fault found nothing to strike.
"""

import itertools
import logging
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from curation.claude.stand_in.faults import FAULTS
from tests.benchmarks.figures import tell
from tests.claude.fault_case import LATE, Case, drive

AT_ONCE = 4  # a case mostly waits
LIMIT_SECONDS = 600


def cases(seed: int) -> list[tuple[tuple[str, ...], int]]:
    """Faults, and the seed of what they strike."""
    given = [*((name,) for name in FAULTS), *itertools.combinations(FAULTS, 2)]
    return [*((faults, seed) for faults in given), *((LATE, 20 * seed + i) for i in range(20))]


def driven(faults: Sequence[str], seed: int) -> Case:
    with tempfile.TemporaryDirectory() as folder:
        case = drive(faults, Path(folder), seed=seed)
    if case.lost or case.doubled or case.crashes:
        print(f"{' + '.join(faults)}: {len(case.lost)} lost, {len(case.doubled)} doubled, {case.crashes}")
    return case


def main() -> None:
    logging.disable()
    seed = int(sys.argv[1]) if sys.argv[1:] else 0
    began = time.monotonic()
    pool = ThreadPoolExecutor(AT_ONCE)
    waiting = [pool.submit(driven, *case) for case in cases(seed)]
    done, unfinished = wait(waiting, LIMIT_SECONDS)
    found = [each.result() for each in done]
    tell(
        {
            "cases": len(waiting),
            "lost": sum(len(case.lost) for case in found),
            "doubled": sum(len(case.doubled) for case in found),
            "crashes": sum(len(case.crashes) for case in found),
            "stops": sum(len(case.stops) for case in found),
            "runs_most": max(case.runs for case in found),
            "idle": sum(any(not case.struck.get(name) for name in case.faults) for case in found),
            "unfinished": len(unfinished),
            "seconds": time.monotonic() - began,
        }
    )
    sys.stdout.flush()
    os._exit(1 if unfinished else 0)  # a case that never ends would keep its thread


if __name__ == "__main__":
    main()
