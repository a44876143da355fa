"""A keyed sample: of all documents asked for, those with the smallest hash of (purpose, seed, digest).

Which documents are drawn depends on the set and the key alone, not on the order of partitions or parts, and
a larger sample begins with the smaller one. Documents with parents are left out: they were written by a
model, and what is drawn here decides what is asked of one.
"""

import heapq
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from curation import stage
from curation.document import SCHEMA, content_hash
from curation.errors import LakeError
from curation.facts import Partition
from curation.select import kept_rows
from curation.stage import Published

COLUMNS = ["id", "digest", "source", "license", "text"]
SAMPLE = pa.schema([SCHEMA.field(name) for name in COLUMNS])


class _Drawn(NamedTuple):
    """A document in the order of the draw: by its hash, then its id, as several may have one digest."""

    hash: str
    id: str
    digest: str
    uri: str
    row: int


def draw(
    decisions: Published, partitions: Sequence[Partition], size: int, *, seed: int, purpose: str
) -> pa.Table:
    """The sample as a table of `SAMPLE`, in the order of the draw: `size` kept documents of distinct digests,
    or all that there are. `text` is whole; a prompt truncates it. Samples of two purposes are independent.
    """
    best: list[_Drawn] = []
    for uri, decided in kept_rows(decisions, partitions):
        best = _smallest(size, [*best, *_candidates(uri, decided, seed, purpose)])
    texts = _read(best)
    return pa.concat_tables([SAMPLE.empty_table(), *(texts[drawn.id] for drawn in best)]).combine_chunks()


def _candidates(uri: str, decided: pa.Table, seed: int, purpose: str) -> Iterator[_Drawn]:
    documents = stage.read_table(uri, ["id", "digest", "parents"])
    if documents.column("id") != decided.column("id"):
        raise LakeError(f"{uri} and the decisions about it do not list the same documents")
    original = pc.equal(pc.list_value_length(documents.column("parents")), 0)
    rows = pc.indices_nonzero(pc.and_(decided.column("kept"), original))
    taken = documents.select(["id", "digest"]).take(rows)
    columns = (rows, taken.column("id"), taken.column("digest"))
    for row, id_, digest in zip(*(column.to_pylist() for column in columns), strict=True):
        yield _Drawn(content_hash("sample", purpose, str(seed), digest), id_, digest, uri, row)


def _smallest(size: int, candidates: list[_Drawn]) -> list[_Drawn]:
    """The first document of each of the `size` smallest hashes, in order."""
    first: dict[str, _Drawn] = {}
    for drawn in candidates:
        held = first.get(drawn.digest)
        if held is None or drawn < held:
            first[drawn.digest] = drawn
    return heapq.nsmallest(size, first.values())


def _read(drawn: Sequence[_Drawn]) -> dict[str, pa.Table]:
    """Each drawn document as a table of one row, by id; every part is read once."""
    by_part: dict[str, list[_Drawn]] = {}
    for document in drawn:
        by_part.setdefault(document.uri, []).append(document)
    found: dict[str, pa.Table] = {}
    for uri, documents in by_part.items():
        first = 0
        for batch in stage.read_batches(uri, COLUMNS):
            rows = pa.Table.from_batches([batch]).select(COLUMNS).cast(SAMPLE)
            for document in documents:
                if first <= document.row < first + batch.num_rows:
                    found[document.id] = rows.slice(document.row - first, 1)
            first += batch.num_rows
    return found
