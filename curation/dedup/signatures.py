"""A document's MinHash signature, by which LSH proposes its near duplicates.

The construction is datasketch's `affine32` (https://github.com/ekzhu/datasketch, `minhash.py`): the hash of
a shingle is mixed by MurmurHash3's finaliser, permuted by `a * h + b` modulo 2**32 with the library's own
`a` and `b`, and the least value of each permutation is kept. A signature is bit for bit what its `MinHash`
makes of the same hashes; `text.minhash` computes it from the bytes of the text.
"""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.annotator import UNICODE, Annotator, utf8
from curation.recipe import Duplicates

if TYPE_CHECKING:
    from datasketch import LeanMinHash

SEED = 1
SCHEME = "affine32"


def annotator(settings: Duplicates) -> Annotator:
    """Two columns a document: `signature`, of `hashes` little-endian uint32, and `shingles`, how many
    distinct shingles of `shingle_words` words it has. The other settings do not matter here."""
    size = settings.hashes
    columns = pa.schema(
        [
            pa.field("signature", pa.binary(4 * size), nullable=False),
            pa.field("shingles", pa.int32(), nullable=False),
        ]
    )

    def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
        from curation.text import minhash  # here: to import numba takes most of a second

        found, counts = minhash.signatures(*utf8(batch["text"]), settings.shingle_words, *_permutations(size))
        values = pa.Array.from_buffers(
            columns[0].type, len(counts), [None, pa.py_buffer(found.astype("<u4", copy=False))]
        )
        return pa.record_batch([values, pa.array(counts)], schema=columns)

    asked = {"shingle_words": settings.shingle_words, "hashes": size, **UNICODE}
    return Annotator("signatures", 2, columns, annotate, asked)


def signature(hashes: NDArray[np.uint64], size: int) -> NDArray[np.uint32]:
    """The MinHash signature of a set of hashes, of which the lower 32 bits count; shape (size,).

    Each of an empty set's values is 2**32 - 1. O(len(hashes) * size) time, bounded memory.
    """
    from curation.text import minhash

    return minhash.least(hashes, *_permutations(size))


def matrix(column: pa.ChunkedArray, settings: Duplicates) -> NDArray[np.uint32]:
    """A `signature` column as an array; shape (rows, hashes)."""
    size = settings.hashes
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


@cache
def _permutations(size: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """`a` (odd) and `b`, each of shape (size,), as datasketch draws them; it takes a second to import."""
    draw = np.random.RandomState(SEED)
    a = draw.randint(0, 1 << 31, size, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return a, draw.randint(0, 1 << 32, size, dtype=np.uint32)
