"""The stand-in held to the SDK's own types, both ways, for every verb of Messages and Message Batches.

Out: a client that raises where a response does not fit its type to the letter. In: what the SDK's types do
not allow is refused, and what the driver sends they allow.
"""

import json

import anthropic
import httpx2
import pytest
from anthropic.types.messages.batch_create_params import BatchCreateParams
from pydantic import TypeAdapter

from curation.claude import stand_in
from curation.claude.request import Request, prompt_digest
from curation.claude.stand_in import wire
from tests.contract.conftest import PARAMS, SAID, SCHEMA, ended, entries, strict_client


def materialised(value):
    """With every lazy iterable of the SDK's types read out: they validate only then."""
    if isinstance(value, dict):
        return {name: materialised(part) for name, part in value.items()}
    if value is None or isinstance(value, str | bytes | int | float):
        return value
    return [materialised(part) for part in value]


# --- what goes out


def test_a_message_is_one_to_the_letter(client):
    message = client.messages.create(**PARAMS)
    assert message.model == "offline-rules-1"
    assert message.stop_reason == "end_turn"
    assert message.usage.service_tier == "standard"
    assert message.usage.input_tokens == 8  # 31 bytes, one token for each four begun


def test_structured_output_is_honoured(client):
    output = {"format": {"type": "json_schema", "schema": SCHEMA}}
    message = client.messages.create(**PARAMS, output_config=output)
    assert set(json.loads(message.content[0].text)) == {"evidence", "score"}


def test_an_answer_beyond_max_tokens_is_cut_and_says_so(client):
    message = client.messages.create(**PARAMS | {"max_tokens": 3})
    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 3)
    assert len(message.content[0].text) == 12


def test_a_token_count_is_the_input_that_a_message_is_billed(client):
    counted = client.messages.count_tokens(model=stand_in.MODEL, messages=SAID, system="Judge.")
    assert counted.input_tokens == client.messages.create(**PARAMS, system="Judge.").usage.input_tokens


def test_a_batch_counts_nothing_until_all_of_it_has_ended(client):
    made = client.messages.batches.create(requests=[*entries("a", "b"), *entries("c", max_tokens=0)])
    assert made.processing_status == "in_progress"
    assert (made.request_counts.processing, made.request_counts.succeeded) == (3, 0)
    assert made.results_url is None
    assert (made.expires_at - made.created_at).total_seconds() == 24 * 3600
    batch = ended(client, made.id)
    counts = batch.request_counts
    assert (counts.processing, counts.succeeded, counts.errored) == (0, 2, 1)
    assert batch.results_url.endswith(f"{made.id}/results")
    results = {line.custom_id: line.result for line in client.messages.batches.results(made.id)}
    assert {i: result.type for i, result in results.items()} == {
        "a": "succeeded",
        "b": "succeeded",
        "c": "errored",
    }
    assert results["a"].message.usage.service_tier == "batch"
    assert results["c"].error.error.type == "invalid_request_error"
    assert results["c"].error.request_id.startswith("req_")


def test_a_canceled_batch_passes_through_canceling_to_canceled_results(client):
    made = client.messages.batches.create(requests=entries("a", "b"))
    canceling = client.messages.batches.cancel(made.id)
    assert canceling.processing_status == "canceling"
    assert canceling.cancel_initiated_at is not None
    assert canceling.request_counts.canceled == 0
    assert ended(client, made.id).request_counts.canceled == 2
    assert {line.result.type for line in client.messages.batches.results(made.id)} == {"canceled"}
    assert client.messages.batches.cancel(made.id).processing_status == "ended"


def test_a_batch_is_deleted_only_once_it_has_ended(client):
    made = client.messages.batches.create(requests=entries("a"))
    with pytest.raises(anthropic.BadRequestError, match="cancel"):
        client.messages.batches.delete(made.id)
    ended(client, made.id)
    assert client.messages.batches.delete(made.id).type == "message_batch_deleted"
    with pytest.raises(anthropic.NotFoundError):
        client.messages.batches.retrieve(made.id)
    assert made.id not in [batch.id for batch in client.messages.batches.list()]


def test_results_are_not_given_before_the_end(client, server):
    made = client.messages.batches.create(requests=entries("a"))
    url = f"{server.url}/v1/messages/batches/{made.id}/results"
    assert httpx2.get(url, headers={"x-api-key": "k"}).status_code == 400


def test_the_list_is_newest_first_and_pages_both_ways():
    with stand_in.serve() as server:
        client = strict_client(server)
        made = [client.messages.batches.create(requests=entries("a")).id for _ in range(25)][::-1]
        assert [batch.id for batch in client.messages.batches.list(limit=4)] == made, "all pages"
        first = client.messages.batches.list()
        assert ([batch.id for batch in first.data], first.has_more) == (made[:20], True)
        assert (first.first_id, first.last_id) == (made[0], made[19])
        older = client.messages.batches.list(after_id=made[19])
        assert ([batch.id for batch in older.data], older.has_more) == (made[20:], False)
        newer = client.messages.batches.list(before_id=made[10], limit=3)
        assert ([batch.id for batch in newer.data], newer.has_more) == (made[7:10], True)


def test_an_empty_list_is_one():
    with stand_in.serve() as server:
        client = strict_client(server)
        page = client.messages.batches.list()
        assert (page.data, page.has_more, page.first_id, page.last_id) == ([], False, None, None)


# --- what comes in


@pytest.mark.parametrize(
    "params",
    [
        PARAMS | {"temperature": 0.5},
        PARAMS | {"max_tokens": "200"},
        PARAMS | {"max_tokens": 0},
        PARAMS | {"stream": "yes"},
        PARAMS | {"messages": [{"role": "boss", "content": "x"}]},
        PARAMS | {"messages": [{"role": "user", "content": "x", "mood": "good"}]},
        PARAMS | {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "mood": "good"}]}]},
        PARAMS
        | {"system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "2h"}}]},
        PARAMS | {"output_config": {"effort": "lots"}},
        PARAMS
        | {"output_config": {"format": {"type": "json_schema", "schema": {"type": "integer", "minimum": 0}}}},
        {name: value for name, value in PARAMS.items() if name != "max_tokens"},
        [],
    ],
)
def test_parameters_that_the_sdks_types_do_not_allow_are_refused(server, params):
    answer = httpx2.post(f"{server.url}/v1/messages", json=params, headers={"x-api-key": "k"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_what_the_driver_sends_is_allowed_by_the_sdks_types_to_the_letter(server):
    request = Request(
        "t" * 32,
        prompt_digest("Judge.", "t"),
        stand_in.MODEL,
        {"max_tokens": 50, "effort": "low", "thinking": {"type": "disabled"}, "stop_sequences": ["x"]},
        "Judge.",
        "text",
        SCHEMA,
    )
    body = {"requests": [request.entry("n" * 16)]}
    assert materialised(TypeAdapter(BatchCreateParams).validate_python(body)) == body
    assert wire.check_params(body["requests"][0]["params"]) == body["requests"][0]["params"]


@pytest.mark.parametrize(
    "requests",
    [
        [],
        entries("a", "a"),
        entries(""),
        entries("a b"),
        entries("ä"),
        entries("x" * 65),
        [{"custom_id": "a"}],
        [{**entries("a")[0], "priority": 1}],
        [{"custom_id": "a", "params": []}],
    ],
)
def test_a_batch_with_a_bad_request_is_refused_whole(client, requests):
    with pytest.raises(anthropic.BadRequestError, match="requests"):
        client.messages.batches.create(requests=requests)


def test_a_batch_of_more_than_a_hundred_thousand_is_refused(server):
    many = [{"custom_id": str(i), "params": {"model": stand_in.MODEL}} for i in range(100_001)]
    answer = httpx2.post(
        f"{server.url}/v1/messages/batches", json={"requests": many}, headers={"x-api-key": "k"}, timeout=60
    )
    assert answer.status_code == 400
    assert "100,001" in answer.json()["error"]["message"]


def test_a_body_beyond_the_limit_is_refused_as_too_large(client, monkeypatch):
    monkeypatch.setattr(wire, "BATCH_BODY_BYTES_MAX", 1000)
    with pytest.raises(anthropic.APIStatusError) as caught:
        client.messages.batches.create(requests=entries(*map(str, range(20))))
    assert (caught.value.status_code, caught.value.type) == (413, "request_too_large")


def test_another_models_name_is_not_answered_to(client):
    for ask in (
        lambda model: client.messages.create(**PARAMS | {"model": model}),
        lambda model: client.messages.batches.create(requests=entries("a", model=model)),
        lambda model: client.messages.count_tokens(model=model, messages=SAID),
    ):
        with pytest.raises(anthropic.NotFoundError, match="offline-rules-1") as caught:
            ask("claude-haiku-5-5")
        assert caught.value.type == "not_found_error"


def test_errors_have_the_apis_shape_and_a_request_id_in_both_places(client):
    for ask in (
        client.messages.batches.retrieve,
        client.messages.batches.cancel,
        client.messages.batches.delete,
    ):
        with pytest.raises(anthropic.NotFoundError) as caught:
            ask("msgbatch_none")
        assert caught.value.body["type"] == "error"
        assert caught.value.request_id.startswith("req_")
        assert caught.value.body["request_id"] == caught.value.request_id


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "after_id=a&before_id=b"])
def test_a_list_that_cannot_be_given_is_refused(server, query):
    answer = httpx2.get(f"{server.url}/v1/messages/batches?{query}", headers={"x-api-key": "k"})
    assert (answer.status_code, answer.json()["type"]) == (400, "error")


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/none"), ("DELETE", "/v1/messages"), ("GET", "/")])
def test_what_is_not_served_is_not_found(server, method, path):
    answer = httpx2.request(method, f"{server.url}{path}", headers={"x-api-key": "k"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found_error")


def test_a_body_that_is_no_json_is_refused(server):
    answer = httpx2.post(f"{server.url}/v1/messages", content=b"{", headers={"x-api-key": "k"})
    assert answer.status_code == 400
