"""A client that raises where a response does not fit its type to the letter, and what it asks."""

import time
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic.types.messages import MessageBatch

from curation.claude import stand_in

SCHEMA = {
    "type": "object",
    "properties": {"evidence": {"type": "string"}, "score": {"type": "integer", "enum": [0, 1, 2]}},
    "required": ["evidence", "score"],
    "additionalProperties": False,
}
SAID: list[Any] = [{"role": "user", "content": "The sea is wide and it is deep."}]
PARAMS: dict[str, Any] = {"model": stand_in.MODEL, "max_tokens": 200, "messages": SAID}


def strict_client(server: stand_in.StandIn) -> anthropic.Anthropic:
    return anthropic.Anthropic(
        api_key="k", base_url=server.url, max_retries=0, _strict_response_validation=True
    )


@pytest.fixture(scope="module")
def server() -> Iterator[stand_in.StandIn]:
    with stand_in.serve(delay_seconds=0.3) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: stand_in.StandIn) -> anthropic.Anthropic:
    return strict_client(server)


def entries(*custom_ids: str, **changes: Any) -> list[Any]:
    return [{"custom_id": custom_id, "params": PARAMS | changes} for custom_id in custom_ids]


def ended(client: anthropic.Anthropic, batch_id: str) -> MessageBatch:
    deadline = time.monotonic() + 20
    while (batch := client.messages.batches.retrieve(batch_id)).processing_status != "ended":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return batch
