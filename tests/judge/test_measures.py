import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from curation.judge.measures import Cut, auc, best_cut, figures

pairs = st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=1, max_size=30)


def split(rows):
    return np.array([v for v, _ in rows], dtype=float), np.array([g for _, g in rows], dtype=bool)


@given(pairs, st.integers(-4, 4), st.sampled_from([1, -1]))
def test_figures_are_those_of_scikit_learn(rows, at, sign):
    values, good = split(rows)
    cut = Cut(at, sign)
    found = figures(values, cut, good)
    taken = cut.take(values)
    measures = {
        "precision": metrics.precision_score,
        "recall": metrics.recall_score,
        "f1": metrics.f1_score,
    }
    for name, measure in measures.items():
        expected = measure(good, taken, zero_division=np.nan)
        assert found[name] == (None if np.isnan(expected) else pytest.approx(expected, abs=1e-4))
    if 0 < good.sum() < len(good):
        assert found["auc"] == pytest.approx(metrics.roc_auc_score(good, sign * values), abs=1e-4)
    else:
        assert found["auc"] is None


@given(pairs)
def test_no_other_cut_has_a_higher_f1(rows):
    values, good = split(rows)
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
    assert figures(nothing[0], cut, nothing[1])["f1"] is None
    assert auc(*nothing) is None
