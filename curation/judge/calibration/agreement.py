"""How far a judge's scores agree with labels: quadratic-weighted kappa, Spearman's rho, mean absolute error.

    estimate(kappa(gold, judged, 6), draws(strata))  → Estimate(value, low, high)

A `Figure` is a function of weights, how often each document counts, shape (draws, documents): of ones it
gives the value itself, of `intervals.draws` its values over the bootstrap, all at once. Two figures of the
same draws are paired: `difference` has the interval of their difference.

Cohen, "Weighted kappa" (Psychological Bulletin 70, 1968), weights as in Fleiss and Cohen (1973): the square
of the distance on the scale. Spearman (1904), ties at their mean rank, as scipy and R compute it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.judge.intervals import interval

Numbers = NDArray[np.float64]
Ints = NDArray[np.int64]
Figure = Callable[[Numbers], Numbers]
"""Weights (draws, documents) → values (draws,); NaN where the figure is not defined."""

SOURCE_MIN = 10
"""Documents of a source that has figures of its own: of fewer, a draw is too often the same one."""

_BLOCK = 2_000_000  # weights that a figure is given at a time


@dataclass(frozen=True)
class Estimate:
    """A figure with its bootstrap interval of 95 %; None where it is not defined."""

    value: float | None
    low: float | None = None
    high: float | None = None


def estimate(figure: Figure, drawn: Numbers) -> Estimate:
    """The value of `figure` on all documents, and its interval over `drawn` (draws, documents)."""
    documents = drawn.shape[1]
    if not documents:
        return Estimate(None)
    value = float(figure(np.ones((1, documents)))[0])
    if np.isnan(value):
        return Estimate(None)
    step = max(1, _BLOCK // documents)
    found = [figure(drawn[start : start + step]) for start in range(0, len(drawn), step)]
    return Estimate(round(value, 4), *(interval(np.concatenate(found)) or ()))


def share(flags: Numbers, drawn: Numbers) -> Estimate:
    """The share of `flags` (0 or 1) that is 1, as `estimate` gives it. Of none, or all, of n documents every
    draw says the same; the interval then goes 3 / n further: Hanley and Lippman-Hand, "If nothing goes wrong,
    is everything all right?" (1983)."""
    found = estimate(mean(flags), drawn)
    if found.value not in (0.0, 1.0):
        return found
    far = round(abs(found.value - min(1.0, 3 / len(flags))), 4)
    return Estimate(found.value, min(found.value, far), max(found.value, far))


def mean(values: Numbers) -> Figure:
    """The mean of `values`."""
    return lambda weights: weights @ values.astype(np.float64) / weights.sum(axis=1)


def mae(gold: Ints, judged: Ints) -> Figure:
    """The mean absolute error, in steps of the scale."""
    return mean(np.abs(gold - judged))


def kappa(gold: Ints, judged: Ints, levels: int) -> Figure:
    """Quadratic-weighted kappa of levels 0 … levels - 1: 1 - D / E, where D is the mean squared distance of
    the pairs and E what it would be if the two were independent; not defined where E is 0."""
    cells = np.zeros((len(gold), levels * levels))
    cells[np.arange(len(gold)), gold * levels + judged] = 1.0
    step = np.arange(levels, dtype=np.float64)
    distance = (step[:, None] - step[None, :]) ** 2

    def figure(weights: Numbers) -> Numbers:
        table = (weights @ cells).reshape(len(weights), levels, levels)
        observed = (table * distance).sum(axis=(1, 2))
        chance = np.einsum("bi,bj,ij->b", table.sum(axis=2), table.sum(axis=1), distance)
        return 1.0 - _quotient(observed * weights.sum(axis=1), chance)

    return figure


def spearman(one: Numbers, other: Numbers) -> Figure:
    """The correlation of the ranks; not defined where all of one side are tied."""
    ranks_of_one, ranks_of_other = _ranks(one), _ranks(other)

    def figure(weights: Numbers) -> Numbers:
        middle = (weights.sum(axis=1, keepdims=True) + 1) / 2  # the mean rank
        a, b = ranks_of_one(weights) - middle, ranks_of_other(weights) - middle
        weighted = weights * a
        spread = np.sqrt((weighted * a).sum(axis=1) * (weights * b * b).sum(axis=1))
        return _quotient((weighted * b).sum(axis=1), spread)

    return figure


def difference(after: Figure, before: Figure) -> Figure:
    """By how much one figure is above another, draw by draw."""
    return lambda weights: after(weights) - before(weights)


def within(sources: Sequence[str], figure_of: Callable[[Ints], Figure]) -> Figure:
    """The mean of a figure over sources of SOURCE_MIN documents or more, weighted by their documents; a
    source where it is not defined does not count. `figure_of` makes the figure of the documents at places."""
    parts = [(places, figure_of(places)) for places in places_by_source(sources).values()]

    def figure(weights: Numbers) -> Numbers:
        if not parts:
            return np.full(len(weights), np.nan)
        values = np.stack([part(weights[:, places]) for places, part in parts])
        counts = np.array([[len(places)] for places, _ in parts]) * ~np.isnan(values)
        return _quotient((counts * np.nan_to_num(values)).sum(axis=0), counts.sum(axis=0))

    return figure


def places_by_source(sources: Sequence[str]) -> dict[str, Ints]:
    """Where the documents of each source of SOURCE_MIN documents or more are, by the source's name."""
    names = np.array(sources, dtype=str)
    found = {str(name): np.flatnonzero(names == name) for name in np.unique(names)}
    return {name: places for name, places in found.items() if len(places) >= SOURCE_MIN}


def strata(sources: Sequence[str]) -> list[str]:
    """Within what documents are drawn again: their source; sources with fewer than SOURCE_MIN are one."""
    own = places_by_source(sources)
    return [f"source {name}" if name in own else "others" for name in sources]


def confusion(gold: Ints, judged: Ints, levels: int) -> Ints:
    """How many documents of each level got each score; shape (levels of the gold, levels of the judge)."""
    return np.bincount(gold * levels + judged, minlength=levels * levels).reshape(levels, levels)


def cut_like(values: Numbers, like: Ints) -> Ints:
    """`values` as levels, as many of each as in `like` as far as ties permit: that at a value's mean rank."""
    ranks = _ranks(values)(np.ones((1, len(values))))[0]
    return np.sort(like)[ranks.astype(np.int64) - 1]


def _ranks(values: Numbers) -> Figure:
    """Weights → the rank of each value, from 1, ties at their mean; shape (draws, documents)."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))[: len(values)]
    group = np.empty(len(values), dtype=np.int64)
    group[order] = np.searchsorted(starts, np.arange(len(values)), "right") - 1

    def ranks(weights: Numbers) -> Numbers:
        tied = np.add.reduceat(weights[:, order], starts, axis=1)
        return (np.cumsum(tied, axis=1) - (tied - 1) / 2)[:, group]

    return ranks


def _quotient(above: Numbers, below: Numbers) -> Numbers:
    defined = below > 0
    return np.where(defined, above / np.where(defined, below, 1.0), np.nan)
