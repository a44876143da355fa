"""Redaction: what the annotator `pii` found is replaced by its kind, as in `<email>`, in the released text.

The lake keeps the text as it came. A redacted row also gets the digest of its redacted text: the digest of
the text in the lake would let anybody who holds the release find a missing phone number by trying them all.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.document import text_digest

ANNOTATION, SPANS = "pii", "pii_spans"  # the annotator, and the column of its spans


def redact(text: str, spans: Iterable[Mapping[str, Any]], kinds: Collection[str]) -> tuple[str, Counter[str]]:
    """`text` with each span of these kinds replaced, and how many were, by kind.

    `spans` are in order and do not overlap: {"start", "end" (bytes into the UTF-8 of `text`), "kind"}.
    """
    data = text.encode()
    pieces: list[bytes] = []
    counts: Counter[str] = Counter()
    last = 0
    for span in spans:
        if span["kind"] in kinds:
            pieces += [data[last : span["start"]], f"<{span['kind']}>".encode()]
            last = span["end"]
            counts[span["kind"]] += 1
    return b"".join([*pieces, data[last:]]).decode(), counts


def redact_rows(
    rows: pa.RecordBatch, spans: pa.Array, kinds: Collection[str]
) -> tuple[pa.RecordBatch, Counter[str]]:
    """Documents with the spans beside them redacted, in `text` and `digest`, and how many were, by kind."""
    total: Counter[str] = Counter()
    places, texts = [], []
    for n in np.flatnonzero(pc.list_value_length(spans).to_numpy(zero_copy_only=False)):
        text, counts = redact(rows.column("text")[n].as_py(), spans[n].as_py(), kinds)
        if counts:
            places.append(n)
            texts.append(text)
            total += counts
    mask = np.zeros(rows.num_rows, np.bool_)
    mask[places] = True
    for name, values in (("text", texts), ("digest", list(map(text_digest, texts)))):
        at = rows.schema.get_field_index(name)
        column = pc.replace_with_mask(rows.column(at), pa.array(mask), pa.array(values, pa.string()))
        rows = rows.set_column(at, rows.schema.field(at), column)
    return rows, total
