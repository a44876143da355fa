import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.document import SCHEMA
from curation.errors import RecipeError
from curation.judge import strata

KNOWN = pa.schema(
    [*(f for f in SCHEMA if f.name != "text"), ("language", pa.string()), ("text_chars", pa.int64())]
)


def cells_of(**columns):
    rows = pa.table(columns)
    return strata.cells(rows).of(rows)


def test_by_default_documents_are_told_apart_by_what_there_is_of_source_language_and_length():
    assert strata.columns(None, KNOWN) == ("source", "language", "text_chars")
    assert strata.columns(None, pa.schema([("source", pa.string())])) == ("source",)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("langauge", "no column 'langauge'; the nearest is 'language'"),
        ("parents", "'parents' holds list.*; a column of words or numbers is needed"),
    ],
)
def test_a_column_that_makes_no_strata_is_refused(asked, message):
    with pytest.raises(RecipeError, match=message):
        strata.columns(["source", asked], KNOWN)


def test_a_number_makes_four_bins_of_as_many_documents_each_named_by_their_edges():
    found = cells_of(source=["web"] * 100, text_chars=list(range(100)))
    assert [found[n] for n in (0, 24, 49, 99)] == ["web/<24", "web/24..49", "web/49..74", "web/>=74"]
    assert sorted({found.count(name) for name in set(found)}) == [24, 25, 26]


def test_a_number_that_is_always_the_same_makes_one_bin_and_one_that_is_missing_its_own():
    assert set(cells_of(x=[7, 7, 7])) == {"any"}
    assert cells_of(x=pa.array([None, 1, 1], pa.int64()))[0] == "none"
    assert set(cells_of(x=pa.array([None, None], pa.float64()))) == {"none"}


def test_rare_words_are_one_stratum_but_no_source_is_rare():
    rare = ["en"] * 198 + ["nl", None]
    assert set(cells_of(language=rare)) == {"en", "other", "none"}
    assert set(cells_of(source=rare)) == {"en", "nl", "none"}


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 200), max_size=12), st.integers(0, 300))
def test_places_go_to_all_before_any_has_two_and_to_none_more_often_than_it_has_documents(sizes, places):
    given_ = list(strata.allocate(sizes, places))
    assert len(given_) == min(places, sum(sizes.values()))
    counts = {name: given_.count(name) for name in sizes}
    assert all(counts[name] <= size for name, size in sizes.items())
    if max(counts.values(), default=0) > 1:
        assert all(counts[name] for name, size in sizes.items() if size)
    assert given_ == list(strata.allocate(sizes, places + 7))[: len(given_)]
    assert given_ == list(strata.allocate(dict(sorted(sizes.items())), places))


def test_a_stratum_of_a_hundred_times_the_size_has_ten_times_the_places():
    given_ = list(strata.allocate({"large": 100_000, "small": 1_000}, 220))
    assert given_.count("small") == pytest.approx(20, abs=1)
