"""Corrected rates are right on average, and their intervals hold the truth about as often as they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.judge.calibration.agreement import Estimate
from curation.judge.calibration.rates import Moments, Share, prediction_powered, rogan_gladen

RUNS = 400


def share(ratio, documents=1_000_000):
    return Share(round(ratio * documents), documents)


@given(st.floats(0, 1), st.floats(0.6, 1), st.floats(0.6, 1))
def test_without_chance_the_truth_is_found_whatever_the_errors(truth, sensitivity, specificity):
    taken = truth * sensitivity + (1 - truth) * (1 - specificity)
    found = rogan_gladen(share(taken), share(sensitivity), share(specificity))
    assert found.value == pytest.approx(truth, abs=1e-3)


def test_a_judge_that_never_errs_is_not_corrected():
    found = rogan_gladen(Share(30, 100), Share(500_000, 500_000), Share(500_000, 500_000))
    assert found.value == 0.3
    wald = 1.96 * np.sqrt(31 / 102 * 71 / 102 / 100)
    assert found.high - found.value == pytest.approx(wald, abs=1e-3)


def test_a_judge_no_better_than_a_coin_or_never_tried_says_nothing_of_the_rate():
    assert rogan_gladen(Share(30, 100), Share(40, 100), Share(60, 100)) == Estimate(None)
    assert rogan_gladen(Share(30, 100), Share(0, 0), Share(60, 100)) == Estimate(None)
    assert rogan_gladen(Share(75, 100), Share(1600, 1600), Share(2, 1601)) == Estimate(None)


def test_a_rate_that_the_errors_cannot_explain_is_none():
    """It takes a tenth of the corpus for good, and on gold three poor ones of ten."""
    assert rogan_gladen(Share(100, 1000), Share(90, 100), Share(700, 1000)) == Estimate(None)


@pytest.mark.parametrize(("truth", "sensitivity", "specificity"), [(0.3, 0.8, 0.9), (0.1, 0.7, 0.95)])
def test_the_interval_of_a_corrected_rate_holds_the_truth(truth, sensitivity, specificity):
    random = np.random.default_rng(0)
    p = truth * sensitivity + (1 - truth) * (1 - specificity)
    held, naive = 0, 0
    for _ in range(RUNS):
        taken = Share(int(random.binomial(1000, p)), 1000)
        q1 = Share(int(random.binomial(150, sensitivity)), 150)
        q0 = Share(int(random.binomial(200, specificity)), 200)
        found = rogan_gladen(taken, q1, q0)
        held += found.low <= truth <= found.high
        naive += abs(taken.ratio - truth) <= 1.96 * np.sqrt(taken.ratio * (1 - taken.ratio) / 1000)
    assert 0.92 <= held / RUNS <= 0.99
    assert naive / RUNS < 0.9  # what the judge reports, taken as it is


def test_predictions_that_are_always_right_leave_the_mean_of_all():
    everywhere = np.array([1.0, 0.0, 0.0, 1.0] * 250)
    found = prediction_powered(everywhere[:50], everywhere[:50], Moments().with_more(everywhere), np.ones(50))
    assert found.value == 0.5
    assert found.high - found.value == pytest.approx(1.96 * 0.5 / np.sqrt(1000), abs=1e-3)


def test_predictions_that_say_nothing_leave_the_mean_of_the_labels():
    labels = np.array([1.0] * 30 + [0.0] * 70)
    found = prediction_powered(
        labels, np.full(100, 0.9), Moments().with_more(np.full(5000, 0.9)), np.ones(100)
    )
    assert found.value == pytest.approx(0.3)
    assert found.high - found.value == pytest.approx(1.96 * labels.std(ddof=1) / 10, abs=1e-3)


def test_one_label_says_nothing():
    assert prediction_powered(np.ones(1), np.ones(1), Moments(9, 1.0), np.ones(1)) == Estimate(None)


def test_predictions_narrow_the_interval_and_it_still_holds_the_truth():
    random = np.random.default_rng(0)
    held, narrower = 0, 0
    for _ in range(RUNS):
        good = random.random(4000) < 0.3
        predicted = np.clip(good * 0.6 + 0.3 + random.normal(0, 0.15, 4000), 0, 1)  # biased upwards
        labels = good[:200].astype(float)
        found = prediction_powered(
            labels, predicted[:200], Moments().with_more(predicted[200:]), np.ones(200)
        )
        held += found.low <= 0.3 <= found.high
        narrower += found.high - found.low < 2 * 1.96 * labels.std(ddof=1) / np.sqrt(200)
    assert 0.92 <= held / RUNS <= 0.98
    assert narrower == RUNS


@given(st.lists(st.lists(st.floats(0, 1), max_size=6), max_size=6))
def test_moments_of_parts_are_those_of_the_whole(parts):
    found = Moments()
    for part in parts:
        found = found.with_more(np.array(part))
    whole = np.array([x for part in parts for x in part])
    assert found.count == len(whole)
    if len(whole):
        assert (found.mean, found.variance) == pytest.approx((whole.mean(), whole.var()))


def test_documents_that_stand_for_many_count_as_many():
    """Of 4,000 documents the good tenth is asked about as often as the rest: weighed, that does no harm."""
    random = np.random.default_rng(0)
    held = 0
    for _ in range(RUNS):
        good = random.random(4000) < 0.1
        predicted = np.clip(good * 0.6 + 0.3 + random.normal(0, 0.15, 4000), 0, 1)
        asked = np.concatenate([random.choice(np.flatnonzero(good == kind), 100) for kind in (True, False)])
        weights = np.where(good[asked], good.sum(), (~good).sum()) / 100
        found = prediction_powered(
            good[asked].astype(float), predicted[asked], Moments().with_more(predicted), weights
        )
        held += found.low <= good.mean() <= found.high
    assert held / RUNS >= 0.92
