"""What the ledger's message batches cost: by recipe, stage and model, and under a cap."""

import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, and_, case, cast, func, or_, select, text

from curation.claude.budget import Budget, Cap, Room, Spent, room
from curation.claude.tables import TOKENS, message_batches

_DAY_SECONDS = 86_400
_ENDS_SECONDS = 25 * 3_600  # a message batch has ended after 24 hours, whether or not anyone has looked
_IN_FLIGHT = ("submitting", "submitted", "ended")
_ADMISSION_LOCK = 0x6361_7073  # any fixed number

_batch = message_batches.c
_answered = _batch.usd.is_not(None)  # landed; or direct, and some of it is answered
_landed = _answered & _batch.state.in_(("landed", "failed"))
_in_flight = _batch.state.in_(_IN_FLIGHT)
# What was given up after it may have been sent (a refused batch is not: its `submitting_at` is taken back),
# and of a direct batch what may have been billed without an answer.
_given_up = (_batch.state == "failed") | (_landed & (_batch.kind == "direct"))
_lost = and_(_given_up, _batch.submitting_at.is_not(None))


@dataclass(frozen=True)
class Cost:
    """Of one recipe, stage and model. `requests`, tokens and `settled_usd` are of what has landed,
    `reserved_usd` of what is in flight, `lost_usd` of what was given up and may have been billed."""

    recipe: str
    stage: str
    model: str
    requests: int
    input_tokens: int
    output_tokens: int
    write_tokens: int
    read_tokens: int
    settled_usd: Decimal
    reserved_usd: Decimal
    lost_usd: Decimal


def costs(db: Connection, run: str | None) -> list[Cost]:
    """A row for each recipe, stage and model that anything was sent for, sorted; of one run, or of all."""
    by = (_batch.recipe, _batch.stage, _batch.model)
    query = select(
        *by,
        _count(_batch.request_count).label("requests"),
        *(_count(_batch[kind]).label(kind) for kind in TOKENS),
        _usd(_answered, _batch.usd).label("settled_usd"),
        _usd(_in_flight, _batch.reserved).label("reserved_usd"),
        _usd(_lost, _batch.reserved).label("lost_usd"),
    ).where(_batch.submitting_at.is_not(None))
    if run is not None:
        query = query.where(_batch.run == run)
    return [Cost(**row._mapping) for row in db.execute(query.group_by(*by).order_by(*by))]


def left(db: Connection, budget: Budget, run: str) -> Room | None:
    """The room under the caps for the run `run`, today."""
    caps = []
    if budget.run_usd is not None:
        spent = _under(db, _batch.run == run)
        caps.append(Cap(f"the cap for the run {run!r}", budget.run_usd, spent, is_of_run=True))
    if budget.day_usd is not None:
        midnight = time.time() // _DAY_SECONDS * _DAY_SECONDS  # UTC's
        today = _batch.submitting_at >= midnight
        caps.append(Cap("the cap for this day (UTC)", budget.day_usd, _under(db, today)))
    return room(caps)


def queued(db: Connection) -> int:
    """How many requests the service has in message batches that have not ended."""
    unended = _batch.state.in_(("submitting", "submitted")) & (_batch.kind == "batch")
    waiting = unended & (_batch.submitting_at > time.time() - _ENDS_SECONDS)
    return db.scalar(select(_count(_batch.request_count, waiting))) or 0


def cached_tokens(db: Connection, model: str, prompt_digest: str) -> tuple[int, int]:
    """How many tokens were written to the cache, and how many read from it, for a prompt and model."""
    asked = (_batch.prompt_digest == prompt_digest) & (_batch.model == model)
    row = db.execute(select(_count(_batch.write_tokens), _count(_batch.read_tokens)).where(asked)).one()
    return row[0], row[1]


def take_turns(db: Connection) -> None:
    """Hold every other process off the reservations until the transaction of `db` ends. On SQLite a write
    transaction does so by itself."""
    if db.dialect.name == "postgresql":
        db.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADMISSION_LOCK})


def _under(db: Connection, scope: ColumnElement[bool]) -> Spent:
    # What has been in flight for longer than a message batch can be is nobody's any more.
    alive = _in_flight & (_batch.submitting_at > time.time() - _ENDS_SECONDS)
    settled, reserved = _usd(_answered, _batch.usd), _usd(or_(_in_flight, _lost), _batch.reserved)
    row = db.execute(select(settled, _usd(alive, _batch.reserved), reserved).where(scope)).one()
    return Spent(settled=row[0], in_flight=row[1], lost=row[2] - row[1])


def _usd(where: ColumnElement[bool], column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(case((where, column))), 0, type_=column.type)


def _count(column: ColumnElement[int], where: ColumnElement[bool] = _landed) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(case((where, column))), 0), BigInteger)
