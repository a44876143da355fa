from collections import Counter
from math import sqrt
from pathlib import Path
from statistics import fmean, mean, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.annotate.length import LENGTH
from curation.errors import LakeError
from curation.judge import sample
from curation.judge.frame import SAMPLE, Frame
from curation.layout import Layout
from tests.judge.lakes import decisions, document, partition

TEXTS = [f"document number {n}" for n in range(40)]


def drawn(root, parts_of_partitions, size, *, seed=0, purpose="judge", dropped=(), **how):
    lake = Layout(str(root))
    made = [partition(lake, f"p{n}", parts, [LENGTH]) for n, parts in enumerate(parts_of_partitions)]
    table = sample.draw(decisions(lake, made, dropped), made, size, seed=seed, purpose=purpose, **how)
    assert table.schema == SAMPLE
    return table.to_pylist()


STRATIFIED = {"strata": ("source", "text_chars"), "audit": 0.2}
MIXED = [
    document("word " * (3 + n * n % 97) + str(n), ("web", "web", "web", "blog", "web", "wiki")[n % 6])
    for n in range(150)
]


def ids(rows):
    return [row["id"] for row in rows]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Draws from one lake of 150 documents of three sources and many lengths."""
    lake = Layout(str(tmp_path_factory.mktemp("mixed")))
    made = [partition(lake, "all", [MIXED], [LENGTH])]
    decided = decisions(lake, made)

    def draw(size, seed=0, **how):
        return sample.draw(
            decided, made, size, seed=seed, purpose="judge", **{**STRATIFIED, **how}
        ).to_pylist()

    return draw


@settings(max_examples=15, deadline=None)
@given(st.permutations(TEXTS), st.lists(st.integers(1, 39), min_size=3, max_size=3, unique=True))
def test_how_documents_lie_in_partitions_and_parts_does_not_change_the_sample(tmp_path_factory, texts, cuts):
    a, b, c = sorted(cuts)
    rows = [document(text) for text in texts]
    split = drawn(tmp_path_factory.mktemp("split"), [[rows[:a], rows[a:b]], [rows[b:c], rows[c:]]], 10)
    whole = drawn(tmp_path_factory.mktemp("whole"), [[[document(text) for text in TEXTS]]], 10)
    assert split == whole


@settings(max_examples=10)
@given(st.permutations(MIXED), st.integers(1, 149))
def test_neither_do_they_where_it_is_drawn_by_strata(tmp_path_factory, rows, cut):
    split = drawn(tmp_path_factory.mktemp("split"), [[rows[:cut]], [rows[cut:]]], 40, **STRATIFIED)
    assert split == drawn(tmp_path_factory.mktemp("whole"), [[MIXED]], 40, **STRATIFIED)


@settings(max_examples=30)
@given(st.integers(1, 160), st.integers(0, 60), st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_a_larger_sample_by_strata_contains_the_smaller_one(mixed, size, more, audit):
    small, large = mixed(size, audit=audit), mixed(size + more, audit=audit)
    assert set(ids(small)) <= set(ids(large))
    assert len(set(ids(large))) == len(large) == min(size + more, len(MIXED))


def test_every_stratum_is_drawn_from_and_small_ones_more_than_their_share(mixed):
    rows = mixed(60)
    by_slice = {slice_: [r for r in rows if r["drawn_for"] == slice_] for slice_ in ("audit", "stratified")}
    assert [len(of_it) for of_it in by_slice.values()] == [12, 48]
    sources = Counter(row["source"] for row in by_slice["stratified"])
    assert sources["web"] < 48 * 100 / 150
    assert sources["wiki"] > 48 * 25 / 150
    assert len({row["stratum"] for row in rows}) == 12  # of three sources, four lengths
    for of_it in by_slice.values():  # what is drawn stands for all
        assert sum(row["weight"] for row in of_it) == pytest.approx(len(MIXED))


def test_weighted_means_of_either_slice_are_right_on_average_and_unweighted_ones_are_not(mixed):
    value = {row["id"]: float(row["source"] == "web") * len(row["text"]) for row in MIXED}
    truth = mean(value.values())
    estimates = {"audit": [], "stratified": [], "unweighted": []}
    for seed in range(200):
        rows = mixed(40, seed, audit=0.4)
        for name in ("audit", "stratified"):
            of_it = [row for row in rows if row["drawn_for"] == name]
            weights = [row["weight"] for row in of_it]
            estimates[name].append(fmean([value[id_] for id_ in ids(of_it)], weights))
        estimates["unweighted"].append(mean(value[id_] for id_ in ids(of_it)))
    off = {
        name: abs(mean(found) - truth) / (stdev(found) / sqrt(len(found)))
        for name, found in estimates.items()
    }
    assert off["audit"] < 3.5
    assert off["stratified"] < 3.5
    assert off["unweighted"] > 10


def test_of_more_strata_than_places_the_largest_are_heard(mixed):
    rows = mixed(4, audit=0.0)
    largest = Counter(row["stratum"] for row in mixed(1000, audit=0.0)).most_common(4)
    assert {row["stratum"] for row in rows} == {stratum for stratum, _ in largest}


def test_a_larger_sample_begins_with_the_smaller_one(tmp_path):
    rows = [document(text) for text in TEXTS]
    small = drawn(tmp_path / "small", [[rows]], 7)
    assert ids(drawn(tmp_path / "large", [[rows]], 20))[:7] == ids(small)
    assert len(drawn(tmp_path / "all", [[rows]], 1000)) == len(TEXTS)


def test_seed_and_purpose_draw_different_documents(tmp_path):
    rows = [document(text) for text in TEXTS]
    first = drawn(tmp_path / "a", [[rows]], 10)
    assert drawn(tmp_path / "b", [[rows]], 10, seed=1) != first
    assert drawn(tmp_path / "c", [[rows]], 10, purpose="synthesize") != first


def test_documents_that_say_the_same_are_drawn_once_and_the_smallest_id_stands_for_them(tmp_path):
    rows = [document(f"the same  text{' ' * n}", id=f"{n:032x}") for n in (3, 1, 2)]
    for n, order in enumerate((rows, rows[::-1])):
        found = drawn(tmp_path / str(n), [[[row] for row in order]], 10)
        assert [row["id"] for row in found] == [f"{1:032x}"]


def test_a_text_in_two_strata_is_drawn_once(tmp_path):
    rows = [document("the same text", source) for source in ("web", "blog")] + [document("another", "blog")]
    for n, size in enumerate((2, 3, 10)):
        for audit in (0.0, 0.5):
            found = drawn(tmp_path / f"{n} {audit}", [[rows]], size, strata=("source",), audit=audit)
            digests = [row["digest"] for row in found]
            assert len(digests) == len(set(digests))


def test_neither_dropped_nor_written_documents_are_drawn(tmp_path):
    kept, gone, written = document("kept"), document("dropped"), document("written", parents=["0" * 32])
    found = drawn(tmp_path, [[[gone, written, kept]]], 10, dropped={gone["id"]})
    assert [row["text"] for row in found] == ["kept"]


def test_a_set_without_survivors_gives_an_empty_sample(tmp_path):
    gone = document("dropped")
    assert drawn(tmp_path, [[[gone]]], 10, dropped={gone["id"]}) == []


def test_decisions_about_other_documents_are_refused(tmp_path: Path):
    lake = Layout(str(tmp_path))
    one = partition(lake, "one", [[document("one")]])
    two = partition(lake, "two", [[document("two")]])
    with pytest.raises(LakeError, match="do not list the same documents"):
        sample.draw(decisions(lake, [one]), [two], 5, seed=0, purpose="judge")


def test_some_documents_are_the_same_in_whatever_parts_they_lie_and_stand_for_all(tmp_path):
    rows = [document(text) for text in TEXTS]

    def some(name, count, *parts):
        lake = Layout(str(tmp_path / name))
        made = [partition(lake, "all", parts)]
        return Frame(decisions(lake, made, [rows[0]["id"]]), made).some(count)

    texts, each = some("split", 13, rows[20:], rows[:20])
    assert (texts, each) == some("whole", 13, rows)
    assert (len(set(texts)), each) == (13, 3)
    assert sorted(some("all", 50, rows)[0]) == sorted(TEXTS[1:])
