from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.errors import LakeError
from curation.judge import sample
from curation.layout import Layout
from tests.judge.lakes import decisions, document, partition

TEXTS = [f"document number {n}" for n in range(40)]


def drawn(root, parts_of_partitions, size, *, seed=0, purpose="judge", dropped=()):
    lake = Layout(str(root))
    made = [partition(lake, f"p{n}", parts) for n, parts in enumerate(parts_of_partitions)]
    table = sample.draw(decisions(lake, made, dropped), made, size, seed=seed, purpose=purpose)
    assert table.schema.names == sample.COLUMNS
    return table.to_pylist()


@settings(max_examples=15, deadline=None)
@given(st.permutations(TEXTS), st.lists(st.integers(1, 39), min_size=3, max_size=3, unique=True))
def test_how_documents_lie_in_partitions_and_parts_does_not_change_the_sample(tmp_path_factory, texts, cuts):
    a, b, c = sorted(cuts)
    rows = [document(text) for text in texts]
    split = drawn(tmp_path_factory.mktemp("split"), [[rows[:a], rows[a:b]], [rows[b:c], rows[c:]]], 10)
    whole = drawn(tmp_path_factory.mktemp("whole"), [[[document(text) for text in TEXTS]]], 10)
    assert split == whole


def test_a_larger_sample_begins_with_the_smaller_one(tmp_path):
    rows = [document(text) for text in TEXTS]
    small = drawn(tmp_path / "small", [[rows]], 7)
    assert drawn(tmp_path / "large", [[rows]], 20)[:7] == small
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
