"""Blocks of a page into one text, plain or Markdown, with its paragraphs, headings, lists, code and tables.

In both, paragraphs are parted by an empty line and items of a list stand one a line after `- ` or a number.
Markdown adds `#`, `>`, fences around code, and tables; plain text has a tab between the cells of a row.
Characters that mean something to Markdown are left as the page has them, but for `|` in a table.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Literal

import numpy as np

from curation.text.blocks import ELEMENT, Blocks
from curation.text.markup import (
    BLOCK,
    CELL,
    HEADING,
    IS_CELL,
    ITEM,
    LISTS,
    NUMBER,
    PRE,
    QUOTES,
    ROW,
    TABLE,
    TAG,
    TAG_CODE,
)

Format = Literal["plain", "markdown"]
TERMS = (TAG["dt"], TAG["dd"])
LONGEST_CELL = 200
"""Characters; a table with a longer cell, or two blocks in one, lays out a page: paragraphs."""


def render(page: Blocks, numbers: Sequence[int], form: Format) -> str:
    """The text of the blocks `numbers`, which ascend."""
    pieces = [_Piece(page, number) for number in numbers]
    written: list[str] = []
    for kind, group in groupby(pieces, _Piece.group):
        together = list(group)
        match kind:
            case ("table", _):
                written += _table(page, together, form)
            case ("code", _):
                written.append(_code("\n".join(one.text for one in together), form))
            case ("list", quotes):
                written.append(_quoted("\n".join(_items(together)), quotes, form))
            case _:
                written += [_paragraph(one, form) for one in together]
    return "\n\n".join(written)


class _Piece:
    """A block and where it stands."""

    def __init__(self, page: Blocks, number: int) -> None:
        self.text = page.block(number)
        self.element: list[int] = page.page.elements[page.rows[number, ELEMENT]].tolist()

    def group(self) -> tuple[str, int]:
        """What it is written together with."""
        element = self.element
        if element[PRE]:
            return "code", 0
        if element[CELL]:
            return "table", element[TABLE]
        if element[ITEM] and not element[HEADING]:
            return "list", element[QUOTES]
        return "", 0


def _paragraph(piece: _Piece, form: Format) -> str:
    level = piece.element[HEADING]
    if level and form == "markdown":
        return "#" * level + " " + " ".join(piece.text.split())
    return _quoted(piece.text, piece.element[QUOTES], form)


def _quoted(text: str, depth: int, form: Format) -> str:
    if not depth or form == "plain":
        return text
    return "\n".join("> " * depth + line for line in text.split("\n"))


def _code(text: str, form: Format) -> str:
    if form == "plain":
        return text
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text}\n{fence}"


def _items(pieces: list[_Piece]) -> Iterator[str]:
    """A line for each item, after its mark; what follows in the same item is indented as far."""
    before = 0
    for piece in pieces:
        element = piece.element
        indent = "    " * max(0, element[LISTS] - 1)
        mark = f"{element[NUMBER]}. " if element[NUMBER] else "- "
        if element[BLOCK] in TERMS:
            mark = ""
        first = mark if element[ITEM] != before else " " * len(mark)
        before = element[ITEM]
        yield indent + first + piece.text.replace("\n", "\n" + indent + " " * len(mark))


def _table(page: Blocks, pieces: list[_Piece], form: Format) -> Iterator[str]:
    """The rows of a table of data; the paragraphs of one that lays out a page."""
    rows = [list(row) for _, row in groupby(pieces, lambda piece: piece.element[ROW])]
    cells = {piece.element[CELL] for piece in pieces}
    longest = max(len(piece.text) for piece in pieces)
    if len(rows) < 2 or max(map(len, rows)) < 2 or len(cells) < len(pieces) or longest > LONGEST_CELL:
        yield from (_paragraph(piece, form) for piece in pieces)
        return
    grid = [_placed(row, _first_cell(page, row[0].element)) for row in rows]
    width = max(map(len, grid))
    if form == "plain":
        yield "\n".join("\t".join(row) for row in grid)
        return
    lines = [
        "| " + " | ".join(c.replace("|", "\\|") for c in row + [""] * (width - len(row))) + " |"
        for row in grid
    ]
    yield "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])


def _placed(row: list[_Piece], first: int) -> list[str]:
    """The cells of a row from left to right; those without text are empty."""
    made = [""] * (row[-1].element[CELL] - first + 1)
    for piece in row:
        made[piece.element[CELL] - first] = " ".join(piece.text.split())
    return made


def _first_cell(page: Blocks, element: list[int]) -> int:
    """The number of the first cell of an element's row."""
    elements: Any = page.page.elements
    of_row = (
        (elements[:, ROW] == element[ROW])
        & IS_CELL[elements[:, TAG_CODE]]
        & (elements[:, TABLE] == element[TABLE])
    )
    return int(np.min(elements[of_row, CELL]))
