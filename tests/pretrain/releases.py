"""Tiny releases, made as the release stage lays them out."""

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("source", pa.string()),
        ("url", pa.string()),
        ("fetched_at", pa.timestamp("us", tz="UTC")),
        ("license", pa.string()),
        ("parents", pa.list_(pa.string())),
        ("metadata", pa.string()),
    ]
)


def write_release(
    folder: Path, shards: Sequence[Sequence[str]], parents: dict[str, list[str]] | None = None
) -> Path:
    """A release in `folder` with these texts; ids are document-0, document-1, … through the shards."""
    (folder / "data").mkdir(parents=True)
    number = 0
    for at, texts in enumerate(shards):
        rows = []
        for text in texts:
            name = f"document-{number}"
            rows.append(
                {"id": name, "text": text, "source": "test", "parents": (parents or {}).get(name, [])}
            )
            number += 1
        table = pa.Table.from_pylist(rows, SCHEMA)
        pq.write_table(table, folder / "data" / f"train-{at:05d}-of-{len(shards):05d}.parquet")
    (folder / "manifest.json").write_text(json.dumps({"texts": [list(texts) for texts in shards]}))
    return folder


def toy_texts(documents: int) -> list[str]:
    """Sentences that a small model learns in a few dozen steps."""
    animals, places = ["cat", "dog", "fox", "hen"], ["mat", "roof", "hill", "road"]
    return [
        " ".join(f"The {animals[(n + k) % 4]} sat on the {places[(n * k) % 4]}." for k in range(3 + n % 20))
        for n in range(documents)
    ]
