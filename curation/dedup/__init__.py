"""Duplicates: which documents of a set go, and which one stays in the place of each.

    signatures   a document's MinHash signature, a fact of its own, computed once
    exact        documents of the same digest collapse to the first
    buckets      bands → buckets: LSH proposes
    pairs        candidate pair → verified pair: the real shingles decide; keyed by digest
    verdicts     the total order, and who stays

The verdicts depend on the set of documents and on nothing else: not on the order of rows, not on how they
came to be known, not on which pairs were verified before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from curation.dedup import buckets, exact, pairs, verdicts
from curation.dedup.signatures import annotator, recall
from curation.dedup.verdicts import REMOVED
from curation.recipe import Duplicates

__all__ = ["REMOVED", "Result", "annotator", "find", "recall"]


@dataclass(frozen=True)
class Result:
    """What `find` found.

    `removed` has the schema REMOVED, one row a removed document, ordered by id. `boilerplate` has the schema
    `buckets.BOILERPLATE`. `verified` has the schema `pairs.VERIFIED`: the pairs that were compared this time,
    near or not, those of `known` not among them.
    """

    removed: pa.Table
    boilerplate: pa.Table
    verified: pa.Table


def find(
    candidates: pa.Table,
    texts: Callable[[Sequence[str]], Mapping[str, str]],
    settings: Duplicates,
    known: Mapping[tuple[str, str], float] | None = None,
) -> Result:
    """The duplicates among `candidates`, the documents that pass every other rule.

    `candidates` has, in any order, the columns `id`, `digest`, `fetched_at` (may be null), `synthetic` (bool)
    and what `annotator(settings)` writes, `signature` and `shingles`. `texts` answers digests with their
    texts; it is asked few times, for many. `known` maps (smaller digest, larger digest) to the similarity
    found by an earlier run with the same `shingle_words`: these pairs are not compared again.

    Exact duplicates collapse first. Then a document is kept iff no kept earlier document is verified near it;
    what is removed names the first of those, or, when the first of its exact copies is removed, what that
    one names. LakeError if an id occurs twice or a text is missing.
    """
    rows = verdicts.ordered(candidates)
    first = exact.first_of(rows["digest"])
    leaders = np.flatnonzero(first == np.arange(len(rows)))
    distinct = rows.take(pa.array(leaders))
    shared = buckets.find(distinct, settings)
    verifier = pairs.Verifier(distinct, texts, settings, known or {})
    near = _near(shared, verifier, settings.similarity)
    by_row = {int(leaders[d]): (int(leaders[kept]), value) for d, (kept, value) in near.items()}
    return Result(verdicts.removed(rows, first, by_row), shared.boilerplate, verifier.verified())


def _near(
    shared: buckets.Buckets, verifier: pairs.Verifier, threshold: float
) -> dict[int, tuple[int, float]]:
    """What removes each removed document, and how similar it is; reads texts only for the groups that
    cannot be settled by what is known."""
    near: dict[int, tuple[int, float]] = {}
    unsettled = []
    for group in shared.groups:
        removed = verdicts.decide(group, shared.of, verifier.known, threshold)
        if removed is None:
            unsettled.append(group)
        else:
            near |= removed
    verifier.plan(unsettled)
    for group in unsettled:
        near |= verdicts.decide(group, shared.of, verifier.compare, threshold) or {}
    return near
