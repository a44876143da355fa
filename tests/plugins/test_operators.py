"""The operator against the stand-in: whatever happens to its task, each request is sent once."""

import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from unittest import mock

import anthropic
import httpx2
import pytest
from airflow.sdk.exceptions import TaskDeferred

from curation.claude import drive as driving
from curation.claude import results
from curation.claude.budget import Budget
from curation.claude.decide import Patience
from curation.claude.drive import Asked
from curation.claude.ledger import Ledger
from curation.claude.purpose import Purpose
from curation.claude.request import Request
from curation.claude.split import Limits
from curation.claude.stand_in import serve
from curation.document import content_hash
from curation.errors import ClaudeError, RunBudgetError
from curation_airflow.operators import MessageBatchOperator
from tests.claude import small_server

SCHEMA = {
    "type": "object",
    "properties": {"score": {"type": "integer", "enum": [0, 1, 2, 3, 4, 5]}},
    "required": ["score"],
    "additionalProperties": False,
}


def requests(count: int) -> list[Request]:
    return [
        Request(
            text_digest=content_hash("text", str(n)),
            prompt_digest=content_hash("prompt"),
            model="offline-rules-1",
            parameters={"max_tokens": 100},
            system="Score the text.",
            message=f"A text about the {n} seas, and what lives in them.",
            schema=SCHEMA,
        )
        for n in range(count)
    ]


@pytest.fixture
def stand_in():
    with serve(delay_seconds=0.1) as server:
        yield server


@pytest.fixture
def operator(tmp_path, stand_in, monkeypatch):
    """A maker of operators of the same task, as a worker makes one for each try; each asks `count`. One that
    has sent defers however slow the machine is: by itself it would not look again for a minute."""

    def make(count: int = 3, url: str = stand_in.url, at_cap=None, **options) -> MessageBatchOperator:
        ledger = Ledger(tmp_path / "ledger.sqlite")
        patience = Patience(poll_seconds=60.0)
        asked = Asked(ledger, requests(count), str(tmp_path / "raw"), patience=patience, **options)
        made = MessageBatchOperator(task_id="judge", asked=lambda context: asked, at_cap=at_cap)
        client = anthropic.Anthropic(api_key="k", base_url=url, max_retries=0)
        monkeypatch.setattr(made, "_client", lambda: client)
        return made

    return make


def outcomes(tmp_path, count: int) -> list[str]:
    rows = Ledger(tmp_path / "ledger.sqlite").answers(r.key for r in requests(count))
    return [row.outcome for row in rows]


def context(began: float = 0.0) -> dict:
    """Of a task in a DAG run that began then, in Unix seconds."""
    return {"dag_run": SimpleNamespace(start_date=datetime.fromtimestamp(began, UTC))}


def finish(operator, began: float = 0.0) -> None:
    """Resume until the task is done, as the trigger would have it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            operator().resume(context(began), {"failures": {}})
        except TaskDeferred:
            time.sleep(0.02)
            continue
        return
    pytest.fail("resumed for a minute and not done")


def test_it_gives_its_worker_back_while_it_waits_and_lands_the_answers(operator, stand_in, tmp_path):
    with pytest.raises(TaskDeferred) as deferred:
        operator().execute(context())
    assert deferred.value.method_name == "resume"
    assert deferred.value.trigger.batches[0]["batch_id"].startswith("msgbatch_")
    finish(operator)
    assert outcomes(tmp_path, 3) == ["ok"] * 3
    assert stand_in.counts["requests"] == 3


def test_results_that_do_not_come_whole_are_waited_for_without_a_worker(operator, stand_in, tmp_path):
    def torn(*_):
        fetched.append(1)
        raise httpx2.ReadError("the stream was dropped")

    def resumed(failures):
        """As the trigger would have it, until the task ends."""
        while True:
            try:
                return operator().resume(context(), {"failures": failures})
            except TaskDeferred as deferred:
                [batch] = deferred.trigger.batches
                failures = {batch["nonce"]: batch["failures"]}
                waits.extend([round(deferred.trigger.seconds)] if fetched else [])
                time.sleep(0.02)

    fetched, waits = [], []
    with pytest.raises(TaskDeferred):
        operator().execute(context())
    with mock.patch.object(results, "_fetch", torn), pytest.raises(ClaudeError, match="run again"):
        resumed({})
    assert (len(fetched), waits) == (5, [60, 120, 180, 240])
    finish(operator)
    assert outcomes(tmp_path, 3) == ["ok"] * 3
    assert stand_in.counts["requests"] == 3


def test_a_task_that_is_cleared_or_killed_while_it_waits_sends_nothing_again(operator, stand_in, tmp_path):
    for _ in range(3):
        with suppress(TaskDeferred):
            operator().execute(context())
    finish(operator)
    assert stand_in.counts["requests"] == 3
    assert outcomes(tmp_path, 3) == ["ok"] * 3


def test_a_second_run_sends_nothing_and_waits_for_nothing(operator, stand_in):
    with pytest.raises(TaskDeferred):
        operator().execute(context())
    finish(operator)
    operator().execute(context())
    assert stand_in.counts["requests"] == 3


def test_a_larger_sample_sends_only_what_is_new(operator, stand_in, tmp_path):
    with pytest.raises(TaskDeferred):
        operator(3).execute(context())
    finish(operator)
    with pytest.raises(TaskDeferred):
        operator(5).execute(context())
    finish(lambda: operator(5))
    assert stand_in.counts["requests"] == 5
    assert outcomes(tmp_path, 5) == ["ok"] * 5


def test_nothing_to_ask_is_done_at_once(operator, stand_in):
    operator(0).execute(context())
    assert stand_in.counts["requests"] == 0


def test_a_service_that_is_away_fails_the_task_and_keeps_the_requests_free(operator, stand_in, tmp_path):
    with pytest.raises(ClaudeError, match="no message batch could be made"):
        operator(3, url="http://127.0.0.1:9").execute(context())
    with pytest.raises(TaskDeferred):
        operator().execute(context())
    finish(operator)
    assert outcomes(tmp_path, 3) == ["ok"] * 3


def test_the_cap_of_a_run_ends_the_task_well_where_there_is_a_way_on_and_what_was_sent_has_landed(
    operator, tmp_path, monkeypatch
):
    dear = requests(3)[2].key
    monkeypatch.setattr(driving, "reservation", lambda r, **_: Decimal(3 if r.key == dear else 1))
    ended, options = [], {"budget": Budget(run_usd=Decimal(2)), "purpose": Purpose(run="run-1")}
    with pytest.raises(TaskDeferred):
        operator(**options).execute(context())
    finish(lambda: operator(at_cap=lambda context: ended.append(context) or "", **options))
    assert ended == [context()]
    assert outcomes(tmp_path, 3) == ["ok", "ok"]
    with pytest.raises(RunBudgetError):
        operator(**options).execute(context())


def test_the_client_is_made_from_airflows_connection(tmp_path, stand_in, monkeypatch):
    connection = {"conn_type": "anthropic", "password": "a-key", "host": stand_in.url}
    monkeypatch.setenv("AIRFLOW_CONN_ANTHROPIC", json.dumps(connection))
    ledger = Ledger(tmp_path / "ledger.sqlite")
    asked = Asked(ledger, requests(2), str(tmp_path))
    made = MessageBatchOperator(task_id="judge", asked=lambda context: asked)
    with pytest.raises(TaskDeferred) as deferred:
        made.execute(context())
    assert stand_in.counts["requests"] == 2
    assert deferred.value.trigger.conn_id == "anthropic"


def test_a_task_waits_for_room_in_the_services_queue_without_a_worker(operator, stand_in, tmp_path):
    def small():
        return operator(5, limits=Limits(requests=2, queue=2))

    with pytest.raises(TaskDeferred) as deferred:
        small().execute(context())
    assert stand_in.counts["requests"] == 2
    assert deferred.value.trigger.retry_seconds is not None, "more waits to be sent"
    finish(small)
    assert outcomes(tmp_path, 5) == ["ok"] * 5
    assert stand_in.counts["requests"] == 5


def test_what_a_person_cancels_stays_so_for_this_dag_run_and_goes_again_with_the_next(operator, tmp_path):
    began = time.time()
    with serve(delay_seconds=0.5) as slow:

        def task():
            return operator(2, url=slow.url)

        with pytest.raises(TaskDeferred) as deferred:
            task().execute(context(began))
        client = anthropic.Anthropic(api_key="k", base_url=slow.url)
        client.messages.batches.cancel(deferred.value.trigger.batches[0]["batch_id"])
        finish(task, began)
        task().execute(context(began))  # a retry, or cleared while the run goes on
        assert outcomes(tmp_path, 2) == ["canceled"] * 2
        assert slow.counts["requests"] == 2
        with pytest.raises(TaskDeferred):
            task().execute(context(time.time()))
        assert slow.counts["requests"] == 4


def test_nothing_goes_to_xcom(operator):
    assert operator().do_xcom_push is False


def test_no_secret_is_in_what_a_deferred_task_leaves_with_airflow(tmp_path, stand_in, monkeypatch, caplog):
    """The trigger's arguments are rows of Airflow's database, and shown in its UI."""
    caplog.set_level("DEBUG")
    host = stand_in.url.replace("//", "//user:hunter2@")
    connection = {"conn_type": "anthropic", "password": "sk-secret-key", "host": host}
    monkeypatch.setenv("AIRFLOW_CONN_ANTHROPIC", json.dumps(connection))
    asked = Asked(Ledger(tmp_path / "ledger.sqlite"), requests(2), str(tmp_path))
    made = MessageBatchOperator(task_id="judge", asked=lambda context: asked)
    with pytest.raises(TaskDeferred) as deferred:
        made.execute(context())
    told = json.dumps(deferred.value.trigger.serialize()) + repr(deferred.value) + caplog.text
    for secret in ("sk-secret-key", "hunter2", "dXNlcjpodW50ZXIy"):
        assert secret not in told


def test_what_is_asked_one_by_one_is_asked_by_the_task_itself(tmp_path, stand_in, monkeypatch, caplog):
    caplog.set_level("DEBUG")
    host = stand_in.url.replace("//", "//user:hunter2@")
    connection = {"conn_type": "anthropic", "password": "sk-secret-key", "host": host}
    monkeypatch.setenv("AIRFLOW_CONN_ANTHROPIC", json.dumps(connection))
    asked = Asked(Ledger(tmp_path / "ledger.sqlite"), requests(3), str(tmp_path / "raw"), direct=True)
    made = MessageBatchOperator(task_id="judge", asked=lambda context: asked)
    made.execute(context())
    assert outcomes(tmp_path, 3) == ["ok"] * 3
    assert (stand_in.counts["message"], stand_in.counts["create"]) == (3, 0)
    made.execute(context())
    assert stand_in.counts["message"] == 3
    for secret in ("sk-secret-key", "hunter2", "dXNlcjpodW50ZXIy"):
        assert secret not in caplog.text


def test_a_gateways_address_and_headers_are_used_one_by_one_too(tmp_path, monkeypatch):
    """As they are by message batches, of which Airflow's hook makes the client."""
    with small_server.serving(lambda _, params: small_server.message(params, '{"score": 3}')) as gateway:
        extra = {"anthropic_client_kwargs": {"base_url": gateway.url, "default_headers": {"x-team": "crawl"}}}
        connection = {"conn_type": "anthropic", "password": "a-key", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_ANTHROPIC", json.dumps(connection))
        asked = Asked(Ledger(tmp_path / "ledger.sqlite"), requests(2), str(tmp_path / "raw"), direct=True)
        MessageBatchOperator(task_id="judge", asked=lambda context: asked).execute(context())
        assert len(gateway.received) == 2
        assert {headers["x-team"] for headers in gateway.headers} == {"crawl"}
        assert {headers["authorization"] for headers in gateway.headers} == {"Bearer a-key"}
