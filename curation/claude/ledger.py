"""The ledger: what was asked, what was answered, what it cost, and where every message batch stands.

One row a request key, looked up before anything is sent. A message batch goes

    planned → submitting → submitted → ended → landed
                   \\____________\\________\\→ failed (its requests are free again, the reason is kept)

(of one that was certainly not sent nothing stays), and each arrow is one transaction that only one process
can win, so that several drivers may share a ledger. The step to `submitting` takes the reservation: in the
same transaction it is made sure that no cap is exceeded, whatever other processes do. A failed batch keeps
its reservation, since it may have been billed.
"""

import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, delete, func, select, update

from curation.claude import costs, history
from curation.claude.budget import NO_CAP, Admission, Budget, Room
from curation.claude.costs import Cost
from curation.claude.database import look_into, open_database
from curation.claude.history import History
from curation.claude.outcome import Answer
from curation.claude.purpose import UNSAID, Purpose
from curation.claude.request import Request
from curation.claude.rows import (
    Held,
    MessageBatch,
    Standing,
    Total,
    answer_row,
    answers_upsert,
    held_row,
    insert,
    planned_row,
    settings_row,
)
from curation.claude.tables import answers, batch_requests, message_batches, settings
from curation.errors import ClaudeError

_T = TypeVar("_T")

_KEYS_A_QUERY = 5_000  # SQLite takes 32,766 variables
_ROWS_AN_INSERT = 1_000

_NEVER = float("inf")
_IN_FLIGHT = ("submitting", "submitted", "ended")
_LIVE = ("planned", *_IN_FLIGHT)


def _free(_request: Request) -> Decimal:
    return Decimal(0)


class Ledger:
    """Opened on a path (SQLite) or an SQLAlchemy URL (`postgresql+psycopg://…`). `look_only`: as it is, to be
    read; where there is none, none is made."""

    def __init__(self, where: str | Path, *, look_only: bool = False) -> None:
        self._engine = look_into(str(where)) if look_only else open_database(str(where))
        self._write = self._engine.execution_options(write=True)

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Many short transactions follow: SQLite folds its log into the file whenever nobody has it open,
        which takes several times as long as such a transaction."""
        with self._engine.connect():
            yield

    # --- answers

    def standing(self, keys: Collection[str], *, since: float = _NEVER) -> dict[str, Standing]:
        """How the requests stand that were answered, in whatever way. What was given up at `since` or later
        (Unix seconds) is done for the run that began then, and goes again with the next."""
        rests = answers.c.rests & (answers.c.tried_at >= since)
        query = select(answers.c.key, answers.c.outcome, answers.c.settled | rests, answers.c.truncated)
        found: dict[str, Standing] = {}
        with self._engine.connect() as db:
            for some in _chunks(keys, _KEYS_A_QUERY):
                rows = db.execute(query.where(answers.c.key.in_(some)))
                found.update((key, Standing(was, bool(done), cut)) for key, was, done, cut in rows)
        return found

    def missing(self, keys: Iterable[str]) -> list[str]:
        """The keys that are not done, in the order given: never asked, or to go again. Those in a live
        message batch are among them."""
        wanted = list(dict.fromkeys(keys))
        found = self.standing(wanted)
        return [key for key in wanted if key not in found or not found[key].done]

    def answers(self, keys: Iterable[str]) -> Iterator[Row[Any]]:
        """The rows of `answers` for these keys, in no promised order."""
        with self._engine.connect() as db:
            for some in _chunks(keys, _KEYS_A_QUERY):
                yield from db.execute(select(answers).where(answers.c.key.in_(some)))

    # --- what it costs

    def usd(self) -> Decimal:
        """What everything landed has cost."""
        return sum((cost.settled_usd for cost in self.costs()), Decimal(0))

    def costs(self, run: str | None = None) -> list[Cost]:
        """What was spent by recipe, stage and model, of one run or of all."""
        with self._engine.connect() as db:
            return costs.costs(db, run)

    def room(self, budget: Budget, run: str) -> Room | None:
        """What may still be reserved under these caps; None without a cap."""
        with self._engine.connect() as db:
            return costs.left(db, budget, run)

    def queued(self) -> int:
        """How many requests the service has in message batches that have not ended."""
        with self._engine.connect() as db:
            return costs.queued(db)

    def cached_tokens(self, model: str, prompt_digest: str) -> tuple[int, int]:
        """How many tokens were written to the cache, and how many read from it, in all answers of a model
        to a prompt."""
        with self._engine.connect() as db:
            return costs.cached_tokens(db, model, prompt_digest)

    def history(self, model: str, prompt_digest: str) -> History:
        """What the answers of a model to a prompt were like."""
        with self._engine.connect() as db:
            return history.history(db, model, prompt_digest)

    # --- message batches

    def plan(
        self,
        nonce: str,
        requests: Sequence[Request],
        *,
        purpose: Purpose = UNSAID,
        reserve: Callable[[Request], Decimal] = _free,
        kind: str = "batch",
    ) -> set[str]:
        """Claim requests of one model and prompt for the new message batch `nonce`; the keys it got. What is
        answered, or claimed by another, is left out, whatever other processes do meanwhile; with nothing left
        there is no batch. `reserve` tells the most that a request can cost, in USD."""
        # In the order of the keys: two writers on Postgres then never wait for each other in a circle.
        by_key = {request.key: request for request in sorted(requests, key=lambda r: r.key)}
        shared = {key: settings_row(request) for key, request in by_key.items()}
        rows = [held_row(nonce, request, shared[key]["digest"]) for key, request in by_key.items()]
        with self._write.begin() as db:
            for row in {row["digest"]: row for row in shared.values()}.values():
                db.execute(insert(self._dialect, settings).values(row).on_conflict_do_nothing())
            for some in _chunks(rows, _ROWS_AN_INSERT):
                db.execute(insert(self._dialect, batch_requests).on_conflict_do_nothing(), some)
            mine = batch_requests.c.nonce == nonce
            got = set(db.scalars(select(batch_requests.c.key).where(mine)))
            # Asked only now: a claim just given up by another driver has its answer beside it.
            for keys in _chunks(sorted(got), _KEYS_A_QUERY):
                settled = select(answers.c.key).where(answers.c.key.in_(keys), answers.c.settled)
                done = db.scalars(settled).all()
                db.execute(delete(batch_requests).where(batch_requests.c.key.in_(done)))
                got.difference_update(done)
            if got:
                reserved = sum((reserve(by_key[key]) for key in got), Decimal(0))
                row = planned_row(nonce, requests[0], len(got), reserved)
                db.execute(message_batches.insert().values(row | asdict(purpose) | {"kind": kind}))
        return got

    def batch(self, nonce: str) -> MessageBatch:
        """The message batch of this nonce; ClaudeError if the ledger does not know it, or not any more."""
        with self._engine.connect() as db:
            found = _batch(db, nonce)
        if found is None:
            raise ClaudeError(f"the ledger knows no message batch {nonce!r}; it may be another ledger's")
        return found

    def live(self, nonces: Collection[str]) -> list[MessageBatch]:
        """Those of these message batches that hold requests, oldest first."""
        here = message_batches.c.nonce.in_(nonces) & message_batches.c.state.in_(_LIVE)
        order = (message_batches.c.planned_at, message_batches.c.nonce)
        with self._engine.connect() as db:
            return [
                MessageBatch.of(row)
                for row in db.execute(select(message_batches).where(here).order_by(*order))
            ]

    def in_flight(self) -> list[MessageBatch]:
        """The message batches that the service has, or may have, and that have not landed, oldest first."""
        here = (message_batches.c.kind == "batch") & message_batches.c.state.in_(_IN_FLIGHT)
        order = (message_batches.c.submitting_at, message_batches.c.nonce)
        with self._engine.connect() as db:
            rows = db.execute(select(message_batches).where(here).order_by(*order))
            return [MessageBatch.of(row) for row in rows]

    def claims(self, keys: Iterable[str]) -> dict[str, str]:
        """The nonce of the live message batch that holds it, for each of these keys that one holds."""
        query = select(batch_requests.c.key, batch_requests.c.nonce)
        found: dict[str, str] = {}
        with self._engine.connect() as db:
            for some in _chunks(keys, _KEYS_A_QUERY):
                rows = db.execute(query.where(batch_requests.c.key.in_(some)))
                found.update((key, nonce) for key, nonce in rows)
        return found

    def never_found(self, run: str, since: float) -> int:
        """How many message batches that this run sent at `since` or later (Unix seconds) the service may have
        made and does not list."""
        m = message_batches.c
        lost = (m.state == "failed") & (m.kind == "batch") & m.batch_id.is_(None) & (m.submitting_at >= since)
        with self._engine.connect() as db:
            return db.scalar(select(func.count()).where(lost & (m.run == run))) or 0

    def holds_any(self) -> bool:
        """Whether any request is in a live message batch."""
        with self._engine.connect() as db:
            return db.scalar(select(batch_requests.c.nonce).limit(1)) is not None

    def keys(self, nonce: str) -> set[str]:
        """Of the requests that the live message batch holds."""
        with self._engine.connect() as db:
            return set(db.scalars(select(batch_requests.c.key).where(batch_requests.c.nonce == nonce)))

    def held(self, nonce: str, keys: Collection[str] | None = None) -> dict[str, Held]:
        """What the live message batch holds, by key; of these keys if they are given."""
        columns = (batch_requests.c[name] for name in Held.__slots__)
        query = select(*columns).where(batch_requests.c.nonce == nonce)
        if keys is not None:
            query = query.where(batch_requests.c.key.in_(keys))
        with self._engine.connect() as db:
            return {row.key: Held(*row) for row in db.execute(query)}

    def schemas(self, nonce: str) -> dict[str, Mapping[str, Any] | None]:
        """The JSON schema of each digest in `Held.settings` of a live message batch; None where none was
        asked for."""
        used = select(batch_requests.c.settings).where(batch_requests.c.nonce == nonce)
        with self._engine.connect() as db:
            rows = db.execute(select(settings).where(settings.c.digest.in_(used)))
            return {row.digest: json.loads(row.schema) for row in rows}

    def known(self, batch_ids: Collection[str]) -> set[str]:
        """Those of these batch ids that some message batch of this ledger has recorded."""
        with self._engine.connect() as db:
            ids = message_batches.c.batch_id
            return {str(i) for i in db.scalars(select(ids).where(ids.in_(batch_ids)))}

    # --- the steps of a message batch

    def submitting(self, nonce: str, *, budget: Budget = NO_CAP, queue: int | None = None) -> Admission:
        """Record the intent to send and take the batch's reservation, if there is room for it under the caps
        and for its requests among `queue`, what the service takes in batches that have not ended."""
        with self._write.begin() as db:
            costs.take_turns(db)
            batch = _batch(db, nonce)
            if batch is None or batch.state != "planned":
                return Admission.TAKEN
            left = costs.left(db, budget, batch.run)
            if left is not None and batch.reserved > max(left.now, Decimal(0)):
                return Admission.FULL
            queued = costs.queued(db) if queue is not None and batch.kind == "batch" else 0
            if queue is not None and queued and queued + batch.request_count > queue:
                return Admission.FULL
            row = update(message_batches).where(message_batches.c.nonce == nonce)
            db.execute(row.values(state="submitting", submitting_at=time.time()))
        return Admission.SEND

    def submitted(self, nonce: str, batch_id: str) -> bool:
        """Record under which id the service took the batch. One that was given up meanwhile keeps the id, so
        that it is not taken for another batch's, and stays given up: False."""
        if self._move(nonce, ("submitting",), "submitted", batch_id=batch_id, submitted_at=time.time()):
            return True
        self._move(nonce, ("failed",), "failed", batch_id=batch_id)
        return False

    def ended(self, nonce: str) -> bool:
        """Record that the service is done with the batch."""
        return self._move(nonce, ("submitted",), "ended", ended_at=time.time())

    def beat(self, nonce: str) -> bool:
        """Record that the process which sends the batch, or asks its requests one by one, is alive."""
        return self._move(nonce, ("submitting",), "submitting", beat_at=time.time())

    def failed(self, nonce: str, reason: str) -> bool:
        """Give a batch up: its requests may be sent again, and if it was paid for, are paid for again. Its
        reservation stays taken."""
        return self._move(nonce, _LIVE, "failed", release=True, reason=reason)

    def refused(self, nonce: str, reason: str) -> bool:
        """Give up a batch that the service refused: it was certainly not billed."""
        return self._move(nonce, ("submitting",), "failed", release=True, reason=reason, submitting_at=None)

    def _move(
        self, nonce: str, old: Sequence[str], new: str, *, release: bool = False, **values: Any
    ) -> bool:
        here = (message_batches.c.nonce == nonce) & message_batches.c.state.in_(old)
        with self._write.begin() as db:
            moved = db.execute(update(message_batches).where(here).values(state=new, **values)).rowcount == 1
            if moved and release:
                db.execute(delete(batch_requests).where(batch_requests.c.nonce == nonce))
        return moved

    def unplan(self, nonce: str) -> bool:
        """Dissolve a batch that was never sent; False if it has been, meanwhile."""
        return self._dissolve(nonce, "planned")

    def not_submitted(self, nonce: str) -> bool:
        """Dissolve a batch that is certainly not at the service: its requests are free."""
        return self._dissolve(nonce, "submitting")

    def _dissolve(self, nonce: str, state: str) -> bool:
        here = (message_batches.c.nonce == nonce) & (message_batches.c.state == state)
        with self._write.begin() as db:
            gone = db.execute(delete(message_batches).where(here)).rowcount == 1
            if gone:
                db.execute(delete(batch_requests).where(batch_requests.c.nonce == nonce))
        return gone

    def land(self, nonce: str, landed: Iterable[tuple[Held, Answer, Decimal]]) -> bool:
        """Write one row for each answer and free the batch's requests, all or nothing; False if another
        process has landed it. Only the first answer to a request counts. `landed` is read as it comes."""
        here = message_batches.c.nonce == nonce
        total = Total()
        with self._write.begin() as db:
            ended = update(message_batches).where(here & (message_batches.c.state == "ended"))
            if db.execute(ended.values(state="landed", landed_at=time.time())).rowcount != 1:
                return False
            for some in _chunks(landed, _ROWS_AN_INSERT):
                self._answer(db, nonce, some, total)
            db.execute(delete(batch_requests).where(batch_requests.c.nonce == nonce))
            db.execute(update(message_batches).where(here).values(total.row))
        return True

    def _answer(
        self, db: Connection, nonce: str, some: Sequence[tuple[Held, Answer, Decimal]], total: Total
    ) -> None:
        """Write the first answer to each request that the batch holds, and free it."""
        mine = (batch_requests.c.nonce == nonce) & batch_requests.c.key.in_({held.key for held, _, _ in some})
        open_ = set(db.scalars(delete(batch_requests).where(mine).returning(batch_requests.c.key)))
        first = {each[0].key: each for each in reversed(some) if each[0].key in open_}
        if first:
            db.execute(answers_upsert(self._dialect), [answer_row(nonce, *e) for e in first.values()])
        for _, answer, usd in first.values():
            total.add(answer, usd)

    # --- a direct batch: asked one by one, in the state `submitting` until all is answered

    def settle(self, nonce: str, answered: Sequence[tuple[Held, Answer, Decimal]], released: Decimal) -> bool:
        """Write the answers that a direct batch has so far, and give `released` of its reservation back;
        with the last of them it has landed. False, and nothing written, if it was taken for dead."""
        here = message_batches.c.nonce == nonce
        with self._write.begin() as db:
            alive = update(message_batches).where(here & (message_batches.c.state == "submitting"))
            if db.execute(alive.values(beat_at=time.time())).rowcount != 1:
                return False
            row = db.execute(select(message_batches).where(here)).one()
            total = Total.of(row)
            self._answer(db, nonce, answered, total)
            values = total.row | {"reserved": row.reserved - released}
            if (
                db.scalar(select(batch_requests.c.key).where(batch_requests.c.nonce == nonce).limit(1))
                is None
            ):
                values |= {"state": "landed", "landed_at": time.time()}
            db.execute(update(message_batches).where(here).values(values))
        return True

    def close(self, nonce: str, reason: str, lost: Decimal | None = None) -> bool:
        """End a direct batch before all of it is answered: what is not is free again. `lost` is the most that
        was billed without an answer; if it is not known, all that is still reserved."""
        mine = batch_requests.c.nonce == nonce
        here = (message_batches.c.nonce == nonce) & (message_batches.c.state == "submitting")
        left = select(func.count()).select_from(batch_requests).where(mine).scalar_subquery()
        values: dict[str, Any] = {"state": "failed", "reason": reason}
        values |= {"request_count": message_batches.c.request_count - left}
        values |= {} if lost is None else {"reserved": lost}
        with self._write.begin() as db:
            closed = db.execute(update(message_batches).where(here).values(values)).rowcount == 1
            if closed:
                db.execute(delete(batch_requests).where(mine))
        return closed

    @property
    def _dialect(self) -> str:
        return self._engine.dialect.name


def _batch(db: Connection, nonce: str) -> MessageBatch | None:
    row = db.execute(select(message_batches).where(message_batches.c.nonce == nonce)).one_or_none()
    return None if row is None else MessageBatch.of(row)


def _chunks(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    iterator = iter(items)
    while some := list(islice(iterator, size)):
        yield some
