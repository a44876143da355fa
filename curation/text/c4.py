"""C4's rules: Raffel et al., "Exploring the Limits of Transfer Learning" (2020), section 2.2, and its code
(github.com/tensorflow/datasets, `c4_utils.py`).

Each line, in this order, is removed if it

    has a word of more than 1000 characters
    does not end with . ? ! " or ', or ends with ...      (citations such as [3] and [edit] taken out before)
    has fewer than 3 words, between white space
    mentions "javascript"
    names a policy: "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies"

and C4 drops the page in which a line that gets that far has "lorem ipsum" or a curly bracket, or that is left
with fewer than 5 sentences. A sentence ends at a token of terminal punctuation, before the next token that
has something else than punctuation, as for spaCy's sentencizer. What C4 edits is given as spans of bytes to
take out: removed lines, citations, and the white space around the lines that stay.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.text.characters import NUMBER, PUNCTUATION, SPACE, TERMINAL
from curation.text.compiled import compiled
from curation.text.lines import line_end, strip
from curation.text.tokens import Bits, Codes, Places

MAX_WORD_CHARS = 1000
MIN_WORDS = 3
PHRASES = (
    "lorem ipsum",
    "javascript",
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
)
CITATIONS = ("[edit]", "[citation needed]")

_TEXTS = np.frombuffer("".join(PHRASES + CITATIONS).encode(), dtype=np.uint8)
_EDGES = np.cumsum([0, *map(len, PHRASES + CITATIONS)])
_BEGINS = np.array([chr(c) in {phrase[0] for phrase in PHRASES} for c in range(128)])
_ENDS = np.array([chr(c) in ".?!\"'" for c in range(128)])
_LOREM_IPSUM, _JAVASCRIPT, _CURLY = 1 << 0, 1 << 1, 1 << len(PHRASES)
_KEPT = 7
_EDIT, _NEEDED = len(PHRASES), len(PHRASES) + 1


class C4(NamedTuple):
    """Lines that are not blank, by the first rule that they break; and the sentences of those that stay.

    `lorem_ipsum` and `curly_bracket` lines are among neither: they drop the page.
    """

    long_word: int
    unpunctuated: int
    few_words: int
    javascript: int
    policy: int
    lorem_ipsum: int
    curly_bracket: int
    kept: int
    sentences: int


@compiled
def count_c4(
    codes: Codes,
    bits: Bits,
    count: int,
    starts: Places,
    ends: Places,
    tokens: int,
    line: Codes,
    spans: NDArray[np.int64],
) -> tuple[Any, Any]:
    """The counts of a spelled text that is cut into tokens, and how many rows of `spans` are filled: each is
    the first byte to take out and the first that stays, ascending, shape (spans, 2).

    There are at most two spans a line that is not blank, one a `[`, and one more. `line` has room for the
    longest line.
    """
    broken = np.zeros(8, dtype=np.int64)
    sentences, filled = 0, 0
    at, byte, token = 0, 0, 0
    gap, final = 0, 0  # behind the last line that stays: the first byte of the next, and of its own end
    while at < count:
        start = at
        end, at = line_end(codes, bits, count, start)
        first, last = strip(bits, start, end)
        begin = token
        while token < tokens and starts[token] < end:
            token += 1
        if first < last:
            rule, cited = _rule(codes, bits, first, last, line)
            broken[rule] += 1
            if rule == _KEPT:
                sentences += _sentences(bits, starts, ends, begin, token)
                head = byte + _bytes(codes, start, first)
                filled = _take_out(spans, filled, gap, head)
                if cited:
                    filled = _take_out_citations(codes, bits, first, last, head, spans, filled)
                tail = head + _bytes(codes, first, last)
                gap = byte + _bytes(codes, start, at)
                line_feed = gap - 1 if at > end and codes[at - 1] == 10 else byte + _bytes(codes, start, end)
                filled = _take_out(spans, filled, tail, line_feed)
                final = line_feed
        byte += _bytes(codes, start, at)
    filled = _take_out(spans, filled, final, byte)
    return (
        C4(
            broken[0],
            broken[1],
            broken[2],
            broken[3],
            broken[4],
            broken[5],
            broken[6],
            broken[_KEPT],
            sentences,
        ),
        filled,
    )


@compiled
def _rule(codes: Codes, bits: Bits, first: int, last: int, line: Codes) -> tuple[Any, Any]:
    """The first rule that the line from `first` to `last` breaks, as C4 orders its fields, or _KEPT; and
    whether it has citations."""
    words, longest, size = 0, 0, 0
    for i in range(first, last):
        size = 0 if bits[i] & SPACE else size + 1
        words += size == 1
        longest = max(longest, size)
    if longest > MAX_WORD_CHARS:
        return 0, False
    length, i = 0, first
    while i < last:
        then = _citation(codes, bits, i, last)
        if then == i:
            line[length] = codes[i]
            length += 1
            then += 1
        i = then
    cited = length < last - first
    if length == 0 or not _ENDS[min(line[length - 1], 127)] or _three_dots(line, length):
        return 1, cited
    if words < MIN_WORDS:
        return 2, cited
    found = _mentions(line, length)
    if found & _LOREM_IPSUM:
        return 5, cited
    if found & _JAVASCRIPT:
        return 3, cited
    if found & _CURLY:
        return 6, cited
    return (4 if found else _KEPT), cited


@compiled
def _three_dots(line: Codes, length: int) -> bool:
    return length >= 3 and line[length - 1] == 46 and line[length - 2] == 46 and line[length - 3] == 46


@compiled
def _citation(codes: Codes, bits: Bits, at: int, last: int) -> int:
    """Where the citation at `at` ends: [edit], [citation needed] or digits, or none, in brackets."""
    if codes[at] != 91:
        return at
    then = at + 1
    while then < last and bits[then] & NUMBER:
        then += 1
    if then < last and codes[then] == 93:
        return then + 1
    for k in (_EDIT, _NEEDED):
        if _stands(codes, at, last, k):
            return at + _EDGES[k + 1] - _EDGES[k]
    return at


@compiled
def _stands(codes: Codes, at: int, last: int, phrase: int) -> bool:
    """Whether a phrase stands at `at`."""
    size = _EDGES[phrase + 1] - _EDGES[phrase]
    if at + size > last:
        return False
    for k in range(size):
        if codes[at + k] != _TEXTS[_EDGES[phrase] + k]:
            return False
    return True


@compiled
def _mentions(line: Codes, length: int) -> int:
    """The bits of the phrases and of { in a line, which is written in small letters by the way."""
    found = 0
    for i in range(length):
        if 65 <= line[i] <= 90:
            line[i] += 32
        elif line[i] == 0x212A:  # the kelvin sign is a capital k
            line[i] = 107
        elif line[i] == 123:
            found |= _CURLY
    for i in range(length):
        if line[i] < 128 and _BEGINS[line[i]]:
            for k in range(len(PHRASES)):
                if _stands(line, i, length, k):
                    found |= 1 << k
    return found


@compiled
def _sentences(bits: Bits, starts: Places, ends: Places, begin: int, end: int) -> int:
    """The sentences of the tokens from `begin` to `end`."""
    found, ended = min(end - begin, 1), False
    for token in range(begin, end):
        single = ends[token] - starts[token] == 1 and bits[starts[token]] & TERMINAL != 0
        if single:
            ended = True
        elif ended:
            for i in range(starts[token], ends[token]):
                if not bits[i] & PUNCTUATION:
                    found += 1
                    ended = False
                    break
    return found


@compiled
def _bytes(codes: Codes, start: int, end: int) -> int:
    """The UTF-8 bytes of the characters from `start` to `end`."""
    size = end - start
    for i in range(start, end):
        size += (codes[i] >= 0x80) + (codes[i] >= 0x800) + (codes[i] >= 0x10000)
    return size


@compiled
def _take_out(spans: NDArray[np.int64], filled: int, start: int, end: int) -> int:
    """Adds a span, or lengthens the last one where they touch; how many there are."""
    if start == end:
        return filled
    if filled and spans[filled - 1, 1] == start:
        spans[filled - 1, 1] = end
        return filled
    spans[filled, 0], spans[filled, 1] = start, end
    return filled + 1


@compiled
def _take_out_citations(
    codes: Codes, bits: Bits, first: int, last: int, byte: int, spans: NDArray[np.int64], filled: int
) -> int:
    """Adds the citations of a line whose first character is at `byte`; how many spans there are."""
    i = first
    while i < last:
        then = _citation(codes, bits, i, last)
        if then > i:
            filled = _take_out(spans, filled, byte, byte + _bytes(codes, i, then))
        then = max(then, i + 1)
        byte += _bytes(codes, i, then)
        i = then
    return filled
