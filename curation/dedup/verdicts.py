"""Verdicts: the total order over documents, and who stays.

Keep a document iff no kept earlier document has its id or its digest or is verified near it: the
lexicographically first maximal independent set of the graph of duplicates. Of A≈B≈C with A≉C it keeps A and
C, where the transitive closure would remove C for B's sake. What is kept depends on the set and the order
alone.

A bucket proposes until `max_bucket` kept documents share it; from there on it is boilerplate, and proposes
nothing to later documents. So a bucket costs at most `max_bucket` comparisons a document, nothing once it is
full, and a hundred thousand near copies of one text, which share one kept document, still go.

Where verdicts of an earlier set are known, only what has changed is decided: documents are undecided, or
stand as they stood. One that stands is looked at again only if a document near it has risen, that is, was
not kept before and is now.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.dedup.buckets import Buckets, Positions

ORDER = ("synthetic", "fetched_at", "id", "partition", "row")
"""Real documents before synthetic ones, so that no text is lost to its own rewriting; then the earliest
capture, those without a time last; then by id; the same id twice, by where it lies."""

UNKNOWN = -1
"""The position of a document that is not here."""


@dataclass(frozen=True)
class Standing:
    """What stood before, by position in the total order; each of shape (documents,).

    `by` is the position of the document that removes this one, or UNKNOWN.
    """

    undecided: NDArray[np.bool_]
    kept: NDArray[np.bool_]
    by: Positions


@dataclass
class Verdicts:
    """What has been decided, by position: `removed` has the kept document and the similarity; `again` are
    documents that stood and have to be decided with all their buckets at hand."""

    kept: set[int] = field(default_factory=set)
    removed: dict[int, tuple[int, float]] = field(default_factory=dict)
    again: set[int] = field(default_factory=set)

    def add(self, other: "Verdicts") -> None:
        self.kept |= other.kept
        self.removed |= other.removed
        self.again |= other.again


def ordered(documents: pa.Table) -> pa.Table:
    """The documents in total order."""
    keys = [(name, "ascending", "at_end") for name in ORDER]
    return documents.take(pc.sort_indices(documents, sort_keys=keys))


def decide(
    group: Positions,
    buckets: Buckets,
    before: Standing,
    near: Callable[[int, int], float | None],
    max_bucket: int,
) -> Verdicts | None:
    """The verdicts about the documents of a group that are undecided or that change.

    Only documents with a common bucket are compared: `near(kept, document)` is how similar they are if the
    second is a duplicate of the first, 0 if it is not; None if it cannot be said, and then so is the answer.
    """
    found = Verdicts()
    kept_in: dict[int, list[int]] = {}  # by bucket: who is kept, up to `max_bucket`
    risen_in: dict[int, list[int]] = {}  # those of them who were not kept before
    for document in group.tolist():
        open_ = [b for b in buckets.of_document(document) if len(kept_in.get(b, ())) < max_bucket]
        rivals = _rivals(document, open_, before, kept_in, risen_in)
        if rivals is None:
            found.again.add(document)
            continue
        removal = _first_near(document, rivals, near)
        if removal is None:
            return None
        if removal[0] != UNKNOWN:
            found.removed[document] = removal
            continue
        if before.undecided[document]:
            found.kept.add(document)
        elif not before.kept[document]:
            continue
        risen = not before.kept[document]
        for bucket in open_:
            kept_in.setdefault(bucket, []).append(document)
            if risen:
                risen_in.setdefault(bucket, []).append(document)
    found.again |= _moved(group, buckets, before, kept_in, max_bucket)
    return found


def _rivals(
    document: int,
    open_: list[int],
    before: Standing,
    kept_in: dict[int, list[int]],
    risen_in: dict[int, list[int]],
) -> list[int] | None:
    """The earlier documents that could remove this one; None if that takes all its buckets to say."""
    if before.undecided[document]:
        return sorted({kept for bucket in open_ for kept in kept_in.get(bucket, ())})
    risen = {kept for bucket in open_ for kept in risen_in.get(bucket, ())}
    if before.kept[document] or not risen:
        return sorted(risen)
    by = int(before.by[document])
    return None if by == UNKNOWN else sorted(kept for kept in risen if kept < by)


def _first_near(
    document: int, rivals: list[int], near: Callable[[int, int], float | None]
) -> tuple[int, float] | None:
    """The first of `rivals` that the document duplicates; UNKNOWN if it duplicates none."""
    for kept in rivals:
        value = near(kept, document)
        if value is None:
            return None
        if value > 0:
            return kept, value
    return UNKNOWN, 0.0


def _moved(
    group: Positions,
    buckets: Buckets,
    before: Standing,
    kept_in: dict[int, list[int]],
    max_bucket: int,
) -> set[int]:
    """Documents that stood and for which a bucket has become, or is no longer, boilerplate."""
    moved: set[int] = set()
    of_group = {b for document in group.tolist() for b in buckets.of_document(document)}
    for bucket in of_group:
        members = buckets.documents(bucket)
        if len(members) <= max_bucket:
            continue
        stood = members[before.kept[members]]
        now = kept_in.get(bucket, [])
        ends = [int(kept[max_bucket - 1]) if len(kept) >= max_bucket else None for kept in (stood, now)]
        if ends[0] == ends[1]:
            continue
        first = min(end for end in ends if end is not None)
        last = max(end if end is not None else int(members[-1]) for end in ends)
        between = members[(members > first) & (members <= last) & ~before.undecided[members]]
        moved.update(between.tolist())
    return moved
