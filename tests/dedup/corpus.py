"""Candidates made of texts, as `select` makes them of the lake's columns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from curation import dedup
from curation.document import text_digest
from curation.recipe import Duplicates


@dataclass(frozen=True)
class Doc:
    id: str
    text: str
    hour: int | None = 0
    synthetic: bool = False


def candidates(docs: Sequence[Doc], settings: Duplicates) -> pa.Table:
    texts = pa.array([doc.text for doc in docs], pa.string())
    columns = dedup.annotator(settings).annotate(pa.record_batch([texts], names=["text"]))
    times = [None if doc.hour is None else datetime(2025, 11, 3, doc.hour, tzinfo=UTC) for doc in docs]
    return pa.table(
        {
            "id": pa.array([doc.id for doc in docs], pa.string()),
            "digest": pa.array([text_digest(doc.text) for doc in docs], pa.string()),
            "fetched_at": pa.array(times, pa.timestamp("us", tz="UTC")),
            "synthetic": pa.array([doc.synthetic for doc in docs], pa.bool_()),
            "signature": columns["signature"],
            "shingles": columns["shingles"],
        }
    )


def texts(docs: Sequence[Doc]) -> Callable[[Sequence[str]], Mapping[str, str]]:
    by_digest = {text_digest(doc.text): doc.text for doc in docs}
    return lambda digests: {digest: by_digest[digest] for digest in digests}


def find(docs: Sequence[Doc], settings: Duplicates) -> dedup.Result:
    return dedup.find(candidates(docs, settings), texts(docs), settings)


def removed(docs: Sequence[Doc], settings: Duplicates) -> dict[str, tuple[str, float, str]]:
    """What goes, by id: (duplicate_of, similarity, method)."""
    rows = find(docs, settings).removed.to_pylist()
    return {row["id"]: (row["duplicate_of"], row["similarity"], row["method"]) for row in rows}


def words(start: int, stop: int) -> str:
    return " ".join(f"w{n}" for n in range(start, stop))
