"""The ledger: what was asked, what was answered, what it cost, and where every message batch stands.

One row a request key, looked up before anything is sent. A message batch goes

    planned → submitting → submitted → ended → landed
       ↑___________|            \\________\\____→ failed (its requests are free again, the reason is kept)

and each arrow is one transaction that only one process can win, so that several drivers may share a ledger.
SQLite (write-ahead log) on one machine, Postgres by URL for many.
"""

import json
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row, create_engine, delete, event, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from curation.claude.migrations import migrate
from curation.claude.outcome import Answer
from curation.claude.request import Request, canonical
from curation.claude.tables import answers, batch_requests, message_batches, settings
from curation.document import content_hash
from curation.errors import ClaudeError

ATTEMPTS_MAX = 3  # how often a request that the service failed to answer is sent, over all runs

_T = TypeVar("_T")

_KEYS_A_QUERY = 5_000  # SQLite takes 32,766 variables
_ROWS_AN_INSERT = 1_000
_BUSY_SECONDS = 120  # how long a SQLite writer waits for another


@dataclass(frozen=True)
class MessageBatch:
    """A row of `message_batches`; times are Unix seconds of this machine's clock."""

    nonce: str
    state: str
    model: str
    request_count: int
    batch_id: str | None
    submitting_at: float | None
    submitted_at: float | None
    counts: Mapping[str, int]
    usd: Decimal | None
    reason: str | None


@dataclass(frozen=True)
class Held:
    """What a live message batch holds of a request: enough to read its result."""

    key: str
    text_digest: str
    prompt_digest: str
    model: str
    settings: str
    replicate: int


class Ledger:
    """Opened on a path (SQLite) or an SQLAlchemy URL (`postgresql+psycopg://…`)."""

    def __init__(self, where: str | Path) -> None:
        try:
            self._engine = _engine(str(where))
        except (SQLAlchemyError, ImportError) as error:
            raise ClaudeError(
                f"no database driver for the ledger ({type(error).__name__}); name a path, or a URL "
                "that begins with postgresql+psycopg://"
            ) from None  # the message may repeat the URL, password and all
        self._write = self._engine.execution_options(write=True)
        try:
            with self._write.begin() as db:
                migrate(db)
        except SQLAlchemyError as error:
            shown = self._engine.url.render_as_string(hide_password=True)
            raise ClaudeError(
                f"the ledger {shown} cannot be opened ({type(error).__name__}); name a path that can be "
                "written, or the URL of a Postgres that answers"
            ) from None  # the driver's own message may repeat the URL, password and all

    # --- answers

    def missing(self, keys: Iterable[str]) -> list[str]:
        """The keys without an answer, in the order given: never asked, or failed by the service and still
        under ATTEMPTS_MAX. Those in a live message batch are among them."""
        wanted = list(dict.fromkeys(keys))
        with self._engine.connect() as db:
            done = self._done(db, wanted)
        return [key for key in wanted if key not in done]

    def answers(self, keys: Iterable[str]) -> Iterator[Row[Any]]:
        """The rows of `answers` for these keys, in no promised order."""
        with self._engine.connect() as db:
            for some in _chunks(keys, _KEYS_A_QUERY):
                yield from db.execute(select(answers).where(answers.c.key.in_(some)))

    def usd(self) -> Decimal:
        """What everything landed has cost."""
        with self._engine.connect() as db:
            total: Decimal | None = db.scalar(select(func.sum(message_batches.c.usd)))
        return total or Decimal(0)

    def _done(self, db: Connection, keys: Sequence[str]) -> set[str]:
        given_up = answers.c.settled | (answers.c.attempts >= ATTEMPTS_MAX)
        found: set[str] = set()
        for some in _chunks(keys, _KEYS_A_QUERY):
            found.update(db.scalars(select(answers.c.key).where(answers.c.key.in_(some), given_up)))
        return found

    # --- message batches

    def plan(self, nonce: str, requests: Sequence[Request]) -> set[str]:
        """Claim requests of one model for the new message batch `nonce`; the keys it got. What is answered,
        or claimed by another, is left out, whatever other processes do meanwhile; with nothing left there
        is no batch."""
        # In the order of the keys: two writers on Postgres then never wait for each other in a circle.
        rows = [_held_row(nonce, request) for request in sorted(requests, key=lambda r: r.key)]
        shared = {_settings_digest(request): request for request in requests}
        with self._write.begin() as db:
            for digest, request in shared.items():
                values = {"digest": digest, **_settings(request)}
                db.execute(self._insert(settings).values(values).on_conflict_do_nothing())
            for some in _chunks(rows, _ROWS_AN_INSERT):
                db.execute(self._insert(batch_requests).on_conflict_do_nothing(), some)
            mine = batch_requests.c.nonce == nonce
            got = set(db.scalars(select(batch_requests.c.key).where(mine)))
            # Asked only now: a claim just given up by another driver has its answer beside it.
            done = self._done(db, sorted(got))
            for keys in _chunks(done, _KEYS_A_QUERY):
                db.execute(delete(batch_requests).where(batch_requests.c.key.in_(keys)))
            got -= done
            if got:
                row: dict[str, Any] = {"nonce": nonce, "state": "planned", "model": requests[0].model}
                row |= {"request_count": len(got), "planned_at": time.time()}
                db.execute(message_batches.insert().values(row))
        return got

    def live(self, keys: Collection[str]) -> list[MessageBatch]:
        """The message batches that hold any of these keys, oldest first."""
        with self._engine.connect() as db:
            nonces: set[str] = set()
            for some in _chunks(keys, _KEYS_A_QUERY):
                held = select(batch_requests.c.nonce).where(batch_requests.c.key.in_(some)).distinct()
                nonces.update(db.scalars(held))
            found = [self._batch(db, nonce) for nonce in nonces]
        return sorted(found, key=lambda batch: (batch.submitting_at or float("inf"), batch.nonce))

    def batch(self, nonce: str) -> MessageBatch:
        """The message batch of this nonce; ClaudeError if the ledger does not know it."""
        with self._engine.connect() as db:
            return self._batch(db, nonce)

    def _batch(self, db: Connection, nonce: str) -> MessageBatch:
        row = db.execute(select(message_batches).where(message_batches.c.nonce == nonce)).one_or_none()
        if row is None:
            raise ClaudeError(f"the ledger knows no message batch {nonce!r}; it may be another ledger's")
        counts = json.loads(row.counts) if row.counts else {}
        return MessageBatch(
            **{name: row._mapping[name] for name in MessageBatch.__dataclass_fields__ if name != "counts"},
            counts=counts,
        )

    def claimed(self, keys: Iterable[str]) -> set[str]:
        """Those of these keys that a live message batch holds."""
        found: set[str] = set()
        with self._engine.connect() as db:
            for some in _chunks(keys, _KEYS_A_QUERY):
                found.update(db.scalars(select(batch_requests.c.key).where(batch_requests.c.key.in_(some))))
        return found

    def held(self, nonce: str) -> dict[str, Held]:
        """What the live message batch holds, by key."""
        with self._engine.connect() as db:
            rows = db.execute(select(batch_requests).where(batch_requests.c.nonce == nonce))
            return {
                r.key: Held(r.key, r.text_digest, r.prompt_digest, r.model, r.settings, r.replicate)
                for r in rows
            }

    def schemas(self, digests: Iterable[str]) -> dict[str, Mapping[str, Any] | None]:
        """The JSON schema of each digest in `Held.settings`; None where none was asked for."""
        with self._engine.connect() as db:
            rows = db.execute(select(settings).where(settings.c.digest.in_(set(digests))))
            return {row.digest: json.loads(row.schema) for row in rows}

    def known(self, batch_ids: Collection[str]) -> set[str]:
        """Those of these batch ids that some message batch of this ledger has recorded."""
        with self._engine.connect() as db:
            ids = message_batches.c.batch_id
            return {str(i) for i in db.scalars(select(ids).where(ids.in_(batch_ids)))}

    def submitting(self, nonce: str) -> bool:
        """Record the intent to send; False if another process has the batch already."""
        return self._move(nonce, ("planned",), "submitting", submitting_at=time.time())

    def not_submitted(self, nonce: str) -> bool:
        """Record that the batch is certainly not at the service: it may be sent (again)."""
        return self._move(nonce, ("submitting",), "planned", submitting_at=None)

    def submitted(self, nonce: str, batch_id: str) -> bool:
        """Record under which id the service took the batch."""
        return self._move(nonce, ("submitting",), "submitted", batch_id=batch_id, submitted_at=time.time())

    def ended(self, nonce: str) -> bool:
        """Record that the service is done with the batch."""
        return self._move(nonce, ("submitted",), "ended", ended_at=time.time())

    def unplan(self, nonce: str) -> bool:
        """Dissolve a batch that was never sent; False if it has been, meanwhile."""
        return self._move(nonce, ("planned",), "failed", release=True, reason="never sent")

    def failed(self, nonce: str, reason: str) -> bool:
        """Give a batch up: its requests may be sent again, and if it was paid for, are paid for again."""
        states = ("planned", "submitting", "submitted", "ended")
        return self._move(nonce, states, "failed", release=True, reason=reason)

    def _move(
        self, nonce: str, old: Sequence[str], new: str, *, release: bool = False, **values: Any
    ) -> bool:
        here = (message_batches.c.nonce == nonce) & message_batches.c.state.in_(old)
        with self._write.begin() as db:
            moved = db.execute(update(message_batches).where(here).values(state=new, **values)).rowcount == 1
            if moved and release:
                db.execute(delete(batch_requests).where(batch_requests.c.nonce == nonce))
        return moved

    def land(self, nonce: str, landed: Sequence[tuple[Held, Answer, Decimal]]) -> bool:
        """Write one row for each answer and free the batch's requests, all or nothing; False if another
        process has landed it."""
        here = (message_batches.c.nonce == nonce) & (message_batches.c.state == "ended")
        counts: Counter[str] = Counter()
        with self._write.begin() as db:
            now = time.time()
            if (
                db.execute(update(message_batches).where(here).values(state="landed", landed_at=now)).rowcount
                != 1
            ):
                return False
            for some in _chunks((_answer_row(nonce, *each) for each in landed), _ROWS_AN_INSERT):
                counts.update(row["outcome"] for row in some)
                db.execute(self._upsert_answers(), some)
            db.execute(delete(batch_requests).where(batch_requests.c.nonce == nonce))
            row = update(message_batches).where(message_batches.c.nonce == nonce)
            usd = sum((each[2] for each in landed), Decimal(0))
            db.execute(row.values(counts=canonical(counts), usd=usd))
        return True

    def _upsert_answers(self) -> Any:
        """Insert; over a row that is not settled, replace it and count the attempt; else leave it."""
        insert = self._insert(answers)
        new = insert.excluded
        kept = ("outcome", "detail", "body", "answered_by", "usage", "settled", "message_batch")
        again = {name: new[name] for name in kept}
        again |= {"attempts": answers.c.attempts + 1, "usd": answers.c.usd + new.usd}
        return insert.on_conflict_do_update(
            index_elements=[answers.c.key], set_=again, where=answers.c.settled.is_(False)
        )

    def _insert(self, table: Any) -> Any:
        """INSERT with the dialect's ON CONFLICT."""
        return (postgresql if self._engine.dialect.name == "postgresql" else sqlite).insert(table)


def _held_row(nonce: str, request: Request) -> dict[str, Any]:
    return {
        "key": request.key,
        "nonce": nonce,
        "text_digest": request.text_digest,
        "prompt_digest": request.prompt_digest,
        "model": request.model,
        "settings": _settings_digest(request),
        "replicate": request.replicate,
    }


def _settings(request: Request) -> dict[str, str]:
    return {"parameters": canonical(request.parameters), "schema": request.schema_json}


def _settings_digest(request: Request) -> str:
    return content_hash("settings", *_settings(request).values())


def _answer_row(nonce: str, held: Held, answer: Answer, usd: Decimal) -> dict[str, Any]:
    return {
        "key": held.key,
        "text_digest": held.text_digest,
        "prompt_digest": held.prompt_digest,
        "model": held.model,
        "settings": held.settings,
        "replicate": held.replicate,
        "outcome": str(answer.outcome),
        "detail": answer.detail,
        "body": answer.body,
        "answered_by": answer.model,
        "usage": None if answer.usage is None else canonical(answer.usage),
        "usd": usd,
        "settled": answer.is_settled,
        "attempts": 1,
        "message_batch": nonce,
    }


def _engine(where: str) -> Engine:
    if "://" in where and not where.startswith("sqlite"):
        return create_engine(make_url(where))
    if "://" not in where:
        Path(where).parent.mkdir(parents=True, exist_ok=True)
    url = make_url(where) if "://" in where else make_url("sqlite://").set(database=where)
    # No pool: a connection must not cross a fork, and opening a file is cheap.
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": _BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _settle(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where we say so, below
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")  # an intent lost in a power cut would be paid twice

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes the lock at once: one that read first could not upgrade past another writer.
        write = connection.get_execution_options().get("write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _chunks(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    iterator = iter(items)
    while some := list(islice(iterator, size)):
        yield some
