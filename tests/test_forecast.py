"""`curation plan` says what a run will do and why, and does none of it."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from curation import asking, cli, pipeline, recipe_history, run, stage, takedown
from curation.errors import BudgetError
from curation.forecast import Outlook, forecast
from curation.judge import rubric
from curation.pipeline import Job
from curation.spending import spending
from tests.storage.test_lake import text, write_source

ASKED = 40 + 10  # the sample and the rubric's canaries
STAGES = ["facts", "screen", "judge", "score", "select", "synthesize", "release"]
NOT_PRICED = {"judge.model": "claude-haiku-5-5"}


def silent(step: str, done: int, total: int) -> None:
    pass


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with archives, a recipe, and a lake in which it was run."""
    folder = tmp_path_factory.mktemp("forecast")
    run.run(pipeline.open_job(write_source(folder), str(folder / "lake")), silent, 1)
    return folder


@pytest.fixture
def job(finished: Path, tmp_path: Path) -> Callable[..., Job]:
    """job(dotted path → value): the job of the recipe with these changes, in a copy of the lake."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    for claim in (tmp_path / "lake").glob("documents/*/source.txt"):
        claim.unlink()  # the archives have moved
    file = tmp_path / "small.yaml"
    file.write_text(file.read_text().replace(str(finished), str(tmp_path)))

    def make(overrides: dict[str, Any] | None = None) -> Job:
        return pipeline.open_job(file, str(tmp_path / "lake"), overrides)

    return make


def seen(job: Job) -> dict[str, Outlook]:
    found = forecast(job)
    assert [outlook.stage for outlook in found] == STAGES
    return {outlook.stage: outlook for outlook in found}


def would_run(found: dict[str, Outlook]) -> list[str]:
    return [outlook.stage for outlook in found.values() if outlook.runs]


def files(folder: Path) -> dict[str, int]:
    return {str(f): f.stat().st_mtime_ns for f in folder.rglob("*") if f.is_file()}


def gold(folder: Path) -> dict[str, Any]:
    """The setting of a recipe that names 28 labels in `folder`, of which six are asked about twice."""
    rows = [f'"Held to. {text(n)}",{n % 6}' for n in range(30)]  # two texts come twice
    (folder / "gold.csv").write_text("\n".join(["text,label", *rows]))
    return {"judge.gold": {"path": str(folder / "gold.csv"), "probed": 0}}


def test_before_the_first_run_all_would_run_and_what_is_asked_is_not_known(tmp_path: Path) -> None:
    job = pipeline.open_job(write_source(tmp_path), str(tmp_path / "lake"))
    found = seen(job)
    assert would_run(found) == STAGES
    assert found["facts"].why == ("web/2025-11-03, web/2025-11-04: new",)
    assert found["judge"].what == "requests not known before screen has run"
    assert found["judge"].quote is None
    assert not (tmp_path / "lake").exists()


def test_after_a_run_nothing_would_run(job: Callable[..., Job]) -> None:
    found = seen(job())
    assert would_run(found) == []
    assert found["facts"].what == "2 of 2 partitions, 82 documents"


@pytest.mark.parametrize("asked", [True, False])
def test_a_plan_and_a_quote_change_nothing_and_make_neither_key_nor_ledger(
    job: Callable[..., Job], tmp_path: Path, asked: bool
) -> None:
    dear = job(NOT_PRICED)
    if not asked:  # a lake in which nothing was asked yet
        for name in ("key", "ledger.sqlite"):
            (tmp_path / "lake" / name).unlink()
    before = files(tmp_path / "lake")
    assert (tmp_path / "lake" / "key").exists() == asked
    judge = {outlook.stage: outlook for outlook in forecast(dear)}["judge"]
    assert judge.quote is not None
    assert judge.quote.requests == ASKED
    recipe = (tmp_path / "small.yaml").read_text()
    (tmp_path / "dear.yaml").write_text(recipe.replace("judge: {", "judge: {model: claude-haiku-5-5, "))
    where = ["-r", str(tmp_path / "dear.yaml"), "-l", str(tmp_path / "lake")]
    told = CliRunner().invoke(cli.app, ["quote", *where])
    assert told.exit_code == 0, told.output
    assert files(tmp_path / "lake") == before


@pytest.mark.parametrize(
    ("overrides", "first", "why"),
    [
        (
            {"select.drop.too_few_words": "word_count < 10"},
            "screen",
            "select.drop.too_few_words: word_count < 20 → word_count < 10",
        ),
        ({"select.duplicates.similarity": 0.7}, "screen", "select.duplicates.similarity: 0.8 → 0.7"),
        ({"judge.sample": 50}, "judge", "judge.sample: 40 → 50"),
        (NOT_PRICED, "judge", "judge.model: offline-rules-1 → claude-haiku-5-5"),
        ({"synthesize.sample": 6}, "synthesize", "synthesize.sample: 5 → 6"),
        ({"release.seed": 3}, "release", "release.seed: 0 → 3"),
        ({"annotate.pii": True}, "facts", "web/2025-11-03, web/2025-11-04: the column pii is not computed"),
        (
            {"select.duplicates.hashes": 64},
            "facts",
            "web/2025-11-03, web/2025-11-04: select.duplicates.hashes: 112 → 64",
        ),
    ],
)
def test_a_changed_setting_is_named_at_the_stage_that_it_leads_to_and_what_follows_runs_too(
    job: Callable[..., Job], overrides: dict[str, Any], first: str, why: str
) -> None:
    found = seen(job(overrides))
    assert would_run(found) == STAGES[STAGES.index(first) :]
    assert why in found[first].why
    assert all(f"{first} runs" in found[name].why for name in would_run(found)[1:])


def test_settings_that_change_no_fingerprint_are_not_named(job: Callable[..., Job]) -> None:
    assert would_run(seen(job({"alarms.source_loss": 0.5, "budget.run_usd": 3}))) == []


def test_of_several_changes_each_stage_names_its_own(job: Callable[..., Job]) -> None:
    found = seen(job({"judge.sample": 50, "release.seed": 3, "alarms.volume": 5.0}))
    assert found["judge"].why == ("judge.sample: 40 → 50",)
    assert found["release"].why == ("release.seed: 0 → 3", "judge runs")


def test_a_rubric_that_was_edited_is_named(job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> None:
    load = rubric.load

    def edited(*name: Any) -> Any:
        found = load(*name)
        return replace(found, system=found.system + " Be strict.")

    monkeypatch.setattr(rubric, "load", edited)
    found = seen(job())
    assert would_run(found)[0] == "judge"
    assert found["judge"].why == ("the text of the rubric educational",)
    assert found["judge"].quote is not None
    assert found["judge"].quote.requests == ASKED


def test_a_version_of_the_code_that_changed_is_told_from_a_setting(
    job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curation.select.VERSION", 99)
    found = seen(job({"release.seed": 3}))
    assert found["screen"].why == (recipe_history.OUTSIDE,)


def test_a_day_more_is_new_and_the_others_are_published(job: Callable[..., Job], tmp_path: Path) -> None:
    longer = job({"interval.end": "2025-11-06"})
    found = seen(longer)
    assert found["facts"].what == "2 of 3 partitions, 82 documents"
    assert found["facts"].why == ("web/2025-11-05: there is no archive yet",)
    (tmp_path / "2025-11-05").mkdir()
    (tmp_path / "2025-11-05" / "part.jsonl").write_text(f'{{"id": "d", "text": "{text(101)}"}}')
    assert seen(longer)["facts"].why == ("web/2025-11-05: new",)
    plans = pipeline.plan(longer, "2025-11-05")
    for uri in plans:
        pipeline.ingest(longer, uri)
        pipeline.annotate(longer, uri)
    pipeline.publish(longer, plans)
    found = seen(longer)
    assert would_run(found)[0] == "screen"
    assert found["screen"].why == ("web/2025-11-05: new since the last decisions",)


def test_a_late_archive_is_named_and_then_its_partition_has_another_generation(
    job: Callable[..., Job], tmp_path: Path
) -> None:
    small = job()
    (tmp_path / "2025-11-03" / "late.jsonl").write_text(f'{{"id": "late", "text": "{text(103)}"}}')
    found = seen(small)
    assert found["facts"].why == ("web/2025-11-03: more archives (1), such as late.jsonl",)
    assert would_run(found) == STAGES
    plans = pipeline.plan(small, "2025-11-03")
    for uri in plans:
        pipeline.ingest(small, uri)
        pipeline.annotate(small, uri)
    pipeline.publish(small, plans)
    found = seen(small)
    assert would_run(found)[0] == "screen"
    assert found["screen"].why == ("web/2025-11-03: another generation",)


def test_a_day_less_is_told(job: Callable[..., Job]) -> None:
    found = seen(job({"interval.end": "2025-11-04"}))
    assert found["facts"].what == "1 of 1 partitions, 41 documents"
    assert found["screen"].why == ("web/2025-11-04: no longer asked for",)


def test_a_document_that_was_taken_down_is_told(job: Callable[..., Job]) -> None:
    small = job()
    [uri, *_] = pipeline.screen(replace(small, look_only=True)).part_uris()
    takedown.add(small.lake, "id", stage.read_table(uri, ["id"])["id"][0].as_py(), "its author asked")
    assert seen(small)["screen"].why == ("documents were taken down",)


def test_a_change_that_was_run_is_no_reason_any_more(job: Callable[..., Job], tmp_path: Path) -> None:
    """What came after it is."""
    changed = job({"select.drop.too_few_words": "word_count < 10"})
    run.run(changed, silent, 1)
    assert would_run(seen(changed)) == []
    assert would_run(seen(job())) == []  # the recipe of before is still published
    (tmp_path / "2025-11-03" / "late.jsonl").write_text(f'{{"id": "late", "text": "{text(103)}"}}')
    assert seen(changed)["screen"].why == ("facts runs",)
    assert len(recipe_history.earlier(changed)) == 2
    run.run(replace(changed, recipe=job({"budget.run_usd": 1}).recipe), silent, 1)
    assert len(recipe_history.earlier(changed)) == 3  # the first one again


def test_a_step_above_what_was_agreed_is_not_begun_and_shows_the_quote(job: Callable[..., Job]) -> None:
    dear = job({**NOT_PRICED, "budget.ask_usd": 0})
    [judge, _] = asking.steps(dear.recipe)
    asked = asking.requests(dear, judge)
    assert asked is not None
    with pytest.raises(BudgetError, match=r"(?s)the step judge.*nothing was sent.*requests to send.*--spend"):
        asking.check(dear, judge, asked, None)
    asking.check(job({**NOT_PRICED, "budget.ask_usd": 1}), judge, asked, None)
    asking.check(job(NOT_PRICED), judge, asked, None)
    free = job({"budget.ask_usd": 0, "judge.sample": 50})
    run.run(free, silent, 1)  # what costs nothing is not asked about


def test_labels_to_hold_the_judge_to_are_a_stage_of_their_own(
    job: Callable[..., Job], tmp_path: Path
) -> None:
    held = job(gold(tmp_path))
    [calibrate] = [outlook for outlook in forecast(held) if outlook.runs]  # all else is published, and stays
    assert calibrate.stage == "calibrate"
    assert calibrate.what.startswith("34 requests to send, 0 answered")
    steps: list[str] = []
    run.run(held, lambda step, *_: steps.append(step), 1)
    assert steps.index("calibration") < steps.index("judge")  # a judge that is worse is not paid for before
    told = {outlook.stage: outlook.what for outlook in forecast(held)}
    assert told["calibrate"] == "held to 28 documents with labels"
    (tmp_path / "gold.csv").write_text((tmp_path / "gold.csv").read_text() + f'"More. {text(50)}",3\n')
    more = {outlook.stage: outlook.why for outlook in forecast(held) if outlook.runs}
    assert more == {"calibrate": ("other labels than before",)}


def test_a_calibration_is_priced_before_the_first_run_and_what_follows_does_not_wait_for_it(
    job: Callable[..., Job], tmp_path: Path
) -> None:
    file = write_source(tmp_path / "new")
    told = {o.stage: o for o in forecast(pipeline.open_job(file, str(tmp_path / "none"), gold(tmp_path)))}
    assert told["calibrate"].quote is not None
    assert not (tmp_path / "none").exists()
    told = {o.stage: o for o in forecast(job(NOT_PRICED | gold(tmp_path)))}
    for name, requests in (("calibrate", 34), ("judge", ASKED)):
        assert told[name].quote is not None
        assert told[name].quote.requests == requests
    assert "calibrate runs" not in [why for outlook in told.values() for why in outlook.why]


def test_what_would_stop_at_an_alarm_or_a_gate_says_so(job: Callable[..., Job]) -> None:
    found = seen(job({"alarms.source_loss": 0.001, "release.seed": 3}))
    assert "out of the ordinary" in found["screen"].why[0]
    assert found["release"].what == "waits for approval"
    found = seen(job({"judge.gate": "required"}))
    assert found["select"].what == "waits for promotion"


def test_a_quote_prices_what_it_can_and_says_what_waits_for_whose_approval(
    job: Callable[..., Job], tmp_path: Path
) -> None:
    job()
    gold(tmp_path)
    said = yaml.safe_load((tmp_path / "small.yaml").read_text())
    said["judge"] |= {"model": "claude-haiku-5-5"}
    (tmp_path / "dear.yaml").write_text(yaml.safe_dump(said | {"alarms": {"source_loss": 0.001}}))
    where = ["-r", str(tmp_path / "dear.yaml"), "-l", str(tmp_path / "lake")]
    told = CliRunner().invoke(cli.app, ["quote", *where, "--gold", str(tmp_path / "gold.csv")])
    assert told.exit_code == 0, told.output
    assert "calibrate: what it would cost" in told.output
    assert "judge: not known yet, it waits for an approval" in told.output
    assert "curation approve --why" in told.output.replace("\n", " ")
    said["judge"] |= {"gate": "required", "model": "offline-rules-1"}
    (tmp_path / "dear.yaml").write_text(yaml.safe_dump(said))
    told = CliRunner().invoke(cli.app, ["quote", *where])
    assert told.exit_code == 0, told.output
    assert "synthesize: not known yet, it waits for an approval" in told.output
    assert "curation promote --why" in told.output.replace("\n", " ")


def test_what_was_spent_is_told_by_stage_and_for_what_is_kept(job: Callable[..., Job]) -> None:
    small = replace(job(), look_only=True)
    told = spending(small)
    assert [(cost.stage, cost.requests) for cost in told.costs] == [("judge", ASKED), ("synthesize", 5)]
    released = pipeline.already_released(small)
    assert released is not None
    assert told.kept_tokens == released.manifest.details["text_bytes"] / 4
    assert told.usd_per_million(told.costs[0]) == 0.0


def test_a_recipe_without_a_judge_has_no_such_stages(tmp_path: Path) -> None:
    file = write_source(tmp_path)
    said = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump({k: v for k, v in said.items() if k not in ("judge", "synthesize")}))
    job = pipeline.open_job(file, str(tmp_path / "lake"))
    assert [outlook.stage for outlook in forecast(job)] == ["facts", "screen", "select", "release"]
