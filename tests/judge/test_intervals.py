import numpy as np
import pytest

from curation.judge.intervals import draws, estimate, interval


def test_as_many_are_drawn_of_each_stratum_as_there_are():
    strata = ["a"] * 7 + ["b"] * 3
    found = draws(strata, count=50)
    assert found.shape == (50, 10)
    assert (found[:, :7].sum(axis=1) == 7).all()
    assert (found[:, 7:].sum(axis=1) == 3).all()


def test_copies_are_drawn_together():
    found = draws(["a"] * 6, ["x", "y", "x", "z", "x", "y"], count=50)
    assert (found[:, 0] == found[:, 2]).all()
    assert (found[:, 0] == found[:, 4]).all()
    assert (found[:, 1] == found[:, 5]).all()
    assert (found[:, 0] != found[:, 3]).any()


def test_the_interval_of_a_mean_covers_it_as_often_as_it_says():
    """Of 400 samples of 60 values; a binomial of .95 has a standard deviation of .011 there."""
    random = np.random.default_rng(3)
    covered = 0
    for seed in range(400):
        values = random.exponential(size=60)
        weights = draws(["a"] * 60, seed=seed, count=400)
        low, high = interval(weights @ values / 60)
        covered += low <= 1.0 <= high
    assert 0.89 <= covered / 400 <= 0.98


def test_copies_make_an_interval_wider_not_narrower():
    values = np.random.default_rng(1).normal(size=50)
    copied, units = np.repeat(values, 4), [str(n) for n in np.repeat(np.arange(50), 4)]
    apart, together = (interval(draws(["a"] * 200, u) @ copied / 200) for u in (None, units))
    once = interval(draws(["a"] * 50) @ values / 50)
    assert apart[1] - apart[0] < 0.6 * (together[1] - together[0])
    assert together[1] - together[0] == pytest.approx(once[1] - once[0], rel=0.2)


def test_what_is_seldom_defined_has_no_interval():
    nan = np.nan
    assert interval(np.array([nan, nan, nan, 1.0])) is None
    assert interval(np.array([])) is None
    assert interval(np.array([nan, 1.0, 1.0, 1.0])) == (1.0, 1.0)
    assert estimate(np.array([nan, 1.0, 1.0])) == {"value": None, "interval": (1.0, 1.0)}
