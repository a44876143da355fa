"""A text as fastText sees it, a bag of words and of pairs of words, weighed straight from its UTF-8.

Joulin et al., "Bag of Tricks for Efficient Text Classification" (2016). With two labels the model is linear:
the mean of the features' vectors goes through one layer, so what a feature adds to the log-odds of the labels
is a number of its own, and a text's log-odds are the mean of its features' numbers. Hashes are fastText's
(github.com/facebookresearch/fastText, `dictionary.cc`): FNV-1a of a word, as it was written with signed
characters, and a polynomial of two of these for a pair; a line ends with the word `</s>`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.text import words
from curation.text.characters import Tables, tables
from curation.text.compiled import compiled, uncounted
from curation.text.segment import Bytes, fold, is_ascii, next_word, slots_for

_END = "</s>"
_CAPITAL = np.array([32 if "A" <= c <= "Z" else 0 for c in map(chr, range(256))], np.uint8)
_FNV_SEED, _FNV_PRIME = np.uint32(2166136261), np.uint32(16777619)
_PAIR = np.uint64(116049371)


class Bag(NamedTuple):
    """What each feature adds to the log-odds. Word n is `letters[starts[n] : starts[n + 1]]`."""

    letters: Bytes
    starts: NDArray[np.int64]  # shape (words + 1,)
    slots: NDArray[np.int32]  # an open table of words by their hash; -1 where it is empty
    weights: NDArray[np.float64]  # shape (words + buckets,): of words, then of hashed pairs
    end: int  # the word that ends a line; -1 if it is not known
    end_hash: int


def bag(vocabulary: Sequence[str], weights: NDArray[np.float64]) -> Bag:
    """The bag of words in fastText's order; `weights` has theirs, then at least one of hashed pairs."""
    encoded = [word.encode() for word in vocabulary]
    letters = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    starts = np.cumsum([0, *map(len, encoded)])
    slots = np.full(slots_for(len(encoded)), -1, dtype=np.int32)
    _fill(letters, starts, slots)
    end = vocabulary.index(_END) if _END in vocabulary else -1
    data = np.frombuffer(_END.encode(), dtype=np.uint8)
    return Bag(letters, starts, slots, weights, end, int(_hash(data, 0, len(data))))


def head(text: str, limit: int) -> str:
    """What of `text` is in its first `limit` bytes of UTF-8; a character is never cut."""
    return text[:limit].encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")


def log_odds(offsets: NDArray[np.int64], data: Bytes, limit: int, of: Bag) -> NDArray[np.float64]:
    """The log-odds of texts, by the words in the first `limit` bytes of each; NaN of one without a word.

    Text n is the UTF-8 from `offsets[n]` to `offsets[n + 1]` of `data`. Linear in the bytes that are read.
    """
    known = tables()
    found = np.empty(len(offsets) - 1)
    rows = np.arange(len(found))
    left = _log_odds(offsets, data, rows, False, limit, of, known, found)
    if len(left):
        folded = [_folded(data[offsets[n] : min(offsets[n + 1], offsets[n] + limit)]) for n in left]
        ends, joined = np.cumsum([0, *map(len, folded)]), np.frombuffer(b"".join(folded), dtype=np.uint8)
        _log_odds(ends, joined, left, True, len(joined), of, known, found)
    return found


def _folded(text: Bytes) -> bytes:
    return words.fold(text.tobytes().decode("utf-8", "ignore")).encode()


@compiled
def _log_odds(
    offsets: NDArray[np.int64],
    data: Bytes,
    rows: NDArray[np.int64],
    folded: bool,
    limit: int,
    of: Bag,
    tables: Tables,
    out: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Fills `out[rows[n]]` for each text n; the rows of those that must be folded in Python first."""
    scratch = np.empty(0 if folded else 3 * limit + 16, dtype=np.uint8)
    left = np.empty(len(rows), dtype=np.int64)
    waiting = 0
    for n in range(len(rows)):
        start, end = offsets[n], offsets[n + 1]
        if end - start > limit:
            end = start + limit
            while end > start and data[end] & 0xC0 == 0x80:
                end -= 1
        if folded or is_ascii(data, start, end):
            out[rows[n]] = _mean(data, start, end, of, tables)
            continue
        size = fold(data, start, end, tables, scratch)
        if size < 0:
            left[waiting] = rows[n]
            waiting += 1
        else:
            out[rows[n]] = _mean(scratch, 0, size, of, tables)
    return left[:waiting]


@uncounted
def _mean(data: Bytes, start: int, end: int, of: Bag, tables: Tables) -> float:
    """The mean weight of the features of one folded text; NaN without a word."""
    known, buckets = len(of.starts) - 1, np.uint64(len(of.weights) - len(of.starts) + 1)
    total, count, after = 0.0, 0, False
    before: Any = np.int64(0)
    at, then = next_word(data, start, end, tables)
    while at < then:
        h = _hash(data, at, then)
        word = _find(data, at, then, h, of)
        if word >= 0:
            total += of.weights[word]
            count += 1
        if after:
            total += of.weights[known + np.int64(_pair(before, h) % buckets)]
            count += 1
        before, after = h, True
        at, then = next_word(data, then, end, tables)
    if not after:
        return np.nan
    if of.end >= 0:
        total += of.weights[of.end]
        count += 1
    total += of.weights[known + np.int64(_pair(before, of.end_hash) % buckets)]
    return total / (count + 1)


@uncounted
def _hash(data: Bytes, start: int, end: int) -> Any:
    """fastText's hash of a word, ASCII letters as small ones, as a signed number of 32 bits."""
    h = _FNV_SEED
    for i in range(start, end):
        h = np.uint32(h ^ np.uint32(np.int8(data[i] | _CAPITAL[data[i]])))
        h = np.uint32(h * _FNV_PRIME)
    return np.int64(np.int32(h))


@uncounted
def _pair(one: int, other: int) -> Any:
    """fastText's hash of two words that follow each other."""
    return np.uint64(one) * _PAIR + np.uint64(other)


@uncounted
def _find(data: Bytes, start: int, end: int, h: int, of: Bag) -> int:
    """Which word stands from `start` to `end`; -1 if it is not known."""
    mask = len(of.slots) - 1
    place = h & mask
    while of.slots[place] >= 0:
        word = of.slots[place]
        first = of.starts[word]
        if of.starts[word + 1] - first == end - start:
            i = 0
            while i < end - start:
                byte = data[start + i]
                if byte | _CAPITAL[byte] != of.letters[first + i]:
                    break
                i += 1
            if i == end - start:
                return word
        place = (place + 1) & mask
    return -1


@compiled
def _fill(letters: Bytes, starts: NDArray[np.int64], slots: NDArray[np.int32]) -> None:
    """Puts each word into the table."""
    mask = len(slots) - 1
    for word in range(len(starts) - 1):
        place = _hash(letters, starts[word], starts[word + 1]) & mask
        while slots[place] >= 0:
            place = (place + 1) & mask
        slots[place] = word
