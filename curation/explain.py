"""Why a document is where it is: from the bytes it came of to the shard that holds it."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from curation import pipeline, rules, stage, storage
from curation.errors import LakeError, NotPublished
from curation.facts import Partition
from curation.judge import rounds
from curation.pipeline import Job
from curation.release import edits
from curation.select import columns_of
from curation.stage import Published
from curation.text.pii import KINDS


@dataclass(frozen=True)
class Verdict:
    """One rule, the values it reads, and whether it holds (and so drops)."""

    reason: str
    condition: str
    values: dict[str, Any]
    holds: bool


@dataclass(frozen=True)
class Explanation:
    """Everything that the lake knows of one document."""

    document: dict[str, Any]  # as in document.SCHEMA; `metadata` parsed
    part: str  # URI
    row: int
    annotations: dict[str, Any]
    verdicts: tuple[Verdict, ...]
    decision: dict[str, Any]  # as in select.DECISIONS
    kept_instead: dict[str, Any] | None  # the document that stays, for a duplicate
    judgment: dict[str, Any] | None
    children: tuple[str, ...]  # ids of the documents written from it
    shards: tuple[tuple[str, int], ...]  # (shard, row) of each copy


@dataclass(frozen=True)
class _Found:
    partition: Partition
    uri: str
    beside: dict[str, str]
    row: int


def explain(job: Job, id_: str) -> Explanation:
    """The explanation of the document `id_`, or of the only one whose id begins so. Raises LakeError.

    Of a run that an alarm has stopped it is that of the first decisions.
    """
    partitions, decided, drop = _latest(job)
    found = _find(partitions, id_)
    document = _document(found)
    columns = columns_of(found.uri, found.beside).slice(found.row, 1)
    decision = _decision(decided, partitions, found)
    instead = decision["duplicate_of"]
    return Explanation(
        document=document,
        part=found.uri,
        row=found.row,
        annotations=_annotations(columns, document),
        verdicts=_verdicts(job, drop, columns),
        decision=decision,
        kept_instead=_document(_find(partitions, instead)) if instead else None,
        judgment=_judgment(job, document["id"]),
        children=tuple(_children(partitions, document["id"])),
        shards=tuple(_shards(job, document["id"])),
    )


def _latest(job: Job) -> tuple[list[Partition], Published, Mapping[str, str]]:
    """The partitions, the decisions about them, and the rules that these follow."""
    try:
        return pipeline.everything(job), pipeline.decided(job), job.recipe.select.drop
    except NotPublished:
        return pipeline.gather(job, job.columns), pipeline.screen(job), pipeline.first_rules(job)


def _find(partitions: list[Partition], id_: str) -> _Found:
    hits: dict[str, _Found] = {}
    for partition in partitions:
        for uri, beside in partition.parts():
            ids = stage.read_table(uri, ["id"]).column("id")
            for row in pc.indices_nonzero(pc.starts_with(ids, id_)).to_pylist():
                hits.setdefault(ids[row].as_py(), _Found(partition, uri, beside, row))
    if not hits:
        raise LakeError(f"no document {id_!r} in this recipe's partitions; releases and decisions list ids")
    if len(hits) > 1:
        raise LakeError(
            f"{len(hits)} documents begin with {id_!r}: {', '.join(sorted(hits)[:5])} …; write more"
        )
    return next(iter(hits.values()))


def _document(found: _Found) -> dict[str, Any]:
    """The row of the document; its text redacted where it is known what is personal in it."""
    first = 0
    for batch in stage.read_batches(found.uri):
        if found.row < first + batch.num_rows:
            row: dict[str, Any] = batch.slice(found.row - first, 1).to_pylist()[0]
            return {**row, "text": _redacted(found, row["text"]), "metadata": json.loads(row["metadata"])}
        first += batch.num_rows
    raise LakeError(f"{found.uri} has no row {found.row}")


def _redacted(found: _Found, text: str) -> str:
    if "pii" not in found.beside:
        return text
    spans = stage.read_table(found.beside["pii"], [edits.PERSONAL]).column(0)
    return edits.edit(text, spans[found.row].as_py(), (), KINDS)[0]


def _annotations(columns: pa.Table, document: dict[str, Any]) -> dict[str, Any]:
    row = columns.to_pylist()[0]
    if edits.PERSONAL in row:
        row[edits.PERSONAL] = dict(sorted(Counter(span["kind"] for span in row[edits.PERSONAL]).items()))
    return {k: v for k, v in row.items() if k not in document and k != "signature"}


def _verdicts(job: Job, drop: Mapping[str, str], columns: pa.Table) -> tuple[Verdict, ...]:
    reads = rules.check(drop, job.schema)
    holds = rules.verdicts(drop, columns)
    row = columns.to_pylist()[0]
    return tuple(
        Verdict(reason, condition, {name: row[name] for name in sorted(reads[reason])}, holds[reason])
        for reason, condition in drop.items()
    )


def _decision(decided: Published, partitions: list[Partition], found: _Found) -> dict[str, Any]:
    uris = [uri for partition in partitions for uri, _ in partition.parts()]
    uri = decided.part_uris()[uris.index(found.uri)]
    row: dict[str, Any] = stage.read_table(uri).slice(found.row, 1).to_pylist()[0]
    return row


def _judgment(job: Job, id_: str) -> dict[str, Any] | None:
    published = rounds.judged(pipeline.loop(job)) if job.recipe.judge else []
    for uri in (uri for of_round in published for uri in of_round.part_uris()):
        rows = stage.read_table(uri)
        hit = rows.filter(pc.equal(rows.column("id"), id_)).to_pylist()
        if hit:
            return dict(hit[0])
    return None


def _children(partitions: list[Partition], id_: str) -> Iterator[str]:
    for partition in partitions:
        for uri, _ in partition.parts():
            rows = stage.read_table(uri, ["id", "parents"]).to_pylist()
            yield from (row["id"] for row in rows if id_ in row["parents"])


def _shards(job: Job, id_: str) -> Iterator[tuple[str, int]]:
    released = pipeline.already_released(job)
    if released is None:
        return
    for file in released.manifest.parts:
        ids = stage.read_table(storage.join(released.uri, file.name), ["id"]).column("id")
        for row in pc.indices_nonzero(pc.equal(ids, id_)).to_pylist():
            yield file.name, row
