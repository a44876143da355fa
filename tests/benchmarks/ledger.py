"""The driver and its ledger as the number of requests grows: planned, submitted, landed.

    python -m tests.benchmarks.ledger [requests] [requests …]

Small judging requests about numbered texts go through message batches of 100,000 to a stand-in in a process
of its own, whose answers cost next to nothing, and into a SQLite ledger. Each size is a run in a fresh
process; the requests are made anew each time that they are gone through, never all held.

    scaling_exponent   the slope of log CPU seconds of the driver's process over log requests
    memory_ratio       peak memory of the driver at the largest size, over that at the smallest
    us_a_request       CPU of the driver for one request at the largest size
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.figures import tell
from tests.benchmarks.slope import slope

SIZES = (100_000, 300_000, 1_000_000)


class Numbered:
    """Judging requests about `count` texts, made as they are gone through."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __iter__(self) -> Iterator[object]:
        from tests.claude.asking import ask

        return map(ask, range(self.count))


def serve() -> None:
    """A stand-in whose answer is always the same, until its standard input ends."""
    from curation.claude import stand_in
    from curation.claude.stand_in.messages import respond
    from tests.claude.asking import ask

    answer = respond(ask().params, "batch")
    with stand_in.serve(delay_seconds=0.0, respond=lambda params, tier: answer) as server:
        print(server.url, flush=True)
        sys.stdin.read()


def drive(url: str, count: int) -> None:
    """Run `count` requests; print what it took as JSON."""
    from curation.claude.client import Connection
    from curation.claude.decide import Patience
    from curation.claude.ledger import Ledger
    from curation.claude.run import run

    with tempfile.TemporaryDirectory() as folder:
        begun, cpu = time.monotonic(), time.process_time()
        report = run(
            Connection("k", url).client(),
            Ledger(Path(folder) / "ledger.sqlite"),
            Numbered(count),
            f"{folder}/raw",
            patience=Patience(poll_seconds=0.2),
        )
        took = {"cpu_seconds": time.process_time() - cpu, "seconds": time.monotonic() - begun}
    assert report.outcomes == {"ok": count}, report
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(took | {"requests": count, "peak_mib": peak}))


def main(sizes: list[int]) -> None:
    took = []
    for count in sizes:
        this = [sys.executable, "-m", "tests.benchmarks.ledger"]
        with subprocess.Popen(
            [*this, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdin
            assert server.stdout
            url = server.stdout.readline().strip()
            done = subprocess.run(
                [*this, "drive", url, str(count)], check=True, stdout=subprocess.PIPE, text=True
            )
            server.stdin.close()
        took.append(json.loads(done.stdout))
        print(took[-1], flush=True)
    tell(
        {
            "scaling_exponent": slope([(each["requests"], each["cpu_seconds"]) for each in took]),
            "memory_ratio": took[-1]["peak_mib"] / took[0]["peak_mib"],
            "peak_mib": took[-1]["peak_mib"],
            "us_a_request": took[-1]["cpu_seconds"] / took[-1]["requests"] * 1e6,
            "seconds": took[-1]["seconds"],
        }
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    elif sys.argv[1:2] == ["drive"]:
        drive(sys.argv[2], int(sys.argv[3]))
    else:
        main([int(count) for count in sys.argv[1:]] or list(SIZES))
