"""Gopher's measures of repeated n-grams: Rae et al., "Scaling Language Models" (2021), table A1.

    top 2-, 3-, 4-gram                     share of the characters: 0.20, 0.18, 0.16
    duplicate 5-, 6-, 7-, 8-, 9-, 10-gram  share of the characters: 0.15, 0.14, 0.13, 0.12, 0.11, 0.10

(the paper drops a document above any of these). n-grams are of tokens (words and marks), as in datatrove's
GopherRepetitionFilter. An n-gram that occurs again is counted, and the search goes on behind it, so that no
character is counted twice.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.text.compiled import compiled
from curation.text.segment import hash_run, slots_for
from curation.text.tokens import Codes, Places

TOP = (2, 3, 4)
DUPLICATE = (5, 6, 7, 8, 9, 10)

_ODD = np.uint64(0x9E3779B97F4A7C15)


class Grams(NamedTuple):
    """What these functions write to: each as long as a text has tokens; the tables as `slots_for` says."""

    tokens: Places  # which word of the vocabulary each token is
    uses: Places  # how often each word of the vocabulary, or each n-gram, occurs
    chars: Places  # up to each token, without white space; one more than tokens
    starts: Places
    grams: Places  # which n-gram is at each start
    firsts: Places  # where each n-gram first occurs
    keys: NDArray[np.uint64]  # an open table
    values: Places  # of the keys


@compiled
def number_tokens(codes: Codes, starts: Places, ends: Places, count: int, room: Grams) -> int:
    """Fills `tokens`, `uses`, `chars`, and `firsts` with where each word of the vocabulary first occurs; how
    many words the vocabulary has, in order of first appearance."""
    slots = slots_for(count)
    shift = np.uint64(64 - _log2(slots))
    room.keys[:slots] = 0
    words, chars = 0, 0
    for n in range(count):
        key = hash_run(codes, starts[n], ends[n]) | np.uint64(1)  # never 0, which is a free place
        place = _find(room.keys, key, slots, shift)
        if room.keys[place] == 0:
            room.keys[place], room.values[place] = key, words
            room.uses[words], room.firsts[words] = 0, n
            words += 1
        word = room.values[place]
        room.tokens[n] = word
        room.uses[word] += 1
        room.chars[n] = chars
        chars += ends[n] - starts[n]
    room.chars[count] = chars
    return words


@compiled
def repeated_chars(count: int, words: int, room: Grams, out: NDArray[np.int64]) -> None:
    """Writes the characters of the top 2- to 4-gram, then of the duplicate 5- to 10-grams, to `out`, of a
    text of `count` tokens whose words are numbered.

    Grams of n + 1 tokens are looked for only where a gram of n tokens repeats: elsewhere none can. So the
    time is that of a few passes over the tokens, whatever the text, but for nine where all of it repeats.
    """
    left = 0
    for n in range(count):
        if room.uses[room.tokens[n]] > 1:
            room.starts[left], room.grams[left] = n, room.tokens[n]
            left += 1
    for n in range(2, 11):
        while left and room.starts[left - 1] + n > count:
            left -= 1
        kinds = _number_grams(n, left, words, room)
        if n <= 4:
            out[n - 2] = _top_chars(n, count, kinds, room)
        else:
            out[n - 2] = _duplicate_chars(n, left, kinds, room)
        kept = 0
        for k in range(left):
            if room.uses[room.grams[k]] > 1:
                room.starts[kept], room.grams[kept] = room.starts[k], room.grams[k]
                kept += 1
        left = kept


@compiled
def _number_grams(n: int, left: int, words: int, room: Grams) -> int:
    """Makes the first `left` of `grams`, of n - 1 tokens, numbers of n-grams, and counts their uses; how
    many n-grams there are."""
    slots = slots_for(left)
    shift = np.uint64(64 - _log2(slots))
    room.keys[:slots] = 0
    kinds = 0
    for k in range(left):
        start = room.starts[k]
        key = (
            np.uint64(room.grams[k]) * np.uint64(words) + np.uint64(room.tokens[start + n - 1]) + np.uint64(1)
        )
        place = _find(room.keys, key, slots, shift)
        if room.keys[place] == 0:
            room.keys[place], room.values[place] = key, kinds
            room.uses[kinds], room.firsts[kinds] = 0, start
            kinds += 1
        gram = room.values[place]
        room.uses[gram] += 1
        room.grams[k] = gram
    return kinds


@compiled
def _top_chars(n: int, count: int, kinds: int, room: Grams) -> int:
    """The characters of all occurrences of the most frequent n-gram, the first of several; spaces count.

    Where none repeats it is the text's first n-gram: in a short text that is a large share of it.
    """
    if count < n:
        return 0
    most, start = 1, 0
    for gram in range(kinds):  # they are numbered as they first occur
        if room.uses[gram] > most:
            most, start = room.uses[gram], room.firsts[gram]
    return (room.chars[start + n] - room.chars[start] + n - 1) * most


@compiled
def _duplicate_chars(n: int, left: int, kinds: int, room: Grams) -> int:
    """The characters of n-grams that occurred before, read from left to right without overlap."""
    room.firsts[:kinds] = -1
    chars, free = 0, 0
    for k in range(left):
        start, gram = room.starts[k], room.grams[k]
        if start < free:
            continue
        if room.firsts[gram] < 0:
            room.firsts[gram] = start
        else:
            chars += room.chars[start + n] - room.chars[start]
            free = start + n
    return chars


@compiled
def _log2(slots: int) -> int:
    found = 0
    while slots > 1:
        slots >>= 1
        found += 1
    return found


@compiled
def _find(keys: NDArray[np.uint64], key: np.uint64, slots: int, shift: np.uint64) -> np.uint64:
    """The place of `key`, or the free one where it belongs (Knuth's multiplicative hashing, linear probing)."""
    mask = np.uint64(slots - 1)
    place = (key * _ODD) >> shift
    while keys[place] != 0 and keys[place] != key:
        place = (place + np.uint64(1)) & mask
    return place
