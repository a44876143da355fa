"""Which documents of a set are duplicates, given what was decided about an earlier set.

Only what has changed is looked at. A round finds, in the index, all that share a key with the undecided
documents, and settles these; documents that stood may fall by it, and those that fell for their sake are
undecided in the next round. It ends when none is, with the verdicts of a run from scratch: each follows from
the earlier documents alone, so there is one set of verdicts in which all agree.
"""

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation import bands, dedup, index, pairs, stage
from curation.facts import Partition
from curation.layout import Layout
from curation.recipe import Duplicates
from curation.stage import Published

KEYS_AT_ONCE = 2_000_000  # looked up together: all that has one of them is held meanwhile, 40 bytes a row

Rows = NDArray[np.int64]
Frontier = dict[int, Rows]
"""Rows of documents by the number of their partition."""


@dataclass(frozen=True)
class Member:
    """A partition of the set. `passed` says which documents pass all other rules; `earlier` has what stood,
    row for row: `kept`, `duplicate_of`, `similarity`, `method`, and `candidate`, whether it passed; None if
    nothing stood."""

    partition: Partition
    passed: Callable[[], NDArray[np.bool_]]
    earlier: Callable[[], pa.Table | None]
    changed: bool  # whether either differs from what stood; if not, neither is asked for without need


@dataclass(frozen=True)
class Gone:
    """Documents that were kept and are so no more: rows of published band rows."""

    bands: Published
    rows: Rows


@dataclass
class _Set:
    lake: Layout
    settings: Duplicates
    members: Sequence[Member]
    changes: dict[int, pa.Table] = field(default_factory=dict)  # by partition; rows ascending
    verified: list[pa.Table] = field(default_factory=list)  # pairs compared, round by round
    compared: dict[tuple[str, str], float] = field(default_factory=dict)  # the same, by digests

    @cached_property
    def bands(self) -> list[Published]:
        return [bands.publish(self.lake, self.settings, m.partition) for m in self.members]

    @cached_property
    def segments(self) -> list[index.Segment]:
        return index.cover(self.lake, self.settings, self.bands)

    @cached_property
    def numbers(self) -> dict[str, int]:
        return {published.input.digest: n for n, published in enumerate(self.bands)}


def resolve(
    lake: Layout, settings: Duplicates, members: Sequence[Member], withdrawn: Sequence[Gone]
) -> dict[int, pa.Table]:
    """The verdicts that are new or differ, by the number of the partition; the schema is `dedup.CHANGES`."""
    here = _Set(lake, settings, members)
    undecided = {n: rows for n, m in enumerate(members) if m.changed and len(rows := _arrived(m))}
    gone = [*withdrawn]
    gone += [Gone(here.bands[n], rows) for n, m in enumerate(members) if len(rows := _left(m))]
    while True:
        undecided = _union(undecided, _orphans(here, gone))
        if not undecided:
            if here.verified:
                pairs.remember(pairs.directory(lake, settings), pa.concat_tables(here.verified))
            return here.changes
        settled = _round(here, undecided)
        gone = [Gone(here.bands[n], rows) for n, rows in _frontier(settled.lost).items()]
        undecided = _frontier(settled.again)


def _arrived(member: Member) -> Rows:
    """The documents that are candidates now and were not."""
    earlier, passed = member.earlier(), member.passed()
    stood = _array(earlier["candidate"]) if earlier else np.zeros(len(passed), dtype=np.bool_)
    return np.flatnonzero(passed & ~stood)


def _left(member: Member) -> Rows:
    """The documents that were kept and are candidates no more."""
    earlier = member.earlier() if member.changed else None
    if earlier is None:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(_array(earlier["kept"]) & ~member.passed())


def _orphans(here: _Set, gone: Sequence[Gone]) -> Frontier:
    """Documents that must be decided again because some are kept no more: those removed for their sake, and
    those of a bucket that was boilerplate with them."""
    if not gone:
        return {}
    lost, counts = np.unique(
        np.concatenate([index.keys_of(g.bands, g.rows) for g in gone]), return_counts=True
    )
    keys, partitions, rows = _sharing(here, lost, least=1)
    documents, of = _documents(here, partitions, rows, {})
    kept = _array(documents["kept"])
    bucket = np.searchsorted(lost, keys)
    served = counts + np.bincount(bucket, weights=kept[of], minlength=len(lost))
    freed = np.zeros(len(kept), dtype=np.bool_)
    freed[of[(served >= here.settings.max_bucket)[bucket]]] = True
    ids = pa.concat_arrays([_ids(g) for g in gone])
    fell = _array(pc.is_in(documents["duplicate_of"], ids))
    return _frontier(documents.filter(pa.array(freed | fell)))


def _ids(gone: Gone) -> pa.Array:
    return stage.take_rows(bands.members(gone.bands), gone.rows, ["id"])["id"].combine_chunks()


def _round(here: _Set, undecided: Frontier) -> dedup.Settled:
    """Settle the undecided documents, and note what changes."""
    keys, partitions, rows = _sharing(here, _asked(here, undecided), least=2)
    documents, of = _documents(here, partitions, rows, undecided)
    cached = pairs.known(pairs.directory(here.lake, here.settings), documents["digest"])
    known = ChainMap(here.compared, cached)
    settled = dedup.settle(documents, keys, of, _texts(here, documents), here.settings, known)
    here.verified.append(settled.verified)
    here.compared.update(dedup.pairs.mapping(settled.verified))
    for n, rows in undecided.items():
        _note(here, n, _kept(n, rows))
    for n, places in _by_partition(settled.changes["partition"].to_numpy()):
        _note(here, n, settled.changes.take(pa.array(places)))
    return settled


def _asked(here: _Set, undecided: Frontier) -> NDArray[np.uint64]:
    """The keys of undecided documents, sorted, each once."""
    keys = np.concatenate([index.keys_of(here.bands[n], rows) for n, rows in undecided.items()])
    keys.sort()
    first = np.ones(len(keys), dtype=np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    return keys[first]


def _sharing(
    here: _Set, keys: NDArray[np.uint64], least: int
) -> tuple[NDArray[np.uint64], NDArray[np.int32], Rows]:
    """The candidates of the set that have one of the sorted `keys` which as many as `least` of them have:
    key, partition, row."""
    parts = [keys[first : first + KEYS_AT_ONCE] for first in range(0, max(len(keys), 1), KEYS_AT_ONCE)]
    found = [_candidates(here, part, least) for part in parts]
    every, partitions, rows = zip(*found, strict=True)
    return np.concatenate(every), np.concatenate(partitions), np.concatenate(rows)


def _candidates(
    here: _Set, keys: NDArray[np.uint64], least: int
) -> tuple[NDArray[np.uint64], NDArray[np.int32], Rows]:
    """`_sharing` of some keys."""
    found, partitions, rows = index.sharing(here.segments, keys, here.numbers)
    chosen = np.zeros(len(found), dtype=np.bool_)
    for n, places in _by_partition(partitions):
        chosen[places] = here.members[n].passed()[rows[places]]
    bucket = np.searchsorted(keys, found)
    chosen &= np.bincount(bucket[chosen], minlength=len(keys))[bucket] >= least
    return found[chosen], partitions[chosen], rows[chosen]


def _by_partition(partitions: NDArray[np.int32]) -> Iterator[tuple[int, Rows]]:
    """The number of each partition, and where it is, ascending."""
    order = np.argsort(partitions, kind="stable")
    numbers, firsts = np.unique(partitions[order], return_index=True)
    yield from zip(numbers.tolist(), np.split(order, firsts)[1:], strict=True)


def _documents(
    here: _Set, partitions: NDArray[np.int32], rows: Rows, undecided: Frontier
) -> tuple[pa.Table, Rows]:
    """The distinct documents at these places, with `dedup.DOCUMENTS`, and which of them each place is."""
    tables = [dedup.DOCUMENTS.empty_table()]
    of = np.zeros(len(rows), dtype=np.int64)
    count = 0
    for n, places in _by_partition(partitions):
        chosen, inverse = np.unique(rows[places], return_inverse=True)
        tables.append(_load(here, n, chosen, undecided.get(n, np.zeros(0, dtype=np.int64))))
        of[places] = count + inverse
        count += len(chosen)
    return pa.concat_tables(tables), of


def _load(here: _Set, n: int, rows: Rows, undecided: Rows) -> pa.Table:
    members = stage.take_rows(bands.members(here.bands[n]), rows, bands.MEMBERS.names)
    earlier = here.members[n].earlier()
    stood = earlier.take(pa.array(rows)) if earlier else _nothing(len(rows))
    if n in here.changes:
        stood = overlay(stood, rows, here.changes[n])
    columns = {name: members[name] for name in bands.MEMBERS.names}
    columns |= {name: stood[name] for name in ("kept", "duplicate_of", "similarity", "method")}
    columns |= {
        "partition": np.full(len(rows), n, np.int32),
        "row": rows,
        "undecided": np.isin(rows, undecided),
    }
    return pa.table([columns[name] for name in dedup.DOCUMENTS.names], schema=dedup.DOCUMENTS)


def _nothing(rows: int) -> pa.Table:
    """What stood where nothing did."""
    verdict = [f for f in dedup.CHANGES if f.name not in ("partition", "row")]
    columns = [np.zeros(rows, np.bool_) if f.name == "kept" else pa.nulls(rows, f.type) for f in verdict]
    return pa.table(columns, schema=pa.schema(verdict))


def overlay(stood: pa.Table, rows: Rows, changes: pa.Table) -> pa.Table:
    """`stood`, whose rows are `rows` (ascending), with the columns of `changes` where it has that row."""
    changed = changes["row"].to_numpy()
    at = np.searchsorted(changed, rows)
    at[at == len(changed)] = 0
    hit = (changed[at] == rows) if len(changed) else np.zeros(len(rows), dtype=np.bool_)
    place = pa.array(at, mask=~hit)
    for number, name in enumerate(stood.column_names):
        if name in changes.column_names and name not in ("partition", "row"):
            column = pc.if_else(pa.array(hit), changes[name].take(place), stood[name])
            stood = stood.set_column(number, stood.schema.field(number), column)
    return stood


def _kept(n: int, rows: Rows) -> pa.Table:
    """The verdict about undecided documents of a partition as long as nothing speaks against them."""
    stays = _nothing(len(rows)).drop(["kept"]).columns
    columns = [np.full(len(rows), n, np.int32), rows, np.ones(len(rows), np.bool_), *stays]
    return pa.table(columns, schema=dedup.CHANGES)


def _note(here: _Set, n: int, new: pa.Table) -> None:
    """Put new verdicts about a partition over those of earlier rounds; the last about a document holds."""
    table = pa.concat_tables([*([here.changes[n]] if n in here.changes else []), new])
    rows = table["row"].to_numpy()
    _, last = np.unique(rows[::-1], return_index=True)
    here.changes[n] = table.take(pa.array(len(rows) - 1 - last))


def _texts(here: _Set, documents: pa.Table) -> Callable[[Sequence[str]], Mapping[str, str]]:
    """Reads the texts of some of `documents`, by digest: each part that holds some of them once."""
    where = documents.select(["digest", "partition", "row"])

    def texts(digests: Sequence[str]) -> dict[str, str]:
        wanted = where.filter(pc.is_in(where["digest"], pa.array(digests, pa.string())))
        _, first = np.unique(
            pc.dictionary_encode(wanted["digest"].combine_chunks()).indices, return_index=True
        )
        wanted = wanted.take(pa.array(first))
        found: dict[str, str] = {}
        for n in pc.unique(wanted["partition"]).to_pylist():
            of_n = wanted.filter(pc.equal(wanted["partition"], n)).sort_by("row")
            documents = here.members[n].partition.documents
            texts = read_rows(documents, of_n["row"].to_numpy(), ["digest", "text"])
            found |= dict(zip(texts["digest"].to_pylist(), texts["text"].to_pylist(), strict=True))
        return found

    return texts


def read_rows(published: Published, rows: Rows, columns: list[str]) -> pa.Table:
    """Some rows of a partition's documents, or of a column beside them; ascending, counted over all parts."""
    tables = []
    first = 0
    for uri, file in zip(published.part_uris(), published.manifest.parts, strict=True):
        here = rows[(rows >= first) & (rows < first + file.rows)] - first
        if len(here):
            tables.append(stage.take_rows(uri, here, columns))
        first += file.rows
    return pa.concat_tables(tables)


def _frontier(documents: pa.Table) -> Frontier:
    partitions, rows = documents["partition"].to_numpy(), documents["row"].to_numpy()
    return {n: np.unique(rows[places]) for n, places in _by_partition(partitions)}


def _union(one: Frontier, other: Frontier) -> Frontier:
    empty = np.zeros(0, dtype=np.int64)
    return {n: np.union1d(one.get(n, empty), other.get(n, empty)) for n in sorted(one.keys() | other.keys())}


def _array(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = column.to_numpy(zero_copy_only=False)
    return found
