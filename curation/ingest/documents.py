"""Archives into batches of documents, with every record accounted for.

    records = documents + quarantined + Σ skipped

holds for each batch. A stretch of damage that no record can be made out of counts as one record, as does a
file that nothing at all can be read of. The rows depend on the files and their order alone, not on the
batch size. An error of the file system is raised, never quarantined: trying again may mend it.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa

from curation.document import QUARANTINE_SCHEMA, SCHEMA, document_id, text_digest
from curation.ingest.outcome import Document, Outcome, Quarantined, Skipped
from curation.recipe import Source

BATCH_ROWS = 1_000
BATCH_BYTES = 16_000_000
"""Of text; a batch ends with the document that reaches it."""
MAX_TEXT_BYTES = 16_000_000
"""The rules take 40 to 150 bytes of memory for each: at most 2.4 GB. A longer text is `text_too_long`."""

SPACES = re.compile(r"[\x0b\x0c\x1c-\x1f\x85]")
CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
EITHER = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Batch:
    """Some consecutive records of a source."""

    documents: pa.RecordBatch  # document.SCHEMA, in the order of the files
    quarantined: pa.RecordBatch  # document.QUARANTINE_SCHEMA, in the order of the files
    skipped: Mapping[str, int]  # records that are sound but no documents, by reason
    records: int


def read(
    source: Source, files: Sequence[tuple[str, Callable[[], BinaryIO]]], rows: int = BATCH_ROWS
) -> Iterator[Batch]:
    """The records of `files` (name that rows show, opener of a seekable stream) in batches of at most `rows`.

    Beside a batch this keeps the id of every document (about 130 bytes each) to find the same id twice:
    the second is quarantined as `duplicate_id`. Raises InputError where a Parquet file lacks a column.
    """
    identify = _Identities(source.name)
    pending = _Pending(source.name)
    for name, opener in files:
        with opener() as stream:
            for outcome in outcomes(source, name, stream):
                pending.add(identify(outcome) if isinstance(outcome, Document) else outcome)
                if pending.full(rows):
                    yield pending.take()
    if pending.records:
        yield pending.take()


def outcomes(source: Source, name: str, stream: BinaryIO) -> Iterator[Outcome]:
    """What becomes of each record of one file of `source`, in order."""
    match source.format:
        case "warc":
            from curation.ingest import warc

            return warc.outcomes(source, name, stream)
        case "jsonl":
            from curation.ingest import jsonl

            return jsonl.outcomes(source, name, stream)
        case "csv":
            from curation.ingest import csv_rows

            return csv_rows.outcomes(source, name, stream)
        case "parquet":
            from curation.ingest import parquet

            return parquet.outcomes(source, name, stream)


def clean(text: str) -> str:
    """`text` without control characters; those that separate words (form feed …) become a space."""
    return CONTROLS.sub("", SPACES.sub(" ", text)) if EITHER.search(text) else text


class _Identities:
    """Gives each document its id, and knows those given."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.given: set[bytes] = set()
        self.occurrences: Counter[str] = Counter()  # of keys that came again

    def __call__(self, document: Document) -> tuple[str, Document] | Outcome:
        text = clean(document.text)
        if not text.strip():
            return Skipped("no_text")
        if (size := len(text.encode())) > MAX_TEXT_BYTES:
            return Quarantined(
                document.file,
                document.offset,
                "text_too_long",
                f"{size} bytes of text; the limit is {MAX_TEXT_BYTES}: cut it into several documents",
            )
        key = f"{document.key}:0" if document.repeats else document.key
        id_ = document_id(self.source, key)
        if document.repeats and bytes.fromhex(id_) in self.given:
            self.occurrences[document.key] += 1
            id_ = document_id(self.source, f"{document.key}:{self.occurrences[document.key]}")
        if bytes.fromhex(id_) in self.given:
            return Quarantined(document.file, document.offset, "duplicate_id", f"{key!r} came before")
        self.given.add(bytes.fromhex(id_))
        return id_, document._replace(text=text)


class _Pending:
    """The batch that is being filled."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._clear()

    def _clear(self) -> None:
        self.documents: list[tuple[str, Document]] = []
        self.quarantined: list[Quarantined] = []
        self.skipped: Counter[str] = Counter()
        self.records = self.text_bytes = 0

    def add(self, outcome: tuple[str, Document] | Outcome) -> None:
        self.records += 1
        match outcome:
            case Quarantined():
                self.quarantined.append(outcome)
            case Skipped(reason):
                self.skipped[reason] += 1
            case (str() as id_, Document() as document):
                self.documents.append((id_, document))
                self.text_bytes += len(document.text.encode())

    def full(self, rows: int) -> bool:
        return max(len(self.documents), len(self.quarantined)) >= rows or self.text_bytes >= BATCH_BYTES

    def take(self) -> Batch:
        documents = [self._row(id_, document) for id_, document in self.documents]
        quarantined = [{"source": self.source, **row._asdict()} for row in self.quarantined]
        batch = Batch(
            documents=pa.RecordBatch.from_pylist(documents, schema=SCHEMA),
            quarantined=pa.RecordBatch.from_pylist(quarantined, schema=QUARANTINE_SCHEMA),
            skipped=dict(sorted(self.skipped.items())),
            records=self.records,
        )
        self._clear()
        return batch

    def _row(self, id_: str, document: Document) -> dict[str, object]:
        return {
            "id": id_,
            "digest": text_digest(document.text),
            "text": document.text,
            "source": self.source,
            "url": document.url,
            "fetched_at": document.fetched_at,
            "license": document.license,
            "parents": [],
            "metadata": json.dumps(document.metadata, ensure_ascii=False, sort_keys=True),
        }
