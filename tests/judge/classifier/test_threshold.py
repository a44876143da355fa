import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from curation.errors import RecipeError
from curation.judge.classifier.threshold import Scored, choose
from curation.recipe import Threshold

rows = st.lists(
    st.tuples(st.integers(0, 20), st.booleans(), st.integers(1, 5), st.integers(1, 900)),
    min_size=12,
    max_size=60,
)


def scored(made):
    scores, good, weights, tokens = map(np.array, zip(*made, strict=True))
    return Scored(scores / 20, good, weights.astype(float), tokens.astype(float))


def test_without_a_wish_it_is_even():
    assert choose(None, scored([(1, True, 1, 1)])) == 0.5


@given(rows, st.sampled_from([0.3, 0.5, 0.8, 1.0]))
def test_the_lowest_score_of_the_precision_asked_for(made, wanted):
    known = scored(made)

    def enough(at):
        taken = known.scores >= at
        return (
            taken.sum() >= 10
            and known.weights[taken & known.good].sum() / known.weights[taken].sum() >= wanted
        )

    reached = [at for at in sorted(set(known.scores)) if enough(at)]
    if reached:
        assert choose(Threshold(precision=wanted), known) == reached[0]
    else:
        with pytest.raises(
            RecipeError, match=r"judge.threshold.precision: no score has .*raise judge.sample"
        ):
            choose(Threshold(precision=wanted), known)


@given(rows, st.sampled_from([10, 50, 90]))
def test_no_more_than_the_best_share_is_good_and_no_lower_score_is_within_it(made, percentile):
    known = scored(made)
    share = {at: known.weights[known.scores >= at].sum() / known.weights.sum() for at in set(known.scores)}
    within = [at for at, of in share.items() if of <= 1 - percentile / 100 + 1e-9]
    assert choose(Threshold(percentile=percentile), known) == min(within, default=max(known.scores))


@given(rows, st.integers(1, 60_000))
def test_a_budget_of_tokens_is_not_exceeded_and_used(made, budget):
    known = scored(made)
    spent = {at: (known.weights * known.tokens)[known.scores >= at].sum() for at in set(known.scores)}
    within = [at for at, of in spent.items() if of <= budget]
    if within:
        assert choose(Threshold(tokens=budget), known) == min(within)
    else:
        with pytest.raises(RecipeError, match=r"raise judge\.sample"):
            choose(Threshold(tokens=budget), known)


@pytest.mark.parametrize("wrong", [{}, {"precision": 0.9, "tokens": 5}, {"tokens": None}, {"precision": 1.5}])
def test_one_way_of_choosing_is_asked_for(wrong):
    with pytest.raises(ValidationError):
        Threshold(**wrong)
