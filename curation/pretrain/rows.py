"""A packed release, to be read: rows by number, and whose text is in them.

The files of `packing.py` are mapped, not loaded: a batch costs the pages it touches.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.pretrain.best_fit import SEGMENT


@dataclass(frozen=True)
class Batch:
    """Rows, as tokens. B rows of T = context + 1 tokens, S segments in them."""

    rows: NDArray[np.int64]  # (B,) row numbers
    tokens: NDArray[np.int64]  # (B, T); padding is 0
    segments: NDArray[np.int64]  # (B, T) which of the S segments a token is in; -1 for padding
    segment_rows: NDArray[np.int64]  # (S,) row number of each segment
    documents: NDArray[np.int64]  # (S,) document number of each segment

    @property
    def predicted(self) -> NDArray[np.bool_]:
        """(B, T-1) whether token t+1 is predicted from those up to t: it is, within one segment.

        A segment's first token is not: the text before it is another document's, or its own from elsewhere.
        """
        return (self.segments[:, 1:] == self.segments[:, :-1]) & (self.segments[:, 1:] >= 0)


class Rows:
    """The rows of one split."""

    def __init__(self, folder: Path, split: str, context: int) -> None:
        self.context = context
        self._tokens = _mapped(folder / "tokens.bin", "<u2")
        self._segments = _mapped(folder / f"{split}-segments.bin", SEGMENT)
        self._ends = _mapped(folder / f"{split}-rows.bin", "<i8")

    def __len__(self) -> int:
        return len(self._ends) - 1

    def documents(self, row: int) -> list[int]:
        """The numbers of the documents with tokens in a row."""
        return list(map(int, self._segments[self._ends[row] : self._ends[row + 1]]["document"]))

    def batch(self, rows: NDArray[np.int64]) -> Batch:
        """These rows, in this order; a row may be asked for twice."""
        first, counts = self._ends[rows], self._ends[rows + 1] - self._ends[rows]
        line = np.repeat(np.arange(len(rows)), counts)  # (S,) which row of the batch a segment is in
        segments = self._segments[np.repeat(first, counts) + _within(counts)]
        lengths = segments["length"].astype(np.int64)
        filled = np.bincount(line, weights=lengths, minlength=len(rows)).astype(np.int64)
        column = _within(filled)  # (tokens,) segments lie in their row one behind the other
        place = np.repeat(line, lengths), column
        tokens = np.zeros((len(rows), self.context + 1), np.int64)
        tokens[place] = self._tokens[np.repeat(segments["start"], lengths) + _within(lengths)]
        numbers = np.full_like(tokens, -1)
        numbers[place] = np.repeat(np.arange(len(segments)), lengths)
        return Batch(rows, tokens, numbers, rows[line], segments["document"].astype(np.int64))


class Packed:
    """A folder that `packing.pack` wrote, with this context."""

    def __init__(self, folder: Path, context: int) -> None:
        self.train = Rows(folder, "train", context)
        self.held_out = Rows(folder, "held_out", context)
        self._documents = pa.ipc.open_file(pa.memory_map(str(folder / "documents.arrow"))).read_all()

    def ids(self, documents: Iterable[int]) -> list[str]:
        """The ids of documents by number."""
        return [str(name) for name in self._documents["id"].take(pa.array(documents, pa.int64())).to_pylist()]


def _within(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, … counts[0]-1, 0, 1, … counts[1]-1, …"""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def _mapped(path: Path, dtype: Any) -> NDArray[Any]:
    """A file as an array; an empty one cannot be mapped."""
    return np.memmap(path, dtype, "r") if path.stat().st_size else np.empty(0, dtype)
