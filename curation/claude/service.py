"""One request, asked by itself: what is sent, what its answer or failure means, for it and for the pace."""

import json
import logging
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import anthropic
import httpx2

from curation.claude import local
from curation.claude.client import described, without_password
from curation.claude.decide import Fate, Patience, after_create, retry_after
from curation.claude.outcome import OTHER_MODEL, Answer, Outcome, read_result
from curation.claude.pace import Pace
from curation.claude.prices import cost
from curation.claude.request import Request, answers_for
from curation.errors import ClaudeError

log = logging.getLogger(__name__)

# What the SDK's signature has; the rest goes beside it, at the cost of a merge.
_TYPED = ("model", "max_tokens", "messages", "system", "output_config", "thinking", "stop_sequences")

_REFUSALS_FIRST = 5  # before any answer: then it is the server or the account, not the requests
_REMEDIES = {
    401: "check the key",
    402: "see to the account's billing",
    403: "check what the key may do",
    404: "check the base URL, and name a model that is served there",
    429: "raise the account's spend limit, or wait until it is lifted",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a request: `result` as in a line of a message batch's results, and what it says. Not
    `is_told`: the service may have billed it, and has not said so."""

    result: Mapping[str, Any]
    answer: Answer
    usd: Decimal = Decimal(0)
    is_told: bool = True

    @property
    def is_refusal(self) -> bool:
        """The server refused to take it, and nothing was billed."""
        return self.answer.outcome is Outcome.ERRORED and self.is_told


class Service:
    """The other side of a run: every request goes through here, and its answer sets the pace of the rest."""

    def __init__(self, client: anthropic.AsyncAnthropic, pace: Pace) -> None:
        self.pace = pace
        self._client = client
        self._create = client.messages.with_raw_response.create
        self._url = without_password(str(client.base_url))
        self._in_flight = 0
        self.has_answered = False
        self._trouble: ClaudeError | None = None
        self._refused: frozenset[str] = frozenset()  # parameters that a local server does not take
        self._refusals = 0  # of requests, before any was answered

    def check(self, model: str) -> None:
        """Raise ClaudeError for a model that is not to be had here."""
        local.check_address(model, self._url)

    def wait_seconds(self) -> float:
        """Until one more request may be sent, or until that should be asked again; 0 for now. Raises
        ClaudeError once there is no sense in asking anything more."""
        if self._trouble:
            raise self._trouble
        return self.pace.wait_seconds(self._in_flight, time.monotonic())

    async def ask(self, request: Request, *, cached: bool, patience: Patience) -> Reply | None:
        """Send a request once; None where it was certainly not answered. Raises ClaudeError where another
        model answered it, and the one asked for has answered nothing yet."""
        body = request.body(cached=cached)
        if local.is_local(request.model):
            body = local.adapted(body, self._refused)
        typed = {name: body[name] for name in _TYPED if name in body}
        others = {name: value for name, value in body.items() if name not in typed}
        sent_at = time.monotonic()
        self.pace.sent()
        self._in_flight += 1
        try:
            response = await self._create(**typed, extra_body=others or None)
        except anthropic.AnthropicError as error:
            return self._failed(error, request, body, sent_at, patience)
        finally:
            self._in_flight -= 1
        return self._read(response.http_response, request, sent_at, patience)

    def _read(self, response: httpx2.Response, request: Request, sent_at: float, patience: Patience) -> Reply:
        try:
            result = {"type": "succeeded", "message": json.loads(response.content)}
            answer = read_result(result, request.schema)
            usd = cost(request.model, answer.usage, batch=False) if answer.usage else Decimal(0)
        except (ValueError, KeyError, TypeError, AttributeError):
            what = "an answer that is no Messages response"
            self._slow(what, sent_at, patience, busy=False)
            return _errored("garbled_response", what, is_told=False)
        name = local.served_name(request.model)
        if not answers_for(name, answer.model or ""):
            what = f"asked for {name}, answered by {answer.model}: not kept"
            if not self.has_answered:
                raise ClaudeError(
                    f"{what}. Name the model that serves at {self._url}, or set the base URL of the one "
                    "you want"
                )
            self._slow(what, sent_at, patience, busy=False)
            return Reply(result, replace(answer, outcome=Outcome.ERRORED, detail=OTHER_MODEL, body=None), usd)
        self.has_answered = True
        tokens = answer.tokens
        taken = {"input-tokens": tokens["input_tokens"] + tokens["write_tokens"]}
        taken["output-tokens"] = tokens["output_tokens"]
        self.pace.answered(response.headers, taken, time.monotonic())
        return Reply(result, answer, usd)

    def _failed(
        self,
        error: anthropic.AnthropicError,
        request: Request,
        sent: Mapping[str, Any],
        sent_at: float,
        patience: Patience,
    ) -> Reply | None:
        fate, what = after_create(error), described(error, self._client)
        status = error.status_code if isinstance(error, anthropic.APIStatusError) else None
        if fate is Fate.REFUSED:
            if local.is_local(request.model) and self._does_without(what, sent):
                return None
            if not self.has_answered and status != 413:
                self._refusals += 1
                if self._refusals >= _REFUSALS_FIRST:
                    self._trouble = self._hopeless(what, status)
                    return None
            kind = "request_too_large" if status == 413 else "invalid_request_error"
            return _errored(kind, what)
        if fate is Fate.UNREACHED and (status is not None or not self.has_answered):
            self._trouble = self._hopeless(what, status)
            return None
        seconds = retry_after(error) if isinstance(error, anthropic.APIError) else None
        busy = fate is not Fate.UNKNOWN or isinstance(error, anthropic.APITimeoutError)
        self._slow(what, sent_at, patience, busy=busy, retry_seconds=seconds)
        if fate is Fate.UNKNOWN:
            told = error.type if isinstance(error, anthropic.APIStatusError) else None
            return _errored(told or "connection_error", what, is_told=False)
        return None

    def _does_without(self, what: str, sent: Mapping[str, Any]) -> bool:
        """Whether a local server's refusal names a parameter that was sent and can be left out: it is, from
        now on."""
        refused = local.refused_parameter(what, sent)
        if refused is None:
            return False
        if refused not in self._refused:
            log.warning("%s does not take %s: asked without it from now on (%s)", self._url, refused, what)
        self._refused |= {refused}
        return True

    def _slow(
        self,
        what: str,
        sent_at: float,
        patience: Patience,
        *,
        busy: bool,
        retry_seconds: float | None = None,
    ) -> None:
        """Set the pace by a failure; after too many in a row nothing more is asked."""
        self.pace.failed(
            sent_at,
            time.monotonic(),
            busy=busy,
            pause_seconds=patience.retry_seconds,
            retry_after=retry_seconds,
            jitter=random.random(),
        )
        if self.pace.is_hopeless:
            self._trouble = self._hopeless(what, None)

    def _hopeless(self, what: str, status: int | None) -> ClaudeError:
        remedy = _REMEDIES.get(status or 0, "see that it runs, has room, and that the base URL is its own")
        return ClaudeError(
            f"no answer is to be had from {self._url}: {what}; {remedy}, then run again: what is answered is "
            "kept, and not asked again"
        )


def _errored(kind: str, what: str, *, is_told: bool = True) -> Reply:
    error = {"type": "error", "error": {"type": kind, "message": what}}
    result = {"type": "errored", "error": error}
    return Reply(result, read_result(result, None), is_told=is_told)
