"""Lines and paragraphs.

A *line* ends where `str.splitlines` ends it (LF, CR, CR LF and Unicode's other line ends). Blank lines, with
nothing but white space, are no lines: they separate *paragraphs*, which are runs of lines.
"""

from itertools import groupby


def lines_of(text: str) -> list[str]:
    """The lines of `text` that are not blank, in order, with their indentation, without their ends."""
    return [line for line in text.splitlines() if not _blank(line)]


def paragraphs_of(text: str) -> list[str]:
    """The paragraphs of `text`, in order; their lines are joined by one LF, whatever ended them."""
    runs = groupby(text.splitlines(), key=_blank)
    return ["\n".join(run) for blank, run in runs if not blank]


def _blank(line: str) -> bool:
    return not line or line.isspace()
