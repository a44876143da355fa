"""Gopher's measures as columns; what they mean is said in `text.quality` and `text.repetition`."""

import pyarrow as pa

from curation.annotator import Annotator
from curation.text.quality import Quality, quality
from curation.text.repetition import Repetition, repetition
from curation.text.segments import segment

_TYPES = {int: pa.int64(), float: pa.float64()}
COLUMNS = pa.schema(
    [
        pa.field(name, _TYPES[kind], nullable=False)
        for measures in (Quality, Repetition)
        for name, kind in measures.__annotations__.items()
    ]
)


def measures_of(text: str) -> tuple[int | float, ...]:
    """The values of COLUMNS for one text, which is cut up once for all of them."""
    segments = segment(text)
    return (*quality(segments), *repetition(segments))


def _annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
    rows = [measures_of(text.as_py()) for text in batch.column("text")]
    columns = zip(*rows, strict=True) if rows else ((),) * len(COLUMNS)
    return pa.record_batch(
        [pa.array(values, field.type) for values, field in zip(columns, COLUMNS, strict=True)], schema=COLUMNS
    )


GOPHER = Annotator("gopher", 1, COLUMNS, _annotate)
