"""Shingles: the set of a document's word n-grams, each as a 64-bit hash.

The Jaccard similarity of two such sets is the similarity by which near duplicates are verified
(Broder, "On the resemblance and containment of documents", 1997). Hashes are the same in every process
and on every machine; two different shingles of a set of a million collide with probability 3e-8.
"""

import numpy as np
from numpy.typing import NDArray

from curation.text import words
from curation.text.characters import Tables, tables
from curation.text.compiled import compiled
from curation.text.segment import Bytes, hash_words, mix

Hashes = NDArray[np.uint64]

_ODD = np.uint64(0x9E3779B97F4A7C15)  # multiplication by it is a bijection modulo 2**64


def shingle_hashes(text: str, width: int) -> Hashes:
    """The hashes of the shingles of `width` words each, sorted, each once; shape (distinct shingles,).

    Case, composition, punctuation and white space do not count. A text of fewer words than asked for is one
    shingle of all of its words; a text without a word has none. ValueError if `width` is below 1.
    """
    if width < 1:
        raise ValueError(f"a shingle of {width} words is nothing: ask for 1 or more")
    data = np.frombuffer(words.fold(text).encode("utf-8", "surrogatepass"), dtype=np.uint8)
    return np.unique(_hashes(data, width, tables()))


@compiled
def _hashes(data: Bytes, width: int, tables: Tables) -> Hashes:
    """The hashes of the shingles of one folded text, in order."""
    hashes = np.empty(len(data) + 1, dtype=np.uint64)
    found = hash_words(data, 0, len(data), tables, hashes)
    return hashes[: combine(hashes, found, width)]


@compiled
def combine(hashes: Hashes, found: int, width: int) -> int:
    """Replaces the hashes of `found` words, in place, by those of their shingles; how many these are.

    A shingle's hash is a polynomial in an odd number whose coefficients are the words' hashes, mixed. It
    rolls: the next one costs the same whatever the width.
    """
    width = min(width, found)
    if width == 0:
        return 0
    power, rolling = np.uint64(1), np.uint64(0)
    for k in range(width):
        rolling = rolling * _ODD + hashes[k]
        power *= _ODD
    salt = np.uint64(width)
    for i in range(found - width):
        first = hashes[i]
        hashes[i] = mix(rolling + salt)
        rolling = rolling * _ODD + hashes[i + width] - first * power
    hashes[found - width] = mix(rolling + salt)
    return found - width + 1


@compiled
def distinct(hashes: Hashes, count: int, seen: Hashes, slots: int) -> int:
    """Moves the first of each of `count` hashes to the front, in place; how many there are. `seen` is an
    open table of `slots` places, a power of two, at most half full."""
    seen[:slots] = 0
    mask = np.uint64(slots - 1)
    kept, zero = 0, False
    for i in range(count):
        h = hashes[i]
        place = h & mask
        while seen[place] != 0 and seen[place] != h:
            place = (place + np.uint64(1)) & mask
        if seen[place] == h and (h != 0 or zero):
            continue
        zero = zero or h == 0
        seen[place] = h
        hashes[kept] = h
        kept += 1
    return kept
