"""Verdicts: the total order over documents, and who stays.

Keep a document iff no kept earlier document is verified near it: the lexicographically first maximal
independent set of the graph of verified pairs. Of A≈B≈C with A≉C it keeps A and C, where the transitive
closure would remove C for B's sake. What is kept depends on the set and the order alone.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.errors import LakeError

REMOVED = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("duplicate_of", pa.string(), nullable=False),  # the id of a document that stays
        pa.field("similarity", pa.float64(), nullable=False),  # Jaccard; 1 if exact
        pa.field("method", pa.string(), nullable=False),  # "exact" or "minhash"
    ]
)


def ordered(candidates: pa.Table) -> pa.Table:
    """The documents in total order: real ones before synthetic ones, so that no text is lost to its own
    rewriting; then the earliest capture, those without a time last; then by id."""
    keys = [(name, "ascending", "at_end") for name in ("synthetic", "fetched_at", "id")]
    rows = candidates.take(pc.sort_indices(candidates, sort_keys=keys))
    counts = pc.value_counts(rows["id"].combine_chunks())
    twice = counts.filter(pc.greater(counts.field("counts"), 1))
    if len(twice):
        raise LakeError(
            f"document {twice[0]['values'].as_py()} is in this set {twice[0]['counts'].as_py()} times "
            "and may be once: quarantine the others before looking for duplicates"
        )
    return rows


def decide(
    group: Sequence[int],
    buckets_of: Mapping[int, Sequence[int]],
    similarity: Callable[[int, int], float | None],
    threshold: float,
) -> dict[int, tuple[int, float]] | None:
    """The removed documents of a group, each with the first kept document near it and their similarity.

    `group` are positions in the total order, ascending; only documents with a common bucket are compared, by
    `similarity(kept, document)`. None if it was None for a pair that had to be compared.
    """
    kept_in: dict[int, list[int]] = {}
    removed: dict[int, tuple[int, float]] = {}
    for document in group:
        shared = buckets_of[document]
        for kept in sorted({kept for bucket in shared for kept in kept_in.get(bucket, ())}):
            value = similarity(kept, document)
            if value is None:
                return None
            if value >= threshold:
                removed[document] = kept, value
                break
        else:
            for bucket in shared:
                kept_in.setdefault(bucket, []).append(document)
    return removed


def removed(rows: pa.Table, first: NDArray[np.int64], near: Mapping[int, tuple[int, float]]) -> pa.Table:
    """The removed documents of `rows`, ordered by id; the schema is REMOVED.

    `first` has for each row the first one of its digest; `near` has for such first ones, by row, what
    removes them and how similar it is. A copy of a removed document names the one that really stays.
    """
    ids = rows["id"].to_pylist()
    found: list[tuple[str, str, float, str]] = []
    for row, leader in enumerate(first.tolist()):
        if leader in near:
            stays, similarity = near[leader]
            found.append((ids[row], ids[stays], similarity, "minhash"))
        elif leader != row:
            found.append((ids[row], ids[leader], 1.0, "exact"))
    return pa.Table.from_pylist(
        [dict(zip(REMOVED.names, row, strict=True)) for row in sorted(found)], REMOVED
    )
