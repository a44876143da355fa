from collections import Counter

import pyarrow as pa

from curation.dedup import buckets, signatures
from curation.recipe import Duplicates
from tests.dedup.corpus import Doc, candidates, find, removed, words


def _shared_header(count: int) -> list[Doc]:
    """Pages with the header in common; with bands of one row nearly every page shares some bucket."""
    return [
        Doc(f"page-{n:02}", f"{words(0, 40)} {words(1000 * (n + 1), 1000 * (n + 1) + 60)}")
        for n in range(count)
    ]


def test_documents_that_share_no_band_are_in_no_group() -> None:
    docs = [Doc(f"{n}", words(100 * n, 100 * n + 50)) for n in range(20)]
    assert buckets.find(candidates(docs, Duplicates()), Duplicates()).groups == []


def test_two_pairs_are_two_groups_and_each_document_knows_its_buckets() -> None:
    docs = [
        Doc("0", words(0, 300)),
        Doc("1", words(500, 800)),
        Doc("2", words(2, 300)),
        Doc("3", words(502, 800)),
    ]
    found = buckets.find(candidates(docs, Duplicates()), Duplicates())
    assert found.groups == [[0, 2], [1, 3]]
    assert set(found.of[0]) & set(found.of[2])
    assert not set(found.of[0]) & set(found.of[1])


def test_a_bucket_over_the_bound_is_reported_as_boilerplate_and_removes_nothing() -> None:
    docs = [Doc(f"near-{n:02}", f"{words(0, 300)} end{n}") for n in range(12)]
    bounded = find(docs, Duplicates(max_bucket=5))
    assert bounded.removed.num_rows == 0
    assert bounded.verified.num_rows == 0
    shared = signatures.matrix(candidates(docs, Duplicates())["signature"], Duplicates()).reshape(12, 14, 8)
    expected = []
    for band in range(14):
        buckets_of_band = Counter(shared[n, band].tobytes() for n in range(12))
        key, digests = buckets_of_band.most_common(1)[0]
        first = next(n for n in range(12) if shared[n, band].tobytes() == key)
        expected.append({"band": band, "digests": digests, "example": f"near-{first:02}"})
    assert all(row["digests"] > 5 for row in expected)
    assert bounded.boilerplate.to_pylist() == expected
    assert bounded.boilerplate.schema == buckets.BOILERPLATE


def test_a_bucket_at_the_bound_is_a_band() -> None:
    docs = [Doc(f"near-{n:02}", f"{words(0, 300)} end{n}") for n in range(12)]
    result = find(docs, Duplicates(max_bucket=12))
    assert result.boilerplate.num_rows == 0
    assert set(result.removed["duplicate_of"].to_pylist()) == {"near-00"}
    assert result.removed.num_rows == 11


def test_the_bound_counts_distinct_digests_so_identical_copies_are_never_boilerplate() -> None:
    docs = [Doc(f"{n:02}", words(0, 300)) for n in range(30)] + [Doc("99", words(0, 299))]
    result = find(docs, Duplicates(max_bucket=2))
    assert result.boilerplate.num_rows == 0
    assert result.removed.num_rows == 30


def test_a_header_in_common_proposes_pages_but_removes_none() -> None:
    settings = Duplicates(bands=64, rows=1)
    docs = _shared_header(10)
    assert find(docs, settings).verified.num_rows > 0
    assert removed(docs, settings) == {}


def test_no_documents_no_buckets() -> None:
    found = buckets.find(candidates([], Duplicates()), Duplicates())
    assert (found.groups, dict(found.of), found.boilerplate.num_rows) == ([], {}, 0)
    assert isinstance(found.boilerplate, pa.Table)
