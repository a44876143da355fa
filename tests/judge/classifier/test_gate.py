import numpy as np

from curation.judge.classifier import gate


def around(mean, spread, seed):
    return np.append(mean, np.random.default_rng(seed).normal(mean, spread, 1000))


def test_it_passes_what_is_ahead_of_every_baseline():
    found = gate.ask(around(0.8, 0.02, 1), {"length": around(0.6, 0.02, 2), "constant": np.full(1001, 0.5)})
    assert found.passed
    assert not found.failed
    assert all(low > 0 for low, _ in found.ahead_by.values())


def test_one_baseline_as_good_is_enough_to_fail_and_is_named():
    found = gate.ask(around(0.8, 0.02, 1), {"length": around(0.79, 0.02, 2), "constant": np.full(1001, 0.5)})
    assert not found.passed
    [said] = found.failed
    assert said.startswith("length: ahead by -0.0")


def test_the_difference_is_paired():
    """Two figures that vary much, and always together, are told apart."""
    shared = around(0.7, 0.1, 1)
    assert gate.ask(shared + 0.02, {"length": shared}).passed
    assert not gate.ask(
        shared + 0.02, {"length": np.append(0.7, np.random.default_rng(2).permutation(shared[1:]))}
    ).passed


def test_what_cannot_be_told_does_not_pass():
    nothing = np.full(1001, np.nan)
    found = gate.ask(nothing, {"length": nothing})
    assert not found.passed
    assert "too few" in found.failed[0]
