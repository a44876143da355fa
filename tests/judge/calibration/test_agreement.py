"""Agreement figures are those of scikit-learn and scipy, also of documents that count several times."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from curation.judge.calibration import agreement
from curation.judge.intervals import draws

LEVELS = 5
level = st.integers(0, LEVELS - 1)
rated = st.lists(st.tuples(level, level, st.integers(0, 3)), min_size=1, max_size=25)


def columns(rows):
    return [np.array(column) for column in zip(*rows, strict=True)]


def value(figure, weights):
    return figure(np.atleast_2d(np.asarray(weights, dtype=float)))[0]


def same(found, expected):
    return np.isnan(found) == np.isnan(expected) and (np.isnan(found) or found == pytest.approx(expected))


@pytest.mark.filterwarnings("ignore")
@given(rated)
def test_figures_are_those_of_the_libraries_on_documents_as_often_as_they_are_drawn(rows):
    gold, judged, weights = columns(rows)
    if weights.sum() < 2:
        return
    a, b = np.repeat(gold, weights), np.repeat(judged, weights)
    scale = list(range(LEVELS))
    expected = cohen_kappa_score(a, b, weights="quadratic", labels=scale)
    assert same(value(agreement.kappa(gold, judged, LEVELS), weights), expected)
    assert same(value(agreement.spearman(gold, judged), weights), stats.spearmanr(a, b).statistic)
    assert value(agreement.mae(gold, judged), weights) == pytest.approx(np.abs(a - b).mean())


def test_kappa_is_as_published():
    """Agresti, "Categorical Data Analysis" (1990), married couples on sexual fun, as R's vcd prints it with
    Fleiss-Cohen weights; and the anxiety ratings of R's irr, kappa2(…, "squared")."""
    table = [[7, 7, 2, 3], [2, 8, 3, 7], [1, 5, 4, 9], [2, 8, 9, 14]]
    pairs = [(i, j) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)]
    husbands, wives = columns(pairs)
    assert value(agreement.kappa(husbands, wives, 4), np.ones(91)) == pytest.approx(0.3320, abs=5e-5)
    assert agreement.confusion(husbands, wives, 4).tolist() == table
    first = np.array([3, 3, 3, 4, 5, 5, 2, 3, 5, 2, 2, 6, 1, 5, 2, 2, 1, 2, 4, 3]) - 1
    second = np.array([3, 6, 4, 6, 2, 4, 2, 4, 3, 3, 2, 3, 3, 3, 2, 2, 1, 3, 3, 4]) - 1
    assert value(agreement.kappa(first, second, 6), np.ones(20)) == pytest.approx(0.297, abs=5e-4)


def test_where_all_is_the_same_there_is_no_kappa_and_no_correlation():
    alike = np.zeros(8, dtype=int)
    drawn = draws(["a"] * 8)
    assert agreement.estimate(agreement.kappa(alike, alike, 3), drawn) == agreement.Estimate(None)
    assert agreement.estimate(agreement.spearman(alike, np.arange(8)), drawn) == agreement.Estimate(None)
    assert agreement.estimate(agreement.mean(np.zeros(0)), draws([])) == agreement.Estimate(None)


def test_within_source_a_judge_that_only_knows_the_source_is_worth_nothing():
    """Marin's finding: what beats chance overall may be the source alone."""
    random = np.random.default_rng(0)
    sources = ["wiki"] * 200 + ["shop"] * 200 + ["rare"] * 3
    base = np.array([3] * 200 + [0] * 200 + [5] * 3)
    gold, judged = base + random.integers(0, 2, 403), base + random.integers(0, 2, 403)
    judged[400:] = gold[400:] = 5
    drawn = draws(agreement.strata(sources))
    overall = agreement.estimate(agreement.kappa(gold, judged, 7), drawn)
    inside = agreement.within(sources, lambda at: agreement.kappa(gold[at], judged[at], 7))
    pooled = agreement.estimate(inside, drawn)
    assert overall.value > 0.8
    assert pooled.low < 0 < pooled.high
    assert set(agreement.places_by_source(sources)) == {"wiki", "shop"}


def test_the_pooled_value_is_the_mean_of_the_sources_weighted_by_their_documents():
    sources = ["a"] * 10 + ["b"] * 30 + ["flat"] * 10
    gold = np.concatenate([np.arange(10), np.arange(30), np.zeros(10)])
    judged = np.concatenate([np.arange(10), np.arange(30)[::-1], np.arange(10)])
    inside = agreement.within(sources, lambda at: agreement.spearman(gold[at], judged[at]))
    assert value(inside, np.ones(50)) == pytest.approx((10 * 1 + 30 * -1) / 40)  # none in `flat`: all tied


@given(st.lists(st.tuples(st.floats(-9, 9), level), min_size=1, max_size=30))
def test_a_cut_gives_as_many_of_each_level_as_ties_permit(rows):
    values, like = columns(rows)
    found = agreement.cut_like(values, like)
    order = np.argsort(values, kind="stable")
    assert (np.diff(found[order]) >= 0).all()
    if len(set(values)) == len(values):
        assert sorted(found) == sorted(like)
    assert all(len(set(found[values == v])) == 1 for v in set(values))


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """Correlation .6 of normal pairs: Spearman's rho is then (6 / pi) asin(.3)."""
    truth, held = 6 / np.pi * np.arcsin(0.3), 0
    for seed in range(100):
        x, noise = np.random.default_rng(seed).standard_normal((2, 150))
        found = agreement.estimate(
            agreement.spearman(x, 0.6 * x + 0.8 * noise), draws(["a"] * 150, count=300, seed=seed)
        )
        held += found.low <= truth <= found.high
    assert 88 <= held <= 100


def test_a_difference_on_the_same_draws_is_paired():
    random = np.random.default_rng(0)
    gold = random.integers(0, 6, 300)
    judged = np.clip(gold + random.integers(-2, 3, 300), 0, 5)
    worse = judged.copy()
    worse[:20] = 5 - gold[:20]
    drawn = draws(["a"] * 300)
    before, after = agreement.kappa(gold, judged, 6), agreement.kappa(gold, worse, 6)
    gain = agreement.estimate(agreement.difference(after, before), drawn)
    alone = [agreement.estimate(figure, drawn) for figure in (before, after)]
    assert gain.high < 0
    assert gain.high - gain.low < alone[0].high - alone[0].low + alone[1].high - alone[1].low


@pytest.mark.parametrize(("flag", "expected"), [(0.0, (0.0, 0.0, 0.03)), (1.0, (1.0, 0.97, 1.0))])
def test_none_of_a_hundred_is_not_never(flag, expected):
    found = agreement.share(np.full(100, flag), draws(["a"] * 100))
    assert (found.value, found.low, found.high) == expected


def test_a_share_between_has_the_interval_of_the_bootstrap():
    flags, drawn = np.array([1.0] * 30 + [0.0] * 70), draws(["a"] * 100)
    assert agreement.share(flags, drawn) == agreement.estimate(agreement.mean(flags), drawn)
    assert agreement.share(np.zeros(0), draws([])) == agreement.Estimate(None)
