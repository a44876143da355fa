"""Candidate pair → verified pair: the real shingles decide what the buckets proposed.

A pair is a fact about two digests, computed when it is first needed and good for ever after.
"""

from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.dedup.buckets import Positions
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

Known = Mapping[tuple[str, str], float]
Texts = Callable[[Sequence[str]], Mapping[str, str]]


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


class _Place(NamedTuple):
    """Where a digest is in the plan."""

    group: int
    block: int
    load: list[int]  # the documents that are read with it


class Verifier:
    """Compares documents, by their positions in the total order; each pair of texts is compared once.

    `known` answers without a text or not at all; `compare` reads texts, those of many documents at once, in
    the order in which `plan` was told that they come. Both give 1 for the same id or digest, and 0 below the
    threshold. In memory are the hashes of HASHES_AT_ONCE, those of the documents of the group at hand that
    may still be compared, and the pairs of that group.
    """

    def __init__(self, documents: pa.Table, texts: Texts, settings: Duplicates, known: Known) -> None:
        self._ids: list[str] = documents["id"].to_pylist()
        self._digests: list[str] = documents["digest"].to_pylist()
        self._sizes: list[int] = documents["shingles"].to_pylist()
        self._texts, self._settings, self._known = texts, settings, known
        self._found: dict[tuple[str, str], float] = {}
        self._kept, self._later, self._similarity = array("q"), array("q"), array("d")  # 24 bytes a pair
        self._hashes: dict[str, NDArray[np.uint64]] = {}
        self._group = -1
        self._places: dict[str, _Place] = {}

    def known(self, kept: int, document: int) -> float | None:
        """The similarity where it is known or cannot reach the threshold; else None."""
        one, other = self._digests[kept], self._digests[document]
        if one == other or self._ids[kept] == self._ids[document]:
            return 1.0
        a, b = self._sizes[kept], self._sizes[document]
        # No two sets of these sizes are so similar. A quotient, as the similarity is: floats must agree.
        if not a or not b or min(a, b) / max(a, b) < self._settings.similarity:
            return 0.0
        pair = (one, other) if one < other else (other, one)
        found = self._known.get(pair, self._found.get(pair))
        return found if found is None or found >= self._settings.similarity else 0.0

    def compare(self, kept: int, document: int) -> float:
        """The similarity, or 0 where it cannot reach the threshold."""
        found = self.known(kept, document)
        if found is not None:
            return found
        one, other = self._digests[kept], self._digests[document]
        similarity = jaccard(self._shingles(one), self._shingles(other))
        self._found[(one, other) if one < other else (other, one)] = similarity
        self._kept.append(kept)
        self._later.append(document)
        self._similarity.append(similarity)
        if similarity < self._settings.similarity:
            return 0.0
        self._hashes.pop(other, None)  # it goes, so nothing will be compared with it
        return similarity

    def plan(self, groups: Sequence[Positions], likely: NDArray[np.bool_]) -> None:
        """Cut the documents of `groups` into blocks of what is held at once; of a digest, the first. Those of
        a block that are `likely` to be compared are read together, and so, if one is asked for, the rest."""
        block, size = 0, 0
        loads: tuple[list[int], list[int]] = ([], [])
        for number, group in enumerate(groups):
            for document in group.tolist():
                digest = self._digests[document]
                if digest in self._places:
                    continue
                if size + self._sizes[document] > HASHES_AT_ONCE:
                    block, size, loads = block + 1, 0, ([], [])
                load = loads[bool(likely[document])]
                load.append(document)
                size += self._sizes[document]
                self._places[digest] = _Place(number, block, load)

    def verified(self) -> pa.Table:
        """The pairs compared so far, ordered by digests; the schema is VERIFIED."""
        digests = pa.array(self._digests, pa.string())
        one, other = (
            digests.take(pa.array(np.frombuffer(c, dtype=np.int64))) for c in (self._kept, self._later)
        )
        smaller = pc.less(one, other)
        columns = [
            pc.if_else(smaller, one, other),
            pc.if_else(smaller, other, one),
            pa.array(np.frombuffer(self._similarity, dtype=np.float64)),
        ]
        return pa.table(columns, schema=VERIFIED).sort_by(
            [("digest_a", "ascending"), ("digest_b", "ascending")]
        )

    def _shingles(self, digest: str) -> NDArray[np.uint64]:
        if digest not in self._hashes:
            self._load(self._places[digest])
        return self._hashes[digest]

    def _load(self, asked: _Place) -> None:
        from curation.text.shingles import shingle_hashes  # here: to import numba takes most of a second

        if asked.group != self._group:  # its digests are of no other, so these pairs are not asked for again
            self._group, self._found = asked.group, {}
        of = {digest: self._places[digest] for digest in self._hashes}
        held = {d for d, place in of.items() if place.group == asked.group or place.block == asked.block}
        self._hashes = {digest: self._hashes[digest] for digest in held}
        load = [self._digests[document] for document in asked.load]
        texts = self._texts(load)
        for d in load:
            if d not in texts:
                raise LakeError(
                    f"no text came back for digest {d}, one of {len(load)} asked for: "
                    "its documents are not in the lake as their signatures are; ingest them again"
                )
            self._hashes[d] = shingle_hashes(texts[d], self._settings.shingle_words)
