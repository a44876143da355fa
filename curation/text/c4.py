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
from curation.text.compiled import uncounted
from curation.text.lines import next_line, strip
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
_ENDS = np.array([chr(c) in ".?!\"'" for c in range(128)])
_LOREM_IPSUM, _JAVASCRIPT, _CURLY = 1 << 0, 1 << 1, 1 << len(PHRASES)
_POLICIES = _CURLY - (1 << 2)  # the phrases behind these two
_LONG_WORD, _UNPUNCTUATED, _FEW_WORDS, _JAVASCRIPT_LINE, _POLICY, _KEPT = range(6)
_IPS, _VAS, _RMS, _VAC, _COO = (
    int.from_bytes(hint, "little") for hint in (b"ips", b"vas", b"rms", b"vac", b"coo")
)
"""Three letters of each phrase, rare elsewhere; none is a k, which the kelvin sign may stand for."""
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


class Cut(NamedTuple):
    """Where the lines of a text that are not blank start, and how long they are; where its tokens are."""

    line_starts: Places
    line_chars: Places
    lines: int
    starts: Places
    ends: Places
    tokens: int


@uncounted
def count_c4(
    codes: Codes,
    bits: Bits,
    count: int,
    cut: Cut,
    cited: bool,
    line: Codes,
    narrow: bool,
    spans: NDArray[np.int64],
) -> tuple[Any, Any]:
    """The counts of a spelled text, and how many rows of `spans` are filled: each is the first byte to take
    out and the first that stays, ascending, shape (spans, 2).

    There are at most two spans a line that is not blank, one a `[`, and one more. `line` has room for the
    longest line; the text has a `[` if `cited`, and is ASCII if `narrow`.
    """
    long_word = unpunctuated = few_words = javascript = policy = kept = 0
    lorem_ipsum = curly_bracket = sentences = filled = token = 0
    at, byte = 0, 0  # the same place, in characters and in bytes
    gap, final = 0, 0  # behind the last line that stays: the first byte of the next, and of its own end
    for n in range(cut.lines):
        start = int(cut.line_starts[n])
        end = start + int(cut.line_chars[n])
        first, last = strip(bits, start, end)
        rule, found, citations = _rule(codes, bits, first, last, cited, line)
        long_word += rule == _LONG_WORD
        unpunctuated += rule == _UNPUNCTUATED
        few_words += rule == _FEW_WORDS
        javascript += rule == _JAVASCRIPT_LINE
        policy += rule == _POLICY
        lorem_ipsum += found & _LOREM_IPSUM != 0
        curly_bracket += found & _CURLY != 0
        if rule != _KEPT:
            continue
        kept += 1
        more, token = _sentences(bits, cut, token, start, end)
        sentences += more
        byte += _bytes(codes, at, first, narrow)
        filled = _take_out(spans, filled, gap, byte)
        if citations:
            filled = _take_out_citations(codes, bits, first, last, byte, narrow, spans, filled)
        tail = byte + _bytes(codes, first, last, narrow)
        final = tail + _bytes(codes, last, end, narrow)
        at = next_line(codes, count, end)
        gap = final + _bytes(codes, end, at, narrow)
        byte = gap
        if at > end and codes[at - 1] == 10:
            final = gap - 1  # of CR LF, CR goes
        filled = _take_out(spans, filled, tail, final)
    filled = _take_out(spans, filled, final, byte + _bytes(codes, at, count, narrow))
    return C4(
        long_word,
        unpunctuated,
        few_words,
        javascript,
        policy,
        lorem_ipsum,
        curly_bracket,
        kept,
        sentences,
    ), filled


@uncounted
def _rule(codes: Codes, bits: Bits, first: int, last: int, cited: bool, line: Codes) -> tuple[Any, Any, Any]:
    """The first rule that the line from `first` to `last` breaks, as C4 orders its fields, or _KEPT; the bits
    of what drops the page; and whether it has citations, which it has none of unless `cited`."""
    if _has_long_word(bits, first, last):
        return _LONG_WORD, 0, False
    text, start, end, citations = codes, first, last, False
    if cited:
        end = _without_citations(codes, bits, first, last, line)
        text, start, citations = line, 0, end < last - first
    if start == end or text[end - 1] >= 0x80 or not _ENDS[text[end - 1]] or _three_dots(text, start, end):
        return _UNPUNCTUATED, 0, citations
    if not _has_words(bits, first, last):
        return _FEW_WORDS, 0, citations
    found = _mentions(text[start:end])
    if found & _JAVASCRIPT:
        return _JAVASCRIPT_LINE, found & _LOREM_IPSUM, citations
    return (_POLICY if found & _POLICIES else _KEPT), found, citations


@uncounted
def _has_words(bits: Bits, first: int, last: int) -> bool:
    """Whether a line has MIN_WORDS between white space."""
    words = 1
    for i in range(first + 1, last):
        words += bits[i - 1] & SPACE > bits[i] & SPACE
        if words == MIN_WORDS:
            return True
    return False


@uncounted
def _has_long_word(bits: Bits, first: int, last: int) -> bool:
    """Whether more than 1000 characters stand together: then one of every 1000th is among them."""
    if last - first <= MAX_WORD_CHARS:
        return False
    for middle in range(first, last, MAX_WORD_CHARS):
        start, end = middle, middle
        while end < last and end - middle <= MAX_WORD_CHARS and not bits[end] & SPACE:
            end += 1
        while (
            end > middle and start > first and end - start <= MAX_WORD_CHARS and not bits[start - 1] & SPACE
        ):
            start -= 1
        if end - start > MAX_WORD_CHARS:
            return True
    return False


@uncounted
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


@uncounted
def _three_dots(codes: Codes, start: int, end: int) -> bool:
    return end - start >= 3 and codes[end - 1] == 46 and codes[end - 2] == 46 and codes[end - 3] == 46


@uncounted
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


@uncounted
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


@uncounted
def _mentions(text: Codes) -> int:
    """The bits of the phrases and of { in a text, whatever the case."""
    found, hinted = 0, False
    for code in text:
        found |= _CURLY if code == 123 else 0
    for i in range(len(text) - 2):  # a few operations for eight characters at once
        three = (text[i] | text[i + 1] << 8 | text[i + 2] << 16) | 0x202020
        hinted |= (three == _IPS) | (three == _VAS) | (three == _RMS) | (three == _VAC) | (three == _COO)
    if hinted:
        for i in range(len(text)):
            for k in range(len(PHRASES)):
                if _stands(text, i, len(text), k):
                    found |= 1 << k
    return found


@uncounted
def _sentences(bits: Bits, cut: Cut, token: int, start: int, end: int) -> tuple[Any, Any]:
    """The sentences of the tokens from `start` to `end`, where `token` is none behind `start`; and the first
    token behind `end`."""
    while token < cut.tokens and cut.starts[token] < start:
        token += 1
    found, ended = np.int64(token < cut.tokens and cut.starts[token] < end), False
    while token < cut.tokens and cut.starts[token] < end:
        single = cut.ends[token] - cut.starts[token] == 1 and bits[cut.starts[token]] & TERMINAL != 0
        if single:
            ended = True
        elif ended:
            for i in range(cut.starts[token], cut.ends[token]):
                if not bits[i] & PUNCTUATION:
                    found += 1
                    ended = False
                    break
        token += 1
    return found, token


@uncounted
def _bytes(codes: Codes, start: int, end: int, narrow: bool) -> int:
    """The UTF-8 bytes of the characters from `start` to `end`, which are ASCII if `narrow`."""
    size = end - start
    if narrow:
        return size
    for i in range(start, end):
        size += (codes[i] >= 0x80) + (codes[i] >= 0x800) + (codes[i] >= 0x10000)
    return size


@uncounted
def _take_out(spans: NDArray[np.int64], filled: int, start: int, end: int) -> int:
    """Adds a span, or lengthens the last one where they touch; how many there are."""
    if start == end:
        return filled
    if filled and spans[filled - 1, 1] == start:
        spans[filled - 1, 1] = end
        return filled
    spans[filled, 0], spans[filled, 1] = start, end
    return filled + 1


@uncounted
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
