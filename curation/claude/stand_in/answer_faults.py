"""What goes wrong with answers: functions from a request's result to the one that is given instead.

`result` is the object of that name in a line of a message batch's results; the faults change one of type
`succeeded`. Each draws what it needs from the generator given, the same for a request each time it is asked.
"""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from curation.claude.stand_in.messages import saying, text_of
from curation.claude.stand_in.wire import ApiError, invalid, request_id

Result = Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """A request as it is asked now. `first_max_tokens` is what it allowed when it was first asked."""

    max_tokens: int
    first_max_tokens: int


def errored(error: ApiError) -> Result:
    return {"type": "errored", "error": error.body(request_id())}


def refused(result: Result, asked: Asked, rng: random.Random) -> Result:
    """Billed for what was read, with a category for some."""
    from anthropic.types import RefusalStopDetails

    named, _ = get_args(RefusalStopDetails.model_fields["category"].annotation)
    category = rng.choice((*get_args(named), None))
    details = {"type": "refusal", "category": category, "explanation": None}
    refusal = {"content": [], "stop_reason": "refusal", "stop_details": details}
    usage = {**result["message"]["usage"], "output_tokens": 1}
    return {**result, "message": {**result["message"], **refusal, "usage": usage}}


def truncated(result: Result, asked: Asked, rng: random.Random) -> Result:
    """Half of an answer, until more tokens are allowed than the first time."""
    if asked.max_tokens > asked.first_max_tokens:
        return result
    text = text_of(result["message"]["content"])
    message = saying(result["message"], text[: len(text) // 2], asked.max_tokens)
    usage = {**message["usage"], "output_tokens": asked.max_tokens}
    return {**result, "message": {**message, "stop_reason": "max_tokens", "usage": usage}}


def failed(result: Result, asked: Asked, rng: random.Random) -> Result:
    kind = rng.choice(("api_error", "overloaded_error"))
    return errored(ApiError(500, kind, "the service failed at this request"))


def invalid_request(result: Result, asked: Asked, rng: random.Random) -> Result:
    return errored(invalid("messages: something in this request is not taken"))


def unpaid(result: Result, asked: Asked, rng: random.Random) -> Result:
    """A limit that the user has set is reached while the message batch is in progress."""
    return errored(invalid("You have reached your specified API usage limits."))


def by_another_model(result: Result, asked: Asked, rng: random.Random) -> Result:
    """As a proxy does that falls back to another model."""
    return {**result, "message": {**result["message"], "model": "another-model"}}


def expired(result: Result, asked: Asked, rng: random.Random) -> Result:
    return {"type": "expired"}


def unfitting(result: Result, asked: Asked, rng: random.Random) -> Result:
    """Not the JSON that was asked for: prose, broken JSON, JSON of another shape, or nothing."""
    text = text_of(result["message"]["content"])
    wrong = rng.choice(
        ("I would rather say it in words.", text[: len(text) // 2], json.dumps({"answer": 9}), "")
    )
    return {**result, "message": saying(result["message"], wrong, asked.max_tokens)}
