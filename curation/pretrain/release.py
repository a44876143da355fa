"""A release, as a training reads it: a folder with `manifest.json` and `data/train-*.parquet`."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from curation.document import content_hash
from curation.errors import InputError


def digest(release: Path) -> str:
    """The identity of a release: a hash of its manifest, which holds the digests of its shards."""
    manifest = release / "manifest.json"
    if not manifest.is_file():
        raise InputError(f"{release} is not a release: it has no manifest.json. Name a published one")
    return content_hash("release", manifest.read_bytes())


def shards(release: Path) -> list[Path]:
    """The shards in their order; InputError if there is none."""
    found = sorted((release / "data").glob("train-*.parquet"))
    if not found:
        raise InputError(f"{release} has no data/train-*.parquet: publish the release again")
    return found


def read(shard: Path, columns: Sequence[str], batch_documents: int) -> Iterator[pa.RecordBatch]:
    """`columns` of a shard, at most `batch_documents` rows at a time.

    InputError names a shard that is no Parquet file, lacks a column, or has no id or no text in a row.
    """
    try:
        with pq.ParquetFile(shard) as file:
            if missing := sorted(set(columns) - set(file.schema_arrow.names)):
                raise InputError(f"{shard} has no column {missing[0]!r}: publish the release again")
            for batch in file.iter_batches(batch_documents, columns=list(columns)):
                for name in {"id", "text"} & set(columns):
                    if batch[name].null_count:
                        raise InputError(f"{shard} has a row whose {name} is null: publish the release again")
                yield batch
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{shard} cannot be read ({error}): publish the release again") from error
