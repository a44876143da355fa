"""MinHash signatures of documents, from their bytes (Broder, "On the resemblance and containment of
documents", 1997).

The shingles of a document are its runs of n words, each as a 64-bit hash; a document of fewer words is one
shingle of all of its words. A signature keeps, for each of its permutations `a * h + b` modulo 2**32 (`a`
odd), the least value over the shingles, of which the lower 32 bits, mixed by MurmurHash3's finaliser, are
`h`. This is datasketch's scheme `affine32` (github.com/ekzhu/datasketch, `minhash.py`).
"""

import numpy as np
from numpy.typing import NDArray

from curation.text import words
from curation.text.characters import Tables, tables
from curation.text.compiled import compiled
from curation.text.segment import Bytes, fold, hash_words, is_ascii
from curation.text.shingles import Hashes, combine, distinct

Permutation = NDArray[np.uint32]

_BLOCK = 512  # hashes that go through all permutations together: they stay in the first cache


def signatures(
    offsets: NDArray[np.int64], data: Bytes, width: int, a: Permutation, b: Permutation
) -> tuple[NDArray[np.uint32], NDArray[np.int32]]:
    """The signatures of documents, shape (documents, permutations), and how many distinct shingles of
    `width` words each has; those of a document without words are 2**32 - 1, and 0.

    Document n is the UTF-8 from `offsets[n]` to `offsets[n + 1]` of `data`. O(bytes * permutations) time;
    beside the result, memory for about four times the longest document.
    """
    t = tables()
    least = np.full((len(offsets) - 1, len(a)), 2**32 - 1, dtype=np.uint32)
    counts = np.zeros(len(least), dtype=np.int32)
    rows = np.arange(len(least))
    left = _signatures(offsets, data, rows, False, width, a, b, t, least, counts)
    if len(left):
        folded = [_folded(data[offsets[n] : offsets[n + 1]]) for n in left]
        ends, bytes_ = np.cumsum([0, *map(len, folded)]), np.frombuffer(b"".join(folded), dtype=np.uint8)
        _signatures(ends, bytes_, left, True, width, a, b, t, least, counts)
    return least, counts


def least(hashes: Hashes, a: Permutation, b: Permutation) -> NDArray[np.uint32]:
    """The signature of a set of hashes; shape (permutations,)."""
    found = np.full(len(a), 2**32 - 1, dtype=np.uint32)
    _least(hashes, len(hashes), a, b, np.empty(_BLOCK, dtype=np.uint32), found)
    return found


def _folded(text: Bytes) -> bytes:
    return words.fold(text.tobytes().decode("utf-8", "replace")).encode()


@compiled
def _signatures(
    offsets: NDArray[np.int64],
    data: Bytes,
    rows: NDArray[np.int64],
    folded: bool,
    width: int,
    a: Permutation,
    b: Permutation,
    tables: Tables,
    out: NDArray[np.uint32],
    counts: NDArray[np.int32],
) -> NDArray[np.int64]:
    """Fills row `rows[n]` of `out` and `counts` for each document n; the rows of those that must be folded
    in Python first."""
    longest = 0
    for n in range(len(rows)):
        longest = max(longest, offsets[n + 1] - offsets[n])
    hashes = np.empty(longest // 2 + 1, dtype=np.uint64)
    scratch = np.empty(0 if folded else 3 * longest + 16, dtype=np.uint8)
    seen = np.empty(16, dtype=np.uint64)
    mixed = np.empty(_BLOCK, dtype=np.uint32)
    left = np.empty(len(rows), dtype=np.int64)
    waiting = 0
    for n in range(len(rows)):
        start, end = offsets[n], offsets[n + 1]
        if folded or is_ascii(data, start, end):
            found = hash_words(data, start, end, tables, hashes)
        else:
            size = fold(data, start, end, tables, scratch)
            if size < 0:
                left[waiting] = rows[n]
                waiting += 1
                continue
            found = hash_words(scratch, 0, size, tables, hashes)
        count = combine(hashes, found, width)
        slots = 16
        while slots < 2 * count:
            slots *= 2
        if slots > len(seen):
            seen = np.empty(slots, dtype=np.uint64)
        count = distinct(hashes, count, seen, slots)
        counts[rows[n]] = count
        _least(hashes, count, a, b, mixed, out[rows[n]])
    return left[:waiting]


@compiled
def _least(
    hashes: Hashes,
    count: int,
    a: Permutation,
    b: Permutation,
    mixed: NDArray[np.uint32],
    out: NDArray[np.uint32],
) -> None:
    """Lowers `out` to the least value of each permutation over the hashes."""
    for start in range(0, count, len(mixed)):
        size = min(len(mixed), count - start)
        for i in range(size):
            h = np.uint32(hashes[start + i])
            h = np.uint32((h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B))
            h = np.uint32((h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35))
            mixed[i] = h ^ (h >> np.uint32(16))
        for k in range(len(a)):
            factor, term, lowest = a[k], b[k], out[k]
            for i in range(size):
                lowest = min(lowest, np.uint32(factor * mixed[i] + term))
            out[k] = lowest
