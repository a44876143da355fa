"""From which score a classifier calls a document good: by precision, by share, or by a budget of tokens.

What is good of what is called so takes labels: it is chosen on scores of documents that the scoring model was
not trained on, never on those held out to measure, as the best of many thresholds looks better than it is
where it was found. A share or a budget takes none, but the scores of the model that is used: of documents of
the whole set, since models of fewer judgments score lower.

The models on whose scores a precision is chosen are others than the one that is used. It was measured not to
matter (docs/log.md); what the one that is used has there is told of what is held out.
"""

from collections.abc import Sequence

import numpy as np

from curation.errors import RecipeError
from curation.judge.classifier.examples import FOLDS
from curation.judge.classifier.measures import Flags, Numbers
from curation.recipe import Threshold

EVEN = 0.5  # where a recipe asks for none: more likely good than not
TAKEN_MIN = 10  # documents above a threshold chosen by precision; of fewer, it would be luck
BYTES_PER_TOKEN = 4  # of English text in a vocabulary of some 50,000 tokens, roughly
DOCUMENTS = 10_000  # of the set, at most, by which a share or a budget is chosen: a tenth is met within .006


def chosen_on(asked: Threshold) -> str:
    """On whose scores of which documents, in words."""
    if asked.precision is not None:
        return f"the scores of {FOLDS} other models, each of all that was learned from but what it scores"
    return f"this model's scores of {DOCUMENTS:,} documents of the set, or all"


def by_precision(wanted: float, scores: Numbers, good: Flags, weights: Numbers) -> float:
    """The lowest score from which the documents are good in this share; each stands for `weights` of the
    set. RecipeError where there is none."""
    columns = np.ones(len(scores)), weights, weights * good
    at, taken, weight, of_good = _from_the_top(scores, *columns)
    precision, enough = of_good / weight, taken >= TAKEN_MIN
    reached = np.flatnonzero(enough & (precision >= wanted))
    if not len(reached):
        best = f"the best is {precision[enough].max():.2f}" if enough.any() else "there are too few to tell"
        raise RecipeError(
            "judge.threshold.precision: "
            f"no score has {wanted:g} on {len(scores)} judged documents that "
            f"the model was not trained on; {best}. Ask for less, or raise judge.sample"
        )
    return float(at[reached[-1]])


def by_percentile(asked: float, scores: Numbers) -> float:
    """The lowest score that no more than the best share reaches: 90 is the best tenth. Where more than that
    have the highest score, it is that."""
    at, taken = _from_the_top(scores, np.full(len(scores), 1 / len(scores)))
    return float(at[max(_within(taken, 1 - asked / 100), 0)])


def by_tokens(budget: int, scores: Numbers, tokens: Numbers) -> float:
    """The lowest score that documents of no more than `budget` reach; each stands for so many `tokens`.
    RecipeError where those with the highest score have more."""
    at, spent = _from_the_top(scores, tokens)
    last = _within(spent, budget)
    if last < 0:
        raise RecipeError(
            f"judge.threshold.tokens: {budget:,} are fewer than the documents with the highest score "
            f"have, some {spent[0]:,.0f}: ask for that many or more"
        )
    return float(at[last])


def tokens_of(texts: Sequence[str]) -> Numbers:
    """How many tokens each text has, by its bytes."""
    return np.array([len(text.encode("utf-8", "replace")) / BYTES_PER_TOKEN for text in texts])


def _within(spent: Numbers, budget: float) -> int:
    """The last place at which no more than `budget` is spent; -1 if it is more from the first."""
    return int(np.searchsorted(spent, budget * (1 + 1e-9), "right")) - 1  # sums of shares are not exact


def _from_the_top(scores: Numbers, *columns: Numbers) -> list[Numbers]:
    """The distinct scores, the highest first, and the sum of each column over the documents from there up."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.append(ranked[1:] != ranked[:-1], True)
    return [ranked[last], *(np.cumsum(column[order])[last] for column in columns)]
