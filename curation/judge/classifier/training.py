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
from curation.judge.classifier.threshold import Scored, tokens_of
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


def train(head: Head, training: Part, asked: Threshold | None, documents: int, folder: Path) -> Trained:
    """Train on all of `training`, into `folder`. The threshold is chosen on the scores that each fold gets
    from a model of the others; the examples stand for a set of so many `documents`."""
    path = folder / f"{head.name}.{head.ending}"
    at = threshold.EVEN
    if asked is not None:
        at = threshold.choose(asked, _known(head, training, documents, folder))
    head.train(training.texts, training.good.tolist(), path)
    return Trained(head, path, head.open(path), at)


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


def _known(head: Head, training: Part, documents: int, folder: Path) -> Scored:
    """What a threshold is chosen by; documents that stand for none say nothing of the set."""
    rows = training.weights > 0
    weights = training.weights[rows] * documents / training.weights.sum()
    found = out_of_fold(head, training, folder)
    return Scored(found[rows], training.good[rows], weights, tokens_of(training.texts)[rows])


def _scores(scorer: Scorer, part: Part) -> Numbers:
    return scores(scorer, pa.array(part.texts, pa.string()))
