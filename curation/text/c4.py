"""C4's rules: Raffel et al., "Exploring the Limits of Transfer Learning" (2020), section 2.2, and its code
(github.com/tensorflow/datasets, `c4_utils.py`).

Each line, in this order, is removed if it

    has a word of more than 1000 characters
    does not end with . ? ! " or ', or ends with ...      (citations such as [3] and [edit] taken out before)
    has fewer than 3 words, between white space
    mentions "javascript"
    names a policy: "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies" ...

and C4 drops the page if a line of three words has "lorem ipsum", or one without "javascript" a curly bracket,
or if fewer than 5 sentences are left. A sentence ends at a token of terminal punctuation, before the next
token that has something else than punctuation, as for spaCy's sentencizer. What C4 edits is given as spans
of bytes to take out: removed lines, citations, and the white space around the lines that stay.
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
_SECOND = np.array(
    [max([ord(p[1]) for p in PHRASES if p[0] == chr(c).lower()], default=0) for c in range(128)]
)
"""The second letter of the phrases that begin with a character, the same for all of them."""
_ENDS = np.array([chr(c) in ".?!\"'" for c in range(128)])
_LOREM_IPSUM, _JAVASCRIPT, _CURLY = 1 << 0, 1 << 1, 1 << len(PHRASES)
_POLICIES = _CURLY - (1 << 2)  # the phrases behind these two
_KEPT = 5
_BRACKET, _KELVIN = 91, 0x212A  # the kelvin sign's small letter is k
_EDIT, _NEEDED = len(PHRASES), len(PHRASES) + 1


class C4(NamedTuple):
    """Lines that are not blank, by the first rule that they break; and the sentences of those that stay.

    A line with `lorem_ipsum` or a `curly_bracket`, which drops the page, is counted beside its rule.
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
    narrow: bool,
    spans: NDArray[np.int64],
) -> tuple[Any, Any]:
    """The counts of a spelled text that is cut into tokens, and how many rows of `spans` are filled: each is
    the first byte to take out and the first that stays, ascending, shape (spans, 2).

    There are at most two spans a line that is not blank, one a `[`, and one more. `line` has room for the
    longest line; the text is ASCII if `narrow`.
    """
    broken = np.zeros(_KEPT + 1, dtype=np.int64)
    lorem_ipsum, curly_bracket, sentences, filled = 0, 0, 0, 0
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
            rule, found, cited = _rule(codes, bits, first, last, line)
            broken[rule] += 1
            lorem_ipsum += found & _LOREM_IPSUM != 0
            curly_bracket += found & _CURLY != 0
            if rule == _KEPT:
                sentences += _sentences(bits, starts, ends, begin, token)
                head = byte + _bytes(codes, start, first, narrow)
                filled = _take_out(spans, filled, gap, head)
                if cited:
                    filled = _take_out_citations(codes, bits, first, last, head, narrow, spans, filled)
                tail = head + _bytes(codes, first, last, narrow)
                gap = byte + _bytes(codes, start, at, narrow)
                final = byte + _bytes(codes, start, end, narrow)
                if at > end and codes[at - 1] == 10:
                    final = gap - 1  # of CR LF, CR goes
                filled = _take_out(spans, filled, tail, final)
        byte += _bytes(codes, start, at, narrow)
    filled = _take_out(spans, filled, final, byte)
    b = broken
    return C4(b[0], b[1], b[2], b[3], b[4], lorem_ipsum, curly_bracket, b[_KEPT], sentences), filled


@compiled
def _rule(codes: Codes, bits: Bits, first: int, last: int, line: Codes) -> tuple[Any, Any, Any]:
    """The first rule that the line from `first` to `last` breaks, as C4 orders its fields, or _KEPT; the bits
    of what drops the page; and whether it has citations."""
    kinds, cited, words = bits[first:last], False, 1
    for i in range(1, len(kinds)):
        words += kinds[i - 1] & SPACE > kinds[i] & SPACE
    for code in codes[first:last]:
        cited |= code == _BRACKET
    if _has_long_word(kinds):
        return 0, 0, False
    text, start, end = codes, first, last
    if cited:
        text, start, end = line, 0, _without_citations(codes, bits, first, last, line)
        cited = end < last - first
    if start == end or text[end - 1] >= 0x80 or not _ENDS[text[end - 1]] or _three_dots(text, start, end):
        return 1, 0, cited
    if words < MIN_WORDS:
        return 2, 0, cited
    found = _mentions(text, start, end)
    if found & _JAVASCRIPT:
        return 3, found & _LOREM_IPSUM, cited
    return (4 if found & _POLICIES else _KEPT), found, cited


@compiled
def _has_long_word(kinds: Bits) -> bool:
    """Whether more than 1000 characters stand together: then one of every 1000th is among them."""
    for middle in range(0, len(kinds), MAX_WORD_CHARS):
        start, end = middle, middle
        while end < len(kinds) and end - middle <= MAX_WORD_CHARS and not kinds[end] & SPACE:
            end += 1
        while end > middle and start > 0 and end - start <= MAX_WORD_CHARS and not kinds[start - 1] & SPACE:
            start -= 1
        if end - start > MAX_WORD_CHARS:
            return True
    return False


@compiled
def _without_citations(codes: Codes, bits: Bits, first: int, last: int, line: Codes) -> int:
    """Writes what is no citation of the text from `first` to `last` to `line`; how much it is."""
    length, i = 0, first
    while i < last:
        then = _citation(codes, bits, i, last)
        if then == i:
            line[length] = codes[i]
            length += 1
            then += 1
        i = then
    return length


@compiled
def _three_dots(codes: Codes, start: int, end: int) -> bool:
    return end - start >= 3 and codes[end - 1] == 46 and codes[end - 2] == 46 and codes[end - 3] == 46


@compiled
def _citation(codes: Codes, bits: Bits, at: int, last: int) -> int:
    """Where the citation at `at` ends: [edit], [citation needed] or digits, or none, in brackets."""
    if codes[at] != _BRACKET:
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
    """Whether a phrase stands at `at`; capitals of the text count as small letters, as does the kelvin sign,
    where the phrase is of the first ones, which have no capitals."""
    size = _EDGES[phrase + 1] - _EDGES[phrase]
    if at + size > last:
        return False
    for k in range(size):
        code = codes[at + k]
        if phrase < _EDIT:
            code = code + 32 if 65 <= code <= 90 else 107 if code == _KELVIN else code
        if code != _TEXTS[_EDGES[phrase] + k]:
            return False
    return True


@compiled
def _mentions(codes: Codes, start: int, end: int) -> int:
    """The bits of the phrases and of { in the text from `start` to `end`, whatever the case."""
    found = 0
    text = codes[start:end]
    for code in text:
        found |= _CURLY if code == 123 else 0
    for i in range(len(text) - 1):
        code = text[i]
        if code < 0x80 and _SECOND[np.uint64(code)] == text[i + 1] | 0x20:
            for k in range(len(PHRASES)):
                if _stands(text, i, len(text), k):
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
def _bytes(codes: Codes, start: int, end: int, narrow: bool) -> int:
    """The UTF-8 bytes of the characters from `start` to `end`, which are ASCII if `narrow`."""
    size = end - start
    if narrow:
        return size
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
    codes: Codes,
    bits: Bits,
    first: int,
    last: int,
    byte: int,
    narrow: bool,
    spans: NDArray[np.int64],
    filled: int,
) -> int:
    """Adds the citations of a line whose first character is at `byte`; how many spans there are."""
    i = first
    while i < last:
        then = _citation(codes, bits, i, last)
        if then > i:
            filled = _take_out(spans, filled, byte, byte + _bytes(codes, i, then, narrow))
        then = max(then, i + 1)
        byte += _bytes(codes, i, then, narrow)
        i = then
    return filled
