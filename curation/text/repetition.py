"""Gopher's measures of repeated n-grams: Rae et al., "Scaling Language Models" (2021), table A1.

    top 2-, 3-, 4-gram                     share of the characters: 0.20, 0.18, 0.16
    duplicate 5-, 6-, 7-, 8-, 9-, 10-gram  share of the characters: 0.15, 0.14, 0.13, 0.12, 0.11, 0.10

(the paper drops a document above any of these). n-grams are of tokens (words and marks), as in datatrove's
GopherRepetitionFilter. An n-gram that occurs again is counted, and the search goes on behind it, so that no
character is counted twice.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.text.compiled import uncounted
from curation.text.segment import hash_run, slots_for
from curation.text.tokens import Codes, Places

TOP = (2, 3, 4)
DUPLICATE = (5, 6, 7, 8, 9, 10)

_ODD = np.uint64(0x9E3779B97F4A7C15)


class Grams(NamedTuple):
    """What these functions write to: as long as a text has tokens, or as said."""

    tokens: Places  # which word of the vocabulary each token is
    chars: Places  # up to each token, without white space; one more than tokens
    names: NDArray[np.uint64]  # the hash of each word of the vocabulary
    uses: Places  # how often each word occurs
    firsts: Places  # the token where each word first occurs
    starts: Places  # where the n-grams at hand start
    grams: NDArray[np.int64]  # which n-gram is at each start: its place in the table
    keys: NDArray[np.uint64]  # of the n-grams at hand
    counters: NDArray[np.uint8]  # as `slots_for` says
    table: NDArray[np.uint64]  # open: pairs of a key, not 0, and a number; twice what `slots_for` says


@uncounted
def number_tokens(codes: Codes, starts: Places, ends: Places, count: int, room: Grams) -> int:
    """Fills `tokens`, `chars`, `names`, `uses` and `firsts`; how many words the vocabulary has, in order of
    first appearance."""
    slots = slots_for(512)  # it grows: a vocabulary is much smaller than its text
    room.table[: 2 * slots] = 0
    words, chars = 0, 0
    for n in range(count):
        key = hash_run(codes, starts[n], ends[n]) | np.uint64(1)
        place = _find(room.table, key, slots)
        if room.table[place] == 0:
            if 2 * words == slots:
                slots = _grow(room, words, 2 * slots)
                place = _find(room.table, key, slots)
            room.table[place], room.table[place + 1] = key, words
            room.names[words], room.uses[words], room.firsts[words] = key, 0, n
            words += 1
        word = np.int64(room.table[place + 1])
        room.tokens[n], room.chars[n] = word, chars
        room.uses[word] += 1
        chars += ends[n] - starts[n]
    room.chars[count] = chars
    return words


@uncounted
def _grow(room: Grams, words: int, slots: int) -> int:
    """Puts the vocabulary into a table of `slots` places, and returns that."""
    room.table[: 2 * slots] = 0
    for word in range(words):
        place = _find(room.table, room.names[word], slots)
        room.table[place], room.table[place + 1] = room.names[word], word
    return slots


@uncounted
def repeated_chars(count: int, words: int, room: Grams, out: NDArray[np.int64]) -> None:
    """Writes the characters of the top 2- to 4-gram, then of the duplicate 5- to 10-grams, to `out`, of a
    text of `count` tokens whose words are numbered.

    Grams of n + 1 tokens are looked for only where a gram of n tokens repeats: elsewhere none can. So the
    time is that of a few passes over the tokens, but of nine where all of the text repeats.
    """
    left = 0
    for n in range(count - 1):
        if room.uses[room.tokens[n]] > 1 and room.uses[room.tokens[n + 1]] > 1:
            room.starts[left], room.grams[left] = n, room.tokens[n]
            left += 1
    for n in range(2, 11):
        while left and room.starts[left - 1] + n > count:
            left -= 1
        left = _number_grams(n, left, words, room)
        if n <= 4:
            out[n - 2], left = _top_chars(n, count, left, room)
        else:
            out[n - 2], left = _duplicate_chars(n, left, room)


@uncounted
def _number_grams(n: int, left: int, words: int, room: Grams) -> int:
    """Makes the first `left` of `grams`, of n - 1 tokens, those of n tokens, and counts them in the table;
    how many are left without most of those that occur once.

    These are known by counters of one byte, many to a cache line, which n-grams share where they collide:
    one that does not count to two occurs once.
    """
    slots = slots_for(left)
    mask = np.uint64(slots - 1)
    room.counters[:slots] = 0
    for k in range(left):
        word = room.tokens[room.starts[k] + n - 1]
        key = np.uint64(room.grams[k]) * np.uint64(words) + np.uint64(word) + np.uint64(1)
        room.keys[k] = key
        place = key * _ODD >> np.uint64(20) & mask
        room.counters[place] = room.counters[place] << 1 | 1  # 0, 1, 3, 7 ... 255
    kept = 0
    for k in range(left):
        room.keys[kept], room.starts[kept] = room.keys[k], room.starts[k]
        if room.counters[room.keys[k] * _ODD >> np.uint64(20) & mask] > 1:
            kept += 1
    slots = slots_for(kept)
    room.table[: 2 * slots] = 0
    for k in range(kept):
        place = _find(room.table, room.keys[k], slots)
        room.table[place] = room.keys[k]
        room.table[place + 1] += np.uint64(1)
        room.grams[k] = place
    return kept


@uncounted
def _top_chars(n: int, count: int, left: int, room: Grams) -> tuple[Any, Any]:
    """The characters of all occurrences of the most frequent n-gram, the first of several; spaces count. And
    how many starts are left where an n-gram repeats.

    Where none repeats it is the text's first n-gram: in a short text that is a large share of it.
    """
    if count < n:
        return 0, 0
    most: Any = 1
    start: Any = 0
    kept: Any = 0
    for k in range(left):
        uses = np.int64(room.table[room.grams[k] + 1])
        if uses > most:
            most, start = uses, room.starts[k]
        room.starts[kept], room.grams[kept] = room.starts[k], room.grams[k]
        kept += uses > 1
    return (room.chars[start + n] - room.chars[start] + n - 1) * most, kept


@uncounted
def _duplicate_chars(n: int, left: int, room: Grams) -> tuple[Any, Any]:
    """The characters of n-grams that occurred before, read from left to right without overlap; and how many
    starts are left where an n-gram repeats."""
    chars, free, kept = 0, 0, 0
    for k in range(left):
        start, gram = room.starts[k], room.grams[k]
        if room.table[gram + 1] < 2:
            continue
        room.starts[kept], room.grams[kept] = start, gram
        kept += 1
        if start < free:
            continue
        if room.table[gram] != 0:
            room.table[gram] = 0  # it has been seen; what it was no longer matters
        else:
            chars += room.chars[start + n] - room.chars[start]
            free = start + n
    return chars, kept


@uncounted
def _find(table: NDArray[np.uint64], key: np.uint64, slots: int) -> Any:
    """The place of `key` in a table of `slots` places, or the free one where it belongs: its number is in
    the next one (Knuth's multiplicative hashing, linear probing)."""
    mask = np.uint64(2 * slots - 1)
    mixed = key * _ODD
    place = (mixed ^ mixed >> np.uint64(32)) << np.uint64(1) & mask
    while table[place] != 0 and table[place] != key:
        place = (place + np.uint64(2)) & mask
    return np.int64(place)
