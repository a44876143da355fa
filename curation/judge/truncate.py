"""What of a long text is asked about; what is left out is said where it was."""

from itertools import pairwise

from curation.recipe import Truncate

LEFT_OUT = "\n[… {count} characters left out …]\n"
HEAD_RATIO = 0.75  # of the characters that head_tail takes
SPAN_CHARS = 1000  # of one of several spans, about


def cut(text: str, by: Truncate) -> str:
    """`text` if it has at most `by.chars` characters; else so many of it, with a note of every gap.

    `head` takes the start, and says nothing of what follows; `head_tail` three quarters from the start and
    the rest from the end; `spans` pieces of about 1,000 characters, evenly from the start to the end.
    """
    if len(text) <= by.chars:
        return text
    if by.take == "head":
        return text[: by.chars]
    spans = _ends(len(text), by.chars) if by.take == "head_tail" else _even(len(text), by.chars)
    pieces = [text[slice(*spans[0])]]
    for (_, end), (start, stop) in pairwise(spans):
        note = LEFT_OUT.format(count=f"{start - end:,}") if start > end else ""
        pieces.append(note + text[start:stop])
    return "".join(pieces)


def _ends(length: int, chars: int) -> list[tuple[int, int]]:
    head = int(chars * HEAD_RATIO)
    return [(0, head), (length - (chars - head), length)]


def _even(length: int, chars: int) -> list[tuple[int, int]]:
    count = max(2, chars // SPAN_CHARS)
    size = chars // count
    starts = (n * (length - size) // (count - 1) for n in range(count))
    return [(start, start + size) for start in starts]
