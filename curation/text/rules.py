"""All rules of Gopher, C4 and FineWeb as values, from one pass over a document.

A text is spelled (bytes to code points), cut into lines and into tokens once; `quality`, `lines`,
`repetition` and `c4` say what they count and where it was published. Values are what rules compare with
thresholds, never verdicts. Ratios are 1 at most, and 0 where there is nothing to share.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.text.c4 import C4, Cut, count_c4
from curation.text.characters import Tables, tables
from curation.text.compiled import compiled
from curation.text.lines import Lines, Room, count_lines
from curation.text.quality import Quality, count_quality
from curation.text.repetition import Grams, number_tokens, repeated_chars
from curation.text.segment import Bytes, slots_for, spell
from curation.text.tokens import cut
from curation.text.values import Values


class Measured(NamedTuple):
    """`values` has shape (documents, fields of Values). Of document n, C4 takes out the bytes of the rows
    from `edges[n]` to `edges[n + 1]` of `spans`: from the first byte to before the second, ascending."""

    values: NDArray[np.float64]
    edges: NDArray[np.int64]  # shape (documents + 1,)
    spans: NDArray[np.int64]  # shape (spans, 2)


def measure(offsets: NDArray[np.int64], data: Bytes, convention: int = 0) -> Measured:
    """The values of documents; number n is the UTF-8 from `offsets[n]` to `offsets[n + 1]` of `data`.
    `convention`, one of `conventions.CONVENTIONS`, is how tokens are cut.

    Linear in the bytes; beside the result, memory for about 40 bytes a byte of the longest
    document, 150 where all of its characters are tokens.
    """
    values = np.zeros((len(offsets) - 1, len(Values._fields)))
    edges = np.zeros(len(offsets), dtype=np.int64)
    return Measured(values, edges, _measure(offsets, data, tables(), convention, values, edges))


@compiled
def _measure(
    offsets: NDArray[np.int64],
    data: Bytes,
    tables: Tables,
    convention: int,
    values: NDArray[np.float64],
    edges: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Fills `values` and `edges`; the spans."""
    longest = 0
    for n in range(len(values)):
        longest = max(longest, offsets[n + 1] - offsets[n])
    size = longest + 1
    codes, bits = np.empty(size, np.int32), np.empty(size, np.uint16)
    starts, ends, line = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32)
    lines = size // 2 + 1  # a line that is not blank has a character, and an end but for the last
    room = Room(
        np.empty(lines, np.uint64),
        np.empty(lines, np.int32),
        np.empty(lines, np.int32),
        np.empty(lines, np.uint64),
        np.empty(lines, np.int32),
        np.empty(slots_for(lines), np.uint64),
    )
    grams = _grams(0)
    repeated = np.empty(9, np.int64)
    spans, filled = np.empty((1024, 2), np.int64), 0
    for n in range(len(values)):
        count = spell(data, offsets[n], offsets[n + 1], tables, codes, bits)
        found = count_lines(codes, bits, count, room)
        tokens = cut(codes, bits, count, convention, starts, ends)
        if tokens > len(grams.tokens):
            grams = _grams(tokens)
        vocabulary = number_tokens(codes, starts, ends, tokens, grams)
        marks = count_quality(codes, bits, count, starts, ends, vocabulary, grams)
        repeated_chars(tokens, vocabulary, grams, repeated)
        narrow = count == offsets[n + 1] - offsets[n]
        while len(spans) < filled + 2 * found.lines + marks.brackets + 1:
            larger = np.empty((2 * len(spans), 2), np.int64)
            larger[:filled] = spans[:filled]
            spans = larger
        cut_lines = Cut(room.line_starts, room.line_chars, found.lines, starts, ends, tokens)
        cleaned, more = count_c4(
            codes, bits, count, cut_lines, marks.brackets > 0, line, narrow, spans[filled:]
        )
        filled += more
        edges[n + 1] = filled
        _share(values[n], count, tokens, found, marks, repeated, cleaned)
    return spans[:filled].copy()


@compiled
def _grams(tokens: int) -> Grams:
    """Room for the n-grams of a text of this many tokens."""
    return Grams(
        np.empty(tokens, np.int32),
        np.empty(tokens + 1, np.int32),
        np.empty(tokens, np.uint64),
        np.empty(tokens, np.int32),
        np.empty(tokens, np.int32),
        np.empty(tokens, np.int32),
        np.empty(tokens, np.int64),
        np.empty(tokens, np.uint64),
        np.empty(slots_for(tokens), np.uint8),
        np.empty(2 * slots_for(max(tokens, 2048)), np.uint64),
    )


@compiled
def _share(
    out: NDArray[np.float64],
    chars: int,
    tokens: int,
    lines: Lines,
    marks: Quality,
    repeated: NDArray[np.int64],
    cleaned: C4,
) -> None:
    """Writes the values of one text, in the order of `Values`, from its counts."""
    out[0] = marks.words
    out[1] = marks.word_chars / marks.words if marks.words else 0.0
    out[2] = _ratio(marks.hashes, tokens)
    out[3] = _ratio(marks.ellipses, tokens)
    out[4] = _ratio(lines.bullets, lines.every)
    out[5] = _ratio(lines.ellipses, lines.every)
    out[6] = _ratio(marks.alphabetic, tokens)
    out[7] = marks.stop_words
    out[8] = _ratio(lines.duplicates, lines.lines)
    out[9] = _ratio(lines.duplicate_chars, chars)
    out[10] = _ratio(lines.duplicate_paragraphs, lines.paragraphs)
    out[11] = _ratio(lines.duplicate_paragraph_chars, chars)
    for n in range(9):
        out[12 + n] = _ratio(repeated[n], chars)
    out[21] = _ratio(lines.terminal, lines.lines)
    out[22] = _ratio(lines.short, lines.lines)
    out[23] = _ratio(lines.duplicate_chars, chars - marks.line_feeds)
    out[24] = _ratio(marks.line_feeds, tokens)
    out[25], out[26] = lines.lines, lines.long
    out[27], out[28], out[29] = cleaned.long_word, cleaned.unpunctuated, cleaned.few_words
    out[30], out[31] = cleaned.javascript, cleaned.policy
    out[32], out[33] = cleaned.lorem_ipsum, cleaned.curly_bracket
    out[34], out[35] = cleaned.kept, cleaned.sentences


@compiled
def _ratio(part: int, whole: int) -> float:
    return min(part / whole, 1.0) if whole else 0.0
