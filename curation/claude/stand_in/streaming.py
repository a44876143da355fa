"""A message as the server-sent events that `stream: true` asks for."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from curation.claude.stand_in.messages import text_of
from curation.claude.stand_in.reply import Reply

_PIECE_CHARS = 40


def streamed(message: Mapping[str, Any]) -> Reply:
    lines = (f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events(message))
    return Reply(200, "".join(lines).encode(), "text/event-stream")


def events(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """In the API's order: the message without its content, each block in pieces, how and why it ended."""
    usage = message["usage"]
    begun: dict[str, Any] = {
        "content": [],
        "stop_reason": None,
        "stop_details": None,
        "usage": {**usage, "output_tokens": 1},
    }
    yield {"type": "message_start", "message": {**message, **begun}}
    for index, block in enumerate(message["content"]):
        yield {"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}}
        yield {"type": "ping"}
        text = text_of([block])
        for start in range(0, len(text), _PIECE_CHARS):
            delta = {"type": "text_delta", "text": text[start : start + _PIECE_CHARS]}
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ended = {name: message[name] for name in ("stop_reason", "stop_sequence", "stop_details")}
    yield {"type": "message_delta", "delta": ended, "usage": {"output_tokens": usage["output_tokens"]}}
    yield {"type": "message_stop"}
