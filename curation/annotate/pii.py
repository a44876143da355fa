"""Personal data as byte spans; what is found is said in `text.pii`. The text itself is not changed here."""

from itertools import accumulate

import pyarrow as pa

from curation.annotator import Annotator
from curation.text.pii import spans

SPAN = pa.struct(
    [
        pa.field("start", pa.int32(), nullable=False),  # bytes into the UTF-8 of `text`
        pa.field("end", pa.int32(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),  # email, ip, phone, iban or card
    ]
)
COLUMNS = pa.schema(
    [
        pa.field("pii_spans", pa.list_(pa.field("element", SPAN, nullable=False)), nullable=False),
        pa.field("pii_count", pa.int32(), nullable=False),
    ]
)


def _annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
    found = [spans(text.as_py()) for text in batch.column("text")]
    counts = [len(of_text) for of_text in found]
    flat = [span for of_text in found for span in of_text]
    values = pa.StructArray.from_arrays(
        [pa.array([span[n] for span in flat], field.type) for n, field in enumerate(SPAN)], fields=list(SPAN)
    )
    offsets = pa.array([0, *accumulate(counts)], pa.int32())
    lists = pa.ListArray.from_arrays(offsets, values, type=COLUMNS.field("pii_spans").type)
    return pa.record_batch([lists, pa.array(counts, pa.int32())], schema=COLUMNS)


PII = Annotator("pii", 2, COLUMNS, _annotate)
