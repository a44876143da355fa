"""What was published: parts, rows, digests, inputs, counts by reason. Written last.

No clock, no run id, no cost and no absolute path is in a manifest, so that the same configuration and the
same inputs give the same bytes wherever and whenever they are computed.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from curation import storage
from curation.document import content_hash
from curation.errors import LakeError

_BATCH_ROWS = 8192  # rows digests are taken over batches of this size


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Input(_Frozen):
    """Something a stage read: its name, without where it lies, and the digest of its content."""

    name: str
    digest: str


class File(_Frozen):
    """One published Parquet file."""

    name: str  # in the stage's folder
    rows: int
    bytes: int
    digest: str  # of the file
    rows_digest: str  # of the rows, whatever Parquet makes of them


class Part(_Frozen):
    """What one piece of work gave: at most one part and one file of quarantined rows."""

    inputs: tuple[Input, ...]
    file: File | None = None
    quarantine: File | None = None
    rows_in: int = 0
    dropped: dict[str, int] = {}

    @property
    def rows(self) -> int:
        return self.file.rows if self.file else 0

    @model_validator(mode="after")
    def _accounted(self) -> "Part":
        _check_counts(self.rows_in, self.rows, self.dropped)
        return self


class Manifest(_Frozen):
    """A published stage. `rows_in = kept + Σ dropped[reason]` holds or it cannot be made."""

    stage: str
    name: str
    fingerprint: str
    source: str | None = None
    partition: str | None = None
    inputs: tuple[Input, ...]
    parts: tuple[File, ...] = ()
    quarantine: tuple[File, ...] = ()
    rows_in: int
    kept: int
    dropped: dict[str, int] = {}
    details: dict[str, Any] = {}

    @model_validator(mode="after")
    def _accounted(self) -> "Manifest":
        _check_counts(self.rows_in, self.kept, self.dropped)
        return self

    @property
    def digest(self) -> str:
        """32 hex digits of what the manifest says; the identity of what it describes."""
        return content_hash("manifest", self.to_json())

    def to_json(self) -> bytes:
        """The bytes that are published: indented, keys sorted."""
        data = self.model_dump(mode="json")
        return (json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def of_parts(
    parts: Iterable[Part],
    *,
    stage: str,
    name: str,
    fingerprint: str,
    source: str | None = None,
    partition: str | None = None,
) -> Manifest:
    """The manifest of the work done in `parts`, in their order."""
    done = list(parts)
    dropped: Counter[str] = Counter()
    for part in done:
        dropped.update(part.dropped)
    return Manifest(
        stage=stage,
        name=name,
        fingerprint=fingerprint,
        source=source,
        partition=partition,
        inputs=tuple(i for part in done for i in part.inputs),
        parts=tuple(part.file for part in done if part.file),
        quarantine=tuple(part.quarantine for part in done if part.quarantine),
        rows_in=sum(part.rows_in for part in done),
        kept=sum(part.rows for part in done),
        dropped=dict(sorted(dropped.items())),
    )


def parse(data: bytes, uri: str) -> Manifest:
    """The manifest in `data`; LakeError naming `uri` if it is none."""
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        raise LakeError(f"{uri} is not a manifest of this version: {error.errors()[0]['msg']}") from error


def inputs_digest(inputs: Iterable[Input]) -> str:
    """16 hex digits of a set of inputs: neither order nor repetition counts."""
    return content_hash("inputs", *sorted({f"{i.name}\0{i.digest}" for i in inputs}))[:16]


def describe(path: Path, prefix: str) -> File:
    """The `File` for a finished local Parquet file, named `<prefix>-<digest>.parquet`."""
    digest = storage.digest(str(path))
    with pq.ParquetFile(path) as file:
        rows = file.metadata.num_rows
        rows_digest = _rows_digest(file)
    return File(
        name=f"{prefix}-{digest}.parquet",
        rows=rows,
        bytes=path.stat().st_size,
        digest=digest,
        rows_digest=rows_digest,
    )


def _rows_digest(file: pq.ParquetFile) -> str:
    h = hashlib.blake2b(digest_size=16)
    for batch in file.iter_batches(_BATCH_ROWS):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        h.update(sink.getvalue())
    return h.hexdigest()


def _check_counts(rows_in: int, kept: int, dropped: dict[str, int]) -> None:
    if min(rows_in, kept, *dropped.values()) < 0:
        raise ValueError(f"{rows_in} rows in, {kept} kept, {dropped} dropped: a negative count hides a loss")
    lost = rows_in - kept - sum(dropped.values())
    if lost:
        raise ValueError(f"{rows_in} rows in, {kept} kept, {dropped} dropped: {lost} unaccounted for")
