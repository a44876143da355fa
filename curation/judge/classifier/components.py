"""Which judged documents are copies of each other, more or less.

What is trained on and a near copy of it that is measured on would make a classifier look better than it is.
So near copies stay on one side. Rules may have removed those that are as similar as the recipe asks; here
much less is enough: pages of one template, editions of one text.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation import dedup
from curation.dedup import bands, buckets, pairs
from curation.recipe import Duplicates

SETTINGS = Duplicates(similarity=0.5)
COMPARED = 100  # documents of a bucket, in their order, that each is compared with


def components(digests: Sequence[str], texts: Sequence[str]) -> list[str]:
    """For each document the smallest digest of its component: what pairs of Jaccard similarity .5 or more of
    their shingles connect. The library's own signatures propose pairs and its own shingles decide.

    `digests` are distinct. Memory for all texts' shingles, eight bytes a word.
    """
    from curation.text.shingles import shingle_hashes  # here: to import numba takes most of a second

    of = np.arange(len(digests))
    if not len(of):
        return []
    names = pa.array(digests, pa.string())
    batch = pa.record_batch({"text": pa.array(texts, pa.string())})
    signatures = pa.Table.from_batches([dedup.annotator(SETTINGS).annotate(batch)])
    rows = signatures.append_column("id", pa.chunked_array([names])).append_column(
        "digest", pa.chunked_array([names])
    )
    found = buckets.find(*_keys(rows), len(digests))
    shingles: dict[int, NDArray[np.uint64]] = {}
    for bucket in range(len(found.starts) - 1):
        for one, other in _pairs(found.documents(bucket).tolist()):
            if _root(of, one) != _root(of, other):
                for n in (one, other):
                    if n not in shingles:
                        shingles[n] = shingle_hashes(texts[n], SETTINGS.shingle_words)
                if pairs.jaccard(shingles[one], shingles[other]) >= SETTINGS.similarity:
                    of[_root(of, one)] = _root(of, other)
    roots = [_root(of, n) for n in range(len(digests))]
    smallest: dict[int, str] = {}
    for root, digest in zip(roots, digests, strict=True):
        smallest[root] = min(digest, smallest.get(root, digest))
    return [smallest[root] for root in roots]


def settled(rounds: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The component of each document, by digest, where documents (texts by digest) came in `rounds`: as it
    was when the document came, so that what comes later joins components and changes none. A document that
    is near several of them is in none: on whichever side it was, it would be near the other."""
    of: dict[str, str] = {}
    texts: dict[str, str] = {}
    for came in rounds:
        texts |= came
        digests = sorted(texts)
        together: dict[str, list[str]] = {}
        for digest, name in zip(digests, components(digests, [texts[d] for d in digests]), strict=True):
            together.setdefault(name, []).append(digest)
        for name, members in together.items():
            new, joined = [d for d in members if d not in of], {of[d] for d in members if d in of}
            if len(joined) > 1:
                texts = {digest: text for digest, text in texts.items() if digest not in new}
            else:
                of |= dict.fromkeys(new, next(iter(joined), name))
    return of


def _keys(rows: pa.Table) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    keys, of = bands.keys(rows, SETTINGS)
    return keys, of.astype(np.int64)


def _pairs(documents: Sequence[int]) -> list[tuple[int, int]]:
    return [(one, other) for n, one in enumerate(documents) for other in documents[n + 1 : n + 1 + COMPARED]]


def _root(of: NDArray[np.int64], n: int) -> int:
    """The document that stands for the component of `n` so far; what is on the way is shortened."""
    while of[n] != n:
        of[n] = of[of[n]]
        n = int(of[n])
    return n
