"""A driver that is killed between any two of its writes, again and again.

    python -m tests.benchmarks.kills [kills]

Ten requests at a time go to a stand-in in a process of its own; their driver is killed with SIGKILL at seeded
points (up to three times, each time taken up by another), then runs to its end.

    answered_once_ratio   requests that have one row, `ok`, answered as often as they had to be asked
    paid_twice            requests that the stand-in was given beyond that; the one ambiguous message batch
                          that a kill may cost is not taken off
    ambiguous             message batches that were given up since it could not be told whether they were made
"""

import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from curation.claude.ledger import Ledger
from tests.benchmarks.figures import tell
from tests.claude import killing

KILLS = 1_000
ROUNDS = 15  # with one ledger and one stand-in


def main(kills: int) -> None:
    rng = random.Random(0)
    seen: Counter[str] = Counter()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        chapter = 0
        while seen["kills"] < kills:
            chapter += 1
            where = Path(folder) / str(chapter)
            where.mkdir()
            with killing.stand_in_process(where / "state") as url:
                _chapter(where, url, rng, kills, seen)
    tell(
        {
            "kills": seen["kills"],
            "requests": seen["requests"],
            "answered_once_ratio": seen["once"] / seen["requests"],
            "paid_twice": seen["received"] - seen["asked"],
            "ambiguous": seen["ambiguous"],
            "seconds": time.monotonic() - begun,
        }
    )


def _chapter(where: Path, url: str, rng: random.Random, kills: int, seen: Counter[str]) -> None:
    rounds = 0
    while rounds < ROUNDS and seen["kills"] < kills:
        requests = killing.ten(first=10 * rounds)
        for _ in range(3):
            seen["kills"] += killing.killed(url, where, requests, rng.randint(1, killing.POINTS))
        killing.drive(url, where, requests)
        rounds += 1
        rows = list(Ledger(where / "ledger.sqlite").answers([request.key for request in requests]))
        wanted = {r.key: 2 if r.parameters["max_tokens"] < 400 else 1 for r in requests}
        seen["once"] += sum(row.outcome == "ok" and row.attempts == wanted[row.key] for row in rows)
        seen["requests"] += len(requests)
        seen["asked"] += killing.ASKED
    seen["received"] += killing.requests_received(url)
    with Ledger(where / "ledger.sqlite")._engine.connect() as db:
        lost = "SELECT count(*) FROM message_batches WHERE state = 'failed'"
        seen["ambiguous"] += db.exec_driver_sql(lost).scalar() or 0


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else KILLS)
