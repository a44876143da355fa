import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from curation.judge.classifier.measures import Cut, at_cut, auc, best_cut

rows = st.lists(
    st.tuples(st.integers(-3, 3), st.booleans(), st.integers(0, 4), st.sampled_from("ab")),
    min_size=1,
    max_size=30,
)


def split(made):
    values, good, weights, groups = zip(*made, strict=True)
    return np.array(values, dtype=float), np.array(good), np.array(weights, dtype=float), list(groups)


@given(rows, st.integers(-4, 4), st.sampled_from([1, -1]))
def test_figures_are_those_of_scikit_learn(made, at, sign):
    values, good, weights, _ = split(made)
    taken = Cut(at, sign).take(values)
    both = np.stack([np.ones(len(values)), weights])
    found = at_cut(taken, good, both)
    ranked = auc(sign * values, good, both)
    for n, of in enumerate(both):
        if not of.any():
            assert np.isnan(found["precision"][n])
            continue
        measures = {
            "precision": metrics.precision_score,
            "recall": metrics.recall_score,
            "f1": metrics.f1_score,
        }
        for name, measure in measures.items():
            expected = measure(good, taken, sample_weight=of, zero_division=np.nan)
            assert found[name][n] == pytest.approx(expected, nan_ok=True)
        if of[good].sum() and of[~good].sum():
            expected = metrics.roc_auc_score(good, sign * values, sample_weight=of)
            assert ranked[n] == pytest.approx(expected)
        else:
            assert np.isnan(ranked[n])


@given(rows)
def test_auc_within_groups_is_the_mean_over_their_pairs(made):
    values, good, weights, groups = split(made)
    above = pairs = 0.0
    for i in np.flatnonzero(good):
        for j in np.flatnonzero(~good):
            if groups[i] == groups[j]:
                pairs += weights[i] * weights[j]
                above += weights[i] * weights[j] * (0.5 + 0.5 * np.sign(values[i] - values[j]))
    expected = above / pairs if pairs else np.nan
    assert auc(values, good, weights[None], groups)[0] == pytest.approx(expected, nan_ok=True)


@given(rows)
def test_what_is_the_same_within_a_group_is_a_coin_within_groups(made):
    _, good, _, groups = split(made)
    of_group = np.array([ord(g) for g in groups], dtype=float)
    found = auc(of_group, good, np.ones((1, len(good))), groups)[0]
    assert np.isnan(found) or found == 0.5


@given(rows)
def test_no_other_cut_has_a_higher_f1(made):
    values, good, _, _ = split(made)
    best = metrics.f1_score(good, best_cut(values, good).take(values), zero_division=0.0)
    for at in set(values):
        for sign in (1, -1):
            other = metrics.f1_score(good, Cut(at, sign).take(values), zero_division=0.0)
            assert other <= best + 1e-12


def test_small_values_may_be_the_good_ones():
    values, good = np.array([1.0, 2.0, 8.0, 9.0]), np.array([True, True, False, False])
    assert best_cut(values, good) == Cut(2.0, -1)


def test_without_documents_there_are_no_figures_and_everything_is_good():
    nothing = np.array([], dtype=float), np.array([], dtype=bool)
    cut = best_cut(*nothing)
    assert cut.take(np.array([-5.0])).all()
    weights = np.ones((3, 0))
    assert np.isnan(at_cut(cut.take(nothing[0]), nothing[1], weights)["f1"]).all()
    assert np.isnan(auc(*nothing, weights)).all()
