"""The ledger's rows as values, and the rows that a request and its answer become."""

import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import Row, Table, case, or_
from sqlalchemy.dialects import postgresql, sqlite

from curation.claude.outcome import ATTEMPTS_MAX, POLICIES, Answer, Outcome, Policy
from curation.claude.request import Request, canonical
from curation.claude.tables import TOKENS, answers
from curation.document import content_hash

_ONCE_MORE = [outcome for outcome, policy in POLICIES.items() if policy is Policy.ONCE_MORE]


@dataclass(frozen=True)
class MessageBatch:
    """A row of `message_batches`; times are Unix seconds of this machine's clock."""

    nonce: str
    state: str
    model: str
    request_count: int
    batch_id: str | None
    planned_at: float
    submitting_at: float | None
    submitted_at: float | None
    counts: Mapping[str, int]
    usd: Decimal | None
    reason: str | None
    kind: str = "batch"  # or `direct`: asked one by one, without a message batch at the service
    recipe: str = ""
    stage: str = ""
    run: str = ""
    prompt_digest: str = ""
    reserved: Decimal = Decimal(0)
    beat_at: float | None = None

    @classmethod
    def of(cls, row: Row[Any]) -> "MessageBatch":
        said = {name: row._mapping[name] for name in cls.__dataclass_fields__}
        return cls(**{**said, "counts": json.loads(row.counts) if row.counts else {}})


@dataclass(frozen=True, slots=True)
class Standing:
    """How a request was answered last; `done` if it does not go again. `truncated` if it was once, whatever
    came then: asked in the old size, it would be again."""

    outcome: str
    done: bool
    truncated: bool


@dataclass(frozen=True, slots=True)
class Held:
    """What a live message batch holds of a request: enough to read its result."""

    key: str
    text_digest: str
    prompt_digest: str
    model: str
    settings: str
    replicate: int


@dataclass
class Total:
    """What the answers to a message batch add up to."""

    counts: Counter[str] = field(default_factory=Counter)  # by outcome
    tokens: Counter[str] = field(default_factory=Counter)
    usd: Decimal = Decimal(0)

    @classmethod
    def of(cls, row: Row[Any]) -> "Total":
        """So far, by a row of `message_batches`."""
        counts = json.loads(row.counts) if row.counts else {}
        tokens = {kind: row._mapping[kind] for kind in TOKENS}
        return cls(Counter(counts), Counter(tokens), row.usd or Decimal(0))

    def add(self, answer: Answer, usd: Decimal) -> None:
        self.counts[str(answer.outcome)] += 1
        self.tokens.update(answer.tokens)
        self.usd += usd

    @property
    def row(self) -> dict[str, Any]:
        tokens = {kind: self.tokens[kind] for kind in TOKENS}
        return {"counts": canonical(self.counts), "usd": self.usd, **tokens}


def settings_row(request: Request) -> dict[str, str]:
    """What requests of a prompt have in common, by digest."""
    said = {"parameters": canonical(request.parameters), "schema": request.schema_json}
    return {"digest": content_hash("settings", *said.values()), **said}


def held_row(nonce: str, request: Request, settings: str) -> dict[str, Any]:
    """What the message batch `nonce` holds of a request; `settings` is a digest."""
    return {
        "key": request.key,
        "nonce": nonce,
        "text_digest": request.text_digest,
        "prompt_digest": request.prompt_digest,
        "model": request.model,
        "settings": settings,
        "replicate": request.replicate,
    }


def planned_row(nonce: str, first: Request, count: int, reserved: Decimal) -> dict[str, Any]:
    """A new message batch of `count` requests like `first`."""
    return {
        "nonce": nonce,
        "state": "planned",
        "model": first.model,
        "prompt_digest": first.prompt_digest,
        "request_count": count,
        "reserved": reserved,
        "planned_at": time.time(),
        **dict.fromkeys(TOKENS, 0),
    }


def answer_row(nonce: str, held: Held, answer: Answer, usd: Decimal) -> dict[str, Any]:
    """The first answer to a request; `answers_upsert` makes of it what it is over an earlier one."""
    rests = answer.policy is Policy.NEXT_RUN
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
        "settled": answer.policy is Policy.STANDS,
        "attempts": 0 if rests else 1,
        "message_batch": nonce,
        "tried_at": time.time(),
        "rests": rests,
        "truncated": answer.outcome is Outcome.TRUNCATED,
    }


def insert(dialect: str, table: Table) -> Any:
    """INSERT with the ON CONFLICT of the dialect."""
    return (postgresql if dialect == "postgresql" else sqlite).insert(table)


@cache
def answers_upsert(dialect: str) -> Any:
    """Insert; over a row that is not settled, replace it and count the attempt; else leave it. What the
    service failed to answer says less than an answer that did not stand, and does not replace it. With the
    last attempt, what was billed stands, and what was not rests until the next run."""
    statement = insert(dialect, answers)
    new = statement.excluded
    says_less = new.usage.is_(None) & answers.c.usage.is_not(None)
    attempts = answers.c.attempts + new.attempts
    is_last = (new.attempts > 0) & (attempts >= ATTEMPTS_MAX)
    told = ("outcome", "detail", "body", "answered_by", "usage", "message_batch")
    again: dict[str, Any] = {name: case((says_less, answers.c[name]), else_=new[name]) for name in told}
    twice = (new.outcome == answers.c.outcome) & or_(*(new.outcome == outcome for outcome in _ONCE_MORE))
    again |= {"settled": new.settled | twice | (is_last & new.usage.is_not(None))}
    again |= {"attempts": attempts, "usd": answers.c.usd + new.usd}
    again |= {"tried_at": new.tried_at, "rests": new.rests | is_last}
    again |= {"truncated": answers.c.truncated | new.truncated}
    return statement.on_conflict_do_update(
        index_elements=[answers.c.key], set_=again, where=answers.c.settled.is_(False)
    )
