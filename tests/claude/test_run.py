"""The driver against the stand-in, with what goes wrong on the way put in between."""

import json
import random
import secrets
import threading
from collections import Counter
from datetime import UTC, datetime

import anthropic
import httpx2
import pytest

from curation.claude import batches, direct, stand_in
from curation.claude.batches import Planned, submit
from curation.claude.client import Connection
from curation.claude.decide import Patience
from curation.claude.ledger import Ledger
from curation.claude.run import run
from curation.claude.split import Limits
from curation.claude.stand_in.messages import respond, saying
from curation.claude.stand_in.wire import ApiError
from curation.errors import ClaudeError
from tests.claude.conftest import QUICK
from tests.claude.one_by_one import PATIENCE


class Tampered(httpx2.BaseTransport):
    """A transport whose answers to some requests are changed: tamper(request, response) → response."""

    def __init__(self, tamper):
        self.inner, self.tamper = httpx2.HTTPTransport(), tamper

    def handle_request(self, request):
        return self.tamper(request, self.inner.handle_request(request))


def tampered_client(server, tamper):
    http_client = anthropic.DefaultHttpxClient(transport=Tampered(tamper))
    return anthropic.Anthropic(api_key="k", base_url=server.url, http_client=http_client, max_retries=0)


def plan(ledger, requests):
    """As a run does that is killed before it sends."""
    nonce = secrets.token_hex(8)
    assert ledger.plan(nonce, requests)
    return Planned(nonce, tuple(requests))


def rows(ledger, requests):
    return {row.key: row for row in ledger.answers([r.key for r in requests])}


def test_every_request_is_answered_once_and_a_second_run_sends_nothing(server, client, ledger, ask, drive):
    requests = [ask(i) for i in range(25)]
    first = drive(client, requests, limits=Limits(requests=10))
    assert (first.sent, dict(first.outcomes), server.counts["create"]) == (25, {"ok": 25}, 3)
    seen = dict(server.counts)
    second = drive(client, requests)
    assert (second.sent, dict(second.outcomes)) == (0, {"ok": 25})
    assert dict(server.counts) == seen, "a second run does not even ask"
    third = drive(client, [*requests, ask(99)])
    assert third.sent == 1
    answer = json.loads(rows(ledger, requests)[requests[0].key].body)
    assert answer["evidence"].startswith("offline-rules-1")


def test_the_same_request_given_twice_is_sent_once(client, ask, drive):
    report = drive(client, [ask(1), ask(1), ask(1, replicate=1)])
    assert (report.requested, report.sent, dict(report.outcomes)) == (3, 2, {"ok": 3})


def test_shuffled_and_repeated_result_lines_give_one_row_a_request(server, ledger, ask, drive):
    def tamper(request, response):
        if not request.url.path.endswith("/results"):
            return response
        lines = response.read().splitlines(keepends=True) * 2
        random.Random(1).shuffle(lines)
        return httpx2.Response(200, content=b"".join(lines), headers={"content-type": "application/x-jsonl"})

    requests = [ask(i) for i in range(9)]
    report = drive(tampered_client(server, tamper), requests)
    assert dict(report.outcomes) == {"ok": 9}
    assert all(row.attempts == 1 for row in rows(ledger, requests).values())


@pytest.mark.parametrize("how", ["error", "short", "torn"])
def test_a_dropped_result_stream_is_fetched_again(server, ask, how, drive):
    drops = []

    class Broken(httpx2.SyncByteStream):
        def __init__(self, data):
            self.data = data

        def __iter__(self):
            yield self.data
            if how == "error":
                raise httpx2.ReadError("connection reset")

    def tamper(request, response):
        if not request.url.path.endswith("/results") or len(drops) == 2:
            return response
        drops.append(how)
        data = response.read()
        cut = data[: len(data) // 2]
        cut = cut[: cut.rindex(b"\n") + 1] if how == "short" else cut
        return httpx2.Response(200, stream=Broken(cut), headers={"content-type": "application/x-jsonl"})

    report = drive(tampered_client(server, tamper), [ask(i) for i in range(9)])
    assert len(drops) == 2
    assert dict(report.outcomes) == {"ok": 9}
    assert server.counts["create"] == 1


def test_results_that_never_come_whole_lose_nothing_and_are_not_paid_again(server, ledger, ask, drive):
    def tamper(request, response):
        if request.url.path.endswith("/results"):
            return httpx2.Response(200, content=response.read().split(b"\n", 1)[1])
        return response

    requests = [ask(i) for i in range(4)]
    quick = Patience(poll_seconds=0.01)
    with pytest.raises(ClaudeError, match="1 of 4 requests have no line"):
        drive(tampered_client(server, tamper), requests, patience=quick)
    assert rows(ledger, requests) == {}
    report = drive(Connection("k", server.url).client(), requests)
    assert (report.sent, dict(report.outcomes), server.counts["create"]) == (0, {"ok": 4}, 1)


def test_each_outcome_is_kept_as_a_row_and_goes_again_by_its_policy(ledger, ask, drive):
    asked = Counter()
    room = []

    def troubled(params, tier):
        trouble = json.loads(params["messages"][0]["content"])["trouble"]
        asked[trouble] += 1
        if trouble == "truncated":
            room.append(params["max_tokens"])
        if trouble == "overloaded":
            raise ApiError(529, "overloaded_error", "later")
        answer = respond(params, tier)
        if trouble == "refused":
            details = {"type": "refusal", "category": "bio", "explanation": None}
            return answer | {"stop_reason": "refusal", "stop_details": details, "content": []}
        if trouble == "schema_invalid" or (trouble == "garbled_once" and asked[trouble] == 1):
            return answer | {"content": [{"type": "text", "text": '{"score": 9}'}]}
        return answer

    def troubled_request(i, trouble, **changes):
        return ask(i, message=json.dumps({"trouble": trouble}), **changes)

    requests = [
        troubled_request(1, "refused"),
        troubled_request(2, "schema_invalid"),
        troubled_request(3, "truncated", parameters={"max_tokens": 2}),
        troubled_request(4, "fixable", parameters={"max_tokens": 5, "temperature": 0.5}),
        troubled_request(5, "overloaded"),
        troubled_request(6, "garbled_once"),
        troubled_request(7, "fine"),
    ]
    wanted = ["refused", "schema_invalid", "truncated", "errored", "errored", "ok", "ok"]
    with stand_in.serve(delay_seconds=0.05, respond=troubled) as server:
        client = Connection("k", server.url).client()
        report = drive(client, requests)
        assert drive(client, requests).sent == 1, "what the service failed to answer, once more"
    found = rows(ledger, requests)
    assert [found[request.key].outcome for request in requests] == wanted
    assert [found[request.key].attempts for request in requests] == [1, 2, 2, 1, 4, 2, 1]
    assert found[requests[0].key].detail == "bio"
    assert found[requests[3].key].detail == "invalid_request_error"
    assert [found[r.key].body is None for r in requests] == [True] * 5 + [False, False]
    assert room == [2, 8], "the second time there is more room, under the same key"
    assert (report.requested, report.sent) == (7, 12)
    assert report.outcomes == Counter(wanted)


def test_an_answer_that_was_truncated_is_whole_with_more_room(ledger, ask, drive, client):
    tight = ask(1, parameters={"max_tokens": 20})
    report = drive(client, [tight])
    assert (dict(report.outcomes), report.sent) == ({"ok": 1}, 2)
    assert rows(ledger, [tight])[tight.key].attempts == 2


@pytest.mark.parametrize(("then", "runs", "attempts"), [("canceled", [2, 1], 2), ("expired", [3, 0], 3)])
def test_what_was_truncated_and_then_not_answered_goes_again_with_more_room_still(
    server, ledger, ask, drive, then, runs, attempts
):
    """What a person canceled not by the same run. Asked in the old size, it would be truncated for good."""
    room = []

    def tamper(request, response):
        if request.method == "POST":
            [entry] = json.loads(request.read())["requests"]
            room.append(entry["params"]["max_tokens"])
        if not request.url.path.endswith("/results") or len(room) != 2:
            return response
        line = json.loads(response.read()) | {"result": {"type": then}}
        content = json.dumps(line).encode() + b"\n"
        return httpx2.Response(200, content=content, headers={"content-type": "application/x-jsonl"})

    tight, client = ask(1, parameters={"max_tokens": 20}), tampered_client(server, tamper)
    reports = [drive(client, [tight]) for _ in runs]
    assert [report.sent for report in reports] == runs
    assert room == [20, 80, 80]
    [row] = ledger.answers([tight.key])
    assert (row.outcome, row.attempts) == ("ok", attempts)


@pytest.mark.parametrize("way", ["batches", "one by one"])
def test_what_was_truncated_and_then_fitted_no_schema_keeps_its_room(ledger, raw, ask, way):
    room = []

    def reply(params, service_tier):
        room.append(params["max_tokens"])
        made = respond(params, service_tier)
        return saying(made, "I cannot say.", params["max_tokens"]) if len(room) == 2 else made

    tight = ask(1, parameters={"max_tokens": 20})
    with stand_in.serve(delay_seconds=0.02, respond=reply) as server:
        connection = Connection("k", server.url)
        if way == "batches":
            report = run(connection.client(), ledger, [tight], raw, patience=QUICK)
        else:
            report = direct.run(connection, ledger, [tight], raw, patience=PATIENCE)
    assert room == [20, 80, 80]
    assert (dict(report.outcomes), report.sent) == ({"ok": 1}, 3)


def test_what_was_canceled_by_hand_is_not_sent_again_by_the_same_run(ledger, ask, drive):
    with stand_in.serve(delay_seconds=0.4) as server:
        client = Connection("k", server.url).client()
        planned = plan(ledger, [ask(1), ask(2)])
        submit(client, ledger, planned)
        client.messages.batches.cancel(ledger.batch(planned.nonce).batch_id)
        report = drive(client, [ask(1), ask(2)])
        assert (report.sent, dict(report.outcomes)) == (0, {"canceled": 2})
        report = drive(client, [ask(1), ask(2)])
        assert (report.sent, dict(report.outcomes)) == (2, {"ok": 2})


def test_a_restarted_driver_takes_up_a_submitted_batch(server, client, ledger, ask, drive):
    requests = [ask(i) for i in range(5)]
    planned = plan(ledger, requests)
    submit(client, ledger, planned)
    report = drive(client, requests, ledger=Ledger(ledger._engine.url.database))
    assert (report.sent, dict(report.outcomes), server.counts["create"]) == (0, {"ok": 5}, 1)


@pytest.mark.parametrize("lost", ["before", "after"])
def test_a_create_whose_answer_is_lost_is_resolved_and_paid_once(server, ask, lost, drive):
    losses = []

    class Flaky(httpx2.HTTPTransport):
        def handle_request(self, request):
            is_create = request.method == "POST" and request.url.path == "/v1/messages/batches"
            if is_create and not losses:
                losses.append(lost)
                if lost == "after":
                    super().handle_request(request).read()
                raise httpx2.ReadError("connection reset")
            return super().handle_request(request)

    http_client = anthropic.DefaultHttpxClient(transport=Flaky())
    client = anthropic.Anthropic(api_key="k", base_url=server.url, http_client=http_client)
    foreign = Connection("other", server.url).client()
    requests = [ask(i) for i in range(3)]
    for n in range(2):  # as many requests, at the same time
        entries = [r.entry(f"{n:016}") for r in requests]
        foreign.messages.batches.create(requests=entries)
    report = drive(client, requests)
    assert dict(report.outcomes) == {"ok": 3}
    assert server.counts["create"] == 3, "the two foreign ones and ours"
    assert server.counts["cancel"] == server.counts["delete"] == 0


def test_an_intent_is_not_sent_again_while_a_batch_that_may_be_it_has_not_ended(ledger, ask, drive):
    with stand_in.serve(delay_seconds=1.0) as server:
        client = Connection("k", server.url).client()
        planned = plan(ledger, [ask(1)])
        assert ledger.submitting(planned.nonce)
        entries = [request.entry(planned.nonce) for request in planned.requests]
        made = client.messages.batches.create(requests=entries)  # and killed before it was recorded
        impatient = Patience(poll_seconds=0.05, create_grace_seconds=0.0)
        batches.resolve(client, ledger, ledger.batch(planned.nonce), patience=impatient)
        assert ledger.batch(planned.nonce).state == "submitting"
        report = drive(client, [ask(1)], patience=impatient)
        assert (report.sent, dict(report.outcomes)) == (0, {"ok": 1})
        assert ledger.batch(planned.nonce).batch_id == made.id


def test_a_planned_batch_of_a_killed_run_is_taken_over_whole_or_dissolved(client, ledger, ask, drive):
    plan(ledger, [ask(1), ask(2)])
    plan(ledger, [ask(3), ask(4)])
    report = drive(client, [ask(1), ask(2), ask(3)])
    assert (report.sent, dict(report.outcomes)) == (3, {"ok": 3})


def test_a_driver_whose_plan_another_dissolved_plans_again(client, ledger, ask, monkeypatch, drive):
    stolen = []

    def submit_late(client, ledger, planned, **options):
        if not stolen:
            stolen.append(ledger.unplan(planned.nonce))
        return submit(client, ledger, planned, **options)

    monkeypatch.setattr("curation.claude.drive.submit", submit_late)
    report = drive(client, [ask(1)])
    assert stolen == [True]
    assert (report.sent, dict(report.outcomes)) == (1, {"ok": 1})


def test_a_busy_service_is_asked_again_after_the_time_it_names(server, ask, drive):
    refusals = []

    class Busy(httpx2.HTTPTransport):
        def handle_request(self, request):
            if request.method == "POST" and len(refusals) < 2:
                refusals.append(datetime.now(UTC))
                body = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}
                return httpx2.Response(429, json=body, headers={"retry-after": "0.3"}, request=request)
            return super().handle_request(request)

    client = anthropic.Anthropic(
        api_key="k", base_url=server.url, http_client=anthropic.DefaultHttpxClient(transport=Busy())
    )
    report = drive(client, [ask(1)])
    assert (report.sent, len(refusals), server.counts["create"]) == (1, 2, 1)
    assert (refusals[1] - refusals[0]).total_seconds() >= 0.3


def test_a_free_batch_that_the_stand_in_forgot_is_sent_again(ledger, ask, drive):
    with stand_in.serve() as forgetful:
        planned = plan(ledger, [ask(1)])
        submit(Connection("k", forgetful.url).client(), ledger, planned)
    with stand_in.serve(delay_seconds=0.05) as server:
        report = drive(Connection("k", server.url).client(), [ask(1)])
    assert (report.sent, dict(report.outcomes)) == (1, {"ok": 1})


def test_a_paid_batch_that_cannot_be_found_is_not_sent_again(client, server, ledger, ask, drive):
    planned = plan(ledger, [ask(1, model="claude-haiku-5-5")])
    ledger.submitting(planned.nonce)
    ledger.submitted(planned.nonce, "msgbatch_elsewhere")
    with pytest.raises(ClaudeError, match=r"msgbatch_elsewhere.*not sent again"):
        drive(client, planned.requests)
    assert server.counts["create"] == 0


def test_a_claude_recipe_pointed_at_the_stand_in_fails_loudly(client, ask, drive):
    with pytest.raises(ClaudeError, match=r"claude-haiku-5-5.*not served here"):
        drive(client, [ask(1, model="claude-haiku-5-5")])


def test_an_answer_by_another_model_is_refused_and_not_kept(ledger, ask, drive):
    def impostor(params, tier):
        return respond(params, tier) | {"model": "claude-haiku-5-5"}

    with stand_in.serve(delay_seconds=0.05, respond=impostor) as server:
        client = Connection("k", server.url).client()
        with pytest.raises(ClaudeError, match=r"asked for offline-rules-1, answered by claude-haiku-5-5"):
            drive(client, [ask(1)])
    assert rows(ledger, [ask(1)]) == {}


def test_a_model_without_a_price_is_refused_before_anything_is_sent(client, server, ask, drive):
    with pytest.raises(ClaudeError, match="no price"):
        drive(client, [ask(1, model="claude-next-9")])
    assert server.counts["create"] == 0


def test_no_batch_goes_over_the_wire_larger_than_the_limit(server, ask, drive):
    sizes = []

    def tamper(request, response):
        if request.method == "POST":
            sizes.append(len(request.read()))
        return response

    requests = [ask(i, message="é😀 text\n" * i) for i in range(30)]
    client = tampered_client(server, tamper)
    drive(client, requests, limits=Limits(bytes=4_000))
    assert len(sizes) > 1
    assert max(sizes) <= 4_000
    assert max(sizes) > 3_000, "batches are filled"


def test_two_drivers_at_once_send_each_request_once(server, ledger, ask, drive):
    requests = [ask(i) for i in range(40)]
    reports = []

    def take(part):
        client = Connection("k", server.url).client()
        other = Ledger(ledger._engine.url.database)
        reports.append(drive(client, part, ledger=other, limits=Limits(requests=7)))

    threads = [threading.Thread(target=take, args=(part,)) for part in (requests, requests[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [dict(report.outcomes) for report in reports] == [{"ok": 40}, {"ok": 40}]
    assert server.counts["requests"] == 40


def test_submitting_twice_sends_once(server, client, ledger, ask):
    planned = plan(ledger, [ask(1)])
    assert submit(client, ledger, planned) == 0.0
    assert submit(client, ledger, Planned(planned.nonce, planned.requests)) is None
    assert server.counts["create"] == 1


GARBLED = [
    ("application/json", b'{"id": "msgba'),
    ("text/html", b"<html>busy</html>"),
    ("application/json", b"{}"),
]


@pytest.mark.parametrize("garbled", GARBLED)
@pytest.mark.parametrize("verb", ["create", "retrieve", "list", "results"])
def test_an_answer_that_is_not_the_apis_is_a_failure_of_the_service_and_nothing_is_lost(
    server, ledger, ask, drive, verb, garbled
):
    """A proxy says 200 with a page of its own, though the service has done what was asked."""
    met = []
    verbs = {
        "create": lambda r: r.method == "POST",
        "retrieve": lambda r: (
            r.method == "GET" and r.url.path.count("/") == 4 and "results" not in str(r.url)
        ),
        "list": lambda r: r.method == "GET" and r.url.path.endswith("/batches"),
        "results": lambda r: r.url.path.endswith("/results"),
    }

    def tamper(request, response):
        if not verbs[verb](request) or len(met) == 2:
            return response
        met.append(verb)
        response.read()
        return httpx2.Response(200, content=garbled[1], headers={"content-type": garbled[0]}, request=request)

    requests = [ask(i) for i in range(3)]
    if verb == "list":  # asked for only where a submit is in doubt
        ledger.plan("n" * 16, requests)
        ledger.submitting("n" * 16)
    report = drive(tampered_client(server, tamper), requests)
    assert dict(report.outcomes) == {"ok": 3}
    assert met
    assert server.counts["requests"] == 3
