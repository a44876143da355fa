"""An alarm is raised where a limit is broken, and only there; its evidence names what to look at."""

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation import alarms, pipeline, stage
from curation.alarms import Alarm, raised
from curation.document import content_hash
from curation.manifest import File, Manifest
from curation.pipeline import Job
from curation.recipe import Alarms
from curation.select import DECISIONS
from curation.stage import Published

NONE = Alarms(source_loss=None, stands_for=None, volume=None)

Row = tuple[str | None, str | None]  # reason, duplicate_of
Partition = tuple[str, str, Sequence[Sequence[Row]]]  # source, partition, its parts

KEPT: Row = (None, None)
SHORT: Row = ("too_short", None)


def copy_of(id_: str) -> Row:
    return "near_duplicate", id_


def decided(folder: Path, partitions: Sequence[Partition]) -> Published:
    """Decisions as `select` publishes them; the documents of a partition are called partition-0, -1 …"""
    directory, files, told = str(folder / "decisions"), [], []
    for source, name, parts in partitions:
        told.append(
            {"source": source, "partition": name, "inputs": 0, "dropped": [dropped(p) for p in parts]}
        )
        numbered = iter(range(10**6))
        for part in parts:
            rows = [
                {"id": f"{name}-{next(numbered)}", "source": source, "partition": name, "text_bytes": 1}
                | {"kept": reason is None, "reason": reason, "duplicate_of": of}
                for reason, of in part
            ]
            files.append(write(directory, rows))
    totals = sum((Counter(counts) for t in told for counts in t["dropped"]), Counter[str]())
    count = sum(file.rows for file in files)
    made = Manifest(
        stage="decisions",
        name="test",
        fingerprint="0" * 16,
        inputs=(),
        parts=tuple(files),
        rows_in=count,
        kept=count - totals.total(),
        dropped=dict(totals),
        details={"partitions": told},
    )
    return stage.publish(directory, made)


def dropped(part: Sequence[Row]) -> dict[str, int]:
    return dict(Counter(reason for reason, _ in part if reason))


def write(directory: str, rows: list[dict[str, Any]]) -> File:
    with stage.part_writer(directory, DECISIONS) as writer:
        for batch in pa.Table.from_pylist(rows, DECISIONS).to_batches():
            writer.write(batch)
        file = writer.publish()
    assert file
    return file


def days(folder: Path, sizes: Sequence[int], source: str = "web") -> Published:
    partitions = [(source, f"day {n}", [[KEPT] * size] if size else []) for n, size in enumerate(sizes)]
    return decided(folder, partitions)


@pytest.fixture
def two_sources(tmp_path: Path) -> Published:
    """`mirror` has 10 documents that pass the rule, 9 of which go; `web` has 12, and 3 go for another."""
    lost = [copy_of("day 0-0")] * 5
    return decided(
        tmp_path,
        [
            ("mirror", "all", [[SHORT] * 30 + lost, [copy_of("day 0-1")] * 4 + [KEPT]]),
            ("web", "day 0", [[KEPT] * 9 + [("exact_duplicate", "day 0-1")] * 3]),
        ],
    )


def test_a_source_that_loses_more_than_its_share_is_named_with_documents_to_look_at(
    two_sources: Published,
) -> None:
    (alarm,) = raised(Alarms(source_loss=0.89, stands_for=None, volume=None), two_sources)
    assert (alarm.what, alarm.where, alarm.value, alarm.limit) == ("source_loss", "mirror", 0.9, 0.89)
    assert "9 of the 10 documents" in alarm.evidence
    assert alarm.documents == ("all-30", "all-31", "all-32")


def test_a_share_of_just_the_limit_is_no_alarm(two_sources: Published) -> None:
    assert raised(Alarms(source_loss=0.9, stands_for=None, volume=None), two_sources) == ()


def test_what_the_rules_drop_is_not_lost_to_duplicates(tmp_path: Path) -> None:
    found = decided(tmp_path, [("web", "all", [[SHORT] * 99 + [KEPT]])])
    assert raised(Alarms(source_loss=0, stands_for=1, volume=None), found) == ()


def test_a_document_that_stays_for_too_many_is_named(two_sources: Published) -> None:
    """day 0-1 stays for 4 documents of `mirror` and 3 of its own source."""
    (alarm,) = raised(Alarms(source_loss=None, stands_for=6, volume=None), two_sources)
    assert (alarm.what, alarm.where, alarm.value) == ("stands_for", "day 0-1", 7)
    assert alarm.documents == ("all-35", "all-36", "all-37")
    assert raised(Alarms(source_loss=None, stands_for=7, volume=None), two_sources) == ()


def test_a_decision_without_alarms_reads_no_row(two_sources: Published) -> None:
    """Twelve documents go: none of them can stand for more than twelve."""
    for uri in two_sources.part_uris():
        Path(uri).unlink()
    assert raised(Alarms(source_loss=0.9, stands_for=12, volume=10), two_sources) == ()


@pytest.mark.parametrize(
    ("sizes", "abnormal"),
    [
        ([200, 200, 2000, 200], []),
        ([200, 200, 2001, 200], [("web/day 2", 2001, 2000)]),
        ([200, 20, 200], []),
        ([200, 19, 200], [("web/day 1", 19, 20)]),
        ([200, 0, 200], [("web/day 1", 0, 20)]),
        ([0, 0, 0, 150], [("web/day 3", 150, 0)]),
        ([200, 9000], []),  # two days: neither is the ordinary one
        ([3, 1, 2, 90], []),  # small days
        ([99, 0, 99], []),
        ([3, 1, 2, 100], [("web/day 3", 100, 25)]),
        ([], []),
    ],
)
def test_a_day_is_held_to_the_median_day(
    tmp_path: Path, sizes: list[int], abnormal: list[tuple[str, int, int]]
) -> None:
    found = raised(NONE.model_copy(update={"volume": 10}), days(tmp_path, sizes))
    assert [(alarm.where, alarm.value, alarm.limit) for alarm in found] == abnormal
    for alarm in found:
        assert f"median of {len(sizes)} days is {median(sizes):,}" in alarm.evidence


def test_sources_are_not_each_others_days(tmp_path: Path) -> None:
    partitions = [(f"source {n}", "all", [[KEPT] * size]) for n, size in enumerate((150, 150, 5000, 150))]
    assert raised(Alarms(volume=2), decided(tmp_path, partitions)) == ()


def test_limits_that_are_null_are_none(two_sources: Published) -> None:
    assert raised(NONE, two_sources) == ()


ids = st.sampled_from([content_hash(str(n)) for n in range(8)])
rows = st.one_of(st.just(KEPT), st.just(SHORT), ids.map(copy_of), ids.map(lambda i: ("duplicate_id", i)))
parts = st.lists(st.lists(rows, min_size=1, max_size=12), max_size=6)
partitions = st.lists(st.tuples(st.sampled_from("ab"), parts), max_size=5)


@settings(max_examples=60)
@given(partitions, st.integers(1, 6), st.sampled_from([0.0, 0.3, 0.5, 0.9, 1.0]))
def test_alarms_are_those_of_counting_everything(
    made: list[tuple[str, list[list[Row]]]], most: int, share: float
) -> None:
    asked = Alarms(source_loss=share, stands_for=most, volume=None)
    with tempfile.TemporaryDirectory() as folder:
        found = raised(asked, decided(Path(folder), [(s, f"p{n}", p) for n, (s, p) in enumerate(made)]))
    every = [(source, *row) for source, parts in made for part in parts for row in part]
    stands = Counter(of for _, _, of in every if of)
    assert {a.where: a.value for a in found if a.what == "stands_for"} == {
        id_: count for id_, count in stands.items() if count > most
    }
    lost = {}
    for source in {source for source, _, _ in every}:
        passed = [of for s, reason, of in every if s == source and reason != "too_short"]
        gone = sum(of is not None for of in passed)
        if passed and gone > share * len(passed):
            lost[source] = gone / len(passed)
    assert {a.where: a.value for a in found if a.what == "source_loss"} == lost
    for alarm in found:
        going = sum(alarm.where in (of, source) for source, _, of in every if of)
        assert len(alarm.documents) == len(set(alarm.documents)) == min(going, alarms.NAMED)


def test_few_counters_find_what_comes_in_a_stream_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """4,000 documents stay for one each; one stays for 500, in every batch a few."""
    monkeypatch.setattr(alarms, "_BATCH_ROWS", 90)
    rare = [copy_of(content_hash(str(n))) for n in range(4000)]
    common = [copy_of("the one")] * 500
    mixed = [row for n in range(500) for row in (*rare[8 * n : 8 * n + 8], common[n])]
    found = raised(NONE.model_copy(update={"stands_for": 400}), decided(tmp_path, [("web", "all", [mixed])]))
    assert [(a.where, a.value) for a in found] == [("the one", 500)]


def test_an_error_shows_so_many_alarms_and_says_how_many_more(two_sources: Published) -> None:
    many = [Alarm("volume", f"web/{n}", n, 1, f"evidence {n}") for n in range(alarms.SHOWN + 5)]
    said = str(alarms.error(many, two_sources))
    assert f"evidence {alarms.SHOWN - 1}\n" in said
    assert f"evidence {alarms.SHOWN}" not in said
    assert "and 5 more" in said
    assert "raise alarms.volume in the recipe" in said
    assert "curation approve --why" in said


def test_the_sample_raises_no_alarm(in_order: Job) -> None:
    assert raised(in_order.recipe.alarms, pipeline.screen(in_order)) == ()
    strict = Alarms(source_loss=0.01, stands_for=1, volume=None)
    assert {a.what for a in raised(strict, pipeline.screen(in_order))} == {"source_loss", "stands_for"}


def test_limits_do_not_change_what_is_decided_or_released(in_order: Job, recipe: Path) -> None:
    other = pipeline.open_job(recipe, in_order.lake.root, {"alarms.source_loss": 0.5, "alarms.volume": None})
    assert pipeline.screen(other).uri == pipeline.screen(in_order).uri
    released = pipeline.already_released(other)
    assert released is not None
    assert released.uri == pipeline.release(in_order).uri
