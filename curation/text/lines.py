"""Lines and paragraphs: what Gopher and FineWeb count of them.

A *line* ends where `str.splitlines` ends it (LF, CR, CR LF and Unicode's other line ends). Blank lines, with
nothing but white space, are no lines: they separate *paragraphs*, which are runs of lines. Only where bullets
and ellipses are shared out they count as lines, as in datatrove, whose users chose their thresholds so.

Gopher (Rae et al., "Scaling Language Models", 2021, sections A1.1 and A1.2) drops a document in which more
than 90 % of lines start with a bullet or 30 % end with an ellipsis, or in which duplicate lines or paragraphs
are more than 30 % of them or 20 % of the characters. FineWeb (Penedo et al., "The FineWeb Datasets", 2024,
section 3.5) drops one in which less than 12 % of lines end with terminal punctuation, more than 67 % are
shorter than 30 characters, or duplicate lines are more than 1 % of the characters that are no line feeds.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.text.characters import LINE_END, SPACE, TERMINAL
from curation.text.compiled import uncounted
from curation.text.segment import hash_run, mix, slots_for
from curation.text.tokens import Bits, Codes, Places

SHORT = 30  # characters: FineWeb's short line has no more
LONG = 200  # characters: mC4's paragraph has no fewer

_BULLET, _HYPHEN, _ELLIPSIS = map(ord, "•-…")

Hashes = NDArray[np.uint64]


class Lines(NamedTuple):
    """Counts of one text; `chars` are code points."""

    lines: int
    every: int  # line, blank or not
    bullets: int  # lines that start with • or -
    ellipses: int  # lines that end with … or ...
    terminal: int  # lines that end with terminal punctuation, not with a space behind it
    short: int
    long: int
    duplicates: int  # lines that occurred before
    duplicate_chars: int
    paragraphs: int
    duplicate_paragraphs: int
    duplicate_paragraph_chars: int


class Room(NamedTuple):
    """What `count_lines` writes to: as long as a text has lines that are not blank; `seen` as `slots_for`
    says of them."""

    lines: Hashes
    line_starts: Places
    line_chars: Places
    paragraphs: Hashes
    paragraph_chars: Places
    seen: Hashes


@uncounted
def _line_end(codes: Codes, bits: Bits, count: int, at: int) -> tuple[Any, Any]:
    """Where the line that starts at `at` ends, and where the next one starts."""
    end = at
    while end < count and not bits[np.uint64(end)] & LINE_END:
        end += 1
    return end, next_line(codes, count, end)


@uncounted
def next_line(codes: Codes, count: int, end: int) -> int:
    """Where the line starts that follows one that ends at `end`."""
    if end + 1 < count and codes[end] == 13 and codes[end + 1] == 10:
        return end + 2
    return min(end + 1, count)


@uncounted
def strip(bits: Bits, start: int, end: int) -> tuple[Any, Any]:
    """Where the text from `start` to `end` begins and ends without white space around it."""
    while end > start and bits[end - 1] & SPACE:
        end -= 1
    while start < end and bits[start] & SPACE:
        start += 1
    return start, end


@uncounted
def ends_with_ellipsis(codes: Codes, start: int, end: int) -> bool:
    """Whether the text from `start` to `end` ends with … or with three full stops."""
    if end - start >= 1 and codes[end - 1] == _ELLIPSIS:
        return True
    return end - start >= 3 and codes[end - 1] == 46 and codes[end - 2] == 46 and codes[end - 3] == 46


@uncounted
def count_lines(codes: Codes, bits: Bits, count: int, room: Room) -> Lines:
    """The counts of a spelled text of `count` characters, which `room` has room for."""
    lines = every = bullets = ellipses = terminal = short = long = paragraphs = 0
    at, inside = 0, False
    while at < count:
        start = at
        end, at = _line_end(codes, bits, count, start)
        every += 1
        first, last = strip(bits, start, end)
        if first == last:
            inside = False
            continue
        bullets += codes[first] == _BULLET or codes[first] == _HYPHEN
        ellipses += ends_with_ellipsis(codes, first, last)
        terminal += bits[end - 1] & TERMINAL != 0
        short += end - start <= SHORT
        long += end - start >= LONG
        mark = hash_run(codes, start, end)
        room.lines[lines], room.line_starts[lines], room.line_chars[lines] = mark, start, end - start
        lines += 1
        if inside:  # lines of a paragraph are joined by one LF, whatever ended them
            room.paragraphs[paragraphs - 1] = mix(room.paragraphs[paragraphs - 1] + mark)
            room.paragraph_chars[paragraphs - 1] += end - start + 1
        else:
            room.paragraphs[paragraphs], room.paragraph_chars[paragraphs] = mark, end - start
            paragraphs += 1
        inside = True
    repeated, repeated_chars = _repeated(room.lines, room.line_chars, lines, room.seen)
    again, again_chars = _repeated(room.paragraphs, room.paragraph_chars, paragraphs, room.seen)
    return Lines(
        lines,
        every,
        bullets,
        ellipses,
        terminal,
        short,
        long,
        repeated,
        repeated_chars,
        paragraphs,
        again,
        again_chars,
    )


@uncounted
def _repeated(hashes: Hashes, chars: Places, count: int, seen: Hashes) -> tuple[Any, Any]:
    """How many of the `count` parts occurred before, and their characters."""
    slots = slots_for(count)
    mask = np.uint64(slots - 1)
    seen[:slots] = 0
    parts, size = 0, 0
    for n in range(count):
        h = hashes[n] | np.uint64(1)  # never 0, which is a free place
        place = h >> np.uint64(20) & mask
        while seen[place] != 0 and seen[place] != h:
            place = (place + np.uint64(1)) & mask
        if seen[place] == h:
            parts += 1
            size += chars[n]
        seen[place] = h
    return parts, size
