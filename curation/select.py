"""Select: rules over columns, duplicates last, one decision a document.

The rules look at one document at a time, so they run part by part; duplicates are found among the documents
that pass all rules, across all partitions. The decisions depend on the set of partitions and on nothing else;
but a set is decided from the nearest one that was decided before: the parts of a partition about which
nothing changes are those of the earlier set. No text is read but that of candidate pairs.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation import bands, dedup, duplicates, rules, stage, takedown
from curation.document import SCHEMA, content_hash
from curation.duplicates import Gone, Member
from curation.facts import Partition
from curation.fingerprint import fingerprint
from curation.layout import Layout
from curation.manifest import File, Input, Manifest
from curation.recipe import Duplicates
from curation.stage import Published

VERSION = 2

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
        pa.field("method", pa.string()),  # exact, minhash or same_id
    ]
)

DUPLICATE_ID = "duplicate_id"
REASONS = {"same_id": DUPLICATE_ID, "exact": "exact_duplicate", "minhash": "near_duplicate"}
NEAREST_OF = 10  # generations among which the nearest earlier set is looked for

VERDICT = ["kept", "duplicate_of", "similarity", "method"]
DOCUMENT_COLUMNS = [name for name in SCHEMA.names if name != "text"]


@dataclass(frozen=True)
class Rules:
    """What decides: conditions by reason, in order, and how duplicates are found."""

    drop: Mapping[str, str]
    duplicates: Duplicates | None

    @property
    def fingerprint(self) -> str:
        near = self.duplicates.model_dump(mode="json", exclude={"key_ranges"}) if self.duplicates else None
        # Order counts: the first condition that holds gives the reason.
        return fingerprint("select", VERSION, {"drop": list(self.drop.items()), "duplicates": near})


@dataclass(frozen=True)
class _Stood:
    """What an earlier set decided about a partition, part for part."""

    inputs: tuple[Input, ...]
    uris: tuple[str, ...]
    files: tuple[File, ...]
    dropped: tuple[dict[str, int], ...]


@dataclass
class _Side:
    """A partition on its way: what the rules say of it, and what stood."""

    partition: Partition
    taken_down: NDArray[np.int64]  # rows
    by: Rules
    needed: frozenset[str] = frozenset()  # the columns that the rules read
    stood: _Stood | None = None

    @property
    def same(self) -> bool:
        """Whether the rules say what they said."""
        return self.stood is not None and self.stood.inputs == self.inputs

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """What the decisions about it are made of."""
        beside = tuple(published.input for published in self.partition.annotations.values())
        gone = Input(name="taken_down", digest=content_hash("rows", self.taken_down.tobytes()))
        return (self.partition.documents.input, *beside, *([gone] if len(self.taken_down) else []))

    @cached_property
    def reasons(self) -> list[pa.Array]:
        """The reason, if any, that the rules give each document, part for part."""
        if self.stood and self.same:
            found = [stage.read_table(uri, ["reason"])["reason"] for uri in self.stood.uris]
            return [pc.if_else(_duplicate(column), None, column) for column in found]
        found, first = [], 0
        with rules.connect() as db:
            for uri, beside in self.partition.parts():
                columns = columns_of(uri, beside, self.needed)
                gone = np.isin(np.arange(first, first + columns.num_rows), self.taken_down)
                reasons = rules.reasons(db, self.by.drop, columns)
                reasons = pc.if_else(pa.array(gone), takedown.REASON, reasons)
                found.append(reasons.cast(pa.string()).dictionary_encode())
                first += columns.num_rows
        return found

    @cached_property
    def _passed(self) -> NDArray[np.bool_]:
        columns = [pc.is_null(column).to_numpy(zero_copy_only=False) for column in self.reasons]
        return np.concatenate([np.zeros(0, np.bool_), *columns])

    def earlier(self) -> pa.Table | None:
        """What `Member.earlier` gives; None if the documents or signatures are others than they were.

        Read each time: to hold it for every partition would be to hold a row for every document.
        """
        if self.stood is None or _facts(self.stood.inputs) != bands.inputs_of(self.partition):
            return None
        tables = [stage.read_table(uri, [*VERDICT, "reason"]) for uri in self.stood.uris]
        table = pa.concat_tables([DECISIONS.empty_table().select([*VERDICT, "reason"]), *tables])
        candidate = pc.or_(table["kept"], _duplicate(table["reason"]))
        return table.append_column("candidate", candidate)

    @property
    def member(self) -> Member:
        return Member(self.partition, lambda: self._passed, self.earlier, changed=not self.same)


def decide(lake: Layout, recipe: str, partitions: Sequence[Partition], by: Rules) -> Published:
    """Publish the decisions about all documents of `partitions`; skipped if they are published."""
    sides = _sides(lake, partitions, by)
    found = _published(lake, recipe, sides, by)
    if found:
        return found
    directory = lake.decisions(recipe, by.fingerprint)
    stood = _nearest(directory, sides) if by.duplicates else {}
    gone = _gone(lake, by.duplicates, stood, partitions) if by.duplicates else None
    if gone is None:  # what an earlier set was made of is no longer there
        stood, gone = {}, []
    needed = _needed(by, partitions)
    for side in sides:
        side.needed, side.stood = needed, stood.get((side.partition.source, side.partition.partition))
    if by.duplicates:
        changes = duplicates.resolve(lake, by.duplicates, [side.member for side in sides], gone)
    else:
        changes = _same_ids(sides)
    written = [_write(directory, side, changes.get(n)) for n, side in enumerate(sides)]
    return stage.publish(directory, _manifest(recipe, by, sides, written))


def find(lake: Layout, recipe: str, partitions: Sequence[Partition], by: Rules) -> Published | None:
    """The decisions about `partitions` by these rules, if published: part for part, in their order."""
    return _published(lake, recipe, _sides(lake, partitions, by), by)


def columns_of(uri: str, annotations: Mapping[str, str], wanted: frozenset[str] | None = None) -> pa.Table:
    """All columns of one part of documents but the text, and those beside it, row for row; or those of them
    that are wanted, and the id."""

    def asked(names: Sequence[str]) -> list[str]:
        return [name for name in names if wanted is None or name in wanted or name == "id"]

    table = stage.read_table(uri, asked(DOCUMENT_COLUMNS))
    for beside in annotations.values():
        names = asked(stage.read_schema(beside).names)
        found = stage.read_table(beside, names) if names else table.select([])
        for name in found.column_names:
            table = table.append_column(found.schema.field(name), found.column(name))
    return table


def kept_rows(decisions: Published, partitions: Sequence[Partition]) -> Iterator[tuple[str, pa.Table]]:
    """(URI of a part of documents, the decisions about its rows), in order."""
    uris = (uri for p in partitions for uri in p.documents.part_uris())
    for uri, decided in zip(uris, decisions.part_uris(), strict=True):
        yield uri, stage.read_table(decided)


def _sides(lake: Layout, partitions: Sequence[Partition], by: Rules) -> list[_Side]:
    stones = takedown.tombstones(lake)
    return [_Side(p, takedown.rows(lake, p, stones), by) for p in partitions]


def _published(lake: Layout, recipe: str, sides: Sequence[_Side], by: Rules) -> Published | None:
    inputs = tuple(i for side in sides for i in side.inputs)
    published = stage.generations(lake.decisions(recipe, by.fingerprint))
    return next((p for p in published if p.manifest.inputs == inputs), None)


def bands_read(decisions: Published) -> dict[tuple[str, str], tuple[Input, ...]]:
    """By source and partition, what the band rows are made of that a later set reads if it is decided from
    these decisions and lacks the partition, or has another generation of it."""
    return {place: _facts(was.inputs) for place, was in _stood(decisions).items()}


def _facts(inputs: Sequence[Input]) -> tuple[Input, ...]:
    """Of what a partition's decisions were made of, what `bands.inputs_of` names."""
    documents, *beside = inputs
    return (documents, *(i for i in beside if i.name.startswith("annotations/signatures/")))


def _nearest(directory: str, sides: Sequence[_Side]) -> dict[tuple[str, str], _Stood]:
    """What stood, by source and partition: of the last sets, the one that shares most inputs with this."""
    wanted = {i for side in sides for i in side.inputs}
    last = [p for p, _ in zip(stage.generations(directory), range(NEAREST_OF), strict=False)]
    if not last:
        return {}
    return _stood(min(last, key=lambda p: len(wanted.symmetric_difference(p.manifest.inputs))))


def _stood(decisions: Published) -> dict[tuple[str, str], _Stood]:
    """What was decided, by source and partition."""
    made = decisions.manifest
    inputs, uris, files = iter(made.inputs), iter(decisions.part_uris()), iter(made.parts)
    stood = {}
    for told in made.details["partitions"]:
        dropped = tuple(told["dropped"])
        stood[(told["source"], told["partition"])] = _Stood(
            inputs=tuple(next(inputs) for _ in range(told["inputs"])),
            uris=tuple(next(uris) for _ in dropped),
            files=tuple(next(files) for _ in dropped),
            dropped=dropped,
        )
    return stood


def _gone(
    lake: Layout,
    settings: Duplicates,
    stood: Mapping[tuple[str, str], _Stood],
    partitions: Sequence[Partition],
) -> list[Gone] | None:
    """The documents that were kept in partitions of which nothing is left; None if their keys are lost."""
    here = {(p.source, p.partition): bands.inputs_of(p) for p in partitions}
    gone = []
    for place, was in stood.items():
        facts = _facts(was.inputs)
        if here.get(place) == facts:
            continue
        published = bands.find(lake, settings, *place, facts)
        if published is None:
            return None
        kept = [stage.read_table(uri, ["kept"])["kept"].to_numpy() for uri in was.uris]
        rows = np.flatnonzero(np.concatenate([np.zeros(0, np.bool_), *kept]))
        if len(rows):
            gone.append(Gone(published, rows))
    return gone


def _needed(by: Rules, partitions: Sequence[Partition]) -> frozenset[str]:
    """The columns that the rules read."""
    for partition in partitions:
        for uri, beside in partition.parts():
            schemas = [stage.read_schema(u) for u in (uri, *beside.values())]
            reads = rules.check(by.drop, pa.schema([f for schema in schemas for f in schema]))
            return frozenset().union(*reads.values())
    return frozenset()


def _same_ids(sides: Sequence[_Side]) -> dict[int, pa.Table]:
    """Where no duplicates are looked for, still an id is in a set once: the first that passes stays."""
    seen: set[str] = set()
    changes: dict[int, pa.Table] = {}
    for n, side in enumerate(sides):
        ids = [
            i for uri, _ in side.partition.parts() for i in stage.read_table(uri, ["id"])["id"].to_pylist()
        ]
        rows = []
        for row in np.flatnonzero(side.member.passed()).tolist():
            if ids[row] in seen:
                rows.append({"partition": n, "row": row, "kept": False, "duplicate_of": ids[row]})
                rows[-1] |= {"similarity": None, "method": "same_id"}
            seen.add(ids[row])
        if rows:
            changes[n] = pa.Table.from_pylist(rows, dedup.CHANGES)
    return changes


def _write(directory: str, side: _Side, changes: pa.Table | None) -> tuple[list[File], list[dict[str, int]]]:
    """The parts of decisions about one partition, and what each drops, by reason."""
    if side.stood and side.same and changes is None:
        return list(side.stood.files), list(side.stood.dropped)
    files, dropped = [], []
    first = 0
    earlier = None if side.same else side.earlier()
    for n, (uri, beside) in enumerate(side.partition.parts()):
        reasons = side.reasons[n]
        rows = np.arange(first, first + len(reasons))
        table = _decisions(side, n, uri, beside)
        if earlier is not None:
            table = _standing(table, earlier.slice(first, len(reasons)))
        if changes is not None:
            table = _changed(table, rows, changes)
        with stage.part_writer(directory, DECISIONS) as writer:
            for batch in table.to_batches():
                writer.write(batch)
            file = writer.publish()
        counts = Counter(table["reason"].drop_null().to_pylist())
        files += [file] if file else []
        dropped.append(dict(sorted(counts.items())))
        first += len(reasons)
    return files, dropped


def _decisions(side: _Side, n: int, uri: str, beside: Mapping[str, str]) -> pa.Table:
    """What stood about a part; else what the rules alone say of it."""
    if side.stood and side.same:
        return stage.read_table(side.stood.uris[n])
    known = columns_of(uri, beside, frozenset({"text_bytes"}))
    reasons = side.reasons[n].cast(pa.string())
    rows = known.num_rows
    columns = {
        "id": known["id"],
        "source": pa.repeat(side.partition.source, rows),
        "partition": pa.repeat(side.partition.partition, rows),
        "text_bytes": known["text_bytes"],
        "kept": pc.is_null(reasons),
        "reason": reasons,
    }
    nothing = {f.name: pa.nulls(rows, f.type) for f in DECISIONS if f.name not in columns}
    return pa.table({**columns, **nothing}, schema=DECISIONS)


def _standing(table: pa.Table, stood: pa.Table) -> pa.Table:
    """What the rules say, with the verdicts that stood about documents that pass as they did."""
    stands = pc.and_(table["kept"], stood["candidate"])
    for name in (*VERDICT, "reason"):
        at = table.schema.get_field_index(name)
        column = pc.if_else(stands, stood[name], table[name])
        table = table.set_column(at, table.schema.field(at), column)
    return table


def _changed(table: pa.Table, rows: NDArray[np.int64], changes: pa.Table) -> pa.Table:
    """The decisions about `rows` with what `changes` say of them."""
    methods, reasons = pa.array(list(REASONS)), pa.array(list(REASONS.values()))
    reason = reasons.take(pc.index_in(changes["method"], methods).combine_chunks())
    return duplicates.overlay(table, rows, changes.append_column("reason", reason))


def _duplicate(reason: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.is_in(reason, pa.array(list(REASONS.values())))


def _manifest(
    recipe: str,
    by: Rules,
    sides: Sequence[_Side],
    written: Sequence[tuple[list[File], list[dict[str, int]]]],
) -> Manifest:
    dropped: Counter[str] = Counter()
    told: list[dict[str, Any]] = []
    for side, (_, counts) in zip(sides, written, strict=True):
        for count in counts:
            dropped.update(count)
        p = side.partition
        told.append({"source": p.source, "partition": p.partition, "dropped": counts})
        told[-1]["inputs"] = len(side.inputs)
    files = tuple(file for made, _ in written for file in made)
    rows = sum(file.rows for file in files)
    return Manifest(
        stage="decisions",
        name=recipe,
        fingerprint=by.fingerprint,
        inputs=tuple(i for side in sides for i in side.inputs),
        parts=files,
        rows_in=rows,
        kept=rows - dropped.total(),
        dropped=dict(sorted(dropped.items())),
        details={"partitions": told},
    )
