"""Batches of documents for tests."""

from typing import Any

import pyarrow as pa

from curation.document import SCHEMA, document_id, text_digest


def batch(*texts: str, **columns: Any) -> pa.RecordBatch:
    """A record batch of documents with these texts; other columns have the same value in each row."""
    rows = [
        {
            "id": document_id("test", str(n)),
            "digest": text_digest(text),
            "text": text,
            "source": "test",
            "parents": [],
            "metadata": "{}",
            **columns,
        }
        for n, text in enumerate(texts)
    ]
    return pa.RecordBatch.from_pylist(rows, schema=SCHEMA)
