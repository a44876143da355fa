"""The keys of a document: by what others find it.

A band of its signature (Indyk, Motwani 1998; Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", 3.4),
its digest and its id each give a key of 64 bits. Documents that share a key may be duplicates; whether they
are is found by comparing them, so two keys that are equal by chance cost a comparison and nothing else.
One kind of key for all: one sorted table finds exact copies, near ones and ids that came twice.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.dedup import signatures
from curation.recipe import Duplicates

Keys = NDArray[np.uint64]

_ID, _DIGEST, _BAND = np.uint64(1), np.uint64(2), 3  # kinds of keys; band n is of kind _BAND + n
_MIX = np.uint64(0x9E3779B97F4A7C15)


def keys(rows: pa.Table, settings: Duplicates) -> tuple[Keys, NDArray[np.uint32]]:
    """The keys of documents with the columns `id`, `digest`, `signature` and `shingles`, sorted, and the row
    that each is of; both of shape (keys,). A document without shingles has no band."""
    values = signatures.matrix(rows["signature"], settings)
    worded = np.flatnonzero(rows["shingles"].to_numpy() > 0)
    every = np.arange(rows.num_rows)
    found = [(_mixed(_ID, _hex(rows["id"])), every), (_mixed(_DIGEST, _hex(rows["digest"])), every)]
    width = settings.rows
    for band in range(settings.bands):
        columns = values[worded, band * width : (band + 1) * width].T
        found.append((_mixed(np.uint64(_BAND + band), *columns), worded))
    joined = np.concatenate([key for key, _ in found])
    of = np.concatenate([row for _, row in found]).astype(np.uint32)
    order = np.argsort(joined, kind="stable")
    return joined[order], of[order]


def are_bands(keys: Keys, rows: pa.Table) -> NDArray[np.bool_]:
    """Which of `keys` are of bands; row for row, `rows` has the `id` and `digest` of one that has the key."""
    found: NDArray[np.bool_] = keys != _mixed(_ID, _hex(rows["id"]))
    found &= keys != _mixed(_DIGEST, _hex(rows["digest"]))
    return found


def _mixed(kind: np.uint64, *columns: NDArray[np.unsignedinteger]) -> Keys:
    """One key of the numbers of each row; shape (rows,)."""
    found = np.full(len(columns[0]), kind, dtype=np.uint64) * _MIX
    for column in columns:
        found = (found ^ column) * _MIX
        found ^= found >> np.uint64(32)
    return found


def _hex(column: pa.ChunkedArray) -> Keys:
    """The first 64 bits of strings of 32 hex digits."""
    data = bytes.fromhex("".join(column.to_pylist()))
    return np.frombuffer(data, dtype=">u8").astype(np.uint64)[::2]
