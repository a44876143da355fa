"""The band rows of a partition: the keys of its documents, sorted, so that a range of them is one read.

Published once, beside the partition's other facts; which documents pass a recipe's rules does not matter.
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from curation import stage
from curation.dedup import bands
from curation.facts import Partition
from curation.fingerprint import fingerprint
from curation.layout import Layout
from curation.manifest import File, Input, Manifest
from curation.recipe import Duplicates
from curation.stage import Published

VERSION = 1

KEYS = pa.schema([pa.field("key", pa.uint64(), nullable=False), pa.field("row", pa.uint32(), nullable=False)])
KEY_GROUP_ROWS = 500_000  # 6 MB: what one request reads

MEMBERS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("digest", pa.string(), nullable=False),
        pa.field("fetched_at", pa.timestamp("us", tz="UTC")),
        pa.field("synthetic", pa.bool_(), nullable=False),
        pa.field("shingles", pa.int32(), nullable=False),
    ]
)
"""What a verdict asks of a document; row for row as the partition's documents."""


def name(settings: Duplicates) -> str:
    """The fingerprint of what decides about a document's keys."""
    signature = {"shingle_words": settings.shingle_words, "hashes": settings.hashes}
    asked = {**signature, "bands": settings.bands, "rows": settings.rows}
    return fingerprint("bands", VERSION, asked)


def find(
    lake: Layout, settings: Duplicates, source: str, partition: str, inputs: tuple[Input, ...]
) -> Published | None:
    """The band rows of a partition made of `inputs`: its documents and its signatures."""
    published = stage.generations(lake.bands(name(settings), source, partition))
    return next((p for p in published if p.manifest.inputs == inputs), None)


def publish(lake: Layout, settings: Duplicates, partition: Partition) -> Published:
    """Publish the band rows of a partition; skipped if they are published."""
    inputs = inputs_of(partition)
    found = find(lake, settings, partition.source, partition.partition, inputs)
    if found:
        return found
    directory = lake.bands(name(settings), partition.source, partition.partition)
    parts = list(_parts(partition))
    files = _write(directory, pa.concat_tables(parts), settings) if parts else ()
    rows = sum(table.num_rows for table in parts)
    made = Manifest(
        stage="bands",
        name="bands",
        fingerprint=name(settings),
        source=partition.source,
        partition=partition.partition,
        inputs=inputs,
        parts=files,
        rows_in=rows,
        kept=rows,
    )
    return stage.publish(directory, made)


def inputs_of(partition: Partition) -> tuple[Input, ...]:
    """What the band rows of a partition are made of."""
    return (partition.documents.input, partition.annotations["signatures"].input)


def members(published: Published) -> str:
    """The URI of what a verdict asks of each document, if there is one."""
    return published.part_uris()[0]


def keys(published: Published) -> str:
    """The URI of the sorted keys, if there is a document."""
    return published.part_uris()[1]


def _write(directory: str, rows: pa.Table, settings: Duplicates) -> tuple[File, ...]:
    with stage.part_writer(directory, MEMBERS, "members") as writer:
        for batch in rows.select(MEMBERS.names).cast(MEMBERS).to_batches():
            writer.write(batch)
        members = writer.publish()
    keys, of = bands.keys(rows, settings)
    with stage.part_writer(directory, KEYS, "keys", KEY_GROUP_ROWS) as writer:
        writer.write(pa.record_batch([keys, of], schema=KEYS))
        sorted_keys = writer.publish()
    return tuple(file for file in (members, sorted_keys) if file)


def _parts(partition: Partition) -> Iterator[pa.Table]:
    for uri, beside in partition.parts():
        documents = stage.read_table(uri, ["id", "digest", "fetched_at", "parents"])
        signatures = stage.read_table(beside["signatures"])
        synthetic = pc.greater(pc.list_value_length(documents["parents"]), 0)
        rows = documents.drop(["parents"]).append_column("synthetic", synthetic)
        for column in signatures.column_names:
            rows = rows.append_column(column, signatures[column])
        yield rows
