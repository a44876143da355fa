"""An annotator: documents in, columns out; the same rows, in the same order."""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

UNICODE = {"regex": version("regex"), "unicode": unicodedata.unidata_version}
"""What says which characters are letters, and how they fold: `settings` of all that cuts text into words.
Another Python may have another Unicode, and other values of rare characters; then it is another column."""


@dataclass(frozen=True)
class Annotator:
    """A function from a batch of documents to the columns it computes about them.

    `annotate` takes a record batch with `document.SCHEMA` and returns one with `columns`, row for row.
    A column holds the measured value, not a verdict: thresholds belong to the recipe's rules.
    `version` is raised when the values change for the same settings. Both are part of the fingerprint:
    `settings` holds what of a recipe, of the files that it names and of libraries decides the values.
    """

    name: str
    version: int
    columns: pa.Schema
    annotate: Callable[[pa.RecordBatch], pa.RecordBatch]
    settings: Mapping[str, Any] = field(default_factory=dict)


def utf8(column: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """A column of strings as its bytes, without a copy: value n is from `offsets[n]` to `offsets[n + 1]` of
    `data`, and empty where it is null. Offsets have shape (rows + 1,)."""
    wide = pa.types.is_large_string(column.type)
    if not wide and not pa.types.is_string(column.type):
        raise TypeError(f"a column of {column.type} has no UTF-8: cast it to string")
    if not len(column):
        return np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.uint8)
    if column.null_count:
        column = column.fill_null("")
    _, offsets, data = column.buffers()
    every = np.frombuffer(offsets, dtype=np.int64 if wide else np.int32)
    found = every[column.offset : column.offset + len(column) + 1].astype(np.int64)
    return found, np.frombuffer(data or b"", dtype=np.uint8)
