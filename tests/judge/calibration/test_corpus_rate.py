"""The share of good documents in a lake, as the judge says and as corrected by gold labels."""

import json
import shutil
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from curation import pipeline, screens, stage
from curation.claude.ledger import Ledger
from curation.judge import judgments
from curation.judge.calibration.agreement import Estimate
from curation.judge.calibration.corpus_rate import CorpusRate
from curation.judge.calibration.rates import Share, rogan_gladen
from curation.layout import Layout
from curation.pipeline import Job
from curation.recipe import Gold
from tests.judge.ledgers import answered, judged


def level_of(text: str) -> int:
    return int(next(word for word in text.replace(".", " ").split() if word.isdigit())) % 6


@pytest.fixture
def job(in_order: Job, tmp_path: Path) -> Job:
    """The sample's job in a copy of its lake, with gold labels."""
    shutil.copytree(in_order.lake.root, tmp_path / "lake")
    lines = [json.dumps({"text": f"Document {n} of the gold.", "label": n % 6}) for n in range(60)]
    (tmp_path / "gold.jsonl").write_text("\n".join(lines))
    judge = in_order.judge.model_copy(update={"gold": Gold(path=str(tmp_path / "gold.jsonl"), probed=5)})
    recipe = in_order.recipe.model_copy(update={"judge": judge})
    lake = Layout(str(tmp_path / "lake"))
    return Job(recipe, lake, lake.ledger)


def test_without_a_calibration_there_is_no_corrected_rate(job: Job) -> None:
    assert pipeline.corpus_rate(job) is None


def test_the_rate_is_corrected_by_the_errors_on_the_gold(job: Job) -> None:
    def generous(text: str):  # takes a third of the poor ones for good
        return judged(max(level_of(text), 3) if level_of(text) == 2 else level_of(text))

    answered(Path(job.lake.root), pipeline.calibrate_requests(job), generous)
    pipeline.calibrate(job)
    found = pipeline.corpus_rate(job)
    assert found is not None
    rows = [
        row
        for uri in judgments.find(job.lake, job.judge, pipeline.screen(job)).part_uris()
        for row in stage.read_table(uri).to_pylist()
        if row["drawn_for"] == "audit"
    ]
    assert found.said == Share(sum(row["score"] >= 3 for row in rows), len(rows))
    assert found.corrected == rogan_gladen(found.said, Share(30, 30), Share(20, 30))
    assert found.corrected.value < found.said.ratio
    original = sum(p.documents.manifest.kept for p in pipeline.gather(job, job.columns))
    assert 0 < found.documents < original
    assert 0 <= found.powered.low <= found.powered.value <= found.powered.high <= 1
    assert Ledger(job.ledger_at).usd() == 0


def test_with_the_last_score_it_is_published_once_with_a_page_for_each_calibration(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(job.lake.corpus_rates("sample"))
    answered(Path(job.lake.root), pipeline.calibrate_requests(job), lambda text: judged(level_of(text)))
    calibrated = pipeline.calibrate(job)
    assert pipeline.corpus_rate(replace(job, look_only=True)) is not None
    assert not folder.exists()  # looking publishes nothing
    trained = pipeline.score(job)
    published = stage.current(str(folder))
    assert published is not None
    assert {calibrated.input, trained.input, pipeline.screen(job).input} <= {*published.manifest.inputs}
    page = (folder / published.manifest.details["report"]).read_text()

    with monkeypatch.context() as patched:  # what is published is found, not measured
        patched.setattr("curation.judge.calibration.corpus_rate.measure", None)
        found = pipeline.corpus_rate(job)
    assert found is not None
    assert f"{found.documents:,} documents" in page
    assert f"| {found.said.ratio:.2f} |" in page
    assert f"by the judge's errors on {calibrated.manifest.details['gold']['name']}" in page
    for told in (found.powered, found.corrected):
        assert f"| {told.value:.2f} [{told.low:.2f}, {told.high:.2f}] |" in page

    again = job.judge.model_copy(update={"gold": job.judge.gold.model_copy(update={"probed": 0})})
    other = replace(job, recipe=job.recipe.model_copy(update={"judge": again}))
    pipeline.calibrate(other)
    assert pipeline.corpus_rate(other) == found
    assert [p.generation for p in stage.generations(str(folder))] == [2, 1]


def test_a_sample_of_which_nothing_was_drawn_at_random_is_told_without_a_share() -> None:
    """`judge.audit: 0`, or an audit slice that was refused whole."""
    console = Console(file=StringIO(), width=300)
    powered, unknown = Estimate(0.4, 0.3, 0.5), Estimate(None)
    screens.corpus_rate(console, CorpusRate(3, Share(0, 0), powered, unknown, 900))
    said = console.file.getvalue()
    assert "drawn at random (judge.audit)" in said
    assert "0.40 [0.30, 0.50]" in said


def test_looking_computes_nothing(job: Job) -> None:
    moved = replace(job, lake=Layout(job.lake.root + "-empty"))
    assert pipeline.corpus_rate(moved) is None
    assert not Path(job.lake.root + "-empty").exists()
