"""What goes wrong is told as the API tells it: in its shapes, with its types, statuses and headers."""

from collections import Counter

import anthropic
import httpx2
import pytest

from curation.claude import stand_in
from curation.claude.stand_in.faults import FAULTS, AnswerFault
from tests.contract.conftest import PARAMS, SCHEMA, ended, entries, strict_client

OUTPUT = {"format": {"type": "json_schema", "schema": SCHEMA}}
OF_ANSWERS = [
    name for name, fault in FAULTS.items() if any(isinstance(each, AnswerFault) for each in fault.strikes)
]


def requests(count=60):
    return [
        entries(str(i), messages=[{"role": "user", "content": f"Text {i}."}], output_config=OUTPUT)[0]
        for i in range(count)
    ]


def results_under(fault):
    with stand_in.serve(delay_seconds=0.02, faults=[fault]) as server:
        client = strict_client(server)
        made = client.messages.batches.create(requests=requests())
        counts = ended(client, made.id).request_counts
        return list(client.messages.batches.results(made.id)), counts, server


@pytest.mark.parametrize("name", OF_ANSWERS)
def test_troubled_results_fit_the_sdks_types_and_the_batchs_counts(name):
    lines, counts, server = results_under(name)
    kinds = Counter(line.result.type for line in lines)
    told = {"succeeded": counts.succeeded, "errored": counts.errored, "expired": counts.expired}
    assert kinds == {kind: count for kind, count in told.items() if count}
    assert sorted(line.custom_id for line in lines) == sorted(str(i) for i in range(60))
    assert 0 < server.trouble.struck[name] < 60


def test_refusals_are_billed_and_some_name_their_category():
    lines, _, _ = results_under("refusals")
    refused = [line.result.message for line in lines if line.result.message.stop_reason == "refusal"]
    assert all(message.usage.input_tokens > 0 and message.content == [] for message in refused)
    assert len({message.stop_details.category for message in refused}) > 1


def test_a_batch_canceled_midway_keeps_what_was_answered_before():
    with stand_in.serve(delay_seconds=0.02, faults=["cancel"]) as server:
        client = strict_client(server)
        made = [client.messages.batches.create(requests=requests()).id for _ in range(2)]
        counts = [ended(client, batch_id).request_counts for batch_id in made]
        at = next(i for i, each in enumerate(counts) if each.canceled)
        lines = list(client.messages.batches.results(made[at]))
    assert (counts[at].succeeded, counts[at].canceled, counts[1 - at].succeeded) == (30, 30, 60)
    assert Counter(line.result.type for line in lines) == {"succeeded": 30, "canceled": 30}


def test_a_spend_limit_is_told_by_its_code_and_without_a_time_to_wait():
    with stand_in.serve(faults=["spend_limit"]) as server:
        client = strict_client(server)
        client.messages.batches.create(requests=entries("a"))
        for _ in range(2):
            with pytest.raises(anthropic.RateLimitError) as caught:
                client.messages.batches.create(requests=entries("a"))
            assert caught.value.error_code == "enforced_spend_limit_reached"
            assert "retry-after" not in caught.value.response.headers
        server.trouble.lift("spend_limit")
        client.messages.batches.create(requests=entries("a"))


@pytest.mark.parametrize(
    ("name", "statuses", "has_wait"),
    [
        ("rate_limit", {429}, True),
        ("rate_limit_bare", {429}, False),
        ("overloaded", {529}, False),
        ("server_error", {500, 502, 504}, False),
    ],
)
def test_a_service_in_trouble_says_so_by_status(name, statuses, has_wait):
    seen = []
    with stand_in.serve(faults=[name]) as server:
        for _ in range(12):
            try:
                strict_client(server).messages.create(**PARAMS)
            except anthropic.APIStatusError as error:
                seen.append(error)
        assert len(seen) == server.trouble.struck[name] > 0
    assert {error.status_code for error in seen} <= statuses
    assert all(("retry-after" in error.response.headers) == has_wait for error in seen)


@pytest.mark.parametrize("seed", range(6))
def test_a_dropped_stream_ends_early_loudly_or_not(seed):
    with stand_in.serve(delay_seconds=0.02, faults=["dropped_stream"], seed=seed) as server:
        client = strict_client(server)
        made = client.messages.batches.create(requests=requests())
        url = ended(client, made.id).results_url
        whole = (server.state / f"{made.id}.results.jsonl").read_bytes()
        fetched = []
        for _ in range(8):
            try:
                fetched.append(httpx2.get(url, headers={"x-api-key": "k"}).content)
            except httpx2.RemoteProtocolError:
                fetched.append(b"dropped")
        assert 0 < sum(each != whole for each in fetched) <= server.trouble.struck["dropped_stream"]
        assert all(each == b"dropped" or whole.startswith(each) for each in fetched)


@pytest.mark.parametrize("name", ["lost_answer", "server_error"])
def test_a_creation_whose_answer_is_lost_may_have_made_the_batch(name):
    made = 0
    with stand_in.serve(faults=[name], seed=3) as server:
        client = strict_client(server)
        for _ in range(8):
            try:
                client.messages.batches.create(requests=entries("a"))
                made += 1
            except (anthropic.APIConnectionError, anthropic.APIStatusError):
                pass
        assert made < server.counts["requests"] <= 8


def test_a_garbled_body_is_a_success_that_cannot_be_read():
    with stand_in.serve(faults=["garbled_body"]) as server:
        headers = {"x-api-key": "k"}
        answers = [httpx2.get(f"{server.url}/v1/models", headers=headers) for _ in range(2)]
        assert all(answer.json()["data"] for answer in answers), "only what a driver asks is struck"
        answers = [httpx2.get(f"{server.url}/v1/messages/batches", headers=headers) for _ in range(12)]
    assert {answer.status_code for answer in answers} == {200}
    assert 0 < sum(not answer.text.endswith("}") for answer in answers) <= 4


def test_a_skewed_clock_is_skewed_throughout():
    with stand_in.serve(faults=["clock_skew"]) as server, stand_in.serve() as right:
        made, now = (
            strict_client(each).messages.batches.create(requests=entries("a")) for each in (server, right)
        )
        skew = (made.created_at - now.created_at).total_seconds()
    assert 2990 < abs(skew) < 3010
