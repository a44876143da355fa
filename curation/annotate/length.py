"""How long a document is."""

import pyarrow as pa
import pyarrow.compute as pc

from curation.annotator import Annotator

COLUMNS = pa.schema(
    [
        pa.field("text_bytes", pa.int64(), nullable=False),  # of its UTF-8
        pa.field("text_chars", pa.int64(), nullable=False),  # code points
    ]
)


def _annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
    text = batch.column("text")
    lengths = [pc.binary_length(text), pc.utf8_length(text)]
    return pa.record_batch([length.cast(pa.int64()) for length in lengths], schema=COLUMNS)


LENGTH = Annotator("length", 1, COLUMNS, _annotate)
