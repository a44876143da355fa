"""A ledger that has the answers a test wants, by the way that real ones take."""

import json
import secrets
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

from curation.claude.ledger import Ledger
from curation.claude.outcome import Answer, Outcome
from curation.claude.request import Request
from curation.judge.enclose import open_


def answered(folder: Path, requests: Sequence[Request], answer: Callable[[str], Answer | None]) -> Ledger:
    """A ledger in `folder` with `answer(text asked about)` for each request, none where that is None."""
    ledger = Ledger(folder / "ledger.sqlite")
    missing = set(ledger.missing(r.key for r in requests))
    found = ((r, answer(open_(r.message) or "")) for r in requests if r.key in missing)
    by_key = {r.key: (r, a) for r, a in found if a is not None}
    if by_key:
        nonce = secrets.token_hex(8)
        ledger.plan(nonce, [r for r, _ in by_key.values()])
        ledger.submitting(nonce)
        ledger.submitted(nonce, f"msgbatch_{nonce}")
        ledger.ended(nonce)
        landed = [(held, by_key[key][1], Decimal(0)) for key, held in ledger.held(nonce).items()]
        assert ledger.land(nonce, landed)
    return ledger


def ok(**body: object) -> Answer:
    return Answer(Outcome.OK, body=json.dumps(body), usage={}, model="offline-rules-1")


def judged(score: int, addresses_model: bool = False) -> Answer:
    return ok(evidence="because", score=score, addresses_model=addresses_model)
