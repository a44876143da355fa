"""Exact duplicates: documents of the same digest collapse to the first."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def first_of(digests: pa.ChunkedArray) -> NDArray[np.int64]:
    """For each row the position of the first row that has its digest; shape (rows,), O(rows)."""
    codes = pc.dictionary_encode(digests.combine_chunks()).indices.to_numpy(zero_copy_only=False)
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    return first.astype(np.int64)[inverse]
