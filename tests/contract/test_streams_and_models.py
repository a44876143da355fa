"""The rest of the API that the stand-in serves: streams, models, other names, rate limits, prompt caches."""

import json

import anthropic
import pytest

from curation.claude import stand_in
from curation.claude.stand_in.lengths import Lengths
from curation.errors import ClaudeError
from tests.contract.conftest import PARAMS, SAID, SCHEMA, ended, entries, strict_client

RUBRIC = "Judge how much a text teaches. " * 80  # 2,480 bytes, 620 tokens


def test_a_streamed_message_is_the_one_that_is_given_whole(client):
    whole = client.messages.create(**PARAMS)
    with client.messages.stream(**PARAMS) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert (message.id, message.stop_reason, message.usage.output_tokens) == (
        whole.id,
        "end_turn",
        whole.usage.output_tokens,
    )
    assert text == message.content[0].text == whole.content[0].text


def test_a_stream_has_the_apis_events_in_order(client):
    kinds = [event.type for event in client.messages.create(**PARAMS | {"max_tokens": 3}, stream=True)]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert set(kinds[2:-3]) == {"content_block_delta"}


def test_a_message_batch_streams_nothing(client):
    made = client.messages.batches.create(requests=entries("a", stream=True))
    ended(client, made.id)
    [line] = client.messages.batches.results(made.id)
    assert line.result.error.error.type == "invalid_request_error"


def test_its_model_is_listed_and_no_other_is(client):
    assert [model.id for model in client.models.list()] == [stand_in.MODEL]
    assert "not a language model" in client.models.retrieve(stand_in.MODEL).display_name
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("claude-haiku-5-5")


def test_it_answers_under_another_name_of_its_own_and_never_under_claudes():
    with stand_in.serve(model="offline-rules-1-priced", delay_seconds=0.01) as server:
        client, params = strict_client(server), PARAMS | {"model": "offline-rules-1-priced"}
        assert client.messages.create(**params).model == "offline-rules-1-priced"
        assert client.messages.count_tokens(model="offline-rules-1-priced", messages=SAID).input_tokens == 8
        made = client.messages.batches.create(requests=entries("a", model="offline-rules-1-priced"))
        ended(client, made.id)
        [line] = client.messages.batches.results(made.id)
        assert line.result.message.model == "offline-rules-1-priced"
        with pytest.raises(anthropic.NotFoundError, match="offline-rules-1-priced"):
            client.messages.create(**PARAMS)
    with (
        pytest.raises(ClaudeError, match="does not answer as 'claude-haiku-5-5'"),
        stand_in.serve(model="claude-haiku-5-5"),
    ):
        pass


def test_requests_beyond_the_rate_are_refused_with_the_time_to_wait():
    with stand_in.serve(requests_a_minute=2) as server:
        client = strict_client(server)
        left = [client.messages.with_raw_response.create(**PARAMS) for _ in range(2)]
        assert [each.headers["anthropic-ratelimit-requests-remaining"] for each in left] == ["1", "0"]
        with pytest.raises(anthropic.RateLimitError) as caught:
            client.messages.create(**PARAMS)
        headers = caught.value.response.headers
        assert 0 < int(headers["retry-after"]) <= 30
        assert headers["anthropic-ratelimit-requests-limit"] == "2"
        assert client.messages.count_tokens(model=stand_in.MODEL, messages=SAID).input_tokens == 8


@pytest.mark.parametrize(("ttl", "kept"), [(None, "5m"), ("5m", "5m"), ("1h", "1h")])
def test_a_marked_prefix_is_written_once_and_then_read(ttl, kept):
    control = {"type": "ephemeral"} | ({"ttl": ttl} if ttl else {})
    params = PARAMS | {"system": [{"type": "text", "text": RUBRIC, "cache_control": control}]}
    with stand_in.serve(cache_hit_ratio=1.0) as server:
        usages = [strict_client(server).messages.create(**params).usage for _ in range(2)]
    first, second = usages
    assert (first.input_tokens, first.cache_creation_input_tokens, first.cache_read_input_tokens) == (
        8,
        620,
        0,
    )
    assert getattr(first.cache_creation, f"ephemeral_{kept}_input_tokens") == 620
    assert (second.input_tokens, second.cache_creation_input_tokens, second.cache_read_input_tokens) == (
        8,
        0,
        620,
    )


def test_drawn_lengths_stay_within_the_contract_and_the_schema():
    output = {"format": {"type": "json_schema", "schema": SCHEMA}}
    with stand_in.serve(lengths=Lengths(median_tokens=100)) as server:
        message = strict_client(server).messages.create(
            **PARAMS | {"max_tokens": 20_000}, output_config=output
        )
    text = message.content[0].text
    assert message.usage.output_tokens == -(-len(text.encode()) // 4)
    assert set(json.loads(text)) == {"evidence", "score"}
