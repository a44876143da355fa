"""Blocks of a page into one text, plain or Markdown, with its paragraphs, headings, lists, code and tables.

In both, paragraphs are parted by an empty line and items of a list stand one a line after `- ` or a number.
Markdown adds `#`, `>`, fences around code, and tables; plain text has a tab between the cells of a row.
Characters that mean something to Markdown are left as the page has them, but for `|` in a table.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

from curation.text.blocks import ELEMENT, END, START, Blocks
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
MOST_CELLS = 50
"""For each that has text; one long row must not widen a hundred thousand short ones."""


def render(page: Blocks, numbers: Sequence[int], form: Format) -> str:
    """The text of the blocks `numbers`, which ascend."""
    pieces = _pieces(page, numbers)
    first_cells = _first_cells(page) if any(one.element[CELL] for one in pieces) else {}
    written: list[str] = []
    for kind, group in groupby(pieces, _Piece.group):
        together = list(group)
        match kind:
            case ("table", _):
                written += _table(together, first_cells, form)
            case ("code", _):
                written.append(_code("\n".join(one.text for one in together), form))
            case ("list", quotes):
                written.append(_quoted("\n".join(_items(together)), quotes, form))
            case _:
                written += [_paragraph(one, form) for one in together]
    return "\n\n".join(written)


class _Piece(NamedTuple):
    """A block and where it stands."""

    text: str
    element: list[int]

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


def _pieces(page: Blocks, numbers: Sequence[int]) -> list[_Piece]:
    rows = page.rows[numbers]
    text = page.text.tobytes()
    elements = page.page.elements[rows[:, ELEMENT]].tolist()
    spans = zip(rows[:, START].tolist(), rows[:, END].tolist(), elements, strict=True)
    return [_Piece(text[start:end].decode("utf-8", "replace"), element) for start, end, element in spans]


def _first_cells(page: Blocks) -> dict[tuple[int, int], int]:
    """The number of the first cell of each row, by table and row."""
    elements = page.page.elements
    cells = elements[IS_CELL[elements[:, TAG_CODE]]][:, [TABLE, ROW, CELL]]
    return {(table, row): cell for table, row, cell in reversed(cells.tolist())}


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


def _table(pieces: list[_Piece], first_cells: dict[tuple[int, int], int], form: Format) -> Iterator[str]:
    """The rows of a table of data; the paragraphs of one that lays out a page."""
    rows = [list(row) for _, row in groupby(pieces, lambda piece: piece.element[ROW])]
    cells = {piece.element[CELL] for piece in pieces}
    longest = max(len(piece.text) for piece in pieces)
    if len(rows) < 2 or max(map(len, rows)) < 2 or len(cells) < len(pieces) or longest > LONGEST_CELL:
        yield from (_paragraph(piece, form) for piece in pieces)
        return
    grid = [_placed(row, first_cells[row[0].element[TABLE], row[0].element[ROW]]) for row in rows]
    width = max(map(len, grid))
    if width * len(grid) > MOST_CELLS * len(pieces):
        yield from (_paragraph(piece, form) for piece in pieces)
        return
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
