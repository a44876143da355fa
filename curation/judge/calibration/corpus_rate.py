"""The share of good documents in a recipe's corpus, corrected for the errors of the judge: `rates`, applied.

The corpus is what is kept by the rules that need no judgment.
The judge has seen a sample of it, the classifier all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation import stage
from curation.claude.outcome import Outcome
from curation.errors import LakeError
from curation.facts import Partition
from curation.judge.calibration.agreement import Estimate
from curation.judge.calibration.rates import Moments, Share, prediction_powered, rogan_gladen
from curation.judge.classifier.examples import Example
from curation.judge.frame import AUDIT
from curation.stage import Published


@dataclass(frozen=True)
class CorpusRate:
    """How much of a corpus is good: has a score of `threshold` or more.

    `said`: as the judge says of the sample. `powered`: as it would say of all, by the classifier's scores of
    all `documents` and their error where it was held out. `corrected`: as the gold would say, by the judge's
    errors there.
    """

    threshold: int
    said: Share
    powered: Estimate
    corrected: Estimate
    documents: int


def measure(
    calibrated: Published,
    judged: Published,
    examples: Sequence[Example],
    screened: Published,
    partitions: Sequence[Partition],
    column: str,
) -> CorpusRate:
    """The rate: by a published calibration, judgments, what of them the classifier has learned from or was
    tested on, the first decisions, and the column of the classifier's scores."""
    details = calibrated.manifest.details
    at, errors = details["threshold"], details["errors"]
    said = _said(judged, at)
    held_out = {e.digest: (float(e.score >= at), e.weight) for e in examples if e.is_held_out}
    everywhere, predicted = Moments(), dict[str, float]()
    for digests, scores in _scores(screened, partitions, column):
        values = scores.to_numpy()
        everywhere = everywhere.with_more(values)
        predicted |= {d: values[n] for n, d in enumerate(digests.to_pylist()) if d in held_out}
    known = sorted(predicted)
    labels, weights = np.array([held_out[d] for d in known]).reshape(len(known), 2).T
    return CorpusRate(
        threshold=at,
        said=said,
        powered=prediction_powered(labels, np.array([predicted[d] for d in known]), everywhere, weights),
        corrected=rogan_gladen(said, Share(**errors["sensitivity"]), Share(**errors["specificity"])),
        documents=everywhere.count,
    )


def _said(judged: Published, at: int) -> Share:
    """Of the audit slice, which was drawn from all documents alike."""
    columns = ["outcome", "score", "drawn_for"]
    rows = [row for uri in judged.part_uris() for row in stage.read_table(uri, columns).to_pylist()]
    scores = [r["score"] for r in rows if r["outcome"] == Outcome.OK and r["drawn_for"] == AUDIT]
    return Share(sum(score >= at for score in scores), len(scores))


def _scores(
    screened: Published, partitions: Sequence[Partition], column: str
) -> Iterator[tuple[pa.ChunkedArray, pa.ChunkedArray]]:
    """Digests and scores of the documents that may be judged, part by part."""
    parts = (part for partition in partitions for part in partition.parts())
    for (uri, beside), decided_uri in zip(parts, screened.part_uris(), strict=True):
        documents, decided = stage.read_table(uri, ["id", "digest", "parents"]), stage.read_table(decided_uri)
        if documents.column("id") != decided.column("id"):
            raise LakeError(f"{uri} and the decisions about it do not list the same documents")
        original = pc.equal(pc.list_value_length(documents.column("parents")), 0)
        wanted = pc.and_(decided.column("kept"), original)
        scores = stage.read_table(beside[column], [column]).column(column)
        yield documents.column("digest").filter(wanted), scores.filter(wanted)
