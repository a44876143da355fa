"""Gopher's measures of quality: Rae et al., "Scaling Language Models" (2021), section A1.1.

The paper's rules keep a document with 50 to 100,000 words, of mean length 3 to 10 characters; with a
symbol-to-word ratio of at most 0.1 for the hash and for the ellipsis; in which 80 % of words have a letter;
and with at least two of eight stop words (its rules on lines are in `lines`). Ratios "to words" are to tokens
(words and marks), as in datatrove's GopherQualityFilter, so that thresholds tuned with it can be used here.
"""

from typing import Any, NamedTuple

from curation.text.characters import ALPHABETIC, ALPHANUMERIC
from curation.text.compiled import uncounted
from curation.text.repetition import Grams
from curation.text.tokens import Bits, Codes, Places
from curation.text.values import STOP_WORDS

_ELLIPSIS = ord("…")
_PACKED = tuple(int.from_bytes(word.encode(), "big") for word in STOP_WORDS)


class Quality(NamedTuple):
    """Counts of one text; a word is a token with a letter or a digit."""

    words: int
    word_chars: int
    alphabetic: int  # tokens with a letter
    stop_words: int  # how many of the eight occur, in any case
    hashes: int
    ellipses: int  # … and ..., read from left to right without overlap
    line_feeds: int
    brackets: int  # [, with which C4's citations begin


@uncounted
def count_quality(
    codes: Codes, bits: Bits, count: int, starts: Places, ends: Places, vocabulary: int, room: Grams
) -> Quality:
    """The counts of a spelled text of `count` characters whose tokens are numbered."""
    words = word_chars = alphabetic = stop_words = 0
    for word in range(vocabulary):
        start, end = starts[room.firsts[word]], ends[room.firsts[word]]
        kinds = 0
        for i in range(start, end):
            kinds |= bits[i]
        if kinds & ALPHANUMERIC:
            words += room.uses[word]
            word_chars += room.uses[word] * (end - start)
            stop_words |= _stop_word(codes, start, end)
        if kinds & ALPHABETIC:
            alphabetic += room.uses[word]
    hashes, ellipses, line_feeds, brackets = _count_marks(codes, count)
    different = 0
    while stop_words:
        different += stop_words & 1
        stop_words >>= 1
    return Quality(words, word_chars, alphabetic, different, hashes, ellipses, line_feeds, brackets)


@uncounted
def _stop_word(codes: Codes, start: int, end: int) -> int:
    """The bit of the stop word from `start` to `end`; 0 if it is none."""
    if end - start > 4:
        return 0
    packed = 0
    for i in range(start, end):
        small = codes[i] + 32 if 65 <= codes[i] <= 90 else codes[i]
        if not 97 <= small <= 122:
            return 0
        packed = packed << 8 | small
    for n in range(len(_PACKED)):
        if _PACKED[n] == packed:
            return 1 << n
    return 0


@uncounted
def _count_marks(codes: Codes, count: int) -> tuple[Any, Any, Any, Any]:
    """How many hash signs, ellipses, line feeds and [ a text has."""
    hashes, ellipses, line_feeds, brackets = 0, 0, 0, 0
    for i in range(count):
        hashes += codes[i] == 35
        line_feeds += codes[i] == 10
        brackets += codes[i] == 91
        ellipses += codes[i] == _ELLIPSIS
    i = 0
    while i + 2 < count:
        if codes[i + 2] != 46:
            i += 3
        elif codes[i + 1] != 46:
            i += 2
        elif codes[i] != 46:
            i += 1
        else:
            ellipses += 1
            i += 3
    return hashes, ellipses, line_feeds, brackets
