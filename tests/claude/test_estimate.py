"""The ranges that quotes are made of hold what comes, as often as they say."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from curation.claude.estimate import Range, mean_of_more, ratio

ranges = st.tuples(*[st.floats(0, 1e6)] * 3).map(sorted).map(lambda v: Range(v[1], v[0], v[2]))


@given(ranges, ranges, ranges)
def test_a_sum_is_as_wide_as_independent_errors_make_it(a: Range, b: Range, c: Range) -> None:
    """Not as wide as both at their worst, and the same in whatever order."""
    total = a + b
    assert total.low - 1e-3 <= total.expected <= total.high + 1e-3
    assert total.high - total.expected <= a.high - a.expected + b.high - b.expected + 1e-3
    assert total.high - total.expected >= max(a.high - a.expected, b.high - b.expected) - 1e-3
    one, other = (a + b) + c, a + (b + c)
    assert all(math.isclose(getattr(one, n), getattr(other, n), abs_tol=1e-2) for n in vars(one))


@given(st.lists(st.integers(1, 10_000), min_size=2, max_size=30), st.floats(0.1, 1))
def test_what_is_all_counted_is_exact(sizes: list[int], rate: float) -> None:
    values = [size * rate + n % 7 for n, size in enumerate(sizes)]
    told = ratio(sizes, values, len(sizes), of_them=True)
    assert math.isclose(told.expected * sum(sizes), sum(values))
    assert math.isclose(told.low, told.high)


@given(st.lists(st.floats(1, 1e4), min_size=2, max_size=60), st.integers(1, 10**6))
def test_fewer_to_come_are_more_a_matter_of_luck(values: list[float], unseen: int) -> None:
    few, many = mean_of_more(values, unseen), mean_of_more(values, unseen * 10)
    assert few.low <= many.low + 1e-6
    assert many.high <= few.high + 1e-6
    assume(len(set(values)) > 1)
    assert few.low < few.expected < few.high


def _prompts(rng: np.random.Generator, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bytes of prompts (heavy-tailed) and their tokens, which follow bytes more or less closely."""
    sizes = 3_000 + rng.lognormal(7, 1, count)
    return sizes, sizes / rng.normal(4, 0.4, count)


def test_tokens_told_by_bytes_are_unbiased_and_their_range_holds() -> None:
    rng = np.random.default_rng(0)
    sizes, tokens = _prompts(rng, 20_000)
    errors, held = [], 0
    for _ in range(600):
        some = rng.choice(len(sizes), 200, replace=False)
        told = ratio(sizes[some], tokens[some], len(sizes), of_them=True).times(sizes.sum())
        errors.append(told.expected / tokens.sum() - 1)
        held += told.low <= tokens.sum() <= told.high
    assert abs(np.mean(errors)) < 3 * np.std(errors) / math.sqrt(len(errors)) + 1e-4
    assert held / 600 > 0.92


@pytest.mark.parametrize("spread", [0.3, 1.0, 1.5])
@pytest.mark.parametrize("seen", [100, 1_000])
def test_lengths_of_answers_are_told_unbiased_and_their_range_holds(spread: float, seen: int) -> None:
    """Lengths that are heavy-tailed, cut by max_tokens and asked again, as those of models are."""
    rng = np.random.default_rng(int(spread * 10) + seen)

    def lengths(count: int) -> NDArray[np.float64]:
        drawn = rng.lognormal(np.log(120), spread, count)
        return np.where(drawn > 600, 600 + np.minimum(drawn, 2_400), drawn)

    errors, held = [], 0
    for _ in range(400):
        told, came = mean_of_more(lengths(seen), 5_000), lengths(5_000).mean()
        errors.append(told.expected / came - 1)
        held += told.low <= came <= told.high
    assert abs(np.mean(errors)) < 4 * np.std(errors) / math.sqrt(len(errors))
    assert held / 400 > 0.90
