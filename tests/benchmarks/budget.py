"""Eight processes that spend under one cap at once.

    python -m tests.benchmarks.budget [requests a process]

Each has requests of its own that together cost more than the cap; each runs until all are answered or the cap
leaves no room. The stand-in answers as a model with a price. On SQLite, and on Postgres where there is one.

    overrun_usd     what was settled, reserved or lost beyond the cap at the worst moment, replayed from the
                    ledger's rows (a reservation when it was taken, what it settled at when it landed),
                    rounded up to a tenth of a cent
    settled_ratio   what was settled in the end, of the cap
    answered_ratio  of all requests; below 1, or the cap was never in the way
"""

import math
import multiprocessing
import sys
import tempfile
from contextlib import suppress
from decimal import Decimal
from itertools import accumulate
from pathlib import Path

import pytest
from sqlalchemy import select

from curation.claude import stand_in
from curation.claude.budget import Budget
from curation.claude.client import Connection
from curation.claude.decide import Patience
from curation.claude.drive import reservation
from curation.claude.ledger import Ledger
from curation.claude.purpose import Purpose
from curation.claude.request import Request
from curation.claude.run import run
from curation.claude.split import Limits
from curation.claude.tables import message_batches
from curation.errors import BudgetError
from tests.benchmarks.figures import tell
from tests.claude.asking import ask
from tests.postgres import running_postgres

PRICED = "offline-rules-1-priced"
PROCESSES = 8
REQUESTS = 30  # a process
CAP = 20  # in reservations of one request; an answer settles at about a tenth of its reservation


def _requests(process: int, count: int) -> list[Request]:
    return [ask(process * count + i, model=PRICED) for i in range(count)]


def _worst(ledger: Ledger) -> Decimal:
    """The most that was committed at any moment."""
    columns = ("submitting_at", "landed_at", "reserved", "usd")
    query = select(*(message_batches.c[name] for name in columns))
    moments: list[tuple[float, Decimal]] = []
    with ledger._engine.connect() as db:
        for sent, landed, reserved, usd in db.execute(
            query.where(message_batches.c.submitting_at.is_not(None))
        ):
            moments.append((sent, reserved))
            if landed is not None:
                moments.append((landed, usd - reserved))
    return max(accumulate(usd for _, usd in sorted(moments)), default=Decimal(0))


def _spend(url: str, where: str, raw: str, process: int, count: int, cap: Decimal) -> None:
    purpose = Purpose("benchmark", "judge", f"run-{process}")
    with suppress(BudgetError):
        run(
            Connection("k", url).client(),
            Ledger(where),
            _requests(process, count),
            raw,
            purpose=purpose,
            limits=Limits(requests=4),
            patience=Patience(poll_seconds=0.02),
            budget=Budget(day_usd=cap),
        )


def _race(url: str, where: str, raw: Path, count: int) -> dict[str, object]:
    cap = CAP * reservation(ask(model=PRICED), cached=False)
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_spend, args=(url, where, str(raw), n, count, cap)) for n in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert all(process.exitcode == 0 for process in processes)
    ledger = Ledger(where)
    keys = [request.key for n in range(PROCESSES) for request in _requests(n, count)]
    return {
        "overrun_usd": math.ceil(max(_worst(ledger) - cap, Decimal(0)) * 1_000) / 1_000,
        "settled_ratio": float(ledger.usd() / cap),
        "answered_ratio": 1 - len(ledger.missing(keys)) / len(keys),
    }


def main(count: int) -> None:
    figures: dict[str, object] = {}
    with stand_in.serve(delay_seconds=0.05, model=PRICED) as server, tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        found = {"sqlite": _race(server.url, f"{folder}/ledger.sqlite", path / "raw", count)}
        try:
            with running_postgres() as url:
                found["postgres"] = _race(server.url, url, path / "raw-postgres", count)
        except pytest.skip.Exception as why:
            print(f"not on Postgres: {why}")
    for database, each in found.items():
        figures |= {f"{name}_{database}": value for name, value in each.items()}
    figures["overrun_usd"] = max(each["overrun_usd"] for each in found.values())
    tell(figures)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else REQUESTS)
