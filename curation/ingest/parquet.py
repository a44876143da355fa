"""Parquet into documents, by row groups. Offsets are rows of the file."""

import json
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from curation.document import content_hash
from curation.ingest import mapped
from curation.ingest.outcome import Outcome, Quarantined, UnreadableError
from curation.recipe import Source

ROWS, BYTES = 1_000, 16_000_000
"""Read at a time, the bytes by what a row of the group has on average."""


def outcomes(source: Source, name: str, stream: BinaryIO) -> Iterator[Outcome]:
    """What becomes of each row of the file `name`, in order; a row group that cannot be read is one row.

    Raises InputError where the file lacks a mapped column.
    """
    try:
        file = pq.ParquetFile(stream)
    except (pa.ArrowException, OSError) as error:
        yield _damage(name, 0, "not_parquet", error)
        return
    columns = mapped.check_columns(source, name, file.schema_arrow.names)
    first = 0
    for group in range(file.num_row_groups):
        row, after = first, first + file.metadata.row_group(group).num_rows
        try:
            for fields in _rows(file, group, columns):
                yield _outcome(source, name, row, fields)
                row += 1
        except (pa.ArrowException, OSError) as error:
            yield _damage(name, row, "damaged_row_group", error, f"rows {row} to {after - 1} are lost: ")
        first = after
    if not first:
        yield Quarantined(name, 0, "empty_file", "no row")


def _outcome(source: Source, name: str, row: int, fields: dict[str, object]) -> Outcome:
    try:
        key = content_hash(json.dumps(fields, default=str, sort_keys=True))
        return mapped.document(source, fields, key, name, row)
    except UnreadableError as error:
        return Quarantined(name, row, error.reason, error.detail)


def _rows(file: pq.ParquetFile, group: int, columns: list[str]) -> Iterator[dict[str, object]]:
    """The rows of a row group; a string that is not UTF-8 comes as bytes, and so is one row's fault."""
    whole = file.metadata.row_group(group)
    count = min(ROWS, BYTES * whole.num_rows // max(whole.total_byte_size, 1)) or 1
    for batch in file.iter_batches(count, row_groups=[group], columns=columns):
        try:
            rows = batch.to_pylist()
        except UnicodeDecodeError:
            rows = [{n: _value(batch.column(n)[row]) for n in columns} for row in range(batch.num_rows)]
        yield from rows


def _value(scalar: pa.Scalar) -> object:
    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        return scalar.cast(pa.large_binary()).as_py()


def _damage(name: str, row: int, reason: str, error: Exception, what: str = "") -> Quarantined:
    """The row for what Arrow cannot read; an OSError of the file system, which has a number, is raised."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error
    return Quarantined(name, row, reason, what + str(error).partition("\n")[0][:200])
