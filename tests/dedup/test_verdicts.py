import numpy as np
import pyarrow as pa
import pytest

from curation.dedup import buckets, verdicts
from curation.recipe import Duplicates
from tests.dedup.corpus import Doc, candidates, find, removed, words

SETTINGS = Duplicates()


def _decide(keyed, documents, near, max_bucket=100):  # type: ignore[no-untyped-def]
    """The verdicts about undecided documents that have these (key, document)."""
    keys, of = (np.array(column) for column in zip(*keyed, strict=True))
    shared = buckets.find(keys.astype(np.uint64), of.astype(np.int64), documents)
    none = np.zeros(documents, np.bool_)
    before = verdicts.Standing(~none, none, np.full(documents, verdicts.UNKNOWN))
    return verdicts.decide(shared.groups[0], shared, before, near, max_bucket)


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


def test_an_id_that_occurs_twice_is_in_the_set_once_the_earlier_one() -> None:
    docs = [Doc("twice", "a", 2), Doc("once", "b"), Doc("twice", "c", 1)]
    assert removed(docs, SETTINGS) == {"twice": ("twice", None, "same_id")}
    assert find(docs, SETTINGS).removed.num_rows == 1


def test_a_document_is_not_lost_to_one_of_its_id_that_is_removed_itself() -> None:
    docs = [Doc("x", words(0, 300), 0), Doc("twice", words(1, 300), 1), Doc("twice", words(500, 800), 2)]
    rows = find(docs, SETTINGS).removed.to_pylist()
    assert [(row["id"], row["duplicate_of"]) for row in rows] == [("twice", "x")]


def test_of_a_near_b_near_c_with_a_far_from_c_a_and_c_stay() -> None:
    near = {(0, 1): 0.9, (1, 2): 0.9, (0, 2): 0.5}
    found = _decide([(0, 0), (0, 1), (0, 2)], 3, lambda k, d: near[k, d] if near[k, d] >= 0.8 else 0.0)
    assert found.removed == {1: (0, 0.9)}
    assert found.kept == {0, 2}


def test_a_and_c_of_real_texts_stay_too() -> None:
    docs = [Doc("a", words(0, 300)), Doc("b", words(20, 320)), Doc("c", words(40, 340))]
    assert set(removed(docs, Duplicates(hashes=64, recall=0.9999999))) == {"b"}


def test_only_kept_documents_of_a_common_bucket_are_compared() -> None:
    asked = []

    def similarity(kept: int, document: int) -> float:
        asked.append((kept, document))
        return 1.0 if (kept, document) == (0, 1) else 0.0

    keyed = [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (0, 3), (2, 3)]
    assert _decide(keyed, 4, similarity).removed == {1: (0, 1.0)}
    assert asked == [(0, 1), (0, 3), (2, 3)]


def test_a_pair_that_is_not_known_leaves_the_group_undecided() -> None:
    assert _decide([(0, 0), (0, 1)], 2, lambda _k, _d: None) is None


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


def test_no_documents_no_verdicts() -> None:
    result = find([], SETTINGS)
    assert result.removed.num_rows == 0
    assert isinstance(result.verified, pa.Table)
