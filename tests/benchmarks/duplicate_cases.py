"""The worst that duplicates can do: does the work stay linear, and bounded?

    python -m tests.benchmarks.duplicate_cases [share of the full size]

    identical      a million identical documents
    near           100,000 documents, each two near each other
    chain          10,000 documents, each near the next, not near the one after
    paragraph      100,000 documents that share one paragraph, a third of each

Each case is decided from scratch at a quarter, a half and all of its size, each time in a process of its own;
facts are made before. `seconds` and `mib`, the peak, are of the full size; `exponent` is the slope of log
seconds over log documents; `kept` is what stays.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from curation.layout import Layout
from curation.recipe import Duplicates
from curation.select import Rules
from tests import corpora
from tests.benchmarks.slope import slope
from tests.corpora import Doc

PART = 10_000  # documents of a partition


def _words(start: int, count: int) -> str:
    return " ".join(f"w{n}" for n in range(start, start + count))


CASES: dict[str, tuple[int, Callable[[int], str]]] = {
    "identical": (1_000_000, lambda n: _words(0, 30)),
    "near": (100_000, lambda n: f"{_words(0, 60)} end{n}"),
    "chain": (10_000, lambda n: _words(8 * n, 100)),
    "paragraph": (100_000, lambda n: f"{_words(0, 30)} {_words(1000 + 60 * n, 60)}"),
}


def publish(lake: Layout, text: Callable[[int], str], first: int, count: int) -> None:
    docs = [Doc(n, text(n), None) for n in range(first, first + count)]
    corpora.publish(lake, f"{first // PART:04}", docs, Duplicates())


def decide(lake: Layout) -> dict[str, float]:
    from curation import select
    from curation.text import minhash, shingles  # noqa: F401  compiled before the clock starts

    partitions = corpora.published(lake)
    start = time.perf_counter()
    decided = select.decide(lake, "case", partitions, Rules({}, Duplicates())).manifest
    seconds = time.perf_counter() - start
    return {
        "documents": decided.rows_in,
        "kept": decided.kept,
        "seconds": seconds,
        "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _run(*arguments: object) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.duplicate_cases", *map(str, arguments)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


def main() -> None:
    if len(sys.argv) > 2:
        what, root, *rest = sys.argv[1:]
        if what == "decide":
            print(json.dumps(decide(Layout(root))))
        else:
            publish(Layout(root), CASES[what][1], *map(int, rest))
            print("{}")
        return
    share = float(sys.argv[1]) if len(sys.argv) == 2 else 1.0
    for name, (full, _) in CASES.items():
        points = []
        for part in (0.25, 0.5, 1.0):
            count = int(full * share * part)
            with tempfile.TemporaryDirectory() as root:
                for first in range(0, count, PART):
                    _run(name, root, first, min(PART, count - first))
                found = _run("decide", root)
            points.append((found["documents"], found["seconds"]))
        told = f"{found['documents']} documents, {found['kept']} kept, {found['seconds']:.1f} seconds"
        print(f"{name}: {told}, {found['mib']:.0f} mib, exponent {slope(points):.2f}", flush=True)


if __name__ == "__main__":
    main()
