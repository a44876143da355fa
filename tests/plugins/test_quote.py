"""The quoting task: done at once where a step is cheap, else it waits for a person who agrees."""

from types import SimpleNamespace

import anthropic
import pytest

from curation import pipeline
from curation.claude import stand_in
from curation.claude.client import Connection
from curation.errors import BudgetError
from curation_airflow.quote import QuoteOperator, check_agreed
from tests.plugins.person import CONTEXT, answer, parked
from tests.sample import ingest
from tests.storage.test_lake import write_source


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A recipe whose facts and first decisions are in a lake."""
    folder = tmp_path_factory.mktemp("quote")
    job = pipeline.open_job(write_source(folder), str(folder / "lake"))
    for day in job.recipe.interval.days:
        ingest(job, day)
    pipeline.screen(job)
    return folder


@pytest.fixture(autouse=True)
def service(monkeypatch):
    """A service that counts no tokens for this model: they are told from bytes."""
    with stand_in.serve() as server:
        client = Connection("key", server.url).client()
        hook = "airflow.providers.anthropic.hooks.anthropic.AnthropicHook"
        monkeypatch.setattr(hook, lambda conn_id: SimpleNamespace(get_conn=lambda: client))
        yield server


def operator(folder, ask_usd, **overrides):
    changes = {"judge.model": "claude-haiku-5-5", "budget.ask_usd": ask_usd, **overrides}
    job = pipeline.open_job(folder / "small.yaml", str(folder / "lake"), changes)
    return QuoteOperator(task_id="quote_judge", job=lambda context: job, step="judge")


def test_below_the_threshold_nobody_is_asked_and_the_quote_is_in_the_log(lake, asked, capsys):
    told = operator(lake, 100).execute(CONTEXT)
    assert 0 < told["low"] < told["expected"] < told["high"] < 100
    assert asked == []
    assert "| requests to send | 50" in capsys.readouterr().out


def test_above_it_a_person_sees_the_quote(lake, asked):
    kwargs = parked(operator(lake, 0))
    [shown] = asked
    assert shown["subject"].startswith("judge of small is expected to cost $0.0")
    for said in (
        "| requests to send | 50",
        "| expected | $",
        "| reserved when sent |",
        "claude-haiku-5-5",
        "`budget.ask_usd` is $0.00",
    ):
        assert said in shown["body"]
    assert shown["options"] == ["Approve", "Reject"]
    assert kwargs["agreed_usd"] > 0


def test_no_secret_is_in_what_is_shown_and_kept_of_a_quote(lake, asked, service, monkeypatch, capsys, caplog):
    """Airflow keeps it, and shows it to whoever may look at the task."""
    caplog.set_level("DEBUG")
    made = anthropic.Anthropic(
        api_key="sk-ant-secret",
        base_url=service.url.replace("//", "//user:hunter2@"),
        default_headers={"x-gateway-token": "gateway-secret"},
    )
    hook = "airflow.providers.anthropic.hooks.anthropic.AnthropicHook"
    monkeypatch.setattr(hook, lambda conn_id: SimpleNamespace(get_conn=lambda: made))
    kept = parked(operator(lake, 0)), operator(lake, 100).execute(CONTEXT)
    assert service.counts["count_tokens"], "or the connection was not used"
    written = capsys.readouterr()
    told = repr((asked, kept, operator(lake, 0))) + written.out + written.err + caplog.text
    assert "is expected to cost" in told
    for secret in ("sk-ant-secret", "hunter2", "dXNlcjpodW50ZXIy", "gateway-secret"):
        assert secret not in told


def test_it_is_told_to_the_web_hook_that_someone_is_waited_for(lake, asked, monkeypatch):
    sent = []
    monkeypatch.setattr("curation_airflow.approval.send", sent.append)
    parked(operator(lake, 0))
    assert sent[0].startswith("release_small.quote_judge waits for approval. judge of small is expected")


def test_what_is_agreed_to_goes_on(lake, asked, service):
    kwargs = parked(operator(lake, 0))
    told = answer(operator(lake, 0), "Approve", kwargs)
    assert told["expected"] <= kwargs["agreed_usd"]
    assert service.counts["create"] == 0


def test_what_is_rejected_fails_for_good_with_who_and_what(lake, asked):
    with pytest.raises(
        BudgetError, match=r"rejected by Ada; judge is expected to cost \$0\.\d+: nothing was sent"
    ):
        answer(operator(lake, 0), "Reject", parked(operator(lake, 0)))


def test_an_answer_is_about_the_sum_that_was_shown(lake, asked):
    """While a person thinks, the recipe gets a dearer model: to that nobody has agreed."""
    kwargs = parked(operator(lake, 0))
    dearer = operator(lake, 0, **{"judge.model": "claude-opus-5-5"})
    with pytest.raises(
        BudgetError,
        match=r"Ada agreed to \$0\.0\d+ at most, and now judge is expected to cost \$0\.\d+: nothing",
    ):
        answer(dearer, "Approve", kwargs)


def test_the_task_that_sends_refuses_what_nobody_has_agreed_to(lake):
    """Cleared alone after the recipe has changed, it would send what was never quoted in this run."""

    def quoted(usd):
        return {"ti": SimpleNamespace(xcom_pull=lambda task_ids: usd and {"high": usd})}

    dear = operator(lake, 0).job({})
    check_agreed(dear, "judge", "quote_judge", quoted(100.0))
    for agreed in (0.0001, None):
        with pytest.raises(BudgetError, match=r"nothing was sent\. Clear the task quote_judge"):
            check_agreed(dear, "judge", "quote_judge", quoted(agreed))
    check_agreed(operator(lake, 100).job({}), "judge", "quote_judge", quoted(None))
