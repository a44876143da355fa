"""Select: rules over columns, duplicates last, one decision a document.

No text is read but that of candidate pairs. The rules look at one document at a time, so they run part by
part; duplicates are found among the documents that pass all rules, across all partitions. The decisions
depend on the set of partitions and on nothing else.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation import dedup, manifest, pairs, rules, stage
from curation.document import SCHEMA
from curation.facts import Partition
from curation.fingerprint import fingerprint
from curation.layout import Layout
from curation.manifest import File, Input, Manifest
from curation.recipe import Duplicates
from curation.stage import Published

VERSION = 1

DECISIONS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("partition", pa.string(), nullable=False),
        pa.field("text_bytes", pa.int64(), nullable=False),
        pa.field("kept", pa.bool_(), nullable=False),
        pa.field("reason", pa.string()),  # what is wrong; null if kept
        pa.field("duplicate_of", pa.string()),  # the id of the document that stays
        pa.field("similarity", pa.float64()),  # Jaccard, of the shingles of the two
        pa.field("method", pa.string()),  # exact or minhash
    ]
)

DUPLICATE_ID = "duplicate_id"
REASONS = {"exact": "exact_duplicate", "minhash": "near_duplicate"}

CANDIDATES = pa.schema([("id", pa.string())])

DOCUMENT_COLUMNS = [name for name in SCHEMA.names if name != "text"]


@dataclass(frozen=True)
class Rules:
    """What decides: conditions by reason, in order, and how duplicates are found."""

    drop: Mapping[str, str]
    duplicates: Duplicates | None

    @property
    def fingerprint(self) -> str:
        duplicates = self.duplicates.model_dump(mode="json") if self.duplicates else None
        # Order counts: the first condition that holds gives the reason.
        return fingerprint("select", VERSION, {"drop": list(self.drop.items()), "duplicates": duplicates})


@dataclass
class _Part:
    """One part on its way: what is decided about its documents, and what decides."""

    partition: Partition
    uri: str
    ids: list[str]
    text_bytes: list[int]
    reasons: list[str | None]


def decide(lake: Layout, recipe: str, partitions: Sequence[Partition], by: Rules) -> Published:
    """Publish the decisions about all documents of `partitions`; skipped if they are published."""
    found = find(lake, recipe, partitions, by)
    if found:
        return found
    inputs = _inputs(partitions)
    directory = _directory(lake, recipe, partitions, by)
    parts, candidates = _apply_rules(partitions, by)
    removed, details = _find_duplicates(lake, candidates, parts, by.duplicates)
    dropped: Counter[str] = Counter()
    files: list[File] = []
    for part in parts:
        table = _decisions(part, removed)
        dropped.update(r for r in table.column("reason").to_pylist() if r is not None)
        with stage.part_writer(directory, DECISIONS) as writer:
            for batch in table.to_batches():
                writer.write(batch)
            written = writer.publish()
        files += [written] if written else []
    rows = sum(file.rows for file in files)
    made = Manifest(
        stage="decisions",
        name=recipe,
        fingerprint=by.fingerprint,
        inputs=inputs,
        parts=tuple(files),
        rows_in=rows,
        kept=rows - dropped.total(),
        dropped=dict(sorted(dropped.items())),
        details=details,
    )
    return stage.publish(directory, made)


def find(lake: Layout, recipe: str, partitions: Sequence[Partition], by: Rules) -> Published | None:
    """The decisions about `partitions` by these rules, if published: part for part, in their order."""
    found = stage.current(_directory(lake, recipe, partitions, by))
    return found if found and found.manifest.inputs == _inputs(partitions) else None


def columns_of(uri: str, annotations: Mapping[str, str]) -> pa.Table:
    """All columns of one part of documents but the text, and those beside it, row for row."""
    table = stage.read_table(uri, DOCUMENT_COLUMNS)
    for beside in annotations.values():
        found = stage.read_table(beside)
        for name in found.column_names:
            table = table.append_column(found.schema.field(name), found.column(name))
    return table


def kept_rows(decisions: Published, partitions: Sequence[Partition]) -> Iterator[tuple[str, pa.Table]]:
    """(URI of a part of documents, the decisions about its rows), in order."""
    uris = (uri for p in partitions for uri in p.documents.part_uris())
    for uri, decided in zip(uris, decisions.part_uris(), strict=True):
        yield uri, stage.read_table(decided)


def _inputs(partitions: Sequence[Partition]) -> tuple[Input, ...]:
    return tuple(published.input for p in partitions for published in (p.documents, *p.annotations.values()))


def _directory(lake: Layout, recipe: str, partitions: Sequence[Partition], by: Rules) -> str:
    return lake.decisions(recipe, by.fingerprint, manifest.inputs_digest(_inputs(partitions)))


def _apply_rules(partitions: Sequence[Partition], by: Rules) -> tuple[list[_Part], pa.Table]:
    """The reason, if any, that the rules give each document, and the rows of those that pass all."""
    seen: set[bytes] = set()
    parts: list[_Part] = []
    survivors: list[pa.Table] = []
    with rules.connect() as db:
        for partition in partitions:
            for uri, beside in partition.parts():
                rows = columns_of(uri, beside)
                ids = rows.column("id").to_pylist()
                reasons = rules.reasons(db, by.drop, rows).to_pylist()
                reasons = _refuse_known(ids, reasons, seen)
                parts.append(_Part(partition, uri, ids, rows.column("text_bytes").to_pylist(), reasons))
                if by.duplicates:
                    survivors.append(_candidates(rows, reasons, len(parts) - 1))
    return parts, pa.concat_tables(survivors) if survivors else CANDIDATES.empty_table()


def _refuse_known(ids: list[str], reasons: list[str | None], seen: set[bytes]) -> list[str | None]:
    """`reasons`, where a document that passes is refused if one with its id passed before it."""
    refused = list(reasons)
    for n, id_ in enumerate(ids):
        if reasons[n] is not None:
            continue
        key = bytes.fromhex(id_)
        if key in seen:
            refused[n] = DUPLICATE_ID
        seen.add(key)
    return refused


def _candidates(rows: pa.Table, reasons: list[str | None], part: int) -> pa.Table:
    passed = np.flatnonzero([reason is None for reason in reasons])
    synthetic = pc.greater(pc.list_value_length(rows.column("parents")), 0)
    taken = rows.select(["id", "digest", "fetched_at", "signature", "shingles"]).take(passed)
    taken = taken.append_column("synthetic", synthetic.take(passed))
    taken = taken.append_column("part", pa.array(np.full(len(passed), part, np.int32)))
    return taken.append_column("row", pa.array(passed, pa.int64()))


def _find_duplicates(
    lake: Layout, candidates: pa.Table, parts: Sequence[_Part], settings: Duplicates | None
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """The removed documents by id, and what the manifest tells of the search."""
    if settings is None or not candidates.num_rows:
        return {}, {}
    cache = lake.pairs(fingerprint("pairs", 1, {"shingle_words": settings.shingle_words}))
    texts = partial(_texts, candidates.select(["digest", "part", "row"]), [part.uri for part in parts])
    result = dedup.find(candidates.drop(["part", "row"]), texts, settings, pairs.known(cache))
    pairs.remember(cache, result.verified)
    removed = {row["id"]: row for row in result.removed.to_pylist()}
    return removed, {"boilerplate_buckets": result.boilerplate.num_rows}


def _texts(where: pa.Table, uris: Sequence[str], digests: Sequence[str]) -> dict[str, str]:
    """The texts of `digests`: each part that holds some of them is read once."""
    wanted = where.filter(pc.is_in(where.column("digest"), pa.array(digests, pa.string())))
    by_part: dict[int, dict[int, str]] = {}
    seen: set[str] = set()
    for row in wanted.to_pylist():
        if row["digest"] not in seen:
            seen.add(row["digest"])
            by_part.setdefault(row["part"], {})[row["row"]] = row["digest"]
    found: dict[str, str] = {}
    for part, rows in by_part.items():
        first = 0
        for batch in stage.read_batches(uris[part], ["text"]):
            here = [row for row in rows if first <= row < first + batch.num_rows]
            texts = batch.column("text").take(pa.array([row - first for row in here], pa.int64()))
            found.update(zip((rows[row] for row in here), texts.to_pylist(), strict=True))
            first += batch.num_rows
    return found


def _decisions(part: _Part, removed: Mapping[str, dict[str, Any]]) -> pa.Table:
    """The decisions about one part, row for row."""
    rows = []
    for id_, size, reason in zip(part.ids, part.text_bytes, part.reasons, strict=True):
        duplicate = removed.get(id_, {}) if reason is None else {}
        why = reason or (REASONS[duplicate["method"]] if duplicate else None)
        rows.append(
            {
                "id": id_,
                "source": part.partition.source,
                "partition": part.partition.partition,
                "text_bytes": size,
                "kept": why is None,
                "reason": why,
                **{name: duplicate.get(name) for name in ("duplicate_of", "similarity", "method")},
            }
        )
    return pa.Table.from_pylist(rows, schema=DECISIONS)
