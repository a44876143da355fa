"""Run a stage: skip what is published, else compute and publish.

A stage's folder belongs to one configuration and one partition. Work is done in pieces; each finished piece
leaves a record under a key made of its inputs, so a killed stage goes on where it stopped. The manifest comes
last, by a create-only write: two runs that race publish one generation. New inputs (a late archive) make the
next generation; the same inputs are skipped.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from curation import layout, manifest, storage
from curation.document import content_hash
from curation.errors import LakeError
from curation.manifest import File, Input, Manifest, Part

ROW_GROUP_ROWS = 2_000  # held in memory while a part is written


@dataclass(frozen=True)
class Published:
    """A manifest and where it lies; `new` if this call published it."""

    directory: str
    generation: int
    manifest: Manifest
    new: bool = False

    @property
    def uri(self) -> str:
        return layout.manifest(self.directory, self.generation)

    @cached_property
    def input(self) -> Input:
        """What a later stage names when it reads this one."""
        m = self.manifest
        where = "/".join(filter(None, (m.stage, m.name, m.source, m.partition)))
        return Input(name=where, digest=m.digest)

    def part_uris(self) -> list[str]:
        return [storage.join(self.directory, file.name) for file in self.manifest.parts]


def current(directory: str) -> Published | None:
    """The newest generation in a stage's folder; None if nothing is published there."""
    return next(generations(directory), None)


def generations(directory: str) -> Iterator[Published]:
    """What is published in a stage's folder, the newest first."""
    found = [n for n in storage.names(directory) if n.startswith("manifest-") and n.endswith(".json")]
    for name in reversed(found):
        yield open_manifest(storage.join(directory, name))


def open_manifest(uri: str) -> Published:
    """The published stage whose manifest lies at `uri`."""
    directory, name = uri.rsplit("/", 1)
    generation = int(name.removeprefix("manifest-").removesuffix(".json"))
    return Published(directory, generation, manifest.parse(storage.read_bytes(uri), uri))


def publish(directory: str, made: Manifest) -> Published:
    """Publish `made` as the next generation, unless the current one already says the same."""
    for _ in range(100):
        latest = current(directory)
        if latest and latest.manifest == made:
            return latest
        generation = latest.generation + 1 if latest else 1
        if storage.create(layout.manifest(directory, generation), made.to_json()):
            return Published(directory, generation, made, new=True)
    raise LakeError(f"{directory}: 100 other runs published while this one tried to; run fewer at a time")


def key(inputs: Iterable[Input]) -> str:
    """The key of a piece of work: its inputs, in their order."""
    return content_hash("piece", *(text for i in inputs for text in (i.name, i.digest)))


def piece(directory: str, inputs: tuple[Input, ...], compute: Callable[[], Part]) -> tuple[str, Part]:
    """The URI and record of the piece of work over `inputs`: read if it was done before, else computed."""
    uri = layout.record(directory, key(inputs))
    if storage.exists(uri):
        return uri, read_record(uri)
    part = compute()
    if part.inputs != inputs:
        raise LakeError(f"{directory}: a piece of work over {inputs} reports {part.inputs}")
    storage.write_bytes(uri, part.model_dump_json(indent=1).encode())
    return uri, part


def read_record(uri: str) -> Part:
    """The record at `uri`, as `piece` wrote it."""
    return Part.model_validate_json(storage.read_bytes(uri))


class PartWriter:
    """Streams record batches into one Parquet file; `file` is set once it is closed and published."""

    def __init__(self, directory: str, folder: Path, schema: pa.Schema, prefix: str, group_rows: int) -> None:
        self._directory, self._prefix, self._schema = directory, prefix, schema
        self._path = folder / f"{prefix}.parquet"
        self._writer: pq.ParquetWriter | None = None
        self._held: list[pa.RecordBatch] = []
        self._held_rows = 0
        self._group_rows = group_rows

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows. Row groups are cut by row count alone, so batch sizes do not change the bytes."""
        if batch.num_rows:
            self._held.append(batch)
            self._held_rows += batch.num_rows
        while self._held_rows >= self._group_rows:
            table = pa.Table.from_batches(self._held, self._schema)
            self._flush(table.slice(0, self._group_rows))
            rest = table.slice(self._group_rows)
            self._held, self._held_rows = rest.to_batches(), rest.num_rows

    def publish(self) -> File | None:
        """Close and publish; None, and no file, if no row was written."""
        return self.publish_any() if self._held_rows or self._writer else None

    def publish_any(self) -> File:
        """Close and publish, whether rows were written or not."""
        if self._held_rows:
            self._flush(pa.Table.from_batches(self._held, self._schema))
        self._open().close()
        file = manifest.describe(self._path, self._prefix)
        storage.publish(self._path, storage.join(self._directory, file.name))
        return file

    def _open(self) -> pq.ParquetWriter:
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._path, self._schema, compression="zstd", compression_level=3, use_dictionary=False
            )
        return self._writer

    def _flush(self, table: pa.Table) -> None:
        self._open().write_table(table.combine_chunks(), row_group_size=self._group_rows)


@contextmanager
def part_writer(
    directory: str, schema: pa.Schema, prefix: str = "part", group_rows: int = ROW_GROUP_ROWS
) -> Iterator[PartWriter]:
    """A writer of one file into `directory`; its scratch space goes when the block ends."""
    with storage.scratch(directory) as folder:
        yield PartWriter(directory, folder, schema, prefix, group_rows)


def read_batches(uri: str, columns: list[str] | None = None, rows: int = 1000) -> Iterator[pa.RecordBatch]:
    """The rows of a Parquet file, in order, `rows` at a time."""
    with storage.open_input(uri) as stream, pq.ParquetFile(stream) as file:
        yield from file.iter_batches(rows, columns=columns)


def read_table(uri: str, columns: list[str] | None = None) -> pa.Table:
    """A whole Parquet file, or these columns of it.

    Not by `pq.read_table`: its threads may still hold the file when the process ends, which then aborts
    (github.com/apache/arrow/issues/33975).
    """
    with storage.open_input(uri) as stream, pq.ParquetFile(stream) as file:
        table = file.read(columns=columns)
    return table if columns is None else table.select(columns)


def read_schema(uri: str) -> pa.Schema:
    """The columns of a Parquet file."""
    with storage.open_input(uri) as stream:
        return pq.read_schema(stream)


def take_rows(uri: str, rows: NDArray[np.int64], columns: list[str]) -> pa.Table:
    """Some rows of a Parquet file, in ascending order; only the row groups that hold one are read."""
    with storage.open_input(uri) as stream, pq.ParquetFile(stream) as file:
        sizes = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
        ends = np.cumsum([0, *sizes])
        wanted = np.unique(rows)
        of_group = np.searchsorted(ends, wanted, "right") - 1
        groups = np.unique(of_group)
        first = np.zeros(len(sizes), dtype=np.int64)  # where a group's rows begin in what is read
        first[groups] = np.cumsum([0, *(sizes[n] for n in groups.tolist())])[:-1]
        table = file.read_row_groups(groups.tolist(), columns=columns)
        return table.take(pa.array(wanted - ends[of_group] + first[of_group]))
