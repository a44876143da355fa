"""A run stops at an alarm until a person approves of these decisions; of others it asks anew."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from curation import alarms, approvals, pipeline, takedown
from curation.approvals import Approval
from curation.errors import AlarmError, RecipeError
from curation.explain import explain
from curation.pipeline import Job
from curation.run import run
from tests.sample import ingest

PROSE = "The bridge was built by the people of the town, and it is still used by them every day of the year. "
LIMITS = {"alarms.source_loss": 0.5, "alarms.stands_for": 5}


def write(folder: Path, more: str = "") -> Path:
    """30 documents, of which 20 are near copies of one text."""
    texts = [PROSE * 3 + str(n) if n < 20 else f"In town {n} nobody built bridge {n * n}." for n in range(30)]
    (folder / "posts.jsonl").write_text(
        "\n".join(json.dumps({"id": str(n), "text": text}) for n, text in enumerate(texts))
    )
    (folder / "small.yaml").write_text(
        "name: small\n"
        "interval: {start: 2025-11-03, end: 2025-11-04}\n"
        "sources:\n"
        "  - {name: posts, format: jsonl, path: posts.jsonl, columns: {id: id}}\n" + more
    )
    return folder / "small.yaml"


@pytest.fixture
def job(tmp_path: Path) -> Job:
    made = pipeline.open_job(write(tmp_path), str(tmp_path / "lake"), LIMITS)
    ingest(made, None)
    return made


def approve(job: Job) -> None:
    decisions = pipeline.screen(job)
    pending = approvals.pending(job.lake, job.recipe.alarms, decisions)
    assert pending
    approvals.add(job.lake, decisions, pending, Approval("I have looked", "Ada"))


def test_what_is_approved_passes_and_says_why_and_who(job: Job) -> None:
    with pytest.raises(AlarmError, match="19 of the 30 documents"):
        pipeline.check_alarms(job)
    approve(job)
    pipeline.check_alarms(job)
    files = list((Path(job.lake.root) / "approvals" / pipeline.screen(job).manifest.digest).glob("*.json"))
    said = [json.loads(file.read_text()) for file in files]
    assert {s["alarm"]["what"] for s in said} == {"source_loss", "stands_for"}
    assert all((s["why"], s["by"]) == ("I have looked", "Ada") for s in said)


def test_an_approval_stays_as_it_was_given(job: Job) -> None:
    approve(job)
    decisions = pipeline.screen(job)
    again = alarms.raised(job.recipe.alarms, decisions)
    approvals.add(job.lake, decisions, again, Approval("another reason", None))
    for alarm in again:
        assert approvals.find(job.lake, decisions, alarm) == Approval("I have looked", "Ada")


def test_other_decisions_ask_anew(job: Job) -> None:
    approve(job)
    gone = alarms.raised(job.recipe.alarms, pipeline.screen(job))[0].documents[0]
    takedown.add(job.lake, "id", gone, "its author asked")
    with pytest.raises(AlarmError, match="18 of the 29 documents"):
        pipeline.check_alarms(job)


def test_an_alarm_that_a_lower_limit_raises_is_not_approved_with_the_others(job: Job, tmp_path: Path) -> None:
    loose = pipeline.open_job(tmp_path / "small.yaml", job.lake.root, {"alarms.source_loss": 0.5})
    approve(loose)
    pipeline.check_alarms(loose)
    with pytest.raises(AlarmError, match="stays for 19 others") as caught:
        pipeline.check_alarms(job)
    assert "30 documents" not in str(caught.value)  # this one is


def test_a_run_stops_before_anything_is_sent_and_sends_it_once_it_is_approved(
    tmp_path: Path,
) -> None:
    recipe = write(tmp_path, "judge: {sample: 10}\n")
    job = pipeline.open_job(recipe, str(tmp_path / "lake"), LIMITS)
    with pytest.raises(AlarmError):
        run(job, lambda *_: None, workers=1)
    assert not (tmp_path / "lake" / "answers").exists()
    named = alarms.raised(job.recipe.alarms, pipeline.screen(job))[0].documents[0]
    looking = replace(job, look_only=True)
    assert explain(looking, named).decision["reason"] == "near_duplicate"  # the evidence can be looked at
    approve(job)
    with pytest.raises(RecipeError, match="cannot learn"):  # from ten answers, which it has now
        run(job, lambda *_: None, workers=1)
    assert (tmp_path / "lake" / "answers").exists()


def test_a_release_asks_anew_of_what_the_lake_has_by_then(job: Job) -> None:
    with pytest.raises(AlarmError, match="nothing is made of them"):
        pipeline.release(job)
    approve(job)
    assert pipeline.release(job).new
