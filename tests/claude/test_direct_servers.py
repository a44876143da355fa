"""Requests asked one by one of a service in trouble, and of local servers."""

import time
from collections import Counter

import pytest

from curation.claude import direct
from curation.claude.client import Connection
from curation.claude.decide import Patience
from curation.claude.drive import reservation
from curation.claude.ledger import Ledger
from curation.claude.prices import cost
from curation.claude.purpose import Purpose
from curation.errors import ClaudeError
from tests.claude.one_by_one import asked_for, attempts, batches, rows
from tests.claude.small_server import ANSWER_USAGE, JSON_ANSWER, PRICED, error, message, serving

SPENT = {"details": {"error_code": "enforced_spend_limit_reached"}}


@pytest.mark.parametrize("headers", [{"retry-after": "0.3"}, {}])
def test_a_busy_service_is_asked_again_later_and_that_is_no_attempt(ledger, ask, go, headers):
    refused = []

    def reply(number, params):
        if len(refused) < 5:
            refused.append(time.monotonic())
            return error(429, "rate_limit_error", headers=headers)
        if number == 20:
            return error(529, "overloaded_error")
        answered.append(time.monotonic())
        return message(params)

    answered = []
    requests = [ask(i, model=PRICED) for i in range(30)]
    with serving(reply) as server:
        report = go(server, requests)
        assert len(server.received) == 36
    assert dict(report.outcomes) == {"ok": 30}
    assert attempts(ledger, requests) == [1] * 30
    assert report.ambiguous_usd == 0
    if headers:
        first = next(when for when in answered if when > refused[-1] + 0.1)
        assert first - refused[0] >= 0.3, "what the service asks for"


def test_nothing_is_sent_beyond_what_the_headers_leave(ask, go):
    def reply(number, params):
        left = {"anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": reset}
        status, _, body = message(params)
        times.append(time.monotonic())
        return status, left if number == 1 else {}, body

    times = []
    reset = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    with serving(reply) as server:
        go(server, [ask(i) for i in range(6)], concurrency=1)
    assert times[1] - times[0] >= 0.9
    assert times[-1] - times[1] < 0.5


def test_a_spend_limit_ends_the_run_and_loses_nothing(ledger, ask, go):
    def reply(number, params):
        if limited and number > 5:
            return error(429, "rate_limit_error", "over the limit", **SPENT)
        return message(params)

    limited = [True]
    requests = [ask(i, model=PRICED) for i in range(40)]
    with serving(reply) as server:
        with pytest.raises(
            ClaudeError, match=r"enforced_spend_limit_reached.*raise the account's spend limit"
        ):
            go(server, requests)
        assert len(rows(ledger, requests)) == 5
        assert len(server.received) <= 5 + 2 * 8, "it stops at once"
        assert [cost.reserved_usd + cost.lost_usd for cost in ledger.costs()] == [0]
        limited.clear()
        report = go(server, requests)
    assert (report.sent, dict(report.outcomes)) == (35, {"ok": 40})


def test_a_server_error_goes_again_within_the_run_and_may_have_been_billed(ledger, ask, go):
    def reply(number, params):
        seen[asked_for(params)] += 1
        if "text number 3" in asked_for(params):
            return error(500, "api_error")
        if "text number 4" in asked_for(params) and seen[asked_for(params)] == 1:
            return None  # the connection is dropped
        if "text number 5" in asked_for(params) and seen[asked_for(params)] == 1:
            return 200, {}, b"<html>a proxy's idea of an answer</html>"
        return message(params)

    seen = Counter()
    requests = [ask(i, model=PRICED) for i in range(9)]
    with serving(reply) as server:
        report = go(server, requests)
    assert dict(report.outcomes) == {"ok": 8, "errored": 1}
    assert attempts(ledger, requests) == [1, 1, 1, 3, 2, 2, 1, 1, 1]
    assert rows(ledger, requests)[requests[3].key].detail == "api_error"
    most = reservation(requests[0], cached=False, batch=False)
    assert report.ambiguous_usd == sum(cost.lost_usd for cost in ledger.costs()) == 5 * most


def test_a_service_that_only_fails_ends_the_run_before_many_attempts_are_gone(ledger, ask, go):
    requests = [ask(i) for i in range(200)]
    quick = Patience(0.02, 0.3, 1.0, 0.001, 0.5)
    with serving(lambda number, params: error(503, "api_error")) as server:
        with pytest.raises(ClaudeError, match=r"no answer is to be had from http://127.*503"):
            go(server, requests, patience=quick)
        assert len(server.received) < 80
    with serving() as server:
        assert dict(go(server, requests).outcomes) == {"ok": 200}


def test_a_fixable_request_is_not_sent_again(ledger, ask, go):
    def reply(number, params):
        return error(400, "invalid_request_error", "prompt is too long") if number == 1 else message(params)

    requests = [ask(i, model=PRICED) for i in range(3)]
    with serving(reply) as server:
        report = go(server, requests, concurrency=1)
        assert go(server, requests).sent == 0
    assert (dict(report.outcomes), report.ambiguous_usd) == ({"ok": 2, "errored": 1}, 0)


@pytest.mark.parametrize("where", ["http://127.0.0.1:9", "http://user:hidden@127.0.0.1:9"])
def test_a_server_that_is_not_there_is_named_at_once(ledger, raw, ask, where):
    began = time.monotonic()
    with pytest.raises(ClaudeError, match=r"127\.0\.0\.1:9.*see that it runs") as caught:
        direct.run(Connection("k", where), ledger, [ask(i) for i in range(20)], raw)
    assert "hidden" not in str(caught.value)
    assert time.monotonic() - began < 5
    assert ledger.claims([ask(i).key for i in range(20)]) == {}, "free for the next run"


def test_a_key_that_is_refused_ends_the_run(ask, go):
    with (
        serving(lambda number, params: error(401, "authentication_error")) as server,
        pytest.raises(ClaudeError, match=r"401.*check the key"),
    ):
        go(server, [ask(i) for i in range(50)])
    assert len(server.received) <= 8


def test_what_a_server_that_was_set_up_wrongly_refused_is_asked_again(ledger, ask, go):
    """Its context too small, its template broken: the first refusals would else stand for good."""
    requests = [ask(i) for i in range(20)]
    refusal = error(400, "invalid_request_error", "the prompt is too long")
    with serving(lambda number, params: refusal) as server, pytest.raises(ClaudeError, match="too long"):
        go(server, requests)
    assert rows(ledger, requests) == {}

    def reply(number, params):
        return refusal if "text number 3" in asked_for(params) else message(params)

    with serving(reply) as server:
        assert dict(go(server, requests).outcomes) == {"ok": 19, "errored": 1}
        assert dict(go(server, requests[3:4]).outcomes) == {"errored": 1}
        assert len(server.received) == 20


def test_an_answer_by_another_model_is_refused_and_not_kept(ledger, ask, go):
    requests = [ask(i) for i in range(3)]
    with (
        serving(lambda number, params: message(params, model="claude-haiku-5-5")) as server,
        pytest.raises(ClaudeError, match="asked for offline-rules-1, answered by claude-haiku-5-5"),
    ):
        go(server, requests)
    assert rows(ledger, requests) == {}


def test_an_answer_by_another_model_among_others_ends_no_run_and_goes_again_with_the_next(ledger, ask, go):
    """As a proxy gives it that now and then falls back to another model: it is billed, and not kept."""

    def reply(number, params):
        is_other = "text number 7" in asked_for(params) and not calm
        return message(params, **({"model": "another-model"} if is_other else {}))

    calm, requests = [], [ask(i, model=PRICED) for i in range(12)]
    with serving(reply) as server:
        report = go(server, requests, concurrency=2)
        assert (report.sent, dict(report.outcomes), report.ambiguous_usd) == (12, {"ok": 11, "errored": 1}, 0)
        assert ledger.usd() == report.usd == 12 * cost(PRICED, ANSWER_USAGE, batch=False)
        row = rows(ledger, requests)[requests[7].key]
        assert (row.detail, row.body, row.answered_by) == ("other_model", None, "another-model")
        calm.append(True)
        assert (go(server, requests).sent, len(server.received)) == (1, 13)
    assert rows(ledger, requests)[requests[7].key].outcome == "ok"


def test_a_service_that_changes_to_another_model_for_good_ends_the_run(ask, go):
    def reply(number, params):
        return message(params, **({"model": "another-model"} if number > 5 else {}))

    quick = Patience(0.02, 0.3, 1.0, 0.001, 0.5)
    requests = [ask(i, model=PRICED) for i in range(200)]
    with serving(reply) as server, pytest.raises(ClaudeError, match="answered by another-model"):
        go(server, requests, patience=quick)
    assert len(server.received) < 100


def test_no_secret_reaches_logs_errors_ledger_or_raw_results(ledger, ask, go, caplog, tmp_path):
    secret = "sk-secret-0123456789"

    def reply(number, params):
        if number == 2:
            return error(500, "api_error", f"bad key {secret}")
        if number == 8:
            return error(401, "authentication_error", f"bad key {secret}")
        return message(params)

    caplog.set_level("DEBUG")
    with serving(reply) as server, pytest.raises(ClaudeError, match=r"bad key \*\*\*") as caught:
        go(server, [ask(i) for i in range(20)], concurrency=2)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"bad key ***" in written
    assert secret not in caplog.text + str(caught.value)
    assert secret.encode() not in written


def test_a_limit_that_the_user_has_set_stops_the_run_and_leaves_no_row(ledger, ask, go):
    """It is told by a 400 without a code: asked again, once it is lifted, all are answered."""
    lifted = []

    def reply(number, params):
        words = "You have reached your specified API usage limits."
        return message(params) if lifted else error(400, "invalid_request_error", words)

    requests = [ask(i, model=PRICED) for i in range(20)]
    with serving(reply) as server:
        with pytest.raises(ClaudeError, match="usage limits"):
            go(server, requests)
        assert rows(ledger, requests) == {}
        lifted.append(True)
        assert dict(go(server, requests).outcomes) == {"ok": 20}


def test_a_server_that_refuses_all_from_the_start_is_not_asked_about_the_rest(ledger, ask, go):
    requests = [ask(i, model=PRICED) for i in range(40)]
    refusing = serving(lambda number, params: error(422, "invalid_request_error", "no such thing here"))
    with refusing as server, pytest.raises(ClaudeError, match="no such thing here"):
        go(server, requests)
    assert len(rows(ledger, requests)) < 5


def test_answers_that_could_not_be_written_at_first_are_written_at_last(ledger, ask, go, monkeypatch):
    settle, failed = Ledger.settle, []

    def once_down(self, *args):
        if not failed:
            failed.append(True)
            raise OSError("the database is restarting")
        return settle(self, *args)

    monkeypatch.setattr(Ledger, "settle", once_down)
    requests = [ask(i, model=PRICED) for i in range(8)]
    with serving() as server:
        with pytest.raises(OSError, match="restarting"):
            go(server, requests, purpose=Purpose("r", "judge", "run-1"))
        answered = len(rows(ledger, requests))
        assert answered == len(server.received) > 0
        assert sum(cost.lost_usd for cost in ledger.costs()) == 0
        assert go(server, requests).sent == 8 - answered


# --- local servers


def test_a_local_server_that_ignores_the_schema_is_understood_and_asked_again_where_it_is_not(
    ledger, ask, go
):
    def reply(number, params):
        assert params["model"] == "qwen/8b"
        seen[asked_for(params)] += 1
        i = int(asked_for(params).split("text number ")[1].split(".")[0])
        written = [
            JSON_ANSWER,
            f"```json\n{JSON_ANSWER}\n```",
            f"Sure! {JSON_ANSWER} I hope that this helps.",
            JSON_ANSWER[:-2] if seen[asked_for(params)] == 1 else JSON_ANSWER,
            "I cannot say.",
        ]
        return message(params, written[i], usage={"input_tokens": 5, "output_tokens": 5})

    seen = Counter()
    requests = [ask(i, model="local/qwen/8b") for i in range(5)]
    with serving(reply) as server:
        report = go(server, requests)
    assert dict(report.outcomes) == {"ok": 4, "schema_invalid": 1}
    assert attempts(ledger, requests) == [1, 1, 1, 2, 2]
    assert {row.model for row in rows(ledger, requests).values()} == {"local/qwen/8b"}
    assert report.usd == 0


def test_a_local_server_that_refuses_parameters_is_asked_without_them(ledger, ask, go, caplog):
    def reply(number, params):
        for name in ("thinking", "output_config"):
            if name in params:
                return error(400, "invalid_request_error", f"{name}: Extra inputs are not permitted")
        assert "JSON Schema" in asked_for(params)
        return message(params)

    parameters = {"max_tokens": 50, "thinking": {"type": "disabled"}, "temperature": 0.0}
    requests = [ask(i, model="local/qwen", parameters=parameters) for i in range(20)]
    with serving(reply) as server:
        report = go(server, requests, concurrency=4)
        assert len(server.received) <= 20 + 2 * 4
        assert all(params["temperature"] == 0.0 for params in server.received)
    assert dict(report.outcomes) == {"ok": 20}
    assert attempts(ledger, requests) == [1] * 20
    assert sum("asked without it from now on" in record.message for record in caplog.records) == 2


def test_claude_is_never_asked_without_what_the_request_says(ledger, ask, go):
    requests = [ask(1)]
    with serving(lambda number, params: error(400, "invalid_request_error", "thinking: no")) as server:
        assert dict(go(server, requests).outcomes) == {"errored": 1}
        assert len(server.received) == 1


def test_a_local_model_is_not_asked_for_at_anthropics_own_address(ledger, raw, ask):
    with pytest.raises(ClaudeError, match="base URL of your own"):
        direct.run(Connection("k", "https://api.anthropic.com"), ledger, [ask(1, model="local/qwen")], raw)
    assert batches(ledger) == []
