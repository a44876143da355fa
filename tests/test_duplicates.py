"""Decisions about a set of partitions, reached by way of any other sets."""

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation import select, stage, takedown
from curation.facts import Partition
from curation.layout import Layout
from curation.recipe import Duplicates
from curation.select import Rules
from curation.stage import Published
from tests import corpora
from tests.corpora import Doc

# 64 bands of one row: two documents of similarity .5 share none with probability 2**-64.
SURE = Duplicates(similarity=0.5, shingle_words=2, hashes=64, recall=0.9999999)
DROP = {"too_short": "text_bytes < 4"}

Row = tuple[str, str | None, str | None]
"""(name of the partition and row in it, reason, id of the document that stays)"""


@st.composite
def _docs(draw: st.DrawFn) -> list[Doc]:
    """Documents that are cuts and edits of a few originals, so that many are near, and some are the same."""
    originals = ["a b c d e f g h", "a b c d x y e f", "h g f e d c b a a b"]
    docs = []
    for _ in range(draw(st.integers(0, 5))):
        tokens = draw(st.sampled_from(originals)).split()
        for _ in range(draw(st.integers(0, 3))):
            place = draw(st.integers(0, len(tokens)))
            tokens[place : place + draw(st.integers(0, 2))] = draw(
                st.lists(st.sampled_from("abxy"), max_size=1)
            )
        hour = draw(st.none() | st.integers(0, 3))
        docs.append(
            Doc(draw(st.integers(0, 25) | st.integers(0, 3)), " ".join(tokens), hour, draw(st.booleans()))
        )
    return docs


def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    tokens = text.split()
    width = min(2, len(tokens))
    return frozenset(tuple(tokens[i : i + width]) for i in range(len(tokens) - width + 1) if width)


def _oracle(chosen: dict[str, list[Doc]], gone: set[int]) -> list[Row]:
    """Every document against every kept earlier one, by the words of DESIGN: no digests, hashes or bands."""
    places = [(name, row, doc) for name in sorted(chosen) for row, doc in enumerate(chosen[name])]
    order = sorted(places, key=lambda p: (p[2].synthetic, p[2].hour is None, p[2].hour or 0, p[2].id, *p[:2]))
    kept: list[Doc] = []
    rows: dict[str, Row] = {}
    for name, row, doc in order:
        place = f"{name}:{row}"
        rows[place] = place, None, None
        if doc.name in gone:
            rows[place] = place, "taken_down", None
            continue
        if len(doc.text.encode()) < 4:
            rows[place] = place, "too_short", None
            continue
        for other in kept:
            ours, theirs = _shingles(doc.text), _shingles(other.text)
            similarity = len(ours & theirs) / len(ours | theirs) if ours and theirs else 0
            if other.id == doc.id:
                reason = "duplicate_id"
            elif other.text == doc.text:
                reason = "exact_duplicate"
            elif similarity >= SURE.similarity:
                reason = "near_duplicate"
            else:
                continue
            rows[place] = place, reason, other.id
            break
        else:
            kept.append(doc)
    return [rows[f"{name}:{row}"] for name, row, _ in places]


def _decide(lake: Layout, chosen: list[Partition], by: Rules) -> Published:
    return select.decide(lake, "test", sorted(chosen, key=lambda p: p.partition), by)


def _take_down(lake: Layout, names: set[int]) -> None:
    for name in names:
        takedown.add(lake, "id", Doc(name, "").id, "a test")


def _rows(decisions: Published) -> list[Row]:
    found: list[Row] = []
    counts: dict[str, int] = {}
    for uri in decisions.part_uris():
        for row in stage.read_table(uri).to_pylist():
            n = counts.setdefault(row["partition"], 0)
            counts[row["partition"]] += 1
            found.append((f"{row['partition']}:{n}", row["reason"], row["duplicate_of"]))
    return found


@given(
    versions=st.lists(_docs(), min_size=2, max_size=6),
    sets=st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=4), min_size=1, max_size=4),
    removed=st.lists(st.none() | st.integers(0, 25), min_size=4, max_size=4),
    scores=st.lists(st.integers(0, 1), min_size=4, max_size=4),
    max_bucket=st.sampled_from([1, 2, 100]),
    key_ranges=st.sampled_from([1, 3, 64]),  # of 64 most are empty
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_way_to_a_set_gives_the_decisions_of_a_run_from_scratch(
    tmp_path: Path,
    versions: list[list[Doc]],
    sets: list[list[int]],
    removed: list[int | None],
    scores: list[int],
    max_bucket: int,
    key_ranges: int,
) -> None:
    """Days come in any order and grouping, go, come again, and come late with other documents; columns
    are computed anew, and some documents are taken down, on the way."""
    by = Rules(DROP, SURE.model_copy(update={"max_bucket": max_bucket, "key_ranges": key_ranges}))
    lake = corpora.fresh(tmp_path)
    # Of two versions one after the other, one is the day and the other the same day with a late archive.
    days = {n: (f"2025-11-{3 + n // 2:02}", docs) for n, docs in enumerate(versions)}
    chosen: dict[str, list[Doc]] = {}
    gone: set[int] = set()
    for numbers, name, score in zip(sets, removed, scores, strict=False):
        gone |= {name} - {None}
        _take_down(lake, gone)
        chosen = dict(days[n] for n in numbers if n in days)
        held = [corpora.publish(lake, name, docs, SURE, score) for name, docs in chosen.items()]
        decisions = _decide(lake, held, by)
        if max_bucket == 100:  # so many kept documents share no bucket here
            assert _rows(decisions) == _oracle(chosen, gone)
        scratch = corpora.fresh(tmp_path)
        _take_down(scratch, gone)
        again = [corpora.publish(scratch, name, docs, SURE, score) for name, docs in chosen.items()]
        from_scratch = _decide(
            scratch, again, Rules(DROP, by.duplicates.model_copy(update={"key_ranges": 1}))
        )
        assert _rows(decisions) == _rows(from_scratch)
        assert decisions.manifest == from_scratch.manifest


def test_a_day_about_which_nothing_changes_keeps_its_decisions_file(tmp_path: Path) -> None:
    lake, by = corpora.fresh(tmp_path), Rules(DROP, SURE)
    one = corpora.publish(lake, "2025-11-03", [Doc(1, "a b c d"), Doc(2, "e f g h")], SURE)
    two = corpora.publish(lake, "2025-11-04", [Doc(3, "a b c d", 1), Doc(4, "i j k l", 1)], SURE)
    first = _decide(lake, [one], by)
    both = _decide(lake, [one, two], by)
    assert both.manifest.parts[:2] == first.manifest.parts
    assert both.manifest.dropped == {"exact_duplicate": 1}


@pytest.mark.parametrize("kind", ["bands", "index", "pairs"])
def test_what_was_kept_for_speed_may_be_deleted(tmp_path: Path, kind: str) -> None:
    lake, by = corpora.fresh(tmp_path), Rules(DROP, SURE)
    days = [
        corpora.publish(lake, f"2025-11-0{n}", [Doc(n, "a b c d e f"), Doc(10 + n, f"a b c {n} e f")], SURE)
        for n in range(3, 6)
    ]
    _decide(lake, days, by)
    shutil.rmtree(Path(lake.root) / kind)
    scratch = corpora.fresh(tmp_path)
    expected = _decide(scratch, [corpora.publish(scratch, p.partition, _same(p), SURE) for p in days[1:]], by)
    assert _decide(lake, days[1:], by).manifest == expected.manifest


def _same(partition: Partition) -> list[Doc]:
    n = int(partition.partition[-1])
    return [Doc(n, "a b c d e f"), Doc(10 + n, f"a b c {n} e f")]


def test_verdicts_stand_where_another_column_is_computed_anew(tmp_path: Path) -> None:
    lake, by = corpora.fresh(tmp_path), Rules(DROP, SURE)
    docs = [Doc(1, "a b c d e f"), Doc(2, "a b c d e f", 1), Doc(3, "a b c d e", 1), Doc(4, "x y z", 1)]
    first = _decide(lake, [corpora.publish(lake, "all", docs, SURE)], by)
    second = _decide(lake, [corpora.publish(lake, "all", docs, SURE, score=1)], by)
    assert second.manifest.dropped == {"exact_duplicate": 1, "near_duplicate": 1}
    assert second.manifest.parts == first.manifest.parts
    assert second.generation == 2
