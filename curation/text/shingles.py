"""Shingles: the set of a document's word n-grams, each as a 64-bit hash.

The Jaccard similarity of two such sets is the similarity by which near duplicates are verified
(Broder, "On the resemblance and containment of documents", 1997). Hashes are the same in every process
and on every machine; two different shingles of a set of a million collide with probability 3e-8.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

from curation.text.words import fold, words_of

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # odd, so that multiplication is a bijection modulo 2**64


def shingle_hashes(text: str, words: int) -> NDArray[np.uint64]:
    """The hashes of the shingles of `words` words each, sorted, each once; shape (distinct shingles,).

    Case, composition, punctuation and white space do not count. A text of fewer words than asked for is one
    shingle of all of its words, so that short documents can be near duplicates too; a text without a word
    has none. ValueError if `words` is below 1.
    """
    if words < 1:
        raise ValueError(f"a shingle of {words} words is nothing: ask for 1 or more")
    hashes = word_hashes(text)
    if not len(hashes):
        return hashes
    width = min(words, len(hashes))
    count = len(hashes) - width + 1
    shingles = np.full(count, width, dtype=np.uint64)
    for offset in range(width):
        shingles = _mix(shingles * _MULTIPLIER + hashes[offset : offset + count])
    return np.unique(shingles)


def word_hashes(text: str) -> NDArray[np.uint64]:
    """64 bits of BLAKE2b for each folded word of `text`, in order; shape (words,)."""
    sequence = words_of(fold(text))
    known = {word: _word_hash(word) for word in set(sequence)}
    return np.fromiter((known[word] for word in sequence), dtype=np.uint64, count=len(sequence))


def _word_hash(word: str) -> int:
    return int.from_bytes(
        hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little"
    )


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014), a bijection: the order of the words counts."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
