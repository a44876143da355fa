"""The values of Gopher's, C4's and FineWeb's rules as columns; `text.rules` says what they mean.

`c4_removed` says what C4 edits: the spans of bytes to take out of the text, ascending and apart from each
other, `end` being the first byte that stays.
"""

from functools import partial

import numpy as np
import pyarrow as pa

from curation.annotator import UNICODE, Annotator, utf8
from curation.text.conventions import CONVENTIONS
from curation.text.values import Values

_TYPES = {int: pa.int64(), float: pa.float64()}
_SPAN = pa.struct(
    [pa.field("start", pa.int64(), nullable=False), pa.field("end", pa.int64(), nullable=False)]
)
COLUMNS = pa.schema(
    [
        *(pa.field(name, _TYPES[kind], nullable=False) for name, kind in Values.__annotations__.items()),
        pa.field("c4_removed", pa.list_(pa.field("item", _SPAN, nullable=False)), nullable=False),
    ]
)


def rules(language: str = "en") -> Annotator:
    """The annotator that cuts tokens as they are cut in `language`, one of `conventions.CONVENTIONS`. Those
    cut as in English have the same columns."""
    convention = CONVENTIONS[language]
    settings = {**UNICODE, **({"convention": convention} if convention else {})}
    return Annotator("rules", 3, COLUMNS, partial(_annotate, convention), settings)


def _annotate(convention: int, batch: pa.RecordBatch) -> pa.RecordBatch:
    from curation.text.rules import measure  # here: to import numba takes most of a second

    found = measure(*utf8(batch.column("text")), convention)
    starts, ends = (pa.array(np.ascontiguousarray(found.spans[:, side])) for side in (0, 1))
    spans = pa.StructArray.from_arrays([starts, ends], fields=[*_SPAN])
    columns = [
        pa.array(values).cast(field.type) for values, field in zip(found.values.T, COLUMNS, strict=False)
    ]
    columns.append(
        pa.ListArray.from_arrays(pa.array(found.edges.astype(np.int32)), spans, type=COLUMNS[-1].type)
    )
    return pa.record_batch(columns, schema=COLUMNS)
