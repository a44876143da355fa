"""The waiting: fires when a task has something to do, and not before."""

import asyncio
import time

import anthropic
import httpx2
import pytest
from airflow.triggers.base import BaseTrigger

from curation.claude.rows import MessageBatch
from curation_airflow.triggers import MessageBatchTrigger, waited

COUNTS = {"processing": 1, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}


def answer(status: str) -> httpx2.Response:
    body = {
        "id": "msgbatch_1",
        "type": "message_batch",
        "processing_status": status,
        "request_counts": COUNTS,
        "created_at": "2026-11-22T10:00:00Z",
        "expires_at": "2026-11-23T10:00:00Z",
        "ended_at": None,
        "cancel_initiated_at": None,
        "archived_at": None,
        "results_url": None,
    }
    return httpx2.Response(200, json=body)


def refusal(status: int) -> httpx2.Response:
    kind = {"type": "error", "error": {"type": "api_error", "message": "no"}, "request_id": "req_1"}
    return httpx2.Response(status, json=kind)


def batch(batch_id="msgbatch_1", **more):
    since = time.time()
    fields = {"nonce": "n" * 16, "state": "submitted", "model": "offline-rules-1", "request_count": 1}
    fields |= {"batch_id": batch_id, "planned_at": since, "submitting_at": since}
    fields |= {"submitted_at": since, "counts": {}}
    return MessageBatch(**{**fields, "usd": None, "reason": None, **more})


def fire(trigger, responses, monkeypatch, limit=20):
    """The event that `trigger` yields when the service gives `responses`, one a poll; and how many polls."""
    polls = []

    def serve(request: httpx2.Request) -> httpx2.Response:
        polls.append(request.url.path)
        found = responses[min(len(polls), len(responses)) - 1]
        if isinstance(found, Exception):
            raise found
        return found

    transport = httpx2.MockTransport(serve)
    client = anthropic.AsyncAnthropic(
        api_key="k", base_url="http://x", http_client=httpx2.AsyncClient(transport=transport), max_retries=0
    )

    async def connect():
        return client

    async def first():
        return await anext(trigger.run())

    monkeypatch.setattr(trigger, "_client", connect)
    return asyncio.run(asyncio.wait_for(first(), limit)), len(polls)


def trigger_for(*batches, failures=None):
    return MessageBatchTrigger("anthropic", waited(list(batches), failures or {}), 0.01)


def test_it_fires_when_the_batch_has_ended(monkeypatch):
    event, polls = fire(trigger_for(batch()), [answer("in_progress"), answer("ended")], monkeypatch)
    assert event.payload == {"failures": {"n" * 16: 0}}
    assert polls == 2


def test_a_fresh_batch_that_flickers_is_waited_for(monkeypatch):
    """A 404 seconds after the batch was made is the service's, not the batch's end."""
    seen = [refusal(404), refusal(500), httpx2.ConnectError("cut"), answer("ended")]
    _, polls = fire(trigger_for(batch()), seen, monkeypatch)
    assert polls == 4


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html", b"<html>busy</html>"),
        ("application/json", b'{"id": "msgba'),
        ("application/json", b"{}"),
    ],
)
def test_a_proxys_page_is_a_failed_poll_and_not_the_triggers_end(monkeypatch, kind, body):
    """A trigger that dies takes one of its task's tries with it."""
    page = httpx2.Response(200, content=body, headers={"content-type": kind})
    _, polls = fire(trigger_for(batch()), [page, answer("ended")], monkeypatch)
    assert polls == 2
    event, _ = fire(trigger_for(batch(), failures={"n" * 16: 20}), [page], monkeypatch)
    assert event.payload["failures"] == {"n" * 16: 20}, "it counts"


def test_a_key_that_is_refused_calls_the_task_at_once(monkeypatch):
    _, polls = fire(trigger_for(batch()), [refusal(401)], monkeypatch)
    assert polls == 1


def test_a_batch_that_is_gone_for_good_calls_the_task(monkeypatch):
    old = batch(submitted_at=time.time() - 3600)
    event, polls = fire(trigger_for(old, failures={"n" * 16: 5}), [refusal(404)], monkeypatch)
    assert polls == 1
    assert event.payload["failures"] == {"n" * 16: 5}, "or the task would not find it lost"


def test_failed_polls_are_counted_across_deferrals(monkeypatch):
    """Otherwise a service that is down would be waited for again and again, each time from zero."""
    _, polls = fire(trigger_for(batch(), failures={"n" * 16: 20}), [refusal(500)], monkeypatch)
    assert polls == 1


def test_how_often_results_failed_to_come_outlives_the_wait_for_the_next_try(monkeypatch):
    event, _ = fire(trigger_for(batch(), failures={"n" * 16: 3}), [answer("ended")], monkeypatch)
    assert event.payload["failures"] == {"n" * 16: 3}


def test_a_batch_of_unknown_fate_is_its_tasks_to_look_for(monkeypatch):
    unknown = batch(batch_id=None, submitted_at=None, state="submitting")
    _, polls = fire(trigger_for(unknown), [refusal(500)], monkeypatch)
    assert polls == 0


def test_a_batch_of_unknown_fate_does_not_call_its_task_before_its_time(monkeypatch):
    """It can stay unknown for a day, as long as another user's batch hides it; each call goes through all."""
    both = [batch(), batch(nonce="u" * 16, batch_id=None, submitted_at=None, state="submitting")]
    trigger = MessageBatchTrigger("anthropic", waited(both, {"u" * 16: 2}), 0.01, retry_seconds=30.0)
    event, polls = fire(trigger, [answer("in_progress"), answer("ended")], monkeypatch)
    assert polls == 2
    assert event.payload["failures"] == {"n" * 16: 0, "u" * 16: 2}


def test_it_calls_the_task_when_something_waits_to_be_sent_though_nothing_has_ended(monkeypatch):
    trigger = MessageBatchTrigger("anthropic", waited([batch()], {}), 0.01, retry_seconds=0.03)
    event, polls = fire(trigger, [answer("in_progress")], monkeypatch)
    assert event.payload == {"failures": {"n" * 16: 0}}
    assert polls >= 1


def test_with_nothing_to_wait_for_it_calls_the_task(monkeypatch):
    """Another process has landed the last message batch just now."""
    _, polls = fire(MessageBatchTrigger("anthropic", [], 0.0), [], monkeypatch)
    assert polls == 0


def test_a_triggerer_that_restarts_makes_the_same_trigger_again():
    trigger = trigger_for(batch(), failures={"n" * 16: 3})
    path, arguments = trigger.serialize()
    assert path == "curation_airflow.triggers.MessageBatchTrigger"
    again = MessageBatchTrigger(**arguments)
    assert again.serialize() == trigger.serialize()
    assert again.batches[0]["failures"] == 3


def test_killing_the_task_cancels_nothing_that_is_paid_for():
    assert MessageBatchTrigger.on_kill is BaseTrigger.on_kill
    assert MessageBatchTrigger.cleanup is BaseTrigger.cleanup


@pytest.mark.parametrize("status", ["in_progress", "canceling"])
def test_a_batch_that_goes_on_is_not_called_ended(monkeypatch, status):
    _, polls = fire(trigger_for(batch()), [answer(status)] * 3 + [answer("ended")], monkeypatch)
    assert polls == 4
