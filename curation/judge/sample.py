"""A keyed sample: of each stratum the documents with the smallest hash of (purpose, seed, digest).

Which documents are drawn depends on the set and the key alone, not on the order of partitions or parts, and a
larger sample of the same set contains the smaller one.

A share of the sample, the *audit* slice, is drawn from all documents alike, by a hash of its own; the rest is
shared out over the strata (`strata`). Each document drawn carries what it stands for, the inverse of how
likely it was drawn: in the audit slice N/n, of N documents n drawn; else the same within its stratum. So the
weighted mean of the scores of either slice estimates the mean of all without bias, if no text is held twice:
such a text counts twice in N and is drawn once, as likely as another. The second slice does so only where
every stratum was drawn from, which it is not where there are more strata than places: then the smallest have
none.

Two passes over the columns find the strata and their sizes, a third draws; held are the strata's candidates,
and the text is read of what is drawn alone.
"""

import heapq
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

import pyarrow as pa

from curation.facts import Partition
from curation.judge.frame import AUDIT, STRATIFIED, Drawn, Frame, table
from curation.judge.strata import allocate
from curation.stage import Published


def draw(
    decisions: Published,
    partitions: Sequence[Partition],
    size: int,
    *,
    seed: int,
    purpose: str,
    strata: Sequence[str] = (),
    audit: float = 0.0,
) -> pa.Table:
    """The sample as a table of `frame.SAMPLE`, the audit slice first: `size` kept documents of distinct
    digests, or fewer where there are no more, or texts are repeated; `audit` of them drawn from all alike,
    the others by the columns `strata`. `text` is whole; a prompt truncates it. Samples of two purposes are
    independent.
    """
    frame = Frame(decisions, partitions, strata)
    found = frame.cells()
    sizes: Counter[str] = Counter()
    audited: list[Drawn] = []
    for drawn in frame.candidates(found, f"{purpose} audit", str(seed)):
        sizes.update(document.stratum for document in drawn)
        audited = _smallest(round(size * audit), [*audited, *drawn])
    left = sizes - Counter(document.stratum for document in audited)
    places = list(allocate(left, size - len(audited)))
    best = _best(frame.candidates(found, purpose, str(seed)), Counter(places), {d.digest for d in audited})
    counts = {stratum: len(drawn) for stratum, drawn in best.items()}
    queues = {stratum: iter(drawn) for stratum, drawn in best.items()}
    in_turn = [document for stratum in places if (document := next(queues[stratum], None))]
    weights = [sizes.total() / len(audited) for _ in audited]
    weights += [sizes[document.stratum] / counts[document.stratum] for document in in_turn]
    return table([*audited, *in_turn], [AUDIT] * len(audited) + [STRATIFIED] * len(in_turn), weights)


def _best(
    candidates: Iterable[list[Drawn]], places: Mapping[str, int], taken: Collection[str]
) -> dict[str, list[Drawn]]:
    """As many of each stratum as it has places, none with a digest that is taken."""
    best: dict[str, list[Drawn]] = {stratum: [] for stratum in places}
    for drawn in candidates:
        by_stratum: dict[str, list[Drawn]] = {}
        for document in drawn:
            if document.stratum in best and document.digest not in taken:
                by_stratum.setdefault(document.stratum, []).append(document)
        for stratum, documents in by_stratum.items():
            best[stratum] = _smallest(places[stratum], [*best[stratum], *documents])
    return _distinct(best)


def _distinct(best: Mapping[str, list[Drawn]]) -> dict[str, list[Drawn]]:
    """Of documents that say the same in several strata the first stays, by hash and id."""
    in_reverse = sorted((document for drawn in best.values() for document in drawn), reverse=True)
    first = {document.digest: document for document in in_reverse}
    return {stratum: [d for d in drawn if first[d.digest] is d] for stratum, drawn in best.items()}


def _smallest(size: int, candidates: list[Drawn]) -> list[Drawn]:
    """The first document of each of the `size` smallest hashes, in order."""
    first: dict[str, Drawn] = {}
    for drawn in candidates:
        held = first.get(drawn.digest)
        if held is None or drawn < held:
            first[drawn.digest] = drawn
    return heapq.nsmallest(size, first.values())
