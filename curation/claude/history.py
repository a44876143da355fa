"""What a model's answers to a prompt were like, from the ledger: their lengths, retries and cache hits."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from curation.claude import prices
from curation.claude.outcome import ATTEMPTS_MAX, tokens_of
from curation.claude.tables import answers, message_batches

ANSWERS_MAX = 20_000  # those with the smallest keys, which are hashes: a random sample


@dataclass(frozen=True)
class History:
    """Of the answers of one model to one prompt that stand or were given up.

    `output_tokens` has a value for each of them that was billed: what it cost beside reading its prompt once,
    told as tokens of output. So what was asked again is in it, as many tokens as it cost.
    """

    answers: int = 0
    output_tokens: tuple[float, ...] = ()
    again: int = 0  # billed more than once
    write_tokens: int = 0
    read_tokens: int = 0

    @property
    def billed_ratio(self) -> float:
        return len(self.output_tokens) / self.answers if self.answers else 1.0

    @property
    def again_ratio(self) -> float:
        return self.again / self.answers if self.answers else 0.0

    @property
    def hit_ratio(self) -> float | None:
        """Of the tokens that could be read from the cache, those that were; None where none could."""
        cached = self.write_tokens + self.read_tokens
        return self.read_tokens / cached if cached else None

    @property
    def prefix_tokens(self) -> float:
        """That are written to the cache or read from it, an answer."""
        billed = len(self.output_tokens)
        return (self.write_tokens + self.read_tokens) / billed if billed else 0.0


def history(db: Connection, model: str, prompt_digest: str) -> History:
    """The history of a model with a prompt."""
    query = (
        select(answers.c.usage, answers.c.usd, answers.c.attempts, message_batches.c.kind)
        .join(message_batches, message_batches.c.nonce == answers.c.message_batch)
        .where(answers.c.prompt_digest == prompt_digest, answers.c.model == model)
        .where(answers.c.settled | (answers.c.attempts >= ATTEMPTS_MAX))
        .order_by(answers.c.key)
        .limit(ANSWERS_MAX)
    )
    rows = db.execute(query).all()
    billed = [(json.loads(row.usage), row) for row in rows if row.usage]
    tokens = [tokens_of(usage) for usage, _ in billed]
    extra = [_extra_tokens(model, usage, row.usd, row.attempts, row.kind) for usage, row in billed]
    return History(
        answers=len(rows),
        output_tokens=tuple(t["output_tokens"] + e for t, e in zip(tokens, extra, strict=True)),
        again=sum(e > 0 for e in extra),
        write_tokens=sum(t["write_tokens"] for t in tokens),
        read_tokens=sum(t["read_tokens"] for t in tokens),
    )


def _extra_tokens(model: str, usage: Mapping[str, Any], usd: Decimal, attempts: int, kind: str) -> float:
    """What the attempts before the last one cost, told as tokens of output."""
    last = tokens_of(usage)
    prompt_tokens = sum(last.values()) - last["output_tokens"]
    rate = next(rates["output"] for longest, rates in prices.tiers(model) if prompt_tokens <= longest)
    if attempts == 1 or not rate:
        return 0.0
    path = prices.batch_ratio() if kind == "batch" else Decimal(1)
    before = usd - prices.cost(model, usage, batch=kind == "batch")
    return max(0.0, float(before / rate / path)) * 1e6
