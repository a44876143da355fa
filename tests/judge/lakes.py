"""A small lake to sample from: partitions of documents, and decisions about them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa

from curation import stage
from curation.annotator import Annotator
from curation.document import SCHEMA, document_id, text_digest
from curation.facts import Partition
from curation.layout import Layout
from curation.manifest import File, Input, Manifest
from curation.select import DECISIONS
from curation.stage import Published


def document(text: str, source: str = "web", **fields: Any) -> dict[str, Any]:
    """A document whose id is that of its text, unless `fields` say otherwise."""
    return {
        "id": document_id(source, text),
        "digest": text_digest(text),
        "text": text,
        "source": source,
        "url": None,
        "fetched_at": None,
        "license": "CC0-1.0",
        "parents": [],
        "metadata": "{}",
        **fields,
    }


def partition(
    lake: Layout,
    name: str,
    parts: Sequence[Sequence[Mapping[str, Any]]],
    annotators: Sequence[Annotator] = (),
) -> Partition:
    """The documents of `parts`, published as one partition, with the columns of `annotators`."""
    tables = [pa.Table.from_pylist(list(rows), SCHEMA) for rows in parts]
    directory = lake.documents("web", "0" * 16, name)
    made = _manifest("documents", "web", name, [_write(directory, table) for table in tables])
    beside = {}
    for a in annotators:
        where = lake.annotations(a.name, "0" * 16, "web", name)
        files = [
            _write(where, pa.Table.from_batches(map(a.annotate, table.to_batches()))) for table in tables
        ]
        beside[a.name] = stage.publish(where, _manifest("annotations", a.name, name, files))
    return Partition("web", name, stage.publish(directory, made), beside)


def decisions(lake: Layout, partitions: Sequence[Partition], dropped: Collection[str] = ()) -> Published:
    """Decisions that keep all documents but those whose ids are `dropped`."""
    directory = lake.decisions("test", "0" * 16)
    files = []
    for held in partitions:
        for uri in held.documents.part_uris():
            rows = [
                {
                    "id": id_,
                    "source": held.source,
                    "partition": held.partition,
                    "text_bytes": 1,
                    "kept": id_ not in dropped,
                }
                for id_ in stage.read_table(uri, ["id"]).column("id").to_pylist()
            ]
            files.append(_write(directory, pa.Table.from_pylist(rows, DECISIONS)))
    return stage.publish(directory, _manifest("decisions", "test", None, files))


def _write(directory: str, table: pa.Table) -> File:
    with stage.part_writer(directory, table.schema) as writer:
        for batch in table.to_batches():
            writer.write(batch)
        file = writer.publish()
    assert file is not None
    return file


def _manifest(stage_name: str, name: str, partition_: str | None, files: Sequence[File]) -> Manifest:
    rows = sum(file.rows for file in files)
    return Manifest(
        stage=stage_name,
        name=name,
        fingerprint="0" * 16,
        partition=partition_,
        inputs=tuple(Input(name=f.name, digest=f.digest) for f in files),
        parts=tuple(files),
        rows_in=rows,
        kept=rows,
    )
