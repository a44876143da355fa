"""A document's UTF-8 read once: code points, case folding, words.

These are the compiled counterparts of `words.fold` and `words.words_of`, over bytes. Each is linear in the
bytes it reads and allocates nothing. What is not UTF-8 is read byte by byte as U+FFFD.

Han, Hiragana, Thai and the other South-East Asian scripts have no spaces between words, and a dictionary
would be slow and a matter of taste: each character, with its marks, is a word (`words` says why). Folding
gives NFC: most text is known to be in NFC by the quick check; the rest goes through Python.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.text.characters import (
    COMBINING_CLASS,
    COMPOSES,
    IGNORABLE,
    JOINER,
    LETTER,
    MARK,
    NUMBER,
    UNSPACED,
    Tables,
)
from curation.text.compiled import uncounted

Bytes = NDArray[np.uint8]

_WORD = LETTER | NUMBER
_INNER = LETTER | NUMBER | MARK
_SMALL = np.array(
    [ord(c.lower()) if c.isalnum() and c.isascii() else 0 for c in map(chr, range(256))], np.uint8
)
_CAPITAL = np.array([32 if "A" <= c <= "Z" else 0 for c in map(chr, range(256))], np.uint8)
_JOINS = np.array([c in "'._" for c in map(chr, range(256))], np.bool_)
_SEED = np.uint64(0x243F6A8885A308D3)  # of pi's digits
_ODD = np.uint64(0x9E3779B97F4A7C15)


@uncounted
def decode(data: Bytes, at: int, end: int) -> tuple[Any, int]:
    """The code point of the UTF-8 at `at`, below `end`, and where the next one starts."""
    lead = np.int64(data[at])
    if lead < 0x80:
        return lead, at + 1
    if 0xC2 <= lead < 0xE0 and at + 1 < end and data[at + 1] & 0xC0 == 0x80:
        return (lead & 0x1F) << 6 | np.int64(data[at + 1] & 0x3F), at + 2
    if lead & 0xF0 == 0xE0 and at + 2 < end and data[at + 1] & 0xC0 == 0x80 and data[at + 2] & 0xC0 == 0x80:
        code = (lead & 0x0F) << 12 | np.int64(data[at + 1] & 0x3F) << 6 | np.int64(data[at + 2] & 0x3F)
        return code, at + 3
    if 0xF0 <= lead < 0xF5 and at + 3 < end and data[at + 1] & 0xC0 == 0x80:
        code = (lead & 0x07) << 18 | np.int64(data[at + 1] & 0x3F) << 12
        code |= np.int64(data[at + 2] & 0x3F) << 6 | np.int64(data[at + 3] & 0x3F)
        if code < 0x110000:
            return code, at + 4
    return 0xFFFD, at + 1


@uncounted
def encode(code: int, out: Bytes, at: int) -> int:
    """Writes the UTF-8 of `code` to `out` from `at`; where it ends."""
    if code < 0x80:
        out[at] = code
        return at + 1
    if code < 0x800:
        out[at], out[at + 1] = 0xC0 | code >> 6, 0x80 | code & 0x3F
        return at + 2
    if code < 0x10000:
        out[at], out[at + 1], out[at + 2] = 0xE0 | code >> 12, 0x80 | code >> 6 & 0x3F, 0x80 | code & 0x3F
        return at + 3
    out[at], out[at + 1] = 0xF0 | code >> 18, 0x80 | code >> 12 & 0x3F
    out[at + 2], out[at + 3] = 0x80 | code >> 6 & 0x3F, 0x80 | code & 0x3F
    return at + 4


@uncounted
def is_ascii(data: Bytes, start: int, end: int) -> Any:
    """Whether all bytes from `start` to `end` are ASCII."""
    seen = np.uint8(0)
    for i in range(start, end):
        seen |= data[i]
    return seen < 0x80


@uncounted
def fold(data: Bytes, start: int, end: int, tables: Tables, out: Bytes) -> int:
    """Writes `words.fold` of a text, as UTF-8, to `out`, three times as long as the text; its length.

    -1 where a character may compose with its neighbours or marks are out of order, which the quick check of
    Unicode's Annex 15 (section 9) cannot decide: then only full normalisation can tell. ASCII letters keep
    their case: `hash_words` folds them.
    """
    at, i, last = 0, start, 0
    while i < end:
        if data[i] < 0x80:
            out[at] = data[i]
            at += 1
            i += 1
            last = 0
            continue
        code, i = decode(data, i, end)
        entry = tables.blocks[code >> 8] + (code & 0xFF)
        bits = tables.foldings[entry]
        if bits & IGNORABLE:
            continue
        combining = bits & COMBINING_CLASS
        if bits & COMPOSES or 0 < combining < last:
            return -1
        last = combining
        folded = tables.folds[entry]
        if folded >= 0:
            at = encode(folded if folded else code, out, at)
        else:
            for k in range(tables.expansions[-1 - folded]):
                at = encode(tables.expansions[k - folded], out, at)
    return at


@uncounted
def mix(x: np.uint64) -> np.uint64:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014), a bijection."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@uncounted
def _inner(data: Bytes, at: int, end: int, tables: Tables) -> bool:
    """Whether a character that can stand within a word is at `at`."""
    if at >= end:
        return False
    code, _ = decode(data, at, end)
    bits = tables.classes[tables.blocks[code >> 8] + (code & 0xFF)]
    return bits & _INNER != 0 and bits & UNSPACED == 0


@uncounted
def _word_end(data: Bytes, at: int, end: int, solo: bool, tables: Tables) -> int:
    """Where the word goes on to that has been read up to `at`: past one more character, or `at`."""
    code, then = decode(data, at, end)
    bits = tables.classes[tables.blocks[code >> 8] + (code & 0xFF)]
    if solo:
        return then if bits & MARK else at
    if bits & UNSPACED:
        return at
    if bits & _INNER or (bits & JOINER and _inner(data, then, end, tables)):
        return then
    return at


@uncounted
def hash_words(data: Bytes, start: int, end: int, tables: Tables, out: NDArray[np.uint64]) -> int:
    """Writes 64 bits for each word of a folded text to `out`; how many words it has.

    Words are those of `words.words_of`; ASCII letters count as small ones. The hash takes eight bytes of the
    word at a time, multiplied and mixed; different words of less than eight bytes never collide.
    """
    found, i = 0, start
    while i < end:
        then, solo = i + 1, False
        if data[np.uint64(i)] >= 0x80:
            code, then = decode(data, i, end)
            bits = tables.classes[tables.blocks[code >> 8] + (code & 0xFF)]
            if not bits & _WORD:
                i = then
                continue
            solo = bits & UNSPACED != 0
        elif not _SMALL[data[np.uint64(i)]]:
            i = then
            continue
        h, packed, shift = _SEED, np.uint64(0), np.uint64(0)
        while then > i:  # what stands from i to `then` belongs to the word
            while i < then:
                packed |= np.uint64(data[np.uint64(i)] | _CAPITAL[data[np.uint64(i)]]) << shift
                shift += np.uint64(8)
                i += 1
                if shift == 64:
                    h = (h ^ packed) * _ODD
                    h ^= h >> np.uint64(32)
                    packed, shift = np.uint64(0), np.uint64(0)
            while i < end and not solo:  # most of the time is spent here: ASCII letters and digits
                small = _SMALL[data[np.uint64(i)]]
                if not small:
                    break
                packed |= np.uint64(small) << shift
                shift += np.uint64(8)
                i += 1
                if shift == 64:
                    h = (h ^ packed) * _ODD
                    h ^= h >> np.uint64(32)
                    packed, shift = np.uint64(0), np.uint64(0)
            if i < end and (
                _SMALL[data[np.uint64(i)]] or data[np.uint64(i)] >= 0x80 or _JOINS[data[np.uint64(i)]]
            ):
                then = _word_end(data, i, end, solo, tables)
        out[found] = mix(h ^ packed)
        found += 1
    return found


@uncounted
def next_word(data: Bytes, at: int, end: int, tables: Tables) -> tuple[int, int]:
    """Where the next word of a folded text from `at` starts and ends; `end` twice if there is none. Words are
    those of `words.words_of`."""
    i = at
    while i < end:
        then, solo = i + 1, False
        if data[np.uint64(i)] >= 0x80:
            code, then = decode(data, i, end)
            bits = tables.classes[tables.blocks[code >> 8] + (code & 0xFF)]
            if not bits & _WORD:
                i = then
                continue
            solo = bits & UNSPACED != 0
        elif not _SMALL[data[np.uint64(i)]]:
            i = then
            continue
        start = i
        while then > i:  # what stands from `start` to `then` belongs to the word
            i = then
            while i < end and not solo and _SMALL[data[np.uint64(i)]]:
                i += 1
            then = _word_end(data, i, end, solo, tables) if i < end else i
        return start, i
    return end, end


@uncounted
def spell(
    data: Bytes, start: int, end: int, tables: Tables, codes: NDArray[np.int32], bits: NDArray[np.uint16]
) -> int:
    """Writes the code points of a text to `codes`, and what each is to `bits`; how many there are."""
    count, i = 0, start
    while i < end:
        code = np.int64(data[i])
        if code < 0x80:
            i += 1
            codes[count], bits[count] = code, tables.classes[code]  # its block is the first
        else:
            code, i = decode(data, i, end)
            codes[count], bits[count] = code, tables.classes[tables.blocks[code >> 8] + (code & 0xFF)]
        count += 1
    return count


@uncounted
def hash_run(codes: NDArray[np.int32], start: int, end: int) -> Any:
    """64 bits for the code points from `start` to `end`, three of 21 bits at a time."""
    h = _SEED ^ np.uint64(end - start)
    i = np.uint64(start)
    last = np.uint64(max(end - 2, 0))
    while i < last:
        packed = np.uint64(codes[i]) | np.uint64(codes[i + np.uint64(1)]) << np.uint64(21)
        packed |= np.uint64(codes[i + np.uint64(2)]) << np.uint64(42)
        h = (h ^ packed) * _ODD
        h ^= h >> np.uint64(32)
        i += np.uint64(3)
    if i < np.uint64(end):
        packed = np.uint64(codes[i])
        if i + np.uint64(1) < np.uint64(end):
            packed |= np.uint64(codes[i + np.uint64(1)]) << np.uint64(21)
        h = (h ^ packed) * _ODD
        h ^= h >> np.uint64(32)
    return h


@uncounted
def slots_for(count: int) -> int:
    """The places of an open table that `count` keys fill by half at most: a power of two."""
    slots = 16
    while slots < 2 * count:
        slots *= 2
    return slots
