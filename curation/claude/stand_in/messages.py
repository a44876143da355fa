"""One message of the stand-in: the API's response around what the rules answer.

Tokens are counted by a rule that needs no tokenizer: one for each four bytes of UTF-8, rounded up.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from curation.claude.stand_in import rules
from curation.claude.stand_in.wire import check_model, check_params, schema_of

Answer = Callable[[str, Mapping[str, Any] | None], str]  # user message, JSON schema → the answer's text
Respond = Callable[[Mapping[str, Any], str], dict[str, Any]]  # parameters, service tier → the response

BYTES_A_TOKEN = 4


def tokens_of(text: str) -> int:
    return -(-len(text.encode("utf-8", "replace")) // BYTES_A_TOKEN)


def input_tokens(params: Mapping[str, Any]) -> int:
    """Of the system prompt and all messages."""
    texts = [
        text_of(params.get("system", "")),
        *(text_of(message["content"]) for message in params["messages"]),
    ]
    return sum(map(tokens_of, texts))


def request_of(params: Mapping[str, Any]) -> str:
    """What is asked, whatever it may cost: the same when it is asked again with more tokens or a cache."""
    asked = [params.get("messages"), params.get("output_config")]
    return hashlib.blake2b(json.dumps(asked).encode(), digest_size=16).hexdigest()


def named(respond: Respond, model: str) -> Respond:
    """`respond` under the name `model`."""

    def renamed(params: Mapping[str, Any], service_tier: str) -> dict[str, Any]:
        check_model(params.get("model"), model)
        return respond({**params, "model": rules.MODEL}, service_tier) | {"model": model}

    return renamed


def respond(params: object, service_tier: str, *, answer: Answer = rules.answer) -> dict[str, Any]:
    """The Messages response to `params`; ApiError where the API would refuse them. The same parameters,
    the same response."""
    checked = check_params(params)
    users = [text_of(m["content"]) for m in checked["messages"] if m["role"] == "user"]
    text = answer(users[-1] if users else "", schema_of(checked))
    message: dict[str, Any] = {
        "id": "msg_"
        + hashlib.blake2b(json.dumps(params, sort_keys=True).encode(), digest_size=12).hexdigest(),
        "type": "message",
        "role": "assistant",
        "model": rules.MODEL,
        "content": [],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "stop_details": None,
        "usage": {
            "input_tokens": input_tokens(checked),
            "output_tokens": 0,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "service_tier": service_tier,
        },
    }
    return saying(message, text, checked["max_tokens"])


def saying(message: Mapping[str, Any], text: str, max_tokens: int) -> dict[str, Any]:
    """`message` with `text` for its answer, cut at `max_tokens`: usage and stop reason follow."""
    output_tokens = tokens_of(text)
    cut = output_tokens > max_tokens
    if cut:
        text = text.encode("utf-8", "replace")[: max_tokens * BYTES_A_TOKEN].decode("utf-8", "ignore")
    return {
        **message,
        "content": [{"type": "text", "text": text}],
        "stop_reason": "max_tokens" if cut else "end_turn",
        "usage": {**message["usage"], "output_tokens": min(output_tokens, max_tokens)},
    }


def text_of(content: object) -> str:
    """The text of a system prompt or a message: a string, or blocks."""
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "\n".join(block["text"] for block in blocks if isinstance(block, dict) and "text" in block)
