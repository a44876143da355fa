"""One message of the stand-in: the API's response around what the rules answer.

Tokens are counted by a rule that needs no tokenizer: one for each four bytes of UTF-8, rounded up.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from curation.claude.stand_in import rules
from curation.claude.stand_in.wire import check_params, schema_of

_BYTES_A_TOKEN = 4


def tokens_of(text: str) -> int:
    return -(-len(text.encode("utf-8", "replace")) // _BYTES_A_TOKEN)


def input_tokens(params: Mapping[str, Any]) -> int:
    """Of the system prompt and all messages."""
    texts = [_text(params.get("system", "")), *(_text(message["content"]) for message in params["messages"])]
    return sum(map(tokens_of, texts))


def respond(params: object, service_tier: str) -> dict[str, Any]:
    """The Messages response to `params`; ApiError where the API would refuse them. The same parameters,
    the same response."""
    checked = check_params(params)
    users = [_text(m["content"]) for m in checked["messages"] if m["role"] == "user"]
    text = rules.answer(users[-1] if users else "", schema_of(checked))
    output_tokens, limit = tokens_of(text), checked["max_tokens"]
    truncated = output_tokens > limit
    if truncated:
        text = text.encode()[: limit * _BYTES_A_TOKEN].decode("utf-8", "ignore")
    return {
        "id": "msg_"
        + hashlib.blake2b(json.dumps(params, sort_keys=True).encode(), digest_size=12).hexdigest(),
        "type": "message",
        "role": "assistant",
        "model": rules.MODEL,
        "content": [{"type": "text", "text": text}],
        "stop_reason": "max_tokens" if truncated else "end_turn",
        "stop_sequence": None,
        "stop_details": None,
        "usage": {
            "input_tokens": input_tokens(checked),
            "output_tokens": min(output_tokens, limit),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "service_tier": service_tier,
        },
    }


def _text(content: object) -> str:
    """The text of a system prompt or a message: a string, or blocks."""
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "\n".join(block["text"] for block in blocks if isinstance(block, dict) and "text" in block)
