"""The gate's task: done at once where the classifier may decide, else it waits for a person."""

import json
from dataclasses import replace

import pytest

from curation import pipeline, stage
from curation.errors import NotPromoted
from curation_airflow.gate import GateOperator
from tests import sample
from tests.plugins.person import CONTEXT, answer, parked


@pytest.fixture
def job(in_order, recipe, tmp_path):
    """The sample, whose classifier has not passed, with the gate required."""
    return sample.with_gate_required(in_order, recipe, tmp_path)


def operator(job):
    return GateOperator(task_id="gate", job=lambda context: job)


def test_where_the_gate_is_passed_nobody_is_asked(job, asked, monkeypatch):
    learned = pipeline.learned(job)
    details = {**learned.manifest.details, "gate_passed": True}
    trained = replace(learned, manifest=learned.manifest.model_copy(update={"details": details}))
    monkeypatch.setattr(pipeline, "learned", lambda job: trained)
    assert operator(job).execute(CONTEXT) == trained.uri
    assert asked == []


def test_a_classifier_that_has_not_passed_waits_with_what_it_is_worth(job, asked):
    kept = parked(operator(job))
    assert kept == {"classifier": pipeline.learned(job).uri}
    [shown] = asked
    assert shown["subject"] == "The classifier of sample has not passed the gate"
    report = pipeline.learned(job).manifest.details["report"]
    lines = shown["body"].splitlines()
    assert any(line.startswith("- terminal_line_ratio: ahead by -") for line in lines)
    assert "| | precision | recall | F1 | AUC | AUC within source |" in lines
    for name in ("classifier", "length", "source_alone"):
        [row] = [line for line in lines if line.startswith(f"| {name} |")]
        assert row.count("|") == 7
    assert report not in shown["body"]  # the card, which a person can read
    assert pipeline.learned(job).manifest.details["card"] in shown["body"]
    assert shown["options"] == ["Approve", "Reject"]
    assert list(shown["params"]) == ["why"]


def test_it_is_told_to_the_web_hook_that_someone_is_waited_for(job, asked, monkeypatch):
    sent = []
    monkeypatch.setattr("curation_airflow.approval.send", sent.append)
    parked(operator(job))
    [text] = sent
    assert text.startswith("release_small.gate waits for approval. The classifier of sample has not passed")


def test_approved_it_is_promoted_decides_and_is_not_asked_about_again(job, in_order, asked, tmp_path):
    trained = pipeline.learned(job)
    with pytest.raises(NotPromoted):
        pipeline.select(job)
    assert answer(operator(job), "Approve", parked(operator(job)), why="I have read the card") == trained.uri
    [fact] = (tmp_path / "lake" / "approvals").glob("*/gate.json")
    said = json.loads(fact.read_text())
    assert (said["by"], said["why"]) == ("Ada", "I have read the card")
    assert said["report"] == trained.manifest.details["report"]
    assert operator(job).execute(CONTEXT) == trained.uri
    assert len(asked) == 1
    assert pipeline.select(job).manifest == pipeline.select(in_order).manifest


def test_rejected_it_stays_as_it_is_and_the_task_fails_for_good_with_who_why_and_what(job, asked, tmp_path):
    with pytest.raises(
        NotPromoted,
        match=r"rejected by Ada \(too few\); the classifier (?s:.*)terminal_line_ratio: ahead by -",
    ):
        answer(operator(job), "Reject", parked(operator(job)), why="too few")
    assert not list((tmp_path / "lake").glob("approvals/*/gate.json"))
    with pytest.raises(NotPromoted):
        pipeline.select(job)
    parked(operator(job))  # cleared, it asks again


def test_an_answer_is_about_the_classifier_that_was_shown(job, asked, monkeypatch):
    """While a person thinks another one is trained: of that nobody has seen what it is worth."""
    kept = parked(operator(job))
    shown = stage.open_manifest(kept["classifier"])
    other = replace(shown, manifest=shown.manifest.model_copy(update={"fingerprint": "0" * 16}))
    monkeypatch.setattr(pipeline, "learned", lambda job: other)
    with pytest.raises(NotPromoted, match="did not pass the gate"):
        answer(operator(job), "Approve", kept)
