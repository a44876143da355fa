from datetime import UTC, datetime

import anthropic
import httpx2
import pytest
from anthropic.types.messages import MessageBatch

from curation.claude.decide import Fate, Patience, Verdict, after_create, after_poll, look_again_seconds

POST = httpx2.Request("POST", "http://claude.test/v1/messages/batches")
PATIENCE = Patience(poll_seconds=30.0, lost_grace_seconds=600.0)


def batch(status, **changes):
    now = datetime.now(UTC)
    counts = {"canceled": 0, "errored": 0, "expired": 0, "processing": 1, "succeeded": 0}
    fields = {"id": "b", "created_at": now, "expires_at": now, "type": "message_batch"}
    return MessageBatch(**fields, processing_status=status, request_counts=counts, **changes)


def http_error(status, code=None, message="m", **headers):
    body = {"type": "error", "error": {"type": "x_error", "message": message}}
    if code:
        body["error"]["details"] = {"error_code": code}
    response = httpx2.Response(
        status, headers={k.replace("_", "-"): v for k, v in headers.items()}, request=POST
    )
    return anthropic.APIStatusError("m", response=response, body=body)


def connection_error(cause):
    error = anthropic.APIConnectionError(request=POST)
    error.__cause__ = cause
    return error


def decide(seen, failures=0, age_seconds=0.0):
    return after_poll(seen, failures=failures, age_seconds=age_seconds, patience=PATIENCE)


@pytest.mark.parametrize("status", ["in_progress", "canceling"])
def test_a_batch_that_has_not_ended_is_waited_for(status):
    assert decide(batch(status)).verdict is Verdict.WAIT


def test_an_ended_batch_is_landed_and_an_archived_one_is_lost():
    assert decide(batch("ended")).verdict is Verdict.ENDED
    assert decide(batch("ended", archived_at=datetime.now(UTC))).verdict is Verdict.LOST


def test_a_404_is_believed_after_several_in_a_row_and_not_soon_after_creation():
    assert decide(http_error(404), age_seconds=601).verdict is Verdict.WAIT
    assert decide(http_error(404), age_seconds=10, failures=5).verdict is Verdict.WAIT
    assert decide(http_error(404), age_seconds=601, failures=5).verdict is Verdict.LOST


@pytest.mark.parametrize(("error", "failures"), [(http_error(404), 5), (http_error(500), 20)])
def test_who_decides_again_with_the_same_failures_decides_the_same(error, failures):
    """A trigger finds that a batch is lost, its task looks once more."""
    first = decide(error, failures=failures, age_seconds=601)
    assert first.verdict in (Verdict.LOST, Verdict.FAILED)
    assert decide(error, failures=first.failures, age_seconds=602).verdict is first.verdict


@pytest.mark.parametrize("error", [http_error(500), http_error(529), http_error(429), http_error(409)])
def test_an_outage_of_the_service_does_not_give_up_a_paid_batch(error):
    first = decide(error)
    assert (first.verdict, first.failures) == (Verdict.WAIT, 1)
    assert decide(error, failures=3).seconds > first.seconds


def test_a_wrong_key_is_told_at_once_and_an_endless_outage_in_the_end():
    assert decide(http_error(401)).verdict is Verdict.FAILED
    assert decide(connection_error(None), failures=20).verdict is Verdict.FAILED


def test_what_stays_unknown_is_looked_for_ever_more_rarely_but_at_least_every_ten_minutes():
    waits = [look_again_seconds(hours * 3600, PATIENCE) for hours in (0, 0.5, 1, 24)]
    assert waits == [30, 180, 360, 600]


def test_a_service_that_asks_for_hours_is_not_obeyed_beyond_ten_minutes():
    assert decide(http_error(429, retry_after="7")).seconds == 7.0
    assert decide(http_error(429, retry_after="7200")).seconds == 600.0


@pytest.mark.parametrize(
    ("error", "fate"),
    [
        (http_error(400), Fate.REFUSED),
        (http_error(413), Fate.REFUSED),
        (http_error(401), Fate.UNREACHED),
        (http_error(404), Fate.UNREACHED),
        (http_error(400, message="You have reached your specified API usage limits."), Fate.UNREACHED),
        (http_error(429), Fate.BUSY),
        (http_error(529), Fate.BUSY),
        (http_error(429, code="enforced_spend_limit_reached"), Fate.UNREACHED),
        (http_error(408), Fate.UNKNOWN),
        (http_error(500), Fate.UNKNOWN),
        (http_error(504), Fate.UNKNOWN),
        (connection_error(httpx2.ConnectError("x")), Fate.UNREACHED),
        (connection_error(httpx2.ReadTimeout("x")), Fate.UNKNOWN),
        (connection_error(httpx2.WriteError("x")), Fate.UNKNOWN),
        (connection_error(httpx2.RemoteProtocolError("x")), Fate.UNKNOWN),
        (anthropic.APITimeoutError(request=POST), Fate.UNKNOWN),
    ],
)
def test_a_batch_is_sent_again_only_where_it_certainly_was_not_made(error, fate):
    assert after_create(error) is fate
