"""A lake of small partitions, published as `facts` publishes them, without archives."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pyarrow as pa

from curation import dedup, stage, storage
from curation.annotate.length import LENGTH
from curation.annotator import Annotator
from curation.document import SCHEMA, content_hash, document_id, text_digest
from curation.facts import Partition
from curation.layout import Layout
from curation.manifest import File, Input, Manifest
from curation.recipe import Duplicates
from curation.stage import Published


@dataclass(frozen=True)
class Doc:
    """A document whose id is made of `name`."""

    name: int
    text: str
    hour: int | None = 0
    synthetic: bool = False

    @property
    def id(self) -> str:
        return document_id("web", str(self.name))


def publish(
    lake: Layout,
    name: str,
    docs: Sequence[Doc],
    settings: Duplicates,
    score: int = 0,
    also: Sequence[Annotator] = (),
) -> Partition:
    """The partition `name` of `docs`, in up to two parts, with lengths, signatures and what is asked for
    `also`; another `score` makes other annotations of it, beside the same documents."""
    cuts = [docs[: len(docs) // 2], docs[len(docs) // 2 :]]
    batches = [_documents(part) for part in cuts if part]
    mark = "".join(batch.column("digest").to_pylist()[0][:4] for batch in batches) or "none"
    documents = _publish(lake.documents("web", "0" * 16, name), "documents", name, batches, mark)
    beside = {}
    for annotator in (LENGTH, dedup.annotator(settings), *also):
        columns = [annotator.annotate(batch) for batch in batches]
        scored = score if annotator is LENGTH else 0
        beside[annotator.name] = _annotations(
            lake, annotator, name, columns, f"{documents.manifest.digest} {scored}"
        )
    return Partition("web", name, documents, beside)


def published(lake: Layout) -> list[Partition]:
    """All partitions that `publish` made."""
    found = []
    for name in storage.names(storage.join(lake.all_documents, f"web-{'0' * 16}")):
        documents = stage.current(lake.documents("web", "0" * 16, name))
        beside = {
            kind: stage.current(lake.annotations(kind, "0" * 16, "web", name))
            for kind in ("length", "signatures")
        }
        assert documents
        found.append(Partition("web", name, documents, {k: p for k, p in beside.items() if p}))
    return found


def _documents(docs: Sequence[Doc]) -> pa.RecordBatch:
    rows = [
        {
            "id": doc.id,
            "digest": text_digest(doc.text),
            "text": doc.text,
            "source": "web",
            "fetched_at": None if doc.hour is None else datetime(2025, 11, 3, doc.hour, tzinfo=UTC),
            "parents": ["0" * 32] if doc.synthetic else [],
            "metadata": "{}",
        }
        for doc in docs
    ]
    return pa.RecordBatch.from_pylist(rows, SCHEMA)


def _annotations(
    lake: Layout, annotator: Annotator, name: str, columns: list[pa.RecordBatch], of: str
) -> Published:
    directory = lake.annotations(annotator.name, "0" * 16, "web", name)
    return _publish(directory, annotator.name, name, columns, content_hash(of))


def _publish(directory: str, name: str, partition: str, batches: list[pa.RecordBatch], of: str) -> Published:
    files: list[File] = []
    for batch in batches:
        with stage.part_writer(directory, batch.schema) as writer:
            writer.write(batch)
            file = writer.publish()
        assert file
        files.append(file)
    rows = sum(batch.num_rows for batch in batches)
    made = Manifest(
        stage="documents" if name == "documents" else "annotations",
        name=name,
        fingerprint="0" * 16,
        source="web",
        partition=partition,
        inputs=(Input(name="of", digest=of),),
        parts=tuple(files),
        rows_in=rows,
        kept=rows,
    )
    return stage.publish(directory, made)


_lakes = count()


def fresh(folder: Path) -> Layout:
    """A lake that nothing is in."""
    return Layout(str(folder / f"lake-{next(_lakes)}"))
