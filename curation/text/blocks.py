"""Runs of text into blocks: the second of two compiled passes over a page (the first is `markup`).

A block is the text between two places where a browser breaks the line: a tag such as `<p>`, `<li>` or `<td>`,
or two `<br>` one after another. White space is made one space, except in preformatted text; one `<br>` is a
line feed. A word is a run of letters and digits of any script; two CJK characters count as one word more,
as CJK writes no spaces between words.
"""

from typing import Any, NamedTuple

import numpy as np

from curation.text.compiled import compiled, uncounted
from curation.text.markup import (
    HASH_MASK,
    HASH_PRIME,
    HASH_START,
    LINK,
    PRE,
    RUN_BREAKING,
    RUN_BREAKS,
    RUN_ELEMENT,
    RUN_END,
    RUN_IMAGES,
    RUN_LINKS,
    RUN_START,
    Page,
    scan,
)

FIELDS = (
    "start end element chars words link_chars links digits uppers capitals commas stops last first_upper "
    "separators breaks images cjk"
).split()
(
    START, END, ELEMENT, CHARS, WORDS, LINK_CHARS, LINKS, DIGITS, UPPERS, CAPITALS, COMMAS, STOPS, LAST,
    FIRST_UPPER, SEPARATORS, BREAKS, IMAGES, CJK,
) = range(18)  # fmt: skip
"""Of a block: its bytes of the text, its element, and counts. `stops` are full stops, question marks and
exclamation marks; `capitals` words that begin with a capital letter; `last` its last character's class."""

LETTER, BLANK, INVISIBLE, DIGIT, UPPER, STOP, COMMA, COLON, SEPARATOR, CLOSING, OTHER, IDEOGRAPH = range(12)


def _latin() -> Any:
    """The class of each of the first 256 code points."""
    classes = np.full(256, LETTER, np.int64)
    for code in range(256):
        character = chr(code)
        if code <= 32 or code in (0x7F, 0x85, 0xA0):
            classes[code] = BLANK
        elif code == 0xAD:
            classes[code] = INVISIBLE
        elif character.isdigit():
            classes[code] = DIGIT
        elif character.isalpha():
            classes[code] = UPPER if character.isupper() else LETTER
        else:
            classes[code] = OTHER
    for characters, kind in (
        (".!?", STOP),
        (",", COMMA),
        (":", COLON),
        ("|>«»·•", SEPARATOR),
        ("\"')]", CLOSING),
    ):
        classes[[ord(c) for c in characters if ord(c) < 256]] = kind
    return classes


CLASSES = _latin()
RANGES = np.array(
    [
        (0x0391, 0x03A9, UPPER),  # Greek
        (0x0400, 0x042F, UPPER),  # Cyrillic
        (0x3040, 0x30FF, IDEOGRAPH),  # kana, which part no words either
        (0x3400, 0x9FFF, IDEOGRAPH),
        (0x20000, 0x3FFFF, IDEOGRAPH),
        (0x2000, 0x200A, BLANK),
        (0x2028, 0x2029, BLANK),
        (0x3000, 0x3000, BLANK),
        (0x200B, 0x200F, INVISIBLE),  # zero width, marks of direction
        (0x202A, 0x202E, INVISIBLE),
        (0x2060, 0x2064, INVISIBLE),
        (0xFEFF, 0xFEFF, INVISIBLE),
        (0x2026, 0x2026, STOP),  # …
        (0x3002, 0x3002, STOP),  # 。
        (0xFF01, 0xFF01, STOP),
        (0xFF1F, 0xFF1F, STOP),
        (0x06D4, 0x06D4, STOP),  # of Urdu
        (0x0964, 0x0964, STOP),  # danda
        (0x3001, 0x3001, COMMA),
        (0xFF0C, 0xFF0C, COMMA),
        (0x060C, 0x060C, COMMA),  # of Arabic
        (0x2022, 0x2022, SEPARATOR),
        (0x2039, 0x203A, SEPARATOR),
        (0x2018, 0x201F, CLOSING),  # quotation marks
        (0x3008, 0x3011, CLOSING),
        (0x2010, 0x2BFF, OTHER),
        (0x3003, 0x303F, OTHER),
        (0xFF00, 0xFF0F, OTHER),
    ],
    np.int64,
)
"""First, last and class of the code points beyond 255 that are no lower case letters; the first fits."""


class Blocks(NamedTuple):
    """The blocks of a page and the elements they lie in."""

    page: Page
    text: Any  # uint8[n]: UTF-8; a line feed after each block
    rows: Any  # int64[blocks, len(FIELDS)]
    word_hashes: Any  # int64[words]: of words in lower case
    word_blocks: Any  # int64[words]: the block a word is in

    def block(self, number: int) -> str:
        """The text of a block."""
        start, end = self.rows[number, START], self.rows[number, END]
        return bytes(self.text[start:end]).decode("utf-8", "replace")


def blocks(html: bytes) -> Blocks:
    """The blocks of a page as a parser has written it."""
    data = np.frombuffer(html, np.uint8)
    page = Page(*scan(data))
    return Blocks(page, *gather(data, page.elements, page.runs))


@compiled
def gather(html: Any, elements: Any, runs: Any) -> Any:
    """The fields of Blocks but the first."""
    total = 0
    for k in range(len(runs)):
        total += runs[k, RUN_END] - runs[k, RUN_START]
    text = np.empty(total + 2 * len(runs) + 1, np.uint8)
    rows = np.zeros((len(runs) + 1, 18), np.int64)
    words = np.empty((2, total // 2 + len(runs) + 1), np.int64)
    state = np.zeros(7, np.int64)
    state[4] = HASH_START
    for k in range(len(runs)):
        run = runs[k]
        row = rows[state[1]]
        if run[RUN_BREAKING] or state[3] + run[RUN_BREAKS] > 1:
            _close(text, row, words, state)
            row = rows[state[1]]
        if run[RUN_BREAKS]:
            _end_word(row, words, state)
        state[3] += run[RUN_BREAKS]
        row[LINKS] += run[RUN_LINKS]
        row[IMAGES] += run[RUN_IMAGES]
        _run(html, run, elements[run[RUN_ELEMENT]], text, row, words, state)
    _close(text, rows[state[1]], words, state)
    return text[: state[0]], rows[: state[1]], words[0, : state[2]], words[1, : state[2]]


# What `state` holds: bytes written, blocks made, words made, `<br>` since the last character, the hash of the
# word that is being read, its length, and the white space since the last character (0: none).


@uncounted
def _run(html: Any, run: Any, element: Any, text: Any, row: Any, words: Any, state: Any) -> None:
    """Appends a run to the block in the making."""
    place = run[RUN_START]
    while place < run[RUN_END]:
        if html[place] <= 32 and not element[PRE]:  # the short way of `_blank`
            _end_word(row, words, state)
            state[6] = 1
            while place < run[RUN_END] and html[place] <= 32:
                place += 1
            continue
        code, width = _code_point(html, place, run[RUN_END])
        place += width
        kind = _class(code)
        if kind > UPPER or kind in (BLANK, INVISIBLE):
            if kind != IDEOGRAPH:
                _end_word(row, words, state)
            if kind == INVISIBLE:
                continue
            if kind == BLANK:
                _blank(code, element, text, row, state)
                continue
        if not row[CHARS]:
            row[START], row[ELEMENT] = state[0], run[RUN_ELEMENT]
            row[FIRST_UPPER] = kind == UPPER
            _indent(element, text, state)
        _write(html, place - width, width, code, text, row, state)
        row[CHARS] += 1
        row[LINK_CHARS] += element[LINK]
        _count(code, kind, row, state)
        if state[5]:
            place = _lower_case(html, place, run[RUN_END], element[LINK], text, row, state)


@uncounted
def _lower_case(html: Any, place: int, end: int, link: int, text: Any, row: Any, state: Any) -> int:
    """Appends what of the word that is being read is in a to z, as most characters are: the short way to
    what the loop above would do."""
    start, written, word = place, state[0], state[4]
    while place < end and 97 <= html[place] <= 122:
        text[written] = html[place]
        word = ((word ^ np.int64(html[place])) * HASH_PRIME) & HASH_MASK
        written += 1
        place += 1
    if place > start:
        row[CHARS] += place - start
        row[LINK_CHARS] += link * (place - start)
        row[LAST] = LETTER
        state[0], state[4] = written, word
        state[5] += place - start
    return place


@uncounted
def _blank(code: int, element: Any, text: Any, row: Any, state: Any) -> None:
    """White space: kept in preformatted text, but for what comes before its first line."""
    if not element[PRE]:
        state[6] = 1
    elif row[CHARS]:
        text[state[0]] = 10 if code == 10 else 9 if code == 9 else 32
        state[0] += 1
    else:
        state[6] = 0 if code == 10 else state[6] + 1


@uncounted
def _indent(element: Any, text: Any, state: Any) -> None:
    """The indentation of the first line of preformatted text."""
    if element[PRE]:
        for _ in range(state[6]):
            text[state[0]] = 32
            state[0] += 1
    state[3] = state[6] = 0


@uncounted
def _close(text: Any, row: Any, words: Any, state: Any) -> None:
    """Ends the block in the making, if it has a character."""
    _end_word(row, words, state)
    state[3] = state[6] = 0
    if row[CHARS]:
        while text[state[0] - 1] <= 32:  # of preformatted text
            state[0] -= 1
        row[END] = state[0]
        text[state[0]] = 10
        state[0] += 1
        state[1] += 1
    else:
        row[:] = 0


@uncounted
def _end_word(row: Any, words: Any, state: Any) -> None:
    if state[5]:
        words[0, state[2]], words[1, state[2]] = state[4], state[1]
        state[2] += 1
        row[WORDS] += 1
        state[4], state[5] = HASH_START, 0


@uncounted
def _write(html: Any, place: int, width: int, code: int, text: Any, row: Any, state: Any) -> None:
    """A character, and before it the white space that is due."""
    if state[3] or state[6]:
        text[state[0]] = 10 if state[3] else 32
        state[0] += 1
        row[BREAKS] += state[3] > 0
        state[3] = state[6] = 0
    if code < 128:
        text[state[0]] = code
        state[0] += 1
    else:
        for k in range(width):
            text[state[0] + k] = html[place + k]
        state[0] += width


@uncounted
def _count(code: int, kind: int, row: Any, state: Any) -> None:
    row[LAST] = kind
    if kind in (LETTER, UPPER, DIGIT, IDEOGRAPH):
        row[LAST] = LETTER
        if not state[5] and kind == UPPER:
            row[CAPITALS] += 1
        row[UPPERS] += kind == UPPER
        row[DIGITS] += kind == DIGIT
        row[CJK] += kind == IDEOGRAPH
        state[4] = ((state[4] ^ _lower(code, kind)) * HASH_PRIME) & HASH_MASK
        state[5] += 1
    elif kind == STOP:
        row[STOPS] += 1
    elif kind == COMMA:
        row[COMMAS] += 1
    elif kind == SEPARATOR:
        row[SEPARATORS] += 1


@uncounted
def _lower(code: int, kind: int) -> int:
    """The lower case of a letter that `_class` calls upper."""
    if kind != UPPER:
        return code
    return code + 80 if 0x400 <= code < 0x410 else code + 32


@uncounted
def _class(code: int) -> int:
    if code < 256:
        return CLASSES[code]
    for k in range(len(RANGES)):
        if RANGES[k, 0] <= code <= RANGES[k, 1]:
            return RANGES[k, 2]
    return LETTER


@uncounted
def _code_point(html: Any, place: int, end: int) -> Any:
    """The character at `place` and its bytes; a reference is read as what it stands for."""
    first = np.int64(html[place])
    if first == 38:
        return _reference(html, place, end)
    if first < 0xC0:
        return first, 1
    width = 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    if place + width > end:
        return np.int64(0xFFFD), end - place
    code = first & (0xFF >> (width + 1))
    for k in range(1, width):
        code = (code << 6) | (np.int64(html[place + k]) & 0x3F)
    return code, width


@uncounted
def _reference(html: Any, place: int, end: int) -> Any:
    """`&amp; &lt; &gt; &nbsp; &quot;`, told by their second letters."""
    semicolon = place + 1
    while semicolon < end and semicolon < place + 6 and html[semicolon] != 59:
        semicolon += 1
    length = semicolon - place
    if semicolon < end and html[semicolon] == 59:
        second = html[place + 1]
        if length == 3:
            return np.int64(60 if second == 108 else 62), 4
        if length == 4:
            return np.int64(38), 5
        if length == 5:
            return np.int64(160 if second == 110 else 34), 6
    return np.int64(38), 1
