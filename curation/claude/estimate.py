"""What a total will be, told from a sample: a value and the range that holds it in 95 of 100 cases. Pure.

A total that is known to follow a size (tokens follow bytes) is told by the ratio of the two in a sample
(Cochran, Sampling Techniques, 1977, chapter 6). A mean of heavy-tailed values gets an interval that leans to
where the tail is (Hall, On the Removal of Skewness by Transformation, 1992). Sums of independent ranges are
taken side by side (the method of variance estimates recovery: Zou and Donner, 2008).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_Z = 1.959964  # the 97.5th percentile of the normal distribution


@dataclass(frozen=True)
class Range:
    """A value that is expected, and the lowest and highest that it may well be."""

    expected: float
    low: float
    high: float

    def __add__(self, other: "Range") -> "Range":
        """The sum of two whose errors are independent."""
        expected = self.expected + other.expected
        below = math.hypot(self.expected - self.low, other.expected - other.low)
        above = math.hypot(self.high - self.expected, other.high - other.expected)
        return Range(expected, expected - below, expected + above)

    def times(self, factor: float) -> "Range":
        return Range(self.expected * factor, self.low * factor, self.high * factor)

    def within(self, least: float, most: float) -> "Range":
        """This range, cut to what is possible."""
        return Range(*(min(max(value, least), most) for value in (self.expected, self.low, self.high)))


NOTHING = Range(0.0, 0.0, 0.0)


def ratio(sizes: Sequence[float], values: Sequence[float], unseen: int, *, of_them: bool) -> Range:
    """What a value is of its size, over `unseen` things, from a simple random sample of things whose value
    and size are known. `of_them`: the sample is some of those things; else it is others like them."""
    x, y = np.asarray(sizes, float), np.asarray(values, float)
    found = float(y.sum() / x.sum())
    if len(x) < 2:
        return Range(found, found, found)
    residual = float(((y - found * x) ** 2).sum() / (len(x) - 1))
    share = 1 / len(x) + (-1 if of_them else 1) / max(unseen, 1)
    error = _Z * math.sqrt(max(share, 0.0) * residual) / float(x.mean())
    return Range(found, found - error, found + error)


def mean_of_more(values: Sequence[float], unseen: int) -> Range:
    """The mean of `unseen` values more, from a random sample of values like them; at least two. Covers what
    comes in 91 to 97 of 100 cases from a hundred values up, however heavy their tail is (docs/log.md)."""
    y = np.asarray(values, float)
    mean, spread = float(y.mean()), float(y.std(ddof=1))
    if spread == 0.0:
        return Range(mean, mean, mean)
    skewness = float(((y - mean) ** 3).mean()) / spread**3
    own = _Z * spread / math.sqrt(max(unseen, 1))  # the luck of those to come
    below = math.hypot(spread * _hall(_Z, skewness, len(y)), own)
    above = math.hypot(spread * _hall(-_Z, skewness, len(y)), own)
    return Range(mean, mean - below, mean + above)


def _hall(z: float, skewness: float, count: int) -> float:
    """Hall's transformation backwards: the standardised error of a mean that is normal with `z`."""
    plain = z / math.sqrt(count)
    if abs(skewness) < 1e-6:
        return plain
    inner = 1 + skewness * (plain - skewness / (6 * count))
    return 3 / skewness * (math.copysign(abs(inner) ** (1 / 3), inner) - 1)
