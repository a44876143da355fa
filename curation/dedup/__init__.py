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
    ids = {id_: n for n, id_ in reversed(list(enumerate(rows["id"].to_pylist())))}
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
    # What stands and is not kept removes nothing, and is seldom decided again.
    likely = before.undecided | before.kept
    verifier.plan([group[likely[group]] for group in unsettled])
    for group in unsettled:
        settled = verdicts.decide(group, shared, before, verifier.compare, max_bucket)
        found.add(settled or Verdicts())
    return found


def _changes(rows: pa.Table, before: Standing, found: Verdicts) -> pa.Table:
    ids, digests = rows["id"].to_pylist(), rows["digest"].to_pylist()
    partitions, numbers = rows["partition"].to_pylist(), rows["row"].to_pylist()
    alone = np.flatnonzero(before.undecided)
    kept = found.kept | (set(alone.tolist()) - set(found.removed))
    changes = []
    for document in sorted(kept | set(found.removed)):
        by, similarity = found.removed.get(document, (None, None))
        method = None
        if by is not None:
            same_id, same_digest = ids[by] == ids[document], digests[by] == digests[document]
            method = METHODS[0 if same_id else 1 if same_digest else 2]
            similarity = similarity if same_digest or not same_id else None
        stays = None if by is None else ids[by]
        row = (partitions[document], numbers[document], by is None, stays, similarity, method)
        changes.append(dict(zip(CHANGES.names, row, strict=True)))
    return pa.Table.from_pylist(changes, CHANGES)
