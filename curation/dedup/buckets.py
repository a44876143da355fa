"""Bands → buckets: which documents could be near duplicates.

Two documents are a candidate pair if all rows of one band of their signatures are equal (Indyk, Motwani
1998; "Mining of Massive Datasets", 3.4). A bucket lists documents, never pairs: a pair exists only once a
verdict asks for it, so a bucket costs what its kept documents cost, not its square.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.dedup import signatures
from curation.recipe import Duplicates

BOILERPLATE = pa.schema(
    [
        pa.field("band", pa.int32(), nullable=False),
        pa.field("digests", pa.int64(), nullable=False),  # how many distinct ones share the bucket
        pa.field("example", pa.string(), nullable=False),  # the id of its first document
    ]
)


@dataclass(frozen=True)
class Buckets:
    """Documents that share a band with another one; a document is its position in the total order.

    `of[document]` are the numbers of the document's buckets. Each of `groups` is a set of documents, in
    ascending order, that no bucket connects with another group. `boilerplate` has the schema BOILERPLATE.
    """

    of: Mapping[int, Sequence[int]]
    groups: Sequence[Sequence[int]]
    boilerplate: pa.Table


def find(distinct: pa.Table, settings: Duplicates) -> Buckets:
    """The buckets of `distinct`, documents of distinct digests in total order.

    A document without shingles is in no bucket. A bucket of more than `max_bucket` digests is boilerplate:
    reported, and no bucket. O(bands * rows of the table * log) time.
    """
    values = signatures.matrix(distinct["signature"], settings)
    worded = np.flatnonzero(distinct["shingles"].to_numpy() > 0)
    boilerplate: list[dict[str, object]] = []
    found = []
    for band in range(settings.bands):
        runs = _runs(_keys(values[worded, band * settings.rows : (band + 1) * settings.rows]))
        for run in runs:
            if len(run) > settings.max_bucket:
                example = distinct["id"][int(worded[run[0]])].as_py()
                boilerplate.append({"band": band, "digests": len(run), "example": example})
            else:
                found.append(worded[run])
    of, groups = _connected(found, len(distinct))
    return Buckets(of, groups, pa.Table.from_pylist(boilerplate, BOILERPLATE))


def _keys(band: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """A 64-bit key for each document's rows of a band; shape (documents, rows) → (documents,). Two that
    collide by chance propose a pair that is then refused."""
    keys = np.zeros(len(band), dtype=np.uint64)
    for column in band.T:
        keys = (keys ^ column) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(32)
    return keys


def _runs(keys: NDArray[np.uint64]) -> list[NDArray[np.intp]]:
    """The positions of each key that occurs more than once, ascending; ordered by the first of them."""
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=~keys[order[:1]]))
    ends = np.append(starts[1:], len(keys))
    shared = ends - starts > 1
    runs = [order[start:end] for start, end in zip(starts[shared], ends[shared], strict=True)]
    return sorted(runs, key=lambda run: int(run[0]))


def _connected(found: list[NDArray[np.intp]], documents: int) -> tuple[dict[int, list[int]], list[list[int]]]:
    """The buckets of each document, and the components of the graph of documents and buckets."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    of: dict[int, list[int]] = {}
    for bucket, members in enumerate(found):
        for document in members.tolist():
            of.setdefault(document, []).append(bucket)
    members = np.concatenate([*found, np.zeros(0, dtype=np.intp)])
    bucket_of = documents + np.repeat(np.arange(len(found)), [len(b) for b in found])
    size = documents + len(found)
    edges = coo_array((np.ones(len(members), dtype=np.int8), (members, bucket_of)), shape=(size, size))
    _, labels = connected_components(edges, directed=False)
    groups: dict[int, list[int]] = {}
    for document in sorted(of):
        groups.setdefault(int(labels[document]), []).append(document)
    return of, list(groups.values())
