"""The screening task: done at once where nothing is out of the ordinary, else it waits for a person."""

import json
from dataclasses import replace

import pytest

from curation import pipeline, stage, takedown
from curation.errors import AlarmError
from curation_airflow.screen import ScreenOperator
from tests.judge.ledgers import answered, judged
from tests.plugins.person import CONTEXT, answer, parked

PROSE = "The bridge was built by the people of the town, and it is still used by them every day of the year. "


@pytest.fixture
def make_job(tmp_path):
    """A maker of the job of 20 near copies, under a limit to what a source may lose."""
    lines = [json.dumps({"id": str(n), "text": PROSE * 3 + str(n)}) for n in range(20)]
    (tmp_path / "posts.jsonl").write_text("\n".join(lines))
    (tmp_path / "small.yaml").write_text(
        "name: small\n"
        "interval: {start: 2025-11-03, end: 2025-11-04}\n"
        "sources:\n"
        "  - {name: posts, format: jsonl, path: posts.jsonl, columns: {id: id}}\n"
    )

    def make(limit: float):
        job = pipeline.open_job(
            tmp_path / "small.yaml", str(tmp_path / "lake"), {"alarms.source_loss": limit}
        )
        plans = pipeline.plan(job, None)
        for uri in plans:
            pipeline.ingest(job, uri)
            pipeline.annotate(job, uri)
        pipeline.publish(job, plans)
        return job

    return make


def operator(job):
    return ScreenOperator(task_id="screen", job=lambda context: job)


def test_nothing_out_of_the_ordinary_asks_nobody(make_job, asked):
    job = make_job(1.0)
    assert operator(job).execute(CONTEXT) == pipeline.screen(job).uri
    assert asked == []


def test_an_alarm_waits_with_the_evidence(make_job, asked):
    parked(operator(make_job(0.5)))
    [shown] = asked
    assert "small" in shown["subject"]
    assert "19 of the 20 documents" in shown["body"]
    assert "curation explain" in shown["body"]
    assert shown["options"] == ["Approve", "Reject"]
    assert list(shown["params"]) == ["why"]


def test_it_is_told_to_the_web_hook_that_someone_is_waited_for(make_job, asked, monkeypatch):
    sent = []
    monkeypatch.setattr("curation_airflow.approval.send", sent.append)
    parked(operator(make_job(0.5)))
    [text] = sent
    assert text.startswith("release_small.screen waits for approval")
    assert "19 of the 20 documents" in text


def test_what_is_approved_goes_on_and_is_not_asked_again(make_job, asked, tmp_path):
    job = make_job(0.5)
    assert answer(operator(job), "Approve", parked(operator(job))) == pipeline.screen(job).uri
    [fact] = (tmp_path / "lake" / "approvals").glob("*/*.json")
    said = json.loads(fact.read_text())
    assert (said["by"], said["why"], said["alarm"]["where"]) == ("Ada", "a mirror, as agreed", "posts")
    assert operator(job).execute(CONTEXT) == pipeline.screen(job).uri
    pipeline.check_alarms(job)  # on the command line too
    assert len(asked) == 1


def test_what_is_rejected_fails_for_good_and_says_who_and_why(make_job, asked, tmp_path):
    job = make_job(0.5)
    with pytest.raises(AlarmError, match=r"rejected by Ada \(not agreed\).*(?s:.*)19 of the 20"):
        answer(operator(job), "Reject", parked(operator(job)), why="not agreed")
    assert not (tmp_path / "lake" / "approvals").exists()


def test_an_answer_is_about_the_alarms_that_were_shown(make_job, asked):
    """While a person thinks, the recipe gets another limit: what it raises nobody has seen."""
    job = make_job(0.5)
    waiting = parked(operator(job))
    limits = job.recipe.alarms.model_copy(update={"stands_for": 5})
    stricter = replace(job, recipe=job.recipe.model_copy(update={"alarms": limits}))
    with pytest.raises(AlarmError, match="stays for 19 others"):
        answer(operator(stricter), "Approve", waiting)


def test_an_answer_is_about_the_decisions_that_were_shown(make_job, asked):
    """While a person thinks, a document is taken down: that set of decisions nobody has seen."""
    job = make_job(0.5)
    waiting = parked(operator(job))
    first = pipeline.screen(job)
    id_ = stage.read_table(first.part_uris()[0], ["id"])["id"][0].as_py()
    takedown.add(job.lake, "id", id_, "its author asked")
    with pytest.raises(AlarmError, match="18 of the 19 documents"):
        answer(operator(job), "Approve", waiting)
    assert first.uri == waiting["made"]


def test_a_judge_that_has_become_worse_is_asked_about_as_decisions_are(tmp_path, asked):
    lines = [json.dumps({"text": f"{n} {PROSE}", "label": n % 6}) for n in range(60)]
    (tmp_path / "gold.jsonl").write_text("\n".join(lines))
    recipe = (
        "name: small\n"
        "interval: {start: 2025-11-03, end: 2025-11-04}\n"
        "sources: [{name: posts, format: jsonl, path: posts.jsonl}]\n"
        "judge: {model: MODEL, gold: {path: gold.jsonl, again: 0, probed: 0}}\n"
    )

    def calibrated(model, score):
        (tmp_path / "small.yaml").write_text(recipe.replace("MODEL", model))
        job = pipeline.open_job(tmp_path / "small.yaml", str(tmp_path / "lake"))
        answered(tmp_path / "lake", pipeline.calibrate_requests(job), lambda text: judged(score(text)))
        return job, ScreenOperator(task_id="calibration", job=lambda context: job, step="calibrate")

    job, task = calibrated("offline-rules-1", lambda text: int(text.split()[0]) % 6)
    assert task.execute(CONTEXT) == pipeline.calibrate(job).uri
    job, task = calibrated("claude-haiku-5-5", lambda text: int(text.split()[0]) % 2)
    kept = parked(task)
    [shown] = asked
    assert "agree less with the gold" in shown["subject"]
    assert "claude-haiku-5-5" in shown["body"]
    assert answer(task, "Approve", kept, "cheaper, as agreed") == pipeline.calibrate(job).uri
    pipeline.check_alarms(job, pipeline.calibrate)
