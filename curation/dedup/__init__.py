"""Duplicates: which documents of a set go, and which one stays in the place of each.

    signatures   a document's MinHash signature, a fact of its own, computed once
    bands        its keys: by its id, its digest and the bands of its signature others find it
    buckets      keys → buckets: who could be a duplicate of whom
    pairs        candidate pair → verified pair: the real shingles decide; keyed by digest
    verdicts     the total order, and who stays

The verdicts depend on the set of documents and on nothing else: not on the order of rows, not on how they
came to be known, not on which pairs were verified before, not on which documents were there before.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.dedup import buckets, pairs, verdicts
from curation.dedup.signatures import annotator
from curation.dedup.verdicts import UNKNOWN, Standing, Verdicts
from curation.recipe import Duplicates

__all__ = ["CHANGES", "DOCUMENTS", "Settled", "annotator", "settle"]

METHODS = ("same_id", "exact", "minhash")

_VERDICT = [
    pa.field("kept", pa.bool_(), nullable=False),
    pa.field("duplicate_of", pa.string()),  # the id of the document that stays
    pa.field("similarity", pa.float64()),  # Jaccard; 1 if exact; null if only the id is the same
    pa.field("method", pa.string()),  # one of METHODS
]
_WHERE = [
    pa.field("partition", pa.int32(), nullable=False),  # its number in the set
    pa.field("row", pa.int64(), nullable=False),  # in the partition
]

DOCUMENTS = pa.schema(
    [
        *_WHERE,
        pa.field("id", pa.string(), nullable=False),
        pa.field("digest", pa.string(), nullable=False),
        pa.field("fetched_at", pa.timestamp("us", tz="UTC")),
        pa.field("synthetic", pa.bool_(), nullable=False),
        pa.field("shingles", pa.int32(), nullable=False),  # how many distinct ones
        pa.field("undecided", pa.bool_(), nullable=False),  # if not, the verdict stands as it stood:
        *_VERDICT,
    ]
)
"""A document that may be a duplicate, or have one. Of an undecided one, `kept` says whether it was kept."""

CHANGES = pa.schema([*_WHERE, *_VERDICT])
"""A verdict about a document that was undecided, or that differs from the one that stood."""


@dataclass(frozen=True)
class Settled:
    """What `settle` found.

    `changes` has the schema CHANGES. `lost` are those of them that were kept before and are not now;
    `again` are documents that stood and must be settled as undecided, with all their keys; of both the
    columns `partition` and `row`. `verified` has the schema `pairs.VERIFIED`: the pairs compared this
    time, near or not, those of `known` not among them.
    """

    changes: pa.Table
    lost: pa.Table
    again: pa.Table
    verified: pa.Table


def settle(
    documents: pa.Table,
    keys: NDArray[np.uint64],
    of: NDArray[np.int64],
    texts: pairs.Texts,
    settings: Duplicates,
    known: pairs.Known | None = None,
) -> Settled:
    """Decide about the undecided ones of `documents`, and what that changes for those that stand.

    `documents` has the schema DOCUMENTS, in any order; `keys[n]` is a key of row `of[n]`. All keys of the
    undecided ones are there, and of each key all the documents that have it. `texts` answers digests with
    their texts; it is asked few times, for many. `known` maps (smaller digest, larger digest) to the
    similarity found by an earlier run with the same `shingle_words`: these pairs are not compared again.
    LakeError if a text is missing.
    """
    numbered = documents.append_column("number", pa.array(np.arange(documents.num_rows)))
    rows = verdicts.ordered(numbered)
    position = np.empty(rows.num_rows, dtype=np.int64)
    position[rows["number"].to_numpy()] = np.arange(rows.num_rows)
    shared = buckets.find(keys, position[of], rows.num_rows)
    before = _standing(rows)
    verifier = pairs.Verifier(rows, texts, settings, known or {})
    found = _decide(shared, before, verifier, settings.max_bucket)
    changes = _changes(rows, before, found)
    lost = {document for document in found.removed if before.kept[document]}
    return Settled(changes, _places(rows, lost), _places(rows, found.again), verifier.verified())


def _places(rows: pa.Table, documents: set[int]) -> pa.Table:
    return rows.select(["partition", "row"]).take(pa.array(sorted(documents), pa.int64()))


def _standing(rows: pa.Table) -> Standing:
    stood = rows["kept"].to_pylist()  # of an id that came twice, only what stayed can be meant
    ids = {id_: n for n, (id_, kept) in enumerate(zip(rows["id"].to_pylist(), stood, strict=True)) if kept}
    by = [UNKNOWN if id_ is None else ids.get(id_, UNKNOWN) for id_ in rows["duplicate_of"].to_pylist()]
    return Standing(
        undecided=rows["undecided"].to_numpy(zero_copy_only=False),
        kept=rows["kept"].to_numpy(zero_copy_only=False),
        by=np.array(by, dtype=np.int64),
    )


def _decide(shared: buckets.Buckets, before: Standing, verifier: pairs.Verifier, max_bucket: int) -> Verdicts:
    """The verdicts; texts are read only for the groups that cannot be settled by what is known."""
    found = Verdicts()
    unsettled = []
    for group in shared.groups:
        settled = verdicts.decide(group, shared, before, verifier.known, max_bucket)
        if settled is None:
            unsettled.append(group)
        else:
            found.add(settled)
    # What stands and is not kept removes nothing, and is decided again only if an earlier document has come.
    verifier.plan(unsettled, likely=before.undecided | before.kept)
    for group in unsettled:
        settled = verdicts.decide(group, shared, before, verifier.compare, max_bucket)
        found.add(settled or Verdicts())
    return found


def _changes(rows: pa.Table, before: Standing, found: Verdicts) -> pa.Table:
    removed = np.fromiter(found.removed, np.int64, len(found.removed))
    by = np.full(rows.num_rows, UNKNOWN, dtype=np.int64)
    similarity = np.zeros(rows.num_rows)
    if found.removed:
        by[removed], similarity[removed] = zip(*found.removed.values(), strict=True)
    told = before.undecided.copy()
    told[np.fromiter(found.kept, np.int64, len(found.kept))] = True
    told[removed] = True
    documents = np.flatnonzero(told)
    kept = by[documents] == UNKNOWN
    names = rows.select(["id", "digest"])
    ours, stays = names.take(pa.array(documents)), names.take(pa.array(by[documents], mask=kept))
    same_id, same_digest = (pc.equal(ours[name], stays[name]) for name in names.column_names)  # null if kept
    method = pc.if_else(same_id, METHODS[0], pc.if_else(same_digest, METHODS[1], METHODS[2]))
    compared = pc.or_(same_digest, pc.invert(same_id))
    columns = {
        **{name: rows[name].take(pa.array(documents)) for name in ("partition", "row")},
        "kept": pa.array(kept),
        "duplicate_of": stays["id"],
        "similarity": pc.if_else(compared, pa.array(similarity[documents]), None),
        "method": method,
    }
    return pa.table([columns[name] for name in CHANGES.names], schema=CHANGES)
