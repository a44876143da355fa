from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.dedup import pairs
from curation.errors import LakeError
from curation.recipe import Duplicates
from tests.dedup.corpus import Doc, candidates, settle, texts, words

NEAR = [
    Doc("a", words(0, 300)),
    Doc("b", words(3, 300)),
    Doc("c", words(6, 300)),
    Doc("far", words(900, 1200)),
]
SETTINGS = Duplicates()


class Texts:
    """Texts that remember what they were asked for."""

    def __init__(self, docs: Sequence[Doc]) -> None:
        self.requests: list[list[str]] = []
        self._texts = texts(docs)

    def __call__(self, digests: Sequence[str]) -> Mapping[str, str]:
        self.requests.append(list(digests))
        return self._texts(digests)


@given(st.sets(st.integers(0, 40), min_size=1), st.sets(st.integers(0, 40)))
def test_jaccard_is_that_of_the_sets(a: set[int], b: set[int]) -> None:
    sorted_a, sorted_b = (np.array(sorted(s), dtype=np.uint64) for s in (a, b))
    assert pairs.jaccard(sorted_a, sorted_b) == len(a & b) / len(a | b)


def test_texts_are_asked_for_once_and_only_those_of_candidates() -> None:
    asked = Texts(NEAR)
    settle(candidates(NEAR, SETTINGS), asked, SETTINGS)
    table = candidates(NEAR, SETTINGS)
    assert [sorted(request) for request in asked.requests] == [sorted(table["digest"].to_pylist()[:3])]


def test_known_pairs_are_neither_read_nor_reported_again() -> None:
    table, asked = candidates(NEAR, SETTINGS), Texts(NEAR)
    first = settle(table, asked, SETTINGS)
    again = settle(table, asked, SETTINGS, known=pairs.mapping(first.verified))
    assert first.verified.num_rows == 2
    assert again.verified.num_rows == 0
    assert len(asked.requests) == 1
    assert again.removed.equals(first.removed)


def test_only_the_group_that_a_new_document_touches_is_read_again() -> None:
    others = [Doc("x", words(2000, 2300)), Doc("y", words(2002, 2300))]
    known = pairs.mapping(
        settle(candidates(NEAR + others, SETTINGS), Texts(NEAR + others), SETTINGS).verified
    )
    docs = [*NEAR, *others, Doc("z", words(2004, 2300))]
    asked = Texts(docs)
    result = settle(candidates(docs, SETTINGS), asked, SETTINGS, known)
    touched = set(candidates(docs[4:], SETTINGS)["digest"].to_pylist())
    assert [set(request) for request in asked.requests] == [touched]
    assert result.verified.num_rows == 1
    assert result.removed.equals(settle(candidates(docs, SETTINGS), asked, SETTINGS).removed)


def test_verified_pairs_are_keyed_by_digest_the_smaller_first_and_sorted() -> None:
    rows = settle(candidates(NEAR, SETTINGS), texts(NEAR), SETTINGS).verified.to_pylist()
    keys = [(row["digest_a"], row["digest_b"]) for row in rows]
    assert keys == sorted(keys)
    assert all(a < b for a, b in keys)


def test_texts_are_read_in_portions_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    docs = [Doc(f"{n}-{k}", words(1000 * n + k, 1000 * n + 104)) for n in range(10) for k in range(2)]
    table = candidates(docs, SETTINGS)
    expected = settle(table, texts(docs), SETTINGS)
    monkeypatch.setattr(pairs, "HASHES_AT_ONCE", 450)  # four documents of about 100 shingles
    asked = Texts(docs)
    assert settle(table, asked, SETTINGS).removed.equals(expected.removed)
    assert expected.removed.num_rows == 10
    assert [len(request) for request in asked.requests] == [4] * 5


def test_no_text_is_read_twice_for_a_group_that_is_larger_than_a_portion(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chain = [Doc(f"{n:02}", words(10 * n, 10 * n + 100)) for n in range(30)]
    settings = Duplicates(hashes=64, recall=0.9999999)
    table = candidates(chain, settings)
    expected = settle(table, texts(chain), settings)
    monkeypatch.setattr(pairs, "HASHES_AT_ONCE", 300)
    asked = Texts(chain)
    assert settle(table, asked, settings).removed.equals(expected.removed)
    assert 0 < expected.removed.num_rows < 29
    digests = [digest for request in asked.requests for digest in request]
    assert len(asked.requests) == 10
    assert sorted(digests) == sorted(set(digests))


def test_documents_whose_sizes_forbid_the_similarity_are_not_read() -> None:
    docs = [Doc("short", words(0, 60)), Doc("long", words(0, 300))]
    settings = Duplicates(hashes=64, recall=0.9999999)
    asked = Texts(docs)
    assert settle(candidates(docs, settings), asked, settings).removed.num_rows == 0
    assert asked.requests == []


def test_a_missing_text_is_an_error_that_names_the_digest() -> None:
    table = candidates(NEAR, SETTINGS)
    with pytest.raises(LakeError, match=table["digest"][0].as_py()):
        settle(table, lambda _: {}, SETTINGS)


def test_sizes_that_allow_just_the_similarity_do_not_forbid_it() -> None:
    """.55 * 100 is more than 55 in floating point; 55 / 100 is not more than .55."""
    docs = [Doc("a", words(0, 100 + 4)), Doc("b", words(0, 55 + 4))]
    settings = Duplicates(similarity=0.55, hashes=64, recall=0.9999999)
    assert settle(candidates(docs, settings), texts(docs), settings).removed.num_rows == 1
