"""What became of one request: a value, never an exception."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from curation.claude.loose import only_object
from curation.claude.schema import SchemaMismatch, conform


class Outcome(StrEnum):
    """All but `ok` are kept as rows as well: dropping refusals, for one, would bias a corpus by topic."""

    OK = "ok"
    REFUSED = "refused"  # billed; `detail` is the category
    TRUNCATED = "truncated"  # max_tokens or the context window ended it: a failure even where the JSON parses
    SCHEMA_INVALID = "schema_invalid"
    ERRORED = "errored"  # `detail` is the API's error type
    EXPIRED = "expired"  # the message batch ended first
    CANCELED = "canceled"


class Policy(StrEnum):
    """Whether a request goes again: ATTEMPTS_MAX times in all if they were billed. What the service failed to
    answer goes so often, and then once with each later run: "run again" is true."""

    STANDS = "stands"  # the same would come again
    ONCE_MORE = "once_more"  # stands when the same comes a second time
    AGAIN = "again"  # within the same run
    NEXT_RUN = "next_run"  # not by the run that saw it, and no attempt


ATTEMPTS_MAX = 3

POLICIES = {
    Outcome.OK: Policy.STANDS,
    Outcome.REFUSED: Policy.STANDS,
    Outcome.TRUNCATED: Policy.ONCE_MORE,  # with more room: `Request.enlarged`
    Outcome.SCHEMA_INVALID: Policy.ONCE_MORE,
    Outcome.ERRORED: Policy.AGAIN,
    Outcome.EXPIRED: Policy.AGAIN,
    Outcome.CANCELED: Policy.NEXT_RUN,  # someone wanted it to stop
}

# Error types that the same request would meet again: it must change first.
_LASTING_ERRORS = frozenset(("invalid_request_error", "not_found_error", "request_too_large"))
# It is not the request: somebody must see to the account or the base URL first.
_NO_MONEY = "billing_error"
OTHER_MODEL = "other_model"  # our own: the answer of a model that was not asked
_MENDABLE_ERRORS = frozenset((_NO_MONEY, OTHER_MODEL, "permission_error", "authentication_error"))

# The account's money is gone or not allowed, whatever the status or the error type.
_SPEND_CODES = ("spend_limit", "billing_unavailable", "on_hold")
# A limit that the user has set is an invalid request without a code.
_SPEND_WORDS = ("usage limit", "spend limit", "credit balance")

_CONTEXT_FULL = "model_context_window_exceeded"  # more max_tokens would not help

_TOKENS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "write_tokens": "cache_creation_input_tokens",
    "read_tokens": "cache_read_input_tokens",
}


@dataclass(frozen=True)
class Answer:
    """The outcome of one request, as one result line tells it.

    `body` is the answer: JSON text that fits the schema if there is one, the model's text otherwise; None
    unless the outcome is `ok` (a truncated or unfitting text stays in the raw results).
    `usage` is the API's record, None where nothing was billed. `model` is the name the response gave.
    """

    outcome: Outcome
    detail: str = ""
    body: str | None = None
    usage: Mapping[str, Any] | None = None
    model: str | None = None

    @property
    def policy(self) -> Policy:
        if self.outcome is Outcome.ERRORED and self.detail in _LASTING_ERRORS:
            return Policy.STANDS
        if self.outcome is Outcome.ERRORED and self.detail in _MENDABLE_ERRORS:
            return Policy.NEXT_RUN
        if self.outcome is Outcome.TRUNCATED and self.detail == _CONTEXT_FULL:
            return Policy.STANDS
        return POLICIES[self.outcome]

    @property
    def tokens(self) -> dict[str, int]:
        """What was billed, as `tables.TOKENS` names it."""
        return tokens_of(self.usage or {})


def tokens_of(usage: Mapping[str, Any]) -> dict[str, int]:
    """The tokens in the API's `usage` record, as `tables.TOKENS` names them."""
    return {kind: usage.get(name) or 0 for kind, name in _TOKENS.items()}


def read_result(result: Mapping[str, Any], schema: Mapping[str, Any] | None) -> Answer:
    """The answer in the `result` object of one line of a message batch's results."""
    kind = result["type"]
    if kind == "succeeded":
        return read_message(result["message"], schema)
    if kind == "errored":
        return Answer(Outcome.ERRORED, detail=_error_type(result["error"]["error"]))
    return Answer(Outcome(kind))  # canceled, expired


def _error_type(error: Mapping[str, Any]) -> str:
    kind: str = error["type"]
    code = (error.get("details") or {}).get("error_code") or ""
    words = error.get("message") or "" if kind == "invalid_request_error" else ""
    return _NO_MONEY if lacks_money(code, words) else kind


def lacks_money(code: str, words: str) -> bool:
    """Whether an error is the account's. `words` are the message of an invalid request, else empty."""
    return any(c in code for c in _SPEND_CODES) or any(w in words.lower() for w in _SPEND_WORDS)


def read_message(message: Mapping[str, Any], schema: Mapping[str, Any] | None) -> Answer:
    """The answer in a Messages response."""
    usage, model = message["usage"], message["model"]
    stop = message["stop_reason"]
    if stop == "refusal":
        category = (message.get("stop_details") or {}).get("category") or ""
        return Answer(Outcome.REFUSED, detail=category, usage=usage, model=model)
    if stop in ("max_tokens", _CONTEXT_FULL):
        return Answer(Outcome.TRUNCATED, detail=stop, usage=usage, model=model)
    text = _storable("".join(block["text"] for block in message["content"] if block["type"] == "text"))
    if schema is None:
        return Answer(Outcome.OK, body=text, usage=usage, model=model)
    try:
        value = conform(only_object(text), schema)
    except json.JSONDecodeError as error:
        return Answer(Outcome.SCHEMA_INVALID, f"not JSON at character {error.pos}", usage=usage, model=model)
    except SchemaMismatch as error:
        return Answer(Outcome.SCHEMA_INVALID, detail=str(error), usage=usage, model=model)
    body = _storable(json.dumps(value, ensure_ascii=False))
    return Answer(Outcome.OK, body=body, usage=usage, model=model)


def _storable(text: str) -> str:
    """Without what a database refuses: half surrogate pairs (an escape can make them) and NUL."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
