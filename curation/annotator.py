"""An annotator: documents in, columns out; the same rows, in the same order."""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Annotator:
    """A function from a batch of documents to the columns it computes about them.

    `annotate` takes a record batch with `document.SCHEMA` and returns one with `columns`, row for row.
    A column holds the measured value, not a verdict: thresholds belong to the recipe's rules.
    `version` is raised when the values change for the same settings; it is part of the fingerprint.
    """

    name: str
    version: int
    columns: pa.Schema
    annotate: Callable[[pa.RecordBatch], pa.RecordBatch]
