"""Which runs of n words of some items, such as questions, occur in documents.

`index` is made of the items once; `find` reads each document once. Words are those of `plain`, a run of them
is a 64-bit hash, and a hash that is equal counts as the run: of a trillion words compared with an index of
ten million runs, one is taken for a run by chance with probability .4 (10**12 * 10**7 / 2**64).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.text import plain
from curation.text.characters import Tables
from curation.text.compiled import compiled
from curation.text.segment import Bytes, fold, hash_words, is_ascii
from curation.text.shingles import Hashes, combine

_BUCKET = 8  # bits: 2**8 of the filter's bits are a bucket of 8 to 16 n-grams, which are looked through
_BITS = 16  # of the filter, for each n-gram: a sixteenth of what is not in the index passes it, or less


class Index(NamedTuple):
    """The n-grams of all items that count; the items that have n-gram k are
    `owners[edges[k] : edges[k + 1]]`, ascending."""

    width: int  # words of an n-gram
    ngrams: Hashes  # shape (n-grams,), ascending, each once
    edges: NDArray[np.int64]  # shape (n-grams + 1,)
    owners: NDArray[np.int64]
    totals: NDArray[np.int64]  # shape (items,): how many of the n-grams an item has
    starts: NDArray[np.int64]  # the first n-gram of each bucket, and the end
    filter: Bytes  # a bit for each value of the upper `filter_bits` of a hash
    filter_bits: int


class Overlaps(NamedTuple):
    """A row for each document and item that have n-grams in common, by document, then by item."""

    documents: NDArray[np.int64]
    items: NDArray[np.int64]
    ngrams: NDArray[np.int64]  # how many different ones


def index(sets: Sequence[Sequence[str]], width: int, most: int) -> Index:
    """The index of the items of some sets, numbered through from 0.

    An n-gram that more than `most` items of one set have does not count, in any set. An item of fewer than
    `width` words has no n-gram. ValueError if `width` is below 1.
    """
    if width < 1:
        raise ValueError(f"an n-gram of {width} words is nothing: ask for 1 or more")
    hashes, items, of_set = _pairs(sets, width)
    first = _starts(hashes, of_set)
    common = hashes[first][np.diff(np.append(first, len(hashes))) > most]
    counts = ~np.isin(hashes, common)
    hashes, items = hashes[counts], items[counts]
    edges = _starts(hashes)
    ngrams = hashes[edges]
    bits = max(int(_BITS * len(ngrams)).bit_length(), _BUCKET + 1)
    totals = np.bincount(items, minlength=sum(map(len, sets)))
    return Index(width, ngrams, np.append(edges, len(hashes)), items, totals, *_guides(ngrams, bits), bits)


def find(index: Index, offsets: NDArray[np.int64], data: Bytes) -> Overlaps:
    """What the documents have in common with the items of `index`.

    Document n is the UTF-8 from `offsets[n]` to `offsets[n + 1]` of `data`. O(bytes) time; memory for about
    fifteen times the longest document.
    """
    documents, places = _hits(
        offsets,
        data,
        index.width,
        plain.tables(),
        index.ngrams,
        index.starts,
        index.filter,
        index.filter_bits,
    )
    each = np.unique(documents * len(index.ngrams) + places)
    documents, places = np.divmod(each, max(len(index.ngrams), 1))
    first, sizes = index.edges[places], np.diff(index.edges)[places]
    within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    owners = index.owners[np.repeat(first, sizes) + within]
    items = max(len(index.totals), 1)
    rows, ngrams = np.unique(np.repeat(documents, sizes) * items + owners, return_counts=True)
    return Overlaps(*np.divmod(rows, items), ngrams)


def _pairs(sets: Sequence[Sequence[str]], width: int) -> tuple[Hashes, NDArray[np.int64], NDArray[np.int64]]:
    """Each n-gram with each item that has it, once, and the item's set; by n-gram, then by item."""
    texts = [text.encode("utf-8", "surrogatepass") for items in sets for text in items]
    ends = np.cumsum([0, *map(len, texts)])
    found, hashes = _all(ends, np.frombuffer(b"".join(texts), dtype=np.uint8), width, plain.tables())
    items = np.repeat(np.arange(len(texts)), np.diff(found))
    order = np.lexsort((items, hashes))
    hashes, items = hashes[order], items[order]
    once = _starts(hashes, items)
    of_set = np.repeat(np.arange(len(sets)), [len(items) for items in sets])
    return hashes[once], items[once], of_set[items[once]]


def _guides(ngrams: Hashes, bits: int) -> tuple[NDArray[np.int64], Bytes]:
    """`starts` and `filter` of an index."""
    upper = ngrams >> np.uint64(64 - bits)
    starts = np.searchsorted(
        upper >> np.uint64(_BUCKET), np.arange((1 << bits - _BUCKET) + 1, dtype=np.uint64)
    )
    marks = np.zeros(1 << bits - 3, dtype=np.uint8)
    np.bitwise_or.at(marks, upper >> np.uint64(3), np.uint8(1) << (upper & np.uint64(7)).astype(np.uint8))
    return starts, marks


def _starts(*columns: NDArray[Any]) -> NDArray[np.int64]:
    """The rows that differ from the row before them in any of the columns; the first row is one."""
    differs = np.zeros(len(columns[0]), dtype=np.bool_)
    differs[:1] = True
    for column in columns:
        differs[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(differs)


@compiled
def _hash(data: Bytes, start: int, end: int, width: int, tables: Tables, scratch: Bytes, out: Hashes) -> int:
    """Writes the hash of each run of `width` words of a text to `out`; how many there are."""
    if is_ascii(data, start, end):
        found = hash_words(data, start, end, tables, out)
    else:
        size = fold(data, start, end, tables, scratch)
        found = hash_words(scratch, 0, size, tables, out)
    return combine(out, found, width) if found >= width else 0


@compiled
def _longest(offsets: NDArray[np.int64]) -> int:
    longest = 0
    for n in range(len(offsets) - 1):
        longest = max(longest, offsets[n + 1] - offsets[n])
    return longest


@compiled
def _grown(array: Any, used: int, size: int) -> Any:
    """`array` if `size` values fit, else a longer one that begins with the `used` values."""
    if size <= len(array):
        return array
    longer = np.empty(max(2 * len(array), size), array.dtype)
    longer[:used] = array[:used]
    return longer


@compiled
def _all(
    offsets: NDArray[np.int64], data: Bytes, width: int, tables: Tables
) -> tuple[NDArray[np.int64], Hashes]:
    """The hashes of all texts, in order; those of text n are from `edges[n]` to `edges[n + 1]`."""
    longest = _longest(offsets)
    scratch = np.empty(3 * longest + 16, dtype=np.uint8)
    hashes = np.empty(3 * longest // 2 + 16, dtype=np.uint64)
    edges = np.zeros(len(offsets), dtype=np.int64)
    out = np.empty(1024, dtype=np.uint64)
    for n in range(len(offsets) - 1):
        count = _hash(data, offsets[n], offsets[n + 1], width, tables, scratch, hashes)
        used = edges[n]
        edges[n + 1] = used + count
        out = _grown(out, used, used + count)
        out[used : used + count] = hashes[:count]
    return edges, out[: edges[-1]]


@compiled
def _hits(
    offsets: NDArray[np.int64],
    data: Bytes,
    width: int,
    tables: Tables,
    ngrams: Hashes,
    starts: NDArray[np.int64],
    filter: Bytes,  # noqa: A002
    bits: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The document and the place in `ngrams` of each n-gram that is there, as often as it occurs."""
    longest = _longest(offsets)
    scratch = np.empty(3 * longest + 16, dtype=np.uint8)
    hashes = np.empty(3 * longest // 2 + 16, dtype=np.uint64)
    documents, places = np.empty(1024, dtype=np.int64), np.empty(1024, dtype=np.int64)
    found, shift = 0, np.uint64(64 - bits)
    for n in range(len(offsets) - 1):
        count = _hash(data, offsets[n], offsets[n + 1], width, tables, scratch, hashes)
        passed = 0
        for i in range(count):  # without a branch, so that many bits are on their way from memory at once
            h = hashes[i]
            upper = h >> shift
            hashes[passed] = h
            passed += filter[upper >> np.uint64(3)] >> np.uint8(upper & np.uint64(7)) & 1
        for i in range(passed):
            h = hashes[i]
            bucket = h >> shift + np.uint64(_BUCKET)
            place, end = starts[bucket], starts[bucket + np.uint64(1)]
            while place < end and ngrams[place] < h:
                place += 1
            if place < end and ngrams[place] == h:
                documents, places = _grown(documents, found, found + 1), _grown(places, found, found + 1)
                documents[found], places[found] = n, place
                found += 1
    return documents[:found], places[:found]
