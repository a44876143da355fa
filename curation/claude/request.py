"""What is asked of Claude about one text, and the key under which its answer is kept."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from curation.claude.schema import check_schema
from curation.document import content_hash
from curation.errors import ClaudeError

# A message batch's nonce (16), a hyphen and the key (32): within the API's ^[a-zA-Z0-9_-]{1,64}$.
NONCE_CHARS = 16

LARGER = 4  # times max_tokens, for an answer that was truncated

# `request.params` writes these itself; a batch refuses `stream`.
_RESERVED = frozenset(("model", "messages", "system", "output_config", "stream"))


def prompt_digest(system: str, template: str) -> str:
    """The digest of the rendered prompt without the text it is asked about: the system prompt, with the
    rubric in it, and the template that the text goes into."""
    return content_hash("prompt", system, template)


def canonical(value: object) -> str:
    """JSON with sorted keys and no spaces: the same value, the same characters."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def answers_for(asked: str, answered: str) -> bool:
    """Whether a response that names the model `answered` may stand for `asked`: the same name, or its
    dated snapshot (claude-haiku-5-5-20261001). A stand-in's answer is never taken for Claude's."""
    return asked == answered or re.fullmatch(re.escape(asked) + r"(-\d{8})?", answered) is not None


@dataclass(frozen=True)
class Request:
    """One question about one text.

    `system` is what all requests of a prompt share (it carries the cache breakpoint); `message` is the user
    turn with the text in it, which may hold delimiters of its own (they are not part of the key).
    `parameters` are Messages parameters: `max_tokens` (needed), `effort`, `thinking`, `stop_sequences` …
    `replicate` > 0 asks the same again on purpose. `larger` gives the answer more room than max_tokens says;
    it is no other question, so not in the key.
    """

    text_digest: str
    prompt_digest: str
    model: str
    parameters: Mapping[str, Any]
    system: str = field(repr=False)
    message: str = field(repr=False)
    schema: Mapping[str, Any] | None = None
    replicate: int = 0
    larger: bool = False

    def __post_init__(self) -> None:
        reserved = sorted(_RESERVED & set(self.parameters))
        if reserved:
            raise ClaudeError(f"parameters: {reserved[0]!r} is set by the request itself; leave it out")
        max_tokens = self.parameters.get("max_tokens")
        if not isinstance(max_tokens, int) or max_tokens < 1:
            raise ClaudeError(f"parameters: max_tokens is {max_tokens!r}; a whole number from 1 up is needed")
        if self.schema is not None:
            check_schema(self.schema)

    @cached_property
    def key(self) -> str:
        """32 hex digits: the ledger's key of the answer. Everything that can change what is answered is in
        it; what only changes the price (cache breakpoints) or the delimiters is not."""
        return content_hash(
            "request",
            self.text_digest,
            self.prompt_digest,
            self.model,
            canonical(self.parameters),
            self.schema_json,
            str(self.replicate),
        )

    @property
    def schema_json(self) -> str:
        """The schema as JSON, `null` for none. In its own order: a model answers in it, so evidence asked
        for before or after a score is another question."""
        return _compact(self.schema)

    @property
    def max_tokens(self) -> int:
        """Of the answer; what was truncated is asked once more with LARGER times the room."""
        asked: int = self.parameters["max_tokens"]
        return asked * LARGER if self.larger else asked

    def enlarged(self) -> "Request":
        """The same question, with more room for the answer."""
        return replace(self, larger=True)

    @cached_property
    def bytes(self) -> int:
        """Of this request in the body of a message batch, in UTF-8, with a cache breakpoint."""
        return len(_compact(self.entry("-" * NONCE_CHARS)).encode("utf-8", "surrogatepass"))

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of the Messages API to send, with a cache breakpoint after the system prompt."""
        return self.body(cached=True)

    def body(self, *, cached: bool) -> dict[str, Any]:
        """The parameters of the Messages API to send."""
        output: dict[str, Any] = {}
        if "effort" in self.parameters:
            output["effort"] = self.parameters["effort"]
        if self.schema is not None:
            output["format"] = {"type": "json_schema", "schema": self.schema}
        rubric: dict[str, Any] = {"type": "text", "text": self.system}
        if cached:
            rubric["cache_control"] = {"type": "ephemeral"}
        return {
            "model": self.model,
            **{name: value for name, value in self.parameters.items() if name != "effort"},
            "max_tokens": self.max_tokens,
            **({"system": [rubric]} if self.system else {}),
            "messages": [{"role": "user", "content": self.message}],
            **({"output_config": output} if output else {}),
        }

    def entry(self, nonce: str, *, cached: bool = True) -> dict[str, Any]:
        """This request as a line of the message batch `nonce`."""
        return {"custom_id": f"{nonce}-{self.key}", "params": self.body(cached=cached)}


def key_of(custom_id: str, nonce: str) -> str | None:
    """The request key in a result's `custom_id`, or None where it is not of the message batch `nonce`."""
    head, _, key = custom_id.partition("-")
    return key if head == nonce and key else None
