"""Documents made of texts, as `duplicates` makes them of the lake's facts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from curation import dedup
from curation.dedup import bands
from curation.document import text_digest
from curation.recipe import Duplicates


@dataclass(frozen=True)
class Doc:
    id: str
    text: str
    hour: int | None = 0
    synthetic: bool = False


@dataclass(frozen=True)
class Result:
    """`removed` are those of the changes that are not kept, by id."""

    removed: pa.Table
    verified: pa.Table


def candidates(docs: Sequence[Doc], settings: Duplicates) -> pa.Table:
    """`dedup.DOCUMENTS`, all undecided, and their signatures."""
    texts = pa.array([doc.text for doc in docs], pa.string())
    columns = dedup.annotator(settings).annotate(pa.record_batch([texts], names=["text"]))
    times = [None if doc.hour is None else datetime(2025, 11, 3, doc.hour, tzinfo=UTC) for doc in docs]
    count = len(docs)
    documents = {
        "partition": pa.array(np.zeros(count, np.int32)),
        "row": pa.array(np.arange(count)),
        "id": pa.array([doc.id for doc in docs], pa.string()),
        "digest": pa.array([text_digest(doc.text) for doc in docs], pa.string()),
        "fetched_at": pa.array(times, pa.timestamp("us", tz="UTC")),
        "synthetic": pa.array([doc.synthetic for doc in docs], pa.bool_()),
        "shingles": columns["shingles"],
        "undecided": pa.array([True] * count, pa.bool_()),
        "kept": pa.array([False] * count, pa.bool_()),
    }
    rest = {f.name: pa.nulls(count, f.type) for f in dedup.DOCUMENTS if f.name not in documents}
    signed = pa.table({**documents, **rest}).select(dedup.DOCUMENTS.names).cast(dedup.DOCUMENTS)
    return signed.append_column("signature", columns["signature"])


def texts(docs: Sequence[Doc]) -> Callable[[Sequence[str]], Mapping[str, str]]:
    by_digest = {text_digest(doc.text): doc.text for doc in docs}
    return lambda digests: {digest: by_digest[digest] for digest in digests}


def keys(table: pa.Table, settings: Duplicates) -> tuple[bands.Keys, np.ndarray]:
    """The keys of what `candidates` made; of ids too, which are not hexadecimal here."""
    hexed = [f"{id_.encode().hex():0<32.32}" for id_ in table["id"].to_pylist()]
    named = table.set_column(table.schema.get_field_index("id"), "id", pa.array(hexed, pa.string()))
    return bands.keys(named, settings)


def settle(
    table: pa.Table,
    texts: Callable[[Sequence[str]], Mapping[str, str]],
    settings: Duplicates,
    known: Mapping[tuple[str, str], float] | None = None,
) -> Result:
    found, of = keys(table, settings)
    documents = table.select(dedup.DOCUMENTS.names)
    settled = dedup.settle(documents, found, of.astype(np.int64), texts, settings, known)
    ids = dict(enumerate(table["id"].to_pylist()))
    position = {row: n for n, row in enumerate(table["row"].to_pylist())}
    rows = [
        {"id": ids[position[row["row"]]], **{k: row[k] for k in ("duplicate_of", "similarity", "method")}}
        for row in settled.changes.to_pylist()
        if not row["kept"]
    ]
    schema = pa.schema([table.schema.field("id"), *(dedup.CHANGES.field(n) for n in dedup.CHANGES.names[3:])])
    removed = pa.Table.from_pylist(sorted(rows, key=lambda row: str(row["id"])), schema)
    return Result(removed, settled.verified)


def find(docs: Sequence[Doc], settings: Duplicates) -> Result:
    return settle(candidates(docs, settings), texts(docs), settings)


def removed(docs: Sequence[Doc], settings: Duplicates) -> dict[str, tuple[str, float, str]]:
    """What goes, by id: (duplicate_of, similarity, method)."""
    rows = find(docs, settings).removed.to_pylist()
    return {row["id"]: (row["duplicate_of"], row["similarity"], row["method"]) for row in rows}


def words(start: int, stop: int) -> str:
    return " ".join(f"w{n}" for n in range(start, stop))
