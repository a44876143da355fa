"""Which documents to judge next, and when to stop: active learning in rounds.

A round judges what the classifier is least sure of (Lewis and Gale, "A sequential algorithm for training text
classifiers", 1994), spread out so that it is not one kind of document many times: of three times as many
candidates those are taken that are far from each other (Gonzalez, "Clustering to minimize the maximum
intercluster distance", 1985; Sener and Savarese, "Active learning for convolutional neural networks: a
core-set approach", 2018). Part of each round is a random audit slice: what is chosen for its score says
nothing of the whole, so a classifier is measured on such slices alone.

Everything here is a pure function of scores and keys: the same answers give the same choice.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from curation.judge.intervals import interval
from curation.text.words import fold, words_of

VERSION = 1  # of what is chosen

AUDIT_RATIO = 0.1  # of a round's documents
CANDIDATES = 3  # for each document that is taken for its uncertainty
FEATURES = 512  # hashed words by which documents are told apart
GAIN_MIN = 0.02  # of AUC in two rounds: what they are worth having for
HELD_OUT_MIN = 30  # documents that can tell: the bootstrap of ten said "no gain" where .25 of AUC was to come

Numbers = NDArray[np.float64]
Rows = NDArray[np.int64]
Why = Literal["gate", "all_judged", "no_gain"]


@dataclass(frozen=True)
class Choice:
    """Rows of the documents to judge next: those drawn at random, and those the classifier is unsure of."""

    audit: Rows
    uncertain: Rows


def shortlist(score_and_key: Sequence[tuple[float, str]], at: float, count: int) -> list[int]:
    """Rows, ascending, among which all are that `choose` may take of so many and more: so that what is held
    of a large set is small. The shortlist of shortlists is that of all."""
    rows = range(len(score_and_key))
    audited = round(AUDIT_RATIO * count)
    by_key = heapq.nsmallest(audited, rows, key=lambda n: score_and_key[n][1])
    wanted = audited + CANDIDATES * count  # the nearest may be drawn for the audit slice
    nearest = heapq.nsmallest(
        wanted, rows, key=lambda n: (abs(score_and_key[n][0] - at), score_and_key[n][1])
    )
    return sorted({*by_key, *nearest})


def choose(
    scores: Numbers, keys: Sequence[str], at: float, count: int, texts_of: Callable[[Rows], Sequence[str]]
) -> Choice:
    """Of documents that are not judged yet, `count` to judge next, or all that there are.

    `scores` and `keys` (distinct, a keyed hash of each document) are row for row; ties are broken, and the
    audit slice drawn, by the keys, so the order of rows does not matter. `at` is the classifier's threshold.
    `texts_of` is asked once, for the candidates alone. O(rows log rows), and O(count**2) for the spread.
    """
    by_key = np.argsort(np.array(keys, dtype=str), kind="stable")
    audited = by_key[: round(AUDIT_RATIO * count)]
    rest = by_key[len(audited) :]
    unsure = rest[np.argsort(np.abs(scores[rest] - at), kind="stable")]
    wanted = min(count - len(audited), len(unsure))
    candidates = unsure[: CANDIDATES * wanted]
    taken = spread(vectors(texts_of(candidates)), wanted) if wanted else np.array([], dtype=np.int64)
    return Choice(np.sort(audited), np.sort(candidates[taken]))


def spread(of: NDArray[np.float32], count: int) -> Rows:
    """`count` rows of unit vectors, the first of them first, then always the one that is farthest from all
    that are taken; the first of several."""
    taken = np.zeros(count, dtype=np.int64)
    nearest = 1 - of @ of[0]
    for n in range(1, count):
        nearest[taken[:n]] = -np.inf
        taken[n] = int(nearest.argmax())
        nearest = np.minimum(nearest, 1 - of @ of[taken[n]])
    return taken


def vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """The counts of a text's words, hashed to FEATURES numbers, at length 1; shape (texts, FEATURES)."""
    from sklearn.feature_extraction.text import HashingVectorizer

    hashed = HashingVectorizer(
        n_features=FEATURES, preprocessor=fold, tokenizer=words_of, token_pattern=None, dtype=np.float32
    )
    found: NDArray[np.float32] = hashed.transform(texts).toarray()
    return found


@dataclass(frozen=True)
class Round:
    """What a round has come to: documents judged so far, whether the gate is passed, and the AUC in each of
    the same draws of the same documents, which no round was trained on; the first is of them as they are. So
    many documents are `held_out`."""

    judged: int
    passed: bool
    auc: Numbers
    held_out: int


def why_stop(rounds: Sequence[Round]) -> Why | None:
    """Why no further round is worth its price, or None: the gate is passed; the last round found no document
    that was not judged; or the last two rounds gained nothing: the interval of what they added to the AUC
    ends below GAIN_MIN. Of few documents it is wide and does not: that no gain is seen is not that there is
    none."""
    if rounds[-1].passed:
        return "gate"
    if len(rounds) > 1 and rounds[-1].judged == rounds[-2].judged:
        return "all_judged"
    if len(rounds) < 3 or rounds[-1].held_out < HELD_OUT_MIN:
        return None
    gained = interval(rounds[-1].auc[1:] - rounds[-3].auc[1:])
    return "no_gain" if gained and gained[1] < GAIN_MIN else None
