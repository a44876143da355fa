"""From which score a classifier calls a document good: by precision, by share, or by a budget of tokens.

Chosen on scores of documents that the scoring model was not trained on, never on those held out to measure:
a threshold that is the best of many on the documents it is measured on looks better than it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from curation.errors import RecipeError
from curation.judge.classifier.measures import Flags, Numbers
from curation.recipe import Threshold

EVEN = 0.5  # where a recipe asks for none: more likely good than not
TAKEN_MIN = 10  # documents above a threshold chosen by precision; of fewer, it would be luck
BYTES_PER_TOKEN = 4  # of English text in a vocabulary of some 50,000 tokens, roughly


@dataclass(frozen=True)
class Scored:
    """Scored documents to choose by; row for row."""

    scores: Numbers
    good: Flags
    weights: Numbers  # how many documents of the set each stands for
    tokens: Numbers  # of each, estimated


def choose(asked: Threshold | None, known: Scored) -> float:
    """The least score that is good. RecipeError where no score does what is asked."""
    if asked is None:
        return EVEN
    if asked.precision is not None:
        return _by_precision(asked.precision, known)
    if asked.percentile is not None:
        share = 1 - asked.percentile / 100
        return _most(known, known.weights / known.weights.sum(), share) or float(known.scores.max())
    assert asked.tokens is not None, "one of the three is asked for"
    found = _most(known, known.weights * known.tokens, asked.tokens)
    if found is None:
        raise RecipeError(
            f"judge.threshold.tokens: {asked.tokens:,} are fewer than the best documents of the sample stand "
            "for: ask for more tokens, or raise judge.sample so that each stands for fewer documents"
        )
    return found


def tokens_of(texts: Sequence[str]) -> Numbers:
    """How many tokens each text has, by its bytes."""
    return np.array([len(text.encode("utf-8", "replace")) / BYTES_PER_TOKEN for text in texts])


def _by_precision(wanted: float, known: Scored) -> float:
    """The lowest score from which the documents are good in this share."""
    columns = np.ones(len(known.scores)), known.weights, known.weights * known.good
    at, taken, weight, of_good = _from_the_top(known.scores, *columns)
    precision, enough = of_good / weight, taken >= TAKEN_MIN
    reached = np.flatnonzero(enough & (precision >= wanted))
    if not len(reached):
        best = f"the best is {precision[enough].max():.2f}" if enough.any() else "there are too few to tell"
        raise RecipeError(
            "judge.threshold.precision: "
            f"no score has {wanted:g} on {len(known.scores)} judged documents that "
            f"the model was not trained on; {best}. Ask for less, or raise judge.sample"
        )
    return float(at[reached[-1]])


def _most(known: Scored, costs: Numbers, budget: float) -> float | None:
    """The lowest score from which the documents cost no more than `budget`; None if the best cost more."""
    at, spent = _from_the_top(known.scores, costs)
    within = np.flatnonzero(spent <= budget * (1 + 1e-9))  # sums of shares are not exact
    return float(at[within[-1]]) if len(within) else None


def _from_the_top(scores: Numbers, *columns: Numbers) -> list[Numbers]:
    """The distinct scores, the highest first, and the sum of each column over the documents from there up."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.append(ranked[1:] != ranked[:-1], True)
    return [ranked[last], *(np.cumsum(column[order])[last] for column in columns)]
