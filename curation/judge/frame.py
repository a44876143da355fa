"""The documents that a sample is drawn from: kept, and without parents, as what is drawn is asked of a model
and what has parents was written by one.

Passes go part by part: held are what a pass keeps, never a row for every document.
"""

import heapq
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation import stage
from curation.document import SCHEMA, content_hash
from curation.errors import LakeError
from curation.facts import Partition
from curation.judge.strata import EDGES_FROM, Cells, cells
from curation.select import columns_of
from curation.stage import Published

COLUMNS = ["id", "digest", "source", "license", "text"]
AUDIT, STRATIFIED, UNCERTAIN = "audit", "stratified", "uncertain"
SAMPLE = pa.schema(
    [
        *(SCHEMA.field(name) for name in COLUMNS),
        pa.field("stratum", pa.string()),
        pa.field("drawn_for", pa.string()),  # audit, stratified, or uncertain: chosen for its score
        pa.field("weight", pa.float64()),  # documents that this one stands for, within its slice
        pa.field("classifier_score", pa.float64()),  # by which it was chosen; null in the first round
    ]
)


class Drawn(NamedTuple):
    """A document in the order of a draw: by its hash, then its id, as several may have one digest."""

    hash: str
    id: str
    digest: str
    stratum: str
    uri: str
    row: int
    score: float | None = None


@dataclass(frozen=True)
class Frame:
    """The documents that decisions keep, and that have no parents. `score` names a classifier's column."""

    decisions: Published
    partitions: Sequence[Partition]
    strata: Sequence[str] = ()
    score: str | None = None

    def parts(self) -> Iterator[tuple[str, NDArray[np.int64], pa.Table]]:
        """(URI of a part, rows, their id, digest and the columns of strata and score)."""
        parts = (part for partition in self.partitions for part in partition.parts())
        named = [*self.strata, *([self.score] if self.score else [])]
        wanted = frozenset({"digest", "parents", *named})
        for (uri, beside), decided in zip(parts, self.decisions.part_uris(), strict=True):
            known, kept = columns_of(uri, beside, wanted), stage.read_table(decided, ["id", "kept"])
            if known.column("id") != kept.column("id"):
                raise LakeError(f"{uri} and the decisions about it do not list the same documents")
            original = pc.equal(pc.list_value_length(known.column("parents")), 0)
            rows = pc.indices_nonzero(pc.and_(kept.column("kept"), original))
            taken = known.select(list(dict.fromkeys(("id", "digest", *named)))).take(rows)
            yield uri, rows.to_numpy().astype(np.int64), taken

    def cells(self) -> Cells:
        """What tells the strata apart."""
        held: pa.Table | None = None
        for _, _, rows in self.parts() if self.strata else ():
            both = rows if held is None else pa.concat_tables([held, rows])
            order = pc.sort_indices(both, [("digest", "ascending"), ("id", "ascending")])
            held = both.take(order[:EDGES_FROM])
        return cells(held.select(list(self.strata)) if held is not None else pa.table({}))

    def candidates(self, cells: Cells, *key: str) -> Iterator[list[Drawn]]:
        """The documents of each part, with their hash by `key`."""
        for uri, rows, table in self.parts():
            digests = table.column("digest").to_pylist()
            hashes = [content_hash("sample", *key, digest) for digest in digests]
            names = cells.of(table.select(list(self.strata))) if self.strata else [""] * len(digests)
            scores = table.column(self.score).to_pylist() if self.score else [None] * len(digests)
            ids, uris = table.column("id").to_pylist(), [uri] * len(digests)
            each = zip(hashes, ids, digests, names, uris, rows.tolist(), scores, strict=True)
            yield [Drawn(*document) for document in each]

    def texts(self, ids: Collection[str]) -> dict[str, str]:
        """The texts of those that are in the frame, by id. Takes a pass over its ids."""
        wanted, found = pa.array(sorted(ids), pa.string()), dict[str, str]()
        for uri, rows, table in self.parts():
            hit = pc.is_in(table.column("id"), wanted).to_numpy()
            if hit.any():
                read = stage.take_rows(uri, rows[hit], ["id", "text"])
                found |= zip(read.column("id").to_pylist(), read.column("text").to_pylist(), strict=True)
        return found

    def some(self, count: int) -> tuple[list[str], float]:
        """The texts of so many documents, at random by a hash of their ids, or of all; and how many documents
        each stands for."""
        held, every = list[tuple[str, str]](), 0
        for _, _, table in self.parts():
            ids = table.column("id").to_pylist()
            held = heapq.nsmallest(count, [*held, *((content_hash("some", id_), id_) for id_ in ids)])
            every += len(ids)
        texts = self.texts([id_ for _, id_ in held])
        return [texts[id_] for _, id_ in held], every / len(held)


def table(drawn: Sequence[Drawn], drawn_for: Sequence[str], weights: Sequence[float]) -> pa.Table:
    """What is drawn, with its texts, as a table of `SAMPLE`."""
    rows = read(drawn)
    empty = SAMPLE.empty_table().select(COLUMNS)
    found = pa.concat_tables([empty, *(rows[document.id] for document in drawn)]).combine_chunks()
    beside = ([d.stratum for d in drawn], drawn_for, weights, [d.score for d in drawn])
    for name, values in zip(SAMPLE.names[len(COLUMNS) :], beside, strict=True):
        found = found.append_column(SAMPLE.field(name), pa.array(values, SAMPLE.field(name).type))
    return found


def read(drawn: Sequence[Drawn]) -> dict[str, pa.Table]:
    """COLUMNS of each document as a table of one row, by id; every part is read once."""
    by_part: dict[str, list[Drawn]] = {}
    for document in drawn:
        by_part.setdefault(document.uri, []).append(document)
    found: dict[str, pa.Table] = {}
    for uri, documents in by_part.items():
        rows = stage.take_rows(uri, np.array([d.row for d in documents]), COLUMNS).cast(
            pa.schema([SAMPLE.field(name) for name in COLUMNS])
        )
        for n, id_ in enumerate(rows.column("id").to_pylist()):
            found[id_] = rows.slice(n, 1)
    return found
