"""From judged documents to a model, and the score from which it calls a document good."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from curation.judge.classifier import threshold
from curation.judge.classifier.examples import FOLDS
from curation.judge.classifier.heads import Head, Scorer, scores
from curation.judge.classifier.measures import Cut, Numbers
from curation.judge.classifier.report import Guess, Part
from curation.judge.frame import Frame
from curation.recipe import Threshold


@dataclass(frozen=True)
class Trained:
    """A head's model, in a file, and its threshold."""

    head: Head
    path: Path
    scorer: Scorer
    at: float

    def guess(self, part: Part) -> Guess:
        """What the model says of the documents of `part`."""
        return Guess(_scores(self.scorer, part), Cut(self.at))


def train(head: Head, training: Part, asked: Threshold | None, frame: Frame, folder: Path) -> Trained:
    """Train on all of `training`, into `folder`. A threshold of a precision is chosen on the scores that each
    fold gets from a model of the others; another one on those that documents of the whole set get from the
    model that is used."""
    path = folder / f"{head.name}.{head.ending}"
    head.train(training.texts, training.good.tolist(), path)
    scorer = head.open(path)
    if asked is None:
        return Trained(head, path, scorer, threshold.EVEN)
    if asked.precision is not None:
        known = training.weights > 0  # the others stand for none, and say nothing of the set
        found = out_of_fold(head, training, folder)[known]
        at = threshold.by_precision(asked.precision, found, training.good[known], training.weights[known])
        return Trained(head, path, scorer, at)
    texts, each = frame.some(threshold.DOCUMENTS)
    found = scores(scorer, pa.array(texts, pa.string()))
    if asked.percentile is not None:
        return Trained(head, path, scorer, threshold.by_percentile(asked.percentile, found))
    assert asked.tokens is not None, "one of the three is asked for"
    at = threshold.by_tokens(asked.tokens, found, threshold.tokens_of(texts) * each)
    return Trained(head, path, scorer, at)


def out_of_fold(head: Head, training: Part, folder: Path) -> Numbers:
    """A score for each document of a model that has seen neither it nor a near copy of it."""
    fold = np.array([e.fold for e in training.examples])
    found = np.zeros(len(fold))
    for n in range(FOLDS):
        rest = Part([e for e in training.examples if e.fold != n], training.good_from)
        asked = Part([e for e in training.examples if e.fold == n], training.good_from)
        if not asked.examples:
            continue
        if rest.good.all() or not rest.good.any():  # nothing to tell apart: what all are
            found[fold == n] = float(rest.good.all())
            continue
        path = folder / f"fold-{n}.{head.ending}"
        head.train(rest.texts, rest.good.tolist(), path)
        found[fold == n] = _scores(head.open(path), asked)
    return found


def _scores(scorer: Scorer, part: Part) -> Numbers:
    return scores(scorer, pa.array(part.texts, pa.string()))
