"""Candidate pair → verified pair: the real shingles decide what LSH proposed.

A pair is a fact about two digests, computed when it is first needed and good for ever after.
"""

from array import array
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.errors import LakeError
from curation.recipe import Duplicates

VERIFIED = pa.schema(
    [
        pa.field("digest_a", pa.string(), nullable=False),  # the smaller one
        pa.field("digest_b", pa.string(), nullable=False),
        pa.field("similarity", pa.float64(), nullable=False),  # Jaccard, of the shingles
    ]
)

HASHES_AT_ONCE = 8_000_000
"""Shingle hashes (8 bytes each) that are read at once, beside those of the kept documents of one group."""


def jaccard(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> float:
    """The Jaccard similarity of two sets of hashes, each sorted and distinct, not both empty."""
    merged = np.concatenate([a, b])
    merged.sort(kind="stable")  # two sorted runs: a merge
    common = int(np.count_nonzero(merged[1:] == merged[:-1]))
    return common / (len(merged) - common)


def mapping(verified: pa.Table) -> dict[tuple[str, str], float]:
    """A table with the schema VERIFIED as the `known` of a later run."""
    a, b, similarity = (verified[name].to_pylist() for name in VERIFIED.names)
    return dict(zip(zip(a, b, strict=True), similarity, strict=True))


class Verifier:
    """Compares the documents of candidate pairs by their real shingles; each pair is asked for once.

    `known` answers without a text or not at all; `compare` reads texts, those of many documents at once, in
    the order in which `plan` was told that they come. In memory are the hashes of HASHES_AT_ONCE plus those
    of the documents of the group at hand that may still be compared.
    """

    def __init__(
        self,
        distinct: pa.Table,
        texts: Callable[[Sequence[str]], Mapping[str, str]],
        settings: Duplicates,
        known: Mapping[tuple[str, str], float],
    ) -> None:
        self._digests: list[str] = distinct["digest"].to_pylist()
        self._sizes: list[int] = distinct["shingles"].to_pylist()
        self._texts = texts
        self._settings = settings
        self._known = known
        self._kept, self._later, self._similarity = array("q"), array("q"), array("d")  # 24 bytes a new pair
        self._hashes: dict[int, NDArray[np.uint64]] = {}
        self._group: dict[int, int] = {}
        self._loads: dict[int, list[int]] = {}

    def known(self, kept: int, document: int) -> float | None:
        """The similarity, where it is known or cannot reach the threshold (then 0); else None."""
        a, b = self._sizes[kept], self._sizes[document]
        if min(a, b) / max(a, b) < self._settings.similarity:  # the highest similarity of sets of these sizes
            return 0.0
        one, other = self._digests[kept], self._digests[document]
        return self._known.get((one, other) if one < other else (other, one))

    def compare(self, kept: int, document: int) -> float:
        """The similarity, or 0 where it cannot reach the threshold."""
        similarity = self.known(kept, document)
        if similarity is None:
            similarity = jaccard(self._shingles(kept), self._shingles(document))
            self._kept.append(kept)
            self._later.append(document)
            self._similarity.append(similarity)
        if similarity >= self._settings.similarity:
            self._hashes.pop(document, None)  # it goes, so nothing will be compared with it
        return similarity

    def plan(self, groups: Sequence[Sequence[int]]) -> None:
        """Cut the documents of `groups` into what is read at once."""
        load: list[int] = []
        size = 0
        for number, group in enumerate(groups):
            for document in group:
                if size + self._sizes[document] > HASHES_AT_ONCE:
                    load, size = [], 0
                load.append(document)
                size += self._sizes[document]
                self._group[document], self._loads[document] = number, load

    def verified(self) -> pa.Table:
        """The pairs compared so far, ordered by digests; the schema is VERIFIED."""
        digests = pa.array(self._digests, pa.string())
        one = digests.take(pa.array(np.frombuffer(self._kept, dtype=np.int64)))
        other = digests.take(pa.array(np.frombuffer(self._later, dtype=np.int64)))
        smaller = pc.less(one, other)
        columns = [
            pc.if_else(smaller, one, other),
            pc.if_else(smaller, other, one),
            pa.array(np.frombuffer(self._similarity, dtype=np.float64)),
        ]
        return pa.table(columns, schema=VERIFIED).sort_by(
            [("digest_a", "ascending"), ("digest_b", "ascending")]
        )

    def _shingles(self, document: int) -> NDArray[np.uint64]:
        if document not in self._hashes:
            self._load(document)
        return self._hashes[document]

    def _load(self, document: int) -> None:
        from curation.text.shingles import shingle_hashes  # here: to import numba takes most of a second

        group = self._group[document]
        self._hashes = {d: hashes for d, hashes in self._hashes.items() if self._group[d] == group}
        load = self._loads[document]
        texts = self._texts([self._digests[d] for d in load])
        for d in load:
            if self._digests[d] not in texts:
                raise LakeError(
                    f"no text came back for digest {self._digests[d]}, one of {len(load)} asked for: "
                    "its documents are not in the lake as their signatures are; ingest them again"
                )
            self._hashes[d] = shingle_hashes(texts[self._digests[d]], self._settings.shingle_words)
