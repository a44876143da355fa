"""`dedup.find` against brute force over plain Python sets; what it compares where that could explode."""

from itertools import pairwise
from unittest.mock import patch

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.dedup import pairs
from curation.recipe import Duplicates
from tests.dedup.corpus import Doc, candidates, find, settle, texts, words

# 64 bands of one row: two documents of similarity .5 share none with probability 2**-64.
SURE = Duplicates(similarity=0.5, shingle_words=2, hashes=64, recall=0.9999999)


def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    tokens = text.split()
    width = min(2, len(tokens))
    return frozenset(tuple(tokens[i : i + width]) for i in range(len(tokens) - width + 1) if width)


def _oracle(docs: list[Doc]) -> dict[str, tuple[str, float, str]]:
    """Every document against every kept earlier one, by the words of DESIGN: no digests, hashes or bands."""
    order = sorted(docs, key=lambda d: (d.synthetic, d.hour is None, d.hour or 0, d.id))
    collapsed: dict[str, list[Doc]] = {}
    for doc in order:
        collapsed.setdefault(" ".join(doc.text.split()), []).append(doc)
    kept: list[Doc] = []
    gone: dict[str, tuple[str, float, str]] = {}
    for first, *copies in collapsed.values():
        ours = _shingles(first.text)
        for other in kept:
            theirs = _shingles(other.text)
            similarity = len(ours & theirs) / len(ours | theirs) if ours and theirs else 0
            if similarity >= SURE.similarity:
                gone |= {doc.id: (other.id, similarity, "minhash") for doc in (first, *copies)}
                break
        else:
            kept.append(first)
            gone |= {doc.id: (first.id, 1.0, "exact") for doc in copies}
    return gone


@st.composite
def _corpora(draw: st.DrawFn) -> list[Doc]:
    """Documents that are cuts and edits of a few originals, so that many are near, and some are the same."""
    originals = draw(st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=12), min_size=1, max_size=3))
    docs = []
    for number in range(draw(st.integers(0, 14))):
        tokens = list(draw(st.sampled_from(originals)))
        for _ in range(draw(st.integers(0, 3))):
            place = draw(st.integers(0, len(tokens)))
            tokens[place : place + draw(st.integers(0, 2))] = draw(
                st.lists(st.sampled_from("abxy"), max_size=1)
            )
        space = draw(st.sampled_from([" ", "\n", "  "]))
        hour = draw(st.none() | st.integers(0, 3))
        docs.append(Doc(f"{draw(st.integers(0, 9))}-{number}", space.join(tokens), hour, draw(st.booleans())))
    return docs


@given(st.data())
@settings(max_examples=250, deadline=None)
def test_the_verdicts_are_those_of_brute_force_in_any_order_of_rows_and_portions(data: st.DataObject) -> None:
    docs = data.draw(_corpora())
    shuffled = data.draw(st.permutations(docs))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(docs)), max_size=3)))
    bounds = [0, *cuts, len(docs)]
    parts = [candidates(shuffled[a:b], SURE) for a, b in pairwise(bounds)]
    with patch.object(pairs, "HASHES_AT_ONCE", data.draw(st.sampled_from([1, 20, 10**6]))):
        table = pa.concat_tables(parts)
        table = table.set_column(1, "row", pa.array(range(len(docs)), pa.int64()))
        result = settle(table, texts(docs), SURE)
    rows = {r["id"]: (r["duplicate_of"], r["similarity"], r["method"]) for r in result.removed.to_pylist()}
    assert rows == _oracle(docs)
    assert result.removed["id"].to_pylist() == sorted(rows)
    assert not {row[0] for row in rows.values()} & set(rows), "a removed document is named as one that stays"


@given(_corpora(), st.data())
@settings(max_examples=100, deadline=None)
def test_what_was_verified_before_with_other_documents_changes_no_verdict(
    docs: list[Doc], data: st.DataObject
) -> None:
    earlier = [doc for doc in docs if data.draw(st.booleans())]
    known = pairs.mapping(find(earlier, SURE).verified)
    assert settle(candidates(docs, SURE), texts(docs), SURE, known).removed.equals(find(docs, SURE).removed)


def test_two_thousand_identical_documents_are_not_compared_at_all() -> None:
    result = find([Doc(f"{n:04}", words(0, 60)) for n in range(2000)], Duplicates())
    assert result.removed.num_rows == 1999
    assert result.verified.num_rows == 0


def test_two_thousand_near_identical_documents_take_one_comparison_each() -> None:
    result = find(
        [Doc(f"{n:04}", f"{words(0, 100)} end{n}") for n in range(2000)], Duplicates(max_bucket=2000)
    )
    assert result.removed.num_rows == 1999
    assert result.verified.num_rows == 1999


def test_a_chain_is_cut_where_a_kept_document_is_far_and_compared_only_along_itself() -> None:
    # The next one is near (.90), the one after that too (.80, which bands may miss), the third is not (.72).
    result = find([Doc(f"{n:04}", words(16 * n, 16 * n + 300)) for n in range(500)], Duplicates())
    gone = set(result.removed["id"].to_pylist())
    kept = [n for n in range(500) if f"{n:04}" not in gone]
    assert {b - a for a, b in pairwise(kept)} <= {2, 3}
    assert result.verified.num_rows < 4 * 500


def test_comparisons_grow_with_the_number_of_near_duplicates_not_with_its_square() -> None:
    def compared(groups: int) -> int:
        docs = [
            Doc(f"{g:03}-{n}", f"{words(100 * g, 100 * g + 100)} end{n}")
            for g in range(groups)
            for n in range(5)
        ]
        return find(docs, Duplicates()).verified.num_rows

    assert compared(200) == 4 * compared(50)
