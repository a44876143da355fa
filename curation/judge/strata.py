"""Strata: cells of like documents, and how many are drawn from each.

A stratum is a cell of the columns named: of words its values, the rare ones together; of numbers four bins
with about as many documents each. Where bins end, and what is rare, is told by at most EDGES_FROM documents,
those with the smallest digests: a sample that depends on the set alone.

Places are shared out in proportion to the square root of the strata's sizes (Bankier, "Power Allocations:
Determining Sample Sizes for Subnational Areas", The American Statistician 42, 1988): small strata are heard,
large ones more. They are given one by one, to the stratum for which sqrt(size) over the places that it has is
the largest (Adams' method of apportionment), so that more places take none away, and every stratum has one
before any has two.
"""

import difflib
import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.errors import RecipeError

DEFAULT = ("source", "language", "length")
CALLED = {"length": "text_chars"}
EDGES_FROM = 10_000  # documents
BINS = 4
RARE_RATIO = 0.01  # of the documents; a source is never rare
OTHER, NONE = "other", "none"


def columns(asked: Sequence[str] | None, known: pa.Schema) -> tuple[str, ...]:
    """The columns that a recipe's `judge.strata` means: those asked for, or of DEFAULT those that there are.
    RecipeError for one that is not known, or holds neither words nor numbers."""
    if asked is None:
        return tuple(c for c in (CALLED.get(name, name) for name in DEFAULT) if c in known.names)
    found = tuple(CALLED.get(name, name) for name in asked)
    for name in found:
        if name not in known.names:
            near = difflib.get_close_matches(name, known.names, n=1, cutoff=0.0)
            raise RecipeError(f"judge.strata: no column {name!r}; the nearest is {near[0]!r}")
        kind = known.field(name).type
        if not _is_number(kind) and not pa.types.is_string(kind):
            raise RecipeError(f"judge.strata: {name!r} holds {kind}; a column of words or numbers is needed")
    return found


@dataclass(frozen=True)
class Cells:
    """What tells strata apart, column by column: a number's inner edges, or the words that are not rare."""

    edges: Mapping[str, tuple[float, ...]]
    words: Mapping[str, frozenset[str]]

    def of(self, rows: pa.Table) -> list[str]:
        """The stratum of each row, such as `web/en/1200..3400`."""
        named = [
            _bins(rows.column(name), self.edges[name])
            if name in self.edges
            else _values(rows.column(name), self.words[name])
            for name in rows.column_names
        ]
        return ["/".join(cell) for cell in zip(*named, strict=True)]


def cells(rows: pa.Table) -> Cells:
    """The cells that the columns of `rows`, a sample of all documents, make."""
    edges, words = {}, {}
    for name in rows.column_names:
        column = rows.column(name)
        if _is_number(column.type):
            edges[name] = _edges(column)
        else:
            words[name] = _frequent(column, 0 if name == "source" else RARE_RATIO)
    return Cells(edges, words)


def allocate(sizes: Mapping[str, int], places: int) -> Iterator[str]:
    """The strata in the order in which they are given a place each, none more often than it has documents."""
    waiting = [(0.0, -sizes[name], name) for name in sizes if sizes[name]]
    heapq.heapify(waiting)
    given = dict.fromkeys(sizes, 0)
    for _ in range(places):
        if not waiting:
            return
        _, negative, name = heapq.heappop(waiting)
        given[name] += 1
        yield name
        if given[name] < sizes[name]:
            heapq.heappush(waiting, (given[name] / sqrt(sizes[name]), negative, name))


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)


def _edges(column: pa.ChunkedArray) -> tuple[float, ...]:
    values = column.drop_null().to_numpy()
    if not len(values):
        return ()
    # Not interpolated: an edge is a value that some document has.
    inner = np.quantile(values, np.arange(1, BINS) / BINS, method="lower")
    return tuple(float(edge) for edge in np.unique(inner) if edge > values.min())


def _frequent(column: pa.ChunkedArray, ratio: float) -> frozenset[str]:
    counts = {row["values"]: row["counts"] for row in column.drop_null().value_counts().to_pylist()}
    return frozenset(word for word, count in counts.items() if count >= ratio * len(column))


def _bins(column: pa.ChunkedArray, edges: tuple[float, ...]) -> list[str]:
    said = [f"{edge:.6g}" for edge in edges]
    names = [f"<{said[0]}", *(f"{a}..{b}" for a, b in pairwise(said)), f">={said[-1]}"] if said else ["any"]
    values = pc.cast(column, pa.float64()).to_numpy()
    found = np.array(names, object)[np.digitize(values, edges)]
    return [NONE if missing else str(name) for name, missing in zip(found, np.isnan(values), strict=True)]


def _values(column: pa.ChunkedArray, frequent: frozenset[str]) -> list[str]:
    return [NONE if v is None else v if v in frequent else OTHER for v in column.to_pylist()]
