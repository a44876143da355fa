"""The main job as a library: what a user gets does not depend on when and in which order they ran it."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from curation import pipeline, recipe_file, select
from curation.claude import stand_in
from curation.errors import LakeError, RecipeError
from curation.pipeline import Job
from curation.release import Released
from curation.select import Rules
from tests.sample import DAYS, finish, ingest


def files(released: Released) -> dict[str, bytes]:
    folder = Path(released.uri)
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_days_in_reverse_give_the_same_bytes_as_in_order(
    in_order: Job, recipe: Path, server: stand_in.StandIn, tmp_path: Path
) -> None:
    job = pipeline.open_job(recipe, str(tmp_path / "reverse"))
    for day in (None, *reversed(DAYS)):
        ingest(job, day)
    released, sent = finish(job, server)
    assert sent > 0
    assert files(released) == files(pipeline.release(in_order))


def test_days_in_one_go_give_the_same_bytes_as_one_by_one(
    in_order: Job, recipe: Path, server: stand_in.StandIn, tmp_path: Path
) -> None:
    job = pipeline.open_job(recipe, str(tmp_path / "one go"))
    plans = [uri for day in (*DAYS, None) for uri in pipeline.plan(job, day)]
    for uri in plans:
        pipeline.ingest(job, uri)
    for uri in reversed(plans):
        pipeline.annotate(job, uri)
    pipeline.publish(job, plans)
    released, _ = finish(job, server)
    assert files(released) == files(pipeline.release(in_order))


def test_keys_merged_range_by_range_by_tasks_of_their_own_are_not_merged_again_and_decide_the_same(
    in_order: Job, recipe: Path, tmp_path: Path
) -> None:
    job = pipeline.open_job(recipe, str(tmp_path / "lake"), {"select.duplicates.key_ranges": 5})
    shutil.copytree(in_order.lake.root, job.lake.root)
    for kind in ("index", "pairs", "decisions"):
        shutil.rmtree(Path(job.lake.root) / kind)
    rows = [pipeline.merge_keys(job, number) for number in (4, 1, 0, 2, 3)]
    merged = {f: f.stat().st_mtime_ns for f in Path(job.lake.root).glob("index/*/*-of-0005/*")}
    decided = pipeline.screen(job)
    assert merged == {f: f.stat().st_mtime_ns for f in Path(job.lake.root).glob("index/**/*") if f.is_file()}
    assert all(rows)
    assert decided.manifest == pipeline.screen(in_order).manifest


def test_a_second_run_computes_nothing_sends_nothing_and_says_so(
    in_order: Job, server: stand_in.StandIn
) -> None:
    root = Path(in_order.lake.root)
    before = {f: f.stat().st_mtime_ns for f in root.rglob("*.parquet")}
    for day in (*DAYS, None):
        ingest(in_order, day)
    released, sent = finish(in_order, server)
    assert sent == 0
    assert not released.new
    assert {f: f.stat().st_mtime_ns for f in root.rglob("*.parquet")} == before
    found = pipeline.already_released(in_order)
    assert found is not None
    assert found.uri == released.uri


def test_every_record_of_the_archives_is_accounted_for(in_order: Job) -> None:
    made = pipeline.release(in_order).manifest
    for step in made.details["funnel"]:
        assert step["rows_in"] == step["rows_out"] + sum(step["dropped"].values())
    assert made.rows_in == made.kept + sum(made.dropped.values())
    assert sum(file.rows for file in made.parts) == made.details["rows"]


def test_a_changed_threshold_reruns_decisions_alone(in_order: Job, recipe: Path) -> None:
    root = Path(in_order.lake.root)
    facts = {f for kind in ("documents", "annotations") for f in (root / kind).rglob("part-*.parquet")}
    changed = pipeline.open_job(recipe, str(root), {"select.duplicates.similarity": 0.9})
    assert pipeline.screen(changed).new
    after = {f for kind in ("documents", "annotations") for f in (root / kind).rglob("part-*.parquet")}
    assert after == facts


@pytest.mark.parametrize("names", ["ab", "ba"])
def test_sources_listed_in_another_order_keep_the_same_documents(tmp_path: Path, names: str) -> None:
    long = "the bridge was built by the people of the town and is used by them every day"
    (tmp_path / "a.jsonl").write_text("".join(f'{{"text": "{n}"}}\n' for n in range(5)))
    (tmp_path / "b.jsonl").write_text("".join(f'{{"text": "{n} {long}"}}\n' for n in range(5)))

    def released(names: str, seed: int) -> Released:
        said = {
            "name": "two",
            "interval": {"start": "2025-11-03", "end": "2025-11-04"},
            "sources": [{"name": n, "format": "jsonl", "path": f"{n}.jsonl"} for n in names],
            "annotate": {"language": False},
            "select": {"drop": {"too_few_words": "word_count < 5"}, "duplicates": None},
            "release": {"seed": seed},
        }
        (tmp_path / "two.yaml").write_text(yaml.safe_dump(said))
        job = pipeline.open_job(tmp_path / "two.yaml", str(tmp_path / "lake"))
        ingest(job, None)
        return pipeline.release(job)

    released(names, 0)
    again = released(names[::-1], 1)  # another release of the same set
    table = pq.read_table(f"{again.uri}/data")
    assert sorted(table.column("source").to_pylist()) == ["b"] * 5


def test_decisions_in_another_order_are_not_taken_for_these(in_order: Job) -> None:
    partitions = pipeline.gather(in_order, in_order.columns)
    by = Rules({}, None)
    select.decide(in_order.lake, "ordered", partitions, by)
    turned = partitions[::-1]
    decisions = select.decide(in_order.lake, "ordered", turned, by)
    for uri, decided in select.kept_rows(decisions, turned):
        assert pq.read_table(uri, columns=["id"]).column("id") == decided.column("id")


def test_a_day_that_is_missing_is_named(recipe: Path, tmp_path: Path) -> None:
    job = pipeline.open_job(recipe, str(tmp_path / "lake"))
    ingest(job, DAYS[0])
    assert pipeline.missing(job) == [f"open-web/{day}" for day in DAYS[1:]] + ["18f-blog/all"]
    assert pipeline.already_released(job) is None
    with pytest.raises(LakeError, match=f"open-web/{DAYS[1]}"):
        pipeline.screen(job)


def test_a_day_that_the_recipe_does_not_ask_for_is_refused(recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="2025-11-08 is not a day of sample"):
        pipeline.plan(pipeline.open_job(recipe, str(tmp_path)), "2025-11-08")


def test_one_source_name_is_one_source(recipe: Path, tmp_path: Path) -> None:
    """Two recipes in a lake would otherwise read each other's documents."""
    said = yaml.safe_load(recipe.read_text())
    said["sources"][1]["path"] = str(tmp_path / "other.jsonl")
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(said))
    pipeline.plan(pipeline.open_job(recipe, str(tmp_path / "lake")), None)
    with pytest.raises(
        LakeError, match=r"source 18f-blog of this lake is read from .*give the other one another"
    ):
        pipeline.plan(pipeline.open_job(tmp_path / "other.yaml", str(tmp_path / "lake")), None)


def test_texts_of_two_states_of_a_lake_stand_beside_each_other(
    in_order: Job, recipe: Path, server: stand_in.StandIn
) -> None:
    first = pipeline.release(in_order)
    changed = pipeline.open_job(recipe, in_order.lake.root, {"select.duplicates.similarity": 0.6})
    second, _ = finish(changed, server)
    assert second.uri != first.uri
    for job, released in ((in_order, first), (changed, second)):
        found = pipeline.already_released(job)
        assert found is not None
        assert found.uri == released.uri


def test_a_document_is_not_lost_to_one_of_its_id_that_is_dropped(tmp_path: Path) -> None:
    for day, text in (("2025-11-03", "Too short."), ("2025-11-04", "Long enough to be kept by the rule.")):
        (tmp_path / f"{day}.jsonl").write_text(json.dumps({"id": "7", "text": text}))
    source = {"name": "web", "format": "jsonl", "path": str(tmp_path / "{partition}.jsonl")}
    said = {
        "name": "small",
        "interval": {"start": "2025-11-03", "end": "2025-11-05"},
        "sources": [{**source, "columns": {"id": "id"}}],
        "select": {"drop": {"too_short": "text_chars < 20"}},
    }
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(said))
    job = pipeline.open_job(tmp_path / "small.yaml", str(tmp_path / "lake"))
    for day in job.recipe.interval.days:
        ingest(job, day)
    assert pipeline.select(job).manifest.dropped == {"too_short": 1}
    assert pipeline.select(job).manifest.kept == 1


def test_a_late_archive_makes_a_new_generation_with_the_bytes_of_an_early_one(
    recipe: Path, tmp_path: Path
) -> None:
    crawl = recipe_file.SHIPPED.parent / "sample" / "crawl"
    said = yaml.safe_load(recipe.read_text())
    said["sources"][0]["path"] = str(tmp_path / "crawl" / "{partition}" / "*.warc.gz")
    (tmp_path / "late.yaml").write_text(yaml.safe_dump(said))
    today = tmp_path / "crawl" / DAYS[0]
    shutil.copytree(crawl / DAYS[0], today)
    late = pipeline.open_job(tmp_path / "late.yaml", str(tmp_path / "late"))
    ingest(late, DAYS[0])
    shutil.copy(next((crawl / DAYS[1]).glob("*.warc.gz")), today / "zz-late.warc.gz")
    plans = pipeline.plan(late, DAYS[0])
    assert not pipeline.is_published(late, plans)
    ingest(late, DAYS[0])
    early = pipeline.open_job(tmp_path / "late.yaml", str(tmp_path / "early"))
    ingest(early, DAYS[0])
    (second,) = (tmp_path / "late").glob(f"documents/*/{DAYS[0]}/manifest-000002.json")
    (first,) = (tmp_path / "early").glob(f"documents/*/{DAYS[0]}/manifest-000001.json")
    assert second.read_bytes() == first.read_bytes()
    assert len(json.loads(second.read_text())["inputs"]) == 2
