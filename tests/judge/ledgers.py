"""A ledger that has the answers a test wants, by the way that real ones take."""

import json
import secrets
from collections.abc import Callable, Collection
from decimal import Decimal
from pathlib import Path

from curation.claude.ledger import Ledger
from curation.claude.outcome import Answer, Outcome
from curation.claude.request import Request
from curation.judge import canaries, rubric
from curation.judge.canaries import Canary
from curation.judge.enclose import open_
from curation.judge.prompt import Prompt


def answered(
    folder: Path,
    requests: Collection[Request],
    answer: Callable[[str], Answer | None],
    known: bool = True,
) -> Ledger:
    """A ledger in `folder` with `answer(text asked about)` for each request, none where that is None; about
    canaries the right answers, if they are `known`."""
    ledger = Ledger(folder / "ledger.sqlite")
    right_ones = canary_answers(next(iter(requests)).prompt_digest) if known and requests else {}

    def said(request: Request) -> Answer | None:
        text = open_(request.message) or ""
        return right_ones.get(text) or answer(text)

    told = {request.key: (request, said(request)) for request in requests}
    missing = set(ledger.missing(told))
    by_key = {key: (r, a) for key, (r, a) in told.items() if a is not None and key in missing}
    if by_key:
        nonce = secrets.token_hex(8)
        ledger.plan(nonce, [r for r, _ in by_key.values()])
        ledger.submitting(nonce)
        ledger.submitted(nonce, f"msgbatch_{nonce}")
        ledger.ended(nonce)
        landed = [(held, by_key[key][1], Decimal(0)) for key, held in ledger.held(nonce).items()]
        assert ledger.land(nonce, landed)
    return ledger


def canary_answers(prompt_digest: str) -> dict[str, Answer]:
    """The right answers about the canaries of the rubric of this digest, by their texts; or none."""
    names = [path.stem for path in rubric.FOLDER.glob("*.md")]
    asked = [prompt for prompt in map(rubric.load, names) if prompt.digest == prompt_digest]
    return {canary.text: right(prompt, canary) for prompt in asked for canary in canaries.load(prompt.name)}


def right(prompt: Prompt, canary: Canary) -> Answer:
    """What a sound judge says of a canary."""
    fields = prompt.schema["properties"]
    said = {name: part.get("enum", [False])[0] for name, part in fields.items()}
    said |= {"evidence": "because", prompt.score: canary.lowest, "addresses_model": canary.addresses_model}
    return ok(**said)


def ok(**body: object) -> Answer:
    return Answer(Outcome.OK, body=json.dumps(body), usage={}, model="offline-rules-1")


def judged(score: int, addresses_model: bool = False) -> Answer:
    return ok(evidence="because", score=score, addresses_model=addresses_model)
