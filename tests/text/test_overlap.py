"""Runs of words that documents have in common with items, held to a search in plain Python."""

import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from curation.text import overlap
from curation.text.words import UNSPACED

_word = regex.compile(rf"(?V1)[{UNSPACED}&&[\p{{L}}\p{{N}}]]|[\p{{L}}\p{{N}}--{UNSPACED}]+")
_left_out = regex.compile(r"[\p{M}\p{Default_Ignorable_Code_Point}]")


def words(text: str) -> list[str]:
    """The words of a text by Unicode's own definitions, one character after another."""
    return _word.findall("".join(map(_plain, text)))


def _plain(c: str) -> str:
    if not c.isascii():
        once = unicodedata.normalize("NFKD", c.casefold())
        found = _left_out.sub("", unicodedata.normalize("NFKD", once.casefold()))
        return found if _left_out.match(c) or _bytes(found) <= 3 * _bytes(c) else c
    return c.lower()


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def grams(text: str, width: int) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[i : i + width]) for i in range(len(found) - width + 1)}


def searched(sets: Sequence[Sequence[str]], documents: Sequence[str], width: int, most: int):
    """(document, item, how many n-grams) by comparing everything with everything, and the items' totals."""
    common = {
        gram
        for items in sets
        for gram, count in Counter(gram for item in items for gram in grams(item, width)).items()
        if count > most
    }
    of_items = [grams(item, width) - common for items in sets for item in items]
    rows = [
        (d, i, shared)
        for d, document in enumerate(documents)
        for i, item in enumerate(of_items)
        if (shared := len(grams(document, width) & item))
    ]
    return rows, [len(item) for item in of_items]


def found(sets: Sequence[Sequence[str]], documents: Sequence[str], width: int, most: int):
    index = overlap.index(sets, width, most)
    texts = [document.encode() for document in documents]
    data = np.frombuffer(b"".join(texts), dtype=np.uint8)
    rows = overlap.find(index, np.cumsum([0, *map(len, texts)]), data)
    return list(zip(*map(np.ndarray.tolist, rows), strict=True)), index.totals.tolist()


LETTERS = st.text(st.sampled_from("aAbé é cC'’.\n漢"), max_size=24)  # few, so that runs meet
ANY = st.text(st.characters(codec="utf-8"), max_size=30)
TEXT = LETTERS | ANY


@given(
    st.lists(st.lists(TEXT, max_size=4), max_size=3),
    st.lists(TEXT, max_size=4),
    st.integers(1, 4),
    st.integers(1, 3),
)
@example([["a b c"], ["a b c", "b c"]], ["x a b c x", "", "b c"], 2, 1)
@example([["\ud800 a b"]], ["a b"], 1, 1)
@example([["½ ℌ ﬁn ㍿ ﷺ 각"]], ["1⁄2 h fin 株 각"], 1, 1)
def test_what_is_found_is_what_comparing_every_run_with_every_run_finds(
    sets: list[list[str]], documents: list[str], width: int, most: int
) -> None:
    assert found(sets, documents, width, most) == searched(sets, documents, width, most)


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "M", "P", "S"])))
def test_words_are_those_that_unicode_defines_in_any_script(text: str) -> None:
    assert found([[text]], [text], 1, 1)[1] == [len(set(words(text)))]


def test_many_documents_with_many_items_keep_their_rows() -> None:
    items = [f"item {n} of all items ends with {n * 7919}" for n in range(5000)]
    documents = [" and ".join(items[n : n + 2]) for n in range(0, 5000, 50)]
    rows, _ = found([items], documents, 8, 12)
    assert [row[:2] for row in rows] == [(n, 50 * n + k) for n in range(100) for k in range(2)]


def test_an_index_of_nothing_finds_nothing() -> None:
    assert found([], ["a b c"], 2, 1) == ([], [])
    assert found([["a"], []], ["a b c"], 2, 1) == ([], [0])


def test_no_words_are_refused() -> None:
    with pytest.raises(ValueError, match="0 words"):
        overlap.index([["a"]], 0, 1)
