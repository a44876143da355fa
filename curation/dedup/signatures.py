"""A document's MinHash signature, by which LSH proposes its near duplicates.

The construction is datasketch's `affine32` (https://github.com/ekzhu/datasketch, `minhash.py`): the hash of
a shingle is mixed by MurmurHash3's finaliser, permuted by `a * h + b` modulo 2**32 with the library's own
`a` and `b`, and the least value of each permutation is kept. A signature is bit for bit what its `MinHash`
makes of the same hashes; only the loop over hashes is numpy's, which takes about a third of the time.
"""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.annotator import Annotator
from curation.recipe import Duplicates
from curation.text.shingles import shingle_hashes

if TYPE_CHECKING:
    from datasketch import LeanMinHash

SEED = 1
SCHEME = "affine32"
_BLOCK = 4096  # hashes at a time: with 112 permutations of 4 bytes, 2 MB


def annotator(settings: Duplicates) -> Annotator:
    """Two columns a document: `signature`, of `bands * rows` little-endian uint32, and `shingles`, how many
    distinct shingles of `shingle_words` words it has. The other settings do not matter here."""
    size = settings.bands * settings.rows
    columns = pa.schema(
        [
            pa.field("signature", pa.binary(4 * size), nullable=False),
            pa.field("shingles", pa.int32(), nullable=False),
        ]
    )

    def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
        sets = [shingle_hashes(text.as_py(), settings.shingle_words) for text in batch["text"]]
        values = [signature(hashes, size).astype("<u4").tobytes() for hashes in sets]
        counts = [len(hashes) for hashes in sets]
        return pa.record_batch(
            [pa.array(values, columns[0].type), pa.array(counts, columns[1].type)], schema=columns
        )

    return Annotator("signatures", 1, columns, annotate)


def signature(hashes: NDArray[np.uint64], size: int) -> NDArray[np.uint32]:
    """The MinHash signature of a set of hashes, of which the lower 32 bits count; shape (size,).

    Each of an empty set's values is 2**32 - 1. O(len(hashes) * size) time, bounded memory.
    """
    a, b = _permutations(size)
    least = np.full(size, 2**32 - 1, dtype=np.uint32)
    mixed = _mix(hashes.astype(np.uint32))
    for start in range(0, len(mixed), _BLOCK):
        permuted = a * mixed[start : start + _BLOCK]
        permuted += b
        np.minimum(least, permuted.min(axis=1), out=least)
    return least


def matrix(column: pa.ChunkedArray, settings: Duplicates) -> NDArray[np.uint32]:
    """A `signature` column as an array; shape (rows, bands * rows of a band)."""
    size = settings.bands * settings.rows
    values = np.empty((len(column), size), dtype=np.uint32)
    row = 0
    for chunk in column.chunks:
        fixed = chunk.cast(pa.binary(4 * size))  # DuckDB returns a fixed-size binary as a plain one
        flat = np.frombuffer(fixed.buffers()[1] or b"", dtype="<u4")[fixed.offset * size :]
        values[row : row + len(fixed)] = flat[: len(fixed) * size].reshape(len(fixed), size)
        row += len(fixed)
    return values


def lean_minhash(values: bytes) -> "LeanMinHash":
    """One row of `signature` as datasketch's own type, for its LSH, its forests and `jaccard`."""
    from datasketch import LeanMinHash

    return LeanMinHash(seed=SEED, hashvalues=np.frombuffer(values, dtype="<u4"), scheme=SCHEME)


def recall(similarity: float, bands: int, rows: int) -> float:
    """The probability that two documents of this Jaccard similarity share a band: 1 - (1 - s**rows)**bands
    (Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", 3.4.2)."""
    return float(1 - (1 - similarity**rows) ** bands)


@cache
def _permutations(size: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Columns `a` (odd) and `b`, each of shape (size, 1)."""
    from datasketch import MinHash  # imported here: it takes a second, and most tasks never come here

    a, b = MinHash(num_perm=size, seed=SEED, scheme=SCHEME).permutations
    return a.reshape(-1, 1), b.reshape(-1, 1)


def _mix(h: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The finaliser of MurmurHash3, a bijection of 32 bits (Austin Appleby, public domain)."""
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return h ^ (h >> np.uint32(16))
