"""Judgments that are not to be learned from: the text spoke to its judge, or its score is out of all reason.

*lexical*: what was asked about shows signs that it addresses a model, a grader or a filter (`signs`).

*disagrees*: the score is far above what surface features of the text let expect and, from the second round
on, the score of the classifier that was made before, which has not seen the document. What is expected comes
from a ridge regression (Hoerl and Kennard, 1970) of the scores on the ranks of the features and on that score
as it is (a probability; ranks of scores that lie in two heaps say little), fitted on four fifths of the
documents, by a hash of their digests, and asked about the other fifth, so that no document explains itself.
Those that are suspected for their words are not fitted on: a few alike would teach it to expect their
score. It can only tell a page of little worth where the sample has others that were scored so.
Far is a modified z-score above Z_MAX: the residual's distance from the median, over 1.4826 times the median
absolute deviation (Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993). Only upward: nobody
attacks a judge for a lower score. Fewer than DOCUMENTS_MIN scores say nothing.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.document import content_hash
from curation.judge.baselines import stop_word_ratio
from curation.judge.signs import has_signs

LEXICAL, DISAGREES = "lexical", "disagrees"
Z_MAX = 3.5
DEVIATION_MIN = 0.25  # of a point of the scale: scores are whole numbers
DOCUMENTS_MIN = 50
FOLDS = 5
PENALTY = 10.0

FEATURES = (
    *(
        "word_count",
        "line_count",
        "c4_sentence_count",
        "mean_word_chars",
        "alphabetic_ratio",
        "stop_word_count",
    ),
    *("terminal_line_ratio", "short_line_ratio", "line_feed_ratio", "bullet_line_ratio"),
    *("duplicate_line_char_ratio", "top_3gram_char_ratio"),
)

Numbers = NDArray[np.float64]


def suspicions(
    texts: Sequence[str],
    digests: Sequence[str],
    scores: Sequence[int | None],
    cheap: Sequence[float] = (),
) -> list[str]:
    """For each text `lexical`, `disagrees`, both with a comma between, or ''. Its score is None where nothing
    was said, or nothing that is to be believed. `cheap`: scores by the last classifier, if there is one."""
    lexical = np.array([has_signs(text) for text in texts], np.bool_)
    far = np.zeros(len(texts), np.bool_)
    scored = np.array([score is not None for score in scores], np.bool_)
    if np.sum(scored & ~lexical) >= DOCUMENTS_MIN:
        rows = np.flatnonzero(scored).tolist()
        values = np.array([scores[n] for n in rows], np.float64)
        folds = np.array([int(content_hash("fold", digests[n])[:8], 16) % FOLDS for n in rows])
        sound = ~lexical[rows]
        known = ranked(features([texts[n] for n in rows]), sound)
        if cheap:
            known = np.column_stack([known, scaled(np.array([cheap[n] for n in rows]), sound)])
        made = expected(known, values, folds, sound)
        far[rows] = too_high(values - made, sound)
    both = zip(np.where(lexical, LEXICAL, ""), np.where(far, DISAGREES, ""), strict=True)
    return [",".join(filter(None, said)) for said in both]


def features(texts: Sequence[str]) -> Numbers:
    """float64[texts, features]: what Gopher, C4 and FineWeb measure, and the share of stop words."""
    from curation.annotate.rules import rules  # here: to load the kernels takes most of a second

    found = rules().annotate(pa.record_batch([pa.array(texts, pa.string())], names=["text"]))
    measured = [found.column(name).to_numpy() for name in FEATURES]
    return np.column_stack([*measured, [stop_word_ratio(text) for text in texts]]).astype(np.float64)


def ranked(known: Numbers, sound: NDArray[np.bool_]) -> Numbers:
    """The columns as ranks among the `sound` documents, in units of their deviation."""
    return np.column_stack([_ranks(column, column[sound]) for column in known.T])


def scaled(cheap: Numbers, sound: NDArray[np.bool_]) -> Numbers:
    """Scores in units of the deviation of the `sound` documents'; 0 where all are alike."""
    deviation = cheap[sound].std()
    return cheap / deviation if deviation > 1e-6 else np.zeros_like(cheap)  # sums are not exact


def expected(known: Numbers, scores: Numbers, folds: NDArray[np.int64], sound: NDArray[np.bool_]) -> Numbers:
    """What the columns `known` let expect of each score, by the `sound` documents of the other folds."""
    made = np.empty_like(scores)
    for fold in np.unique(folds):
        rest, here = (folds != fold) & sound, folds == fold
        made[here] = _ridge(known[rest], scores[rest], known[here]) if rest.any() else scores[sound].mean()
    return made


def too_high(residuals: Numbers, sound: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which residuals are far above those of the `sound` documents."""
    apart = residuals - np.median(residuals[sound])
    deviation = max(1.4826 * float(np.median(np.abs(apart[sound]))), DEVIATION_MIN)
    return np.asarray(apart / deviation > Z_MAX)


def _ranks(values: Numbers, among: Numbers) -> Numbers:
    """Where each value stands in the order of others: 0 is the middle, the variance of many is 1."""
    order = np.sort(among)
    below, upto = (np.searchsorted(order, values, side) for side in ("left", "right"))
    return np.asarray(((below + upto) / (2 * len(order)) - 0.5) * sqrt(12))


def _ridge(known: Numbers, scores: Numbers, asked: Numbers) -> Numbers:
    mean = known.mean(axis=0)
    centred = known - mean
    gram = centred.T @ centred + PENALTY * np.eye(known.shape[1])
    weights = np.linalg.solve(gram, centred.T @ (scores - scores.mean()))
    return np.asarray(scores.mean() + (asked - mean) @ weights)
