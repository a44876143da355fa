import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from curation.errors import RecipeError
from curation.judge.classifier.threshold import by_percentile, by_precision, by_tokens
from curation.recipe import Threshold

rows = st.lists(
    st.tuples(st.integers(0, 20), st.booleans(), st.integers(1, 5), st.integers(1, 900)),
    min_size=12,
    max_size=60,
)


def columns(made):
    scores, good, weights, tokens = map(np.array, zip(*made, strict=True))
    return scores / 20, good, weights.astype(float), tokens.astype(float)


@given(rows, st.sampled_from([0.3, 0.5, 0.8, 1.0]))
def test_the_lowest_score_of_the_precision_asked_for(made, wanted):
    scores, good, weights, _ = columns(made)

    def enough(at):
        taken = scores >= at
        return taken.sum() >= 10 and weights[taken & good].sum() / weights[taken].sum() >= wanted

    reached = [at for at in sorted(set(scores)) if enough(at)]
    if reached:
        assert by_precision(wanted, scores, good, weights) == reached[0]
    else:
        with pytest.raises(
            RecipeError, match=r"judge.threshold.precision: no score has .*raise judge.sample"
        ):
            by_precision(wanted, scores, good, weights)


@given(rows, st.sampled_from([10, 50, 90]))
def test_no_more_than_the_best_share_is_good_and_no_lower_score_is_within_it(made, percentile):
    scores = columns(made)[0]
    within = [at for at in set(scores) if np.mean(scores >= at) <= 1 - percentile / 100 + 1e-9]
    assert by_percentile(percentile, scores) == min(within, default=max(scores))


@given(rows, st.integers(1, 60_000))
def test_a_budget_of_tokens_is_not_exceeded_and_used(made, budget):
    scores, _, _, tokens = columns(made)
    within = [at for at in set(scores) if tokens[scores >= at].sum() <= budget]
    if within:
        assert by_tokens(budget, scores, tokens) == min(within)
    else:
        with pytest.raises(RecipeError, match=f"some {tokens[scores == max(scores)].sum():,.0f}: ask for"):
            by_tokens(budget, scores, tokens)


@pytest.mark.parametrize("wrong", [{}, {"precision": 0.9, "tokens": 5}, {"tokens": None}, {"precision": 1.5}])
def test_one_way_of_choosing_is_asked_for(wrong):
    with pytest.raises(ValidationError):
        Threshold(**wrong)
