"""Keys → buckets: which documents could be duplicates.

A bucket lists documents, never pairs: a pair exists only once a verdict asks for it, so a bucket costs what
its kept documents cost, not its square.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Buckets:
    """Documents that share a key; a document is its position in the total order.

    `members` has the documents of bucket n, ascending, from `starts[n]` to `starts[n + 1]`; `of` has the
    buckets of document d from `firsts[d]` to `firsts[d + 1]`. Each of `groups` is a set of documents, in
    ascending order, that no bucket connects with another group.
    """

    starts: Positions
    members: Positions
    firsts: Positions
    of: Positions
    groups: Sequence[Positions]

    def documents(self, bucket: int) -> Positions:
        """The documents of a bucket, ascending."""
        return self.members[self.starts[bucket] : self.starts[bucket + 1]]

    def of_document(self, document: int) -> list[int]:
        """The buckets of a document."""
        found: list[int] = self.of[self.firsts[document] : self.firsts[document + 1]].tolist()
        return found


def find(keys: NDArray[np.uint64], documents: Positions, count: int) -> Buckets:
    """The buckets of `count` documents; row for row, `keys` has a key and `documents` what has it.

    A key that one document alone has makes no bucket. O(rows * log rows) time, 40 bytes a row.
    """
    order = np.lexsort((documents, keys))
    starts = np.flatnonzero(np.diff(keys[order], prepend=~keys[order[:1]]))
    sizes = np.diff(np.append(starts, len(order)))
    shared = np.repeat(sizes > 1, sizes)
    members = documents[order][shared]
    sizes = sizes[sizes > 1]
    bucket = np.repeat(np.arange(len(sizes)), sizes)
    by_document = np.argsort(members, kind="stable")
    firsts = np.searchsorted(members[by_document], np.arange(count + 1))
    return Buckets(
        starts=np.append(0, np.cumsum(sizes)),
        members=members,
        firsts=firsts,
        of=bucket[by_document],
        groups=_connected(members, bucket, count),
    )


def _connected(members: Positions, bucket: Positions, count: int) -> list[Positions]:
    """The components of the graph of documents and buckets, ordered by their first documents."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(members):
        return []
    size = count + int(bucket[-1]) + 1
    edges = coo_array((np.ones(len(members), dtype=np.int8), (members, count + bucket)), shape=(size, size))
    _, labels = connected_components(edges, directed=False)
    documents = np.unique(members)
    _, first, label = np.unique(labels[documents], return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))[label]
    order = np.argsort(rank, kind="stable")
    return np.split(documents[order], np.flatnonzero(np.diff(rank[order])) + 1)
