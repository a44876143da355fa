"""Documents into rows, as arithmetic on lengths: cut what is too long, pack what is short.

Best-fit decreasing packs the pieces longest first, each into the fullest row that still has space for it
(Ding et al. 2024, "Fewer Truncations Improve Language Modeling", arXiv 2404.10830). Spaces are whole numbers
up to a row's length, so a sorted list of at most that many distinct spaces leads to the open rows: n pieces
cost n binary searches.
"""

from bisect import bisect_left, insort

import numpy as np
from numpy.typing import NDArray

SEGMENT = np.dtype([("start", "<i8"), ("length", "<i4"), ("document", "<i4")])
"""A stretch of one document's tokens: where it starts among all tokens, how many, whose (by number)."""


def pack_rows(
    documents: NDArray[np.int64], starts: NDArray[np.int64], lengths: NDArray[np.int64], row_tokens: int
) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """The documents' segments, row by row, and how many segments each row has.

    `starts` and `lengths` say where the tokens of each of `documents` lie. A document longer than
    `row_tokens` becomes whole rows and a remainder; each token is in exactly one segment.
    """
    pieces = _cut(documents, starts, lengths, row_tokens)
    rows = assign(pieces["length"], row_tokens)
    return pieces[np.argsort(rows, kind="stable")], np.bincount(rows)


def assign(lengths: NDArray[np.int32], row_tokens: int) -> NDArray[np.int64]:
    """The row of each piece; no row gets more than `row_tokens`, no length may exceed it."""
    rows = np.empty(len(lengths), np.int64)
    spaces: list[int] = []  # of the open rows, distinct, rising
    open_rows: dict[int, list[int]] = {}  # by space
    count = 0
    for piece in np.argsort(-lengths, kind="stable").tolist():
        length = int(lengths[piece])
        at = bisect_left(spaces, length)
        if at == len(spaces):
            row, space = count, row_tokens
            count += 1
        else:
            space = spaces[at]
            row = open_rows[space].pop()
            if not open_rows[space]:
                del spaces[at]
        rows[piece] = row
        if left := space - length:
            waiting = open_rows.setdefault(left, [])
            if not waiting:
                insort(spaces, left)
            waiting.append(row)
    return rows


def _cut(
    documents: NDArray[np.int64], starts: NDArray[np.int64], lengths: NDArray[np.int64], row_tokens: int
) -> NDArray[np.void]:
    """Each document as pieces of `row_tokens` and a shorter last one."""
    counts = -(-lengths // row_tokens)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)  # number of a piece
    pieces = np.empty(len(within), SEGMENT)
    pieces["start"] = np.repeat(starts, counts) + within * row_tokens
    pieces["length"] = np.minimum(np.repeat(lengths, counts) - within * row_tokens, row_tokens)
    pieces["document"] = np.repeat(documents, counts)
    return pieces
