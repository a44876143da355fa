"""A classifier that did not pass a gate that is required decides nothing until a person promotes it."""

import json
import shutil
from pathlib import Path

import pytest

from curation import approvals, pipeline, stage
from curation.approvals import Approval
from curation.errors import NotPromoted
from curation.explain import explain
from curation.needs import needs
from curation.pipeline import Job
from tests import sample
from tests.test_cli import curation


@pytest.fixture
def job(in_order: Job, recipe: Path, tmp_path: Path) -> Job:
    return sample.with_gate_required(in_order, recipe, tmp_path)


def test_its_score_is_not_used_and_the_error_says_what_is_lacking(job: Job) -> None:
    with pytest.raises(
        NotPromoted, match=r"terminal_line_ratio: ahead by -(.|\n)*curation promote --why TEXT"
    ):
        pipeline.select(job)
    assert pipeline.already_released(job) is None
    assert pipeline.learned(job).new is False


def test_what_looks_only_goes_on_with_the_first_decisions(job: Job) -> None:
    decided = pipeline.screen(job)
    kept = next(iter(decided.part_uris()))
    id_ = str(stage.read_table(kept, ["id"]).column("id")[0])
    assert explain(job, id_).document["id"] == id_
    assert needs(job, {}, 0.0).found


def test_a_person_promotes_it_and_it_decides_as_if_the_gate_were_only_reported(
    job: Job, in_order: Job
) -> None:
    where = ("-r", str(Path(job.lake.root).parent / "required.yaml"), "-l", job.lake.root)
    told = curation("promote", *where, "--why", "the sample is small, [as] agreed")
    assert told.returncode == 0, told.stderr
    assert "Gate: not passed" in told.stdout
    assert "Promoted: the sample is small, [as] agreed" in told.stdout
    assert pipeline.select(job).manifest == pipeline.select(in_order).manifest
    trained = pipeline.learned(job)
    approvals.promote(job.lake, trained, Approval("another reason", "Ada"))
    assert approvals.promotion(job.lake, trained) == Approval("the sample is small, [as] agreed", None)
    [file] = Path(job.lake.root).glob("approvals/*/gate.json")
    assert json.loads(file.read_text())["report"] == trained.manifest.details["report"]


def test_another_classifier_asks_anew(job: Job) -> None:
    approvals.promote(job.lake, pipeline.learned(job), Approval("this one", None))
    other = pipeline.learned(job).manifest.model_copy(update={"kept": 0, "rows_in": 0, "dropped": {}})
    trained = pipeline.learned(job)
    assert approvals.promotion(job.lake, type(trained)("x", 1, other)) is None


def test_a_rule_may_ask_whether_a_document_is_good(in_order: Job, recipe: Path, tmp_path: Path) -> None:
    """By the flag, or by the score and the threshold that no recipe changed: the same documents go."""
    shutil.copytree(in_order.lake.root, tmp_path / "lake")
    rules = ("NOT educational_score_good", "educational_score < 0.5")
    jobs = [pipeline.open_job(recipe, str(tmp_path / "lake"), {"select.drop.poor": rule}) for rule in rules]
    by_flag, by_score = (pipeline.select(job).manifest.dropped for job in jobs)
    assert by_flag == by_score
    assert by_flag["poor"] > 0
    assert all("poor" not in pipeline.first_rules(job) for job in jobs)
