"""Shards: the texts of the kept documents, read once, scattered and written in order.

One pass over the documents appends each copy to a scratch file of its shard; each scratch file is then
sorted and written as Parquet. In memory is one batch, then one shard.
"""

from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from curation import manifest, stage, storage
from curation.document import SCHEMA
from curation.errors import LakeError
from curation.manifest import File
from curation.release import order

ROW_GROUP_ROWS = 1000
MAX_SHARDS = 900  # scratch files open at once, below the usual limit of 1,024

_KEYED = SCHEMA.append(pa.field("key", pa.uint64()))


@dataclass(frozen=True)
class Chosen:
    """The rows to release of one part of documents, with the keys of their copies."""

    uri: str
    rows: NDArray[np.int64]  # ascending, repeated for copies
    keys: NDArray[np.uint64]


def write(directory: str, chosen: Iterable[Chosen], shards: int) -> tuple[tuple[File, ...], Counter[str]]:
    """Write the shards below `directory`/data; the files, and the released rows by licence."""
    if shards > MAX_SHARDS:
        raise LakeError(
            f"{shards} shards: at most {MAX_SHARDS} are written at once; raise release.shard_bytes"
        )
    licences: Counter[str] = Counter()
    with storage.scratch(storage.join(directory, "data")) as folder:
        _scatter(folder, chosen, shards, licences)
        files = []
        for n in range(shards):
            name = f"data/train-{n:05d}-of-{shards:05d}.parquet"
            path = _write_shard(folder, n)
            described = manifest.describe(path, "shard").model_copy(update={"name": name})
            storage.publish(path, storage.join(directory, name))
            files.append(described)
    return tuple(files), licences


def _scatter(folder: Path, chosen: Iterable[Chosen], shards: int, licences: Counter[str]) -> None:
    with ExitStack() as stack:
        writers = [
            stack.enter_context(pa.ipc.new_stream(str(folder / f"{n}.arrow"), _KEYED)) for n in range(shards)
        ]
        for part in chosen:
            for batch in _copies(part):
                places = batch.column("key").to_numpy()
                homes = np.array([order.shard(int(place), shards) for place in places], np.int64)
                licences.update(licence or "unknown" for licence in batch.column("license").to_pylist())
                for n in np.unique(homes):
                    writers[n].write_batch(batch.take(pa.array(np.flatnonzero(homes == n))))


def _copies(part: Chosen) -> Iterable[pa.RecordBatch]:
    """The chosen rows of one part with their keys, batch by batch."""
    first = 0
    for batch in stage.read_batches(part.uri, SCHEMA.names):
        low, high = np.searchsorted(part.rows, [first, first + batch.num_rows])
        if high > low:
            taken = batch.take(pa.array(part.rows[low:high] - first))
            keys = pa.array(part.keys[low:high], pa.uint64())
            yield pa.RecordBatch.from_arrays([*taken.columns, keys], schema=_KEYED)
        first += batch.num_rows


def _write_shard(folder: Path, n: int) -> Path:
    source = folder / f"{n}.arrow"
    with pa.ipc.open_stream(str(source)) as reader:
        table = reader.read_all()
    rows = table.sort_by([("key", "ascending"), ("id", "ascending")]).drop(["key"]).combine_chunks()
    source.unlink()
    path = folder / f"{n}.parquet"
    pq.write_table(rows, path, compression="zstd", use_dictionary=False, row_group_size=ROW_GROUP_ROWS)
    return path
