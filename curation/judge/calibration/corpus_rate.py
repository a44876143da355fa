"""The share of good documents in a recipe's corpus, corrected for the errors of the judge: `rates`, applied.

The corpus is what is kept by the rules that need no judgment.
The judge has seen a sample of it, the classifier all. So it is published once all is scored, in a folder of
the recipe: a generation for each set of documents, judge and classifier, with a page for people.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation import stage, storage
from curation.claude.outcome import Outcome
from curation.document import content_hash
from curation.errors import LakeError
from curation.facts import Partition
from curation.fingerprint import fingerprint
from curation.judge.calibration.agreement import Estimate
from curation.judge.calibration.rates import Moments, Share, prediction_powered, rogan_gladen
from curation.judge.calibration.report import estimate
from curation.judge.classifier.examples import Example
from curation.judge.frame import AUDIT
from curation.layout import Layout
from curation.manifest import Input, Manifest
from curation.stage import Published

MARK = fingerprint("corpus_rates", 1, {})

_PAGE = """# How much of the corpus of {recipe} is good

Good is a score of {at} or more by the rubric {rubric} of {model}. The corpus is what the rules keep that need
no judgment: {documents:,} documents.

| | share, with the 95 % interval |
|---|---|
| as the judge says of {judged:,} documents drawn at random | {said} |
| as it would say of all, by the classifier's scores of them (prediction-powered) | {powered} |
| as the gold would say, by the judge's errors on {gold} (Rogan and Gladen) | {corrected} |

The last holds as far as the judge errs on the corpus as it does on the gold, and is not given where the gold
does not show that the judge is better than a coin, or where its errors cannot explain what it says.
"""


@dataclass(frozen=True)
class Made:
    """What a rate follows from: a calibration, the judgments of a sample, the first decisions, and the
    classifier that has scored all."""

    calibrated: Published
    judged: Published
    screened: Published
    trained: Published

    @property
    def inputs(self) -> tuple[Input, ...]:
        return tuple(made.input for made in (self.calibrated, self.judged, self.screened, self.trained))


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


def find(lake: Layout, recipe: str, of: Made) -> CorpusRate | None:
    """The rate, if it is published."""
    for published in stage.generations(lake.corpus_rates(recipe)):
        said = published.manifest
        if (said.fingerprint, said.inputs) == (MARK, of.inputs):
            return _read(said.details)
    return None


def publish(lake: Layout, recipe: str, of: Made, rate: CorpusRate) -> None:
    """Publish the rate and its page."""
    page = _page(recipe, of, rate).encode()
    name = f"report-{content_hash('report', page)}.md"
    storage.write_bytes(storage.join(lake.corpus_rates(recipe), name), page)
    said = Manifest(
        stage="corpus_rates",
        name=recipe,
        fingerprint=MARK,
        inputs=of.inputs,
        rows_in=rate.documents,
        kept=rate.documents,
        details={**asdict(rate), "report": name},
    )
    stage.publish(lake.corpus_rates(recipe), said)


def measure(of: Made, examples: Sequence[Example], partitions: Sequence[Partition]) -> CorpusRate:
    """The rate, by what the classifier has learned from or was tested on of these judgments, and its scores
    beside the documents of `partitions`."""
    details = of.calibrated.manifest.details
    at, errors = details["threshold"], details["errors"]
    said = _said(of.judged, at)
    held_out = {e.digest: (float(e.score >= at), e.weight) for e in examples if e.is_held_out}
    everywhere, predicted = Moments(), dict[str, float]()
    for digests, scores in _scores(of, partitions):
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


def _scores(of: Made, partitions: Sequence[Partition]) -> Iterator[tuple[pa.ChunkedArray, pa.ChunkedArray]]:
    """Digests and scores of the documents that may be judged, part by part."""
    column = of.trained.manifest.details["column"]
    parts = (part for partition in partitions for part in partition.parts())
    for (uri, beside), decided_uri in zip(parts, of.screened.part_uris(), strict=True):
        documents, decided = stage.read_table(uri, ["id", "digest", "parents"]), stage.read_table(decided_uri)
        if documents.column("id") != decided.column("id"):
            raise LakeError(f"{uri} and the decisions about it do not list the same documents")
        original = pc.equal(pc.list_value_length(documents.column("parents")), 0)
        wanted = pc.and_(decided.column("kept"), original)
        scores = stage.read_table(beside[column], [column]).column(column)
        yield documents.column("digest").filter(wanted), scores.filter(wanted)


def _read(details: Mapping[str, Any]) -> CorpusRate:
    said, powered, corrected = (details[name] for name in ("said", "powered", "corrected"))
    return CorpusRate(
        details["threshold"], Share(**said), Estimate(**powered), Estimate(**corrected), details["documents"]
    )


def _page(recipe: str, of: Made, rate: CorpusRate) -> str:
    judge = of.calibrated.manifest.details
    return _PAGE.format(
        recipe=recipe,
        at=rate.threshold,
        rubric=judge["rubric"],
        model=judge["model"],
        gold=judge["gold"]["name"],
        documents=rate.documents,
        judged=rate.said.documents,
        said=f"{rate.said.ratio:.2f}" if rate.said.documents else "–",
        powered=estimate(asdict(rate.powered)),
        corrected=estimate(asdict(rate.corrected)),
    )
