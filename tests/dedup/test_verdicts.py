import pyarrow as pa
import pytest

from curation.dedup import verdicts
from curation.errors import LakeError
from curation.recipe import Duplicates
from tests.dedup.corpus import Doc, candidates, find, removed, words

SETTINGS = Duplicates()


def test_the_order_is_real_before_synthetic_then_earliest_then_undated_then_id() -> None:
    docs = [
        Doc("rewritten-early", "a", 0, synthetic=True),
        Doc("undated", "b", None),
        Doc("late", "c", 5),
        Doc("early-2", "d", 1),
        Doc("early-1", "e", 1),
        Doc("rewritten-undated", "f", None, synthetic=True),
    ]
    expected = ["early-1", "early-2", "late", "undated", "rewritten-early", "rewritten-undated"]
    assert verdicts.ordered(candidates(docs, SETTINGS))["id"].to_pylist() == expected


def test_an_id_that_occurs_twice_is_an_error_that_names_it() -> None:
    with pytest.raises(LakeError, match="document twice is in this set 2 times"):
        find([Doc("twice", "a"), Doc("once", "b"), Doc("twice", "c")], SETTINGS)


def test_of_a_near_b_near_c_with_a_far_from_c_a_and_c_stay() -> None:
    near = {(0, 1): 0.9, (1, 2): 0.9, (0, 2): 0.5}
    found = verdicts.decide([0, 1, 2], {0: [0], 1: [0], 2: [0]}, lambda k, d: near[k, d], 0.8)
    assert found == {1: (0, 0.9)}


def test_a_and_c_of_real_texts_stay_too() -> None:
    docs = [Doc("a", words(0, 300)), Doc("b", words(20, 320)), Doc("c", words(40, 340))]
    assert set(removed(docs, Duplicates(bands=64, rows=1))) == {"b"}


def test_only_kept_documents_of_a_common_bucket_are_compared() -> None:
    asked = []

    def similarity(kept: int, document: int) -> float:
        asked.append((kept, document))
        return 1.0 if (kept, document) == (0, 1) else 0.0

    buckets_of = {0: [0], 1: [0, 1], 2: [1, 2], 3: [0, 2]}
    assert verdicts.decide([0, 1, 2, 3], buckets_of, similarity, 0.8) == {1: (0, 1.0)}
    assert asked == [(0, 1), (0, 3), (2, 3)]


def test_a_pair_that_is_not_known_leaves_the_group_undecided() -> None:
    assert verdicts.decide([0, 1], {0: [0], 1: [0]}, lambda _k, _d: None, 0.8) is None


def test_a_rewriting_loses_to_a_later_real_document() -> None:
    docs = [Doc("rewriting", words(0, 300), 0, synthetic=True), Doc("real", words(1, 300), 9)]
    assert {id_: row[0] for id_, row in removed(docs, SETTINGS).items()} == {"rewriting": "real"}


def test_copies_of_a_removed_document_name_the_one_that_really_stays() -> None:
    docs = [
        Doc("first", words(0, 300), 0),
        Doc("near", words(2, 300), 1),
        Doc("copy-of-near", words(2, 300), 2),
        Doc("copy-of-first", words(0, 300), 3),
    ]
    similarity = 294 / 296  # shingles of five words
    assert removed(docs, SETTINGS) == {
        "near": ("first", similarity, "minhash"),
        "copy-of-near": ("first", similarity, "minhash"),
        "copy-of-first": ("first", 1.0, "exact"),
    }


@pytest.mark.parametrize("text", ["", "word", "two words", "Ça va?"])
def test_identical_short_documents_are_exact_duplicates(text: str) -> None:
    docs = [Doc("1", text), Doc("2", f" {text}\n"), Doc("3", words(0, 50))]
    assert removed(docs, SETTINGS) == {"2": ("1", 1.0, "exact")}


def test_short_documents_of_other_words_and_those_without_words_stay() -> None:
    assert (
        removed([Doc(str(n), text) for n, text in enumerate(["", "!!!", "???", "yes", "no"])], SETTINGS) == {}
    )


def test_removed_rows_have_the_announced_schema_when_there_are_none() -> None:
    result = find([], SETTINGS)
    assert result.removed.schema == verdicts.REMOVED
    assert result.removed.num_rows == 0
    assert isinstance(result.verified, pa.Table)
