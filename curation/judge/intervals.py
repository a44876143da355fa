"""Intervals of a figure by the bootstrap: how much of it is the luck of which documents were drawn.

Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13: documents are drawn again, with
replacement, and the figure's 2.5th and 97.5th percentile over many draws are told. A draw is a row of
weights, how often each document is in it, so that a figure of all draws is a sum along their rows. Two
figures of the same draws are paired: the interval of their difference is that of the difference per draw.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

DRAWS = 1000
PERCENTILES = (2.5, 97.5)


def draws(
    strata: Sequence[str], units: Sequence[str] | None = None, *, count: int = DRAWS, seed: int = 0
) -> Numbers:
    """How often each document is in each draw; shape (count, documents).

    As many are drawn from each stratum as there are. Documents of one unit, such as copies of each other,
    are drawn together, from the stratum of the first: they are no independent evidence. 8 * count bytes a
    document.
    """
    random = np.random.default_rng(seed)
    names = [str(n) for n in range(len(strata))] if units is None else units
    _, first, unit = np.unique(np.array(names, dtype=str), return_index=True, return_inverse=True)
    of_unit = np.array(strata, dtype=str)[first]
    drawn = np.zeros((count, len(first)))
    for stratum in np.unique(of_unit):
        members = np.flatnonzero(of_unit == stratum)
        drawn[:, members] = random.multinomial(len(members), np.full(len(members), 1 / len(members)), count)
    return drawn[:, unit]


def interval(values: Numbers) -> tuple[float, float] | None:
    """The interval of a figure by its value in each draw; draws where it is not defined (NaN) are left out.
    None where that is more than half of them."""
    known = values[~np.isnan(values)]
    if 2 * len(known) < len(values) or not len(known):
        return None
    low, high = np.percentile(known, PERCENTILES)
    return round(float(low), 4), round(float(high), 4)


def estimate(values: Numbers) -> dict[str, object]:
    """A figure for a report: its `value`, which comes first in `values`, and its `interval` over the rest;
    None where it is not defined."""
    value = None if np.isnan(values[0]) else round(float(values[0]), 4)
    return {"value": value, "interval": interval(values[1:])}
