import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from curation.dedup import buckets
from curation.recipe import Duplicates
from tests.dedup.corpus import Doc, candidates, find, keys, removed, words


def _buckets(docs: list[Doc], settings: Duplicates) -> buckets.Buckets:
    found, of = keys(candidates(docs, settings), settings)
    return buckets.find(found, of.astype(np.int64), len(docs))


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), unique=True))
def test_buckets_and_groups_are_those_of_the_definition(keyed: list[tuple[int, int]]) -> None:
    found = buckets.find(
        np.array([key for key, _ in keyed], np.uint64), np.array([d for _, d in keyed], np.int64), 10
    )
    shared = {key: {d for k, d in keyed if k == key} for key, _ in keyed}
    expected = sorted(sorted(members) for members in shared.values() if len(members) > 1)
    assert sorted(found.documents(b).tolist() for b in range(len(found.starts) - 1)) == expected
    for document in range(10):
        of = sorted(found.documents(b).tolist() for b in found.of_document(document))
        assert of == [members for members in expected if document in members]
    groups: list[set[int]] = []
    for members in map(set, expected):
        touched = [group for group in groups if group & members]
        groups = [group for group in groups if not group & members] + [members.union(*touched)]
    assert [group.tolist() for group in found.groups] == sorted(sorted(group) for group in groups)


def _shared_header(count: int) -> list[Doc]:
    """Pages with the header in common; with bands of one row nearly every page shares some bucket."""
    return [
        Doc(f"page-{n:02}", f"{words(0, 40)} {words(1000 * (n + 1), 1000 * (n + 1) + 60)}")
        for n in range(count)
    ]


def test_documents_that_share_no_band_are_in_no_group() -> None:
    docs = [Doc(f"{n}", words(100 * n, 100 * n + 50)) for n in range(20)]
    assert _buckets(docs, Duplicates()).groups == []


def test_two_pairs_are_two_groups() -> None:
    docs = [
        Doc("0", words(0, 300)),
        Doc("1", words(500, 800)),
        Doc("2", words(2, 300)),
        Doc("3", words(502, 800)),
    ]
    assert [group.tolist() for group in _buckets(docs, Duplicates()).groups] == [[0, 2], [1, 3]]


def test_near_copies_of_one_kept_document_go_however_small_the_bound() -> None:
    docs = [Doc(f"near-{n:02}", f"{words(0, 300)} end{n}") for n in range(12)]
    result = find(docs, Duplicates(max_bucket=2))
    assert set(result.removed["duplicate_of"].to_pylist()) == {"near-00"}
    assert result.removed.num_rows == 11


def test_a_bucket_that_its_bound_of_kept_documents_share_proposes_nothing_more() -> None:
    def compared(bound: int) -> int:
        settings = Duplicates(hashes=64, recall=0.9999999, max_bucket=bound)
        return find(_shared_header(20), settings).verified.num_rows

    assert 0 < compared(2) < compared(5) < compared(100)


def test_identical_copies_are_never_boilerplate() -> None:
    docs = [Doc(f"{n:02}", words(0, 300)) for n in range(30)] + [Doc("99", words(0, 299))]
    assert find(docs, Duplicates(max_bucket=2)).removed.num_rows == 30


def test_a_header_in_common_proposes_pages_but_removes_none() -> None:
    settings = Duplicates(hashes=64, recall=0.9999999)
    docs = _shared_header(10)
    assert find(docs, settings).verified.num_rows > 0
    assert removed(docs, settings) == {}


def test_no_documents_no_buckets() -> None:
    assert _buckets([], Duplicates()).groups == []
