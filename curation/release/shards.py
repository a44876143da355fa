"""Shards: the texts of the kept documents, read once, scattered and written in order.

One pass over the documents appends each copy to a scratch file of its shard; each scratch file is then
sorted and written as Parquet. In memory is one batch, then one shard.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from curation import manifest, stage, storage
from curation.document import SCHEMA
from curation.errors import LakeError
from curation.manifest import File
from curation.recipe import Release
from curation.release import order
from curation.release.edits import edit_rows

ROW_GROUP_ROWS = 1000
MAX_SHARDS = 900  # scratch files open at once, below the usual limit of 1,024

_KEYED = SCHEMA.append(pa.field("key", pa.uint64()))


@dataclass(frozen=True)
class Chosen:
    """The rows to release of one part of documents, with the keys of their copies."""

    uri: str
    rows: NDArray[np.int64]  # ascending, repeated for copies
    keys: NDArray[np.uint64]
    spans: Mapping[str, str]  # columns of spans to edit by, row for row, and the URI of each


@dataclass
class Tally:
    """What was written, copies counted."""

    licences: Counter[str] = field(default_factory=Counter)  # rows by licence
    edited: Counter[str] = field(default_factory=Counter)  # spans by kind
    bytes_saved: int = 0  # of text, by editing it: negative if placeholders are longer


def write(
    directory: str, chosen: Iterable[Chosen], shards: int, settings: Release
) -> tuple[tuple[File, ...], Tally]:
    """Write the shards below `directory`/data, edited as `settings` says; files and counts."""
    if shards > MAX_SHARDS:
        raise LakeError(
            f"{shards} shards: at most {MAX_SHARDS} are written at once; raise release.shard_bytes"
        )
    tally = Tally()
    with storage.scratch(storage.join(directory, "data")) as folder:
        _scatter(folder, chosen, shards, settings, tally)
        files = []
        for n in range(shards):
            name = f"data/train-{n:05d}-of-{shards:05d}.parquet"
            path = _write_shard(folder, n)
            described = manifest.describe(path, "shard").model_copy(update={"name": name})
            storage.publish(path, storage.join(directory, name))
            files.append(described)
    return tuple(files), tally


def _scatter(folder: Path, chosen: Iterable[Chosen], shards: int, settings: Release, tally: Tally) -> None:
    with ExitStack() as stack:
        writers = [
            stack.enter_context(pa.ipc.new_stream(str(folder / f"{n}.arrow"), _KEYED)) for n in range(shards)
        ]
        for part in chosen:
            for batch in _copies(part, settings, tally):
                places = batch.column("key").to_numpy()
                homes = np.array([order.shard(int(place), shards) for place in places], np.int64)
                tally.licences.update(licence or "unknown" for licence in batch.column("license").to_pylist())
                for n in np.unique(homes):
                    writers[n].write_batch(batch.take(pa.array(np.flatnonzero(homes == n))))


def _copies(part: Chosen, settings: Release, tally: Tally) -> Iterable[pa.RecordBatch]:
    """The chosen rows of one part with their keys, batch by batch."""
    spans = pa.table({name: stage.read_table(uri, [name])[name] for name, uri in part.spans.items()})
    first = 0
    for batch in stage.read_batches(part.uri, SCHEMA.names):
        low, high = np.searchsorted(part.rows, [first, first + batch.num_rows])
        if high > low:
            rows = pa.array(part.rows[low:high])
            taken = batch.take(pa.array(part.rows[low:high] - first))
            if part.spans:
                taken = _edit(taken, spans.take(rows), settings, tally)
            keys = pa.array(part.keys[low:high], pa.uint64())
            yield pa.RecordBatch.from_arrays([*taken.columns, keys], schema=_KEYED)
        first += batch.num_rows


def _edit(rows: pa.RecordBatch, spans: pa.Table, settings: Release, tally: Tally) -> pa.RecordBatch:
    edited, counts = edit_rows(rows, spans, settings.redact)
    tally.edited += counts
    tally.bytes_saved += _text_bytes(rows) - _text_bytes(edited)
    return edited


def _text_bytes(rows: pa.RecordBatch) -> int:
    return pc.sum(pc.binary_length(rows.column("text")).cast(pa.int64())).as_py() or 0


def _write_shard(folder: Path, n: int) -> Path:
    source = folder / f"{n}.arrow"
    with pa.ipc.open_stream(str(source)) as reader:
        table = reader.read_all()
    rows = table.sort_by([("key", "ascending"), ("id", "ascending")]).drop(["key"]).combine_chunks()
    source.unlink()
    path = folder / f"{n}.parquet"
    pq.write_table(rows, path, compression="zstd", use_dictionary=False, row_group_size=ROW_GROUP_ROWS)
    return path
