"""How well a number tells good documents from the others: precision, recall, F1 and AUC.

Each figure is computed for many weightings of the same documents at once, a row of `weights` each: the
documents as they are, and the draws of a bootstrap (`intervals`). NaN where a figure is not defined.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Cut:
    """A document is taken as good where `sign * value >= sign * at`."""

    at: float
    sign: int = 1  # -1: small values are good

    def take(self, values: Numbers) -> Flags:
        return self.sign * values >= self.sign * self.at


def at_cut(taken: Flags, good: Flags, weights: Numbers) -> dict[str, Numbers]:
    """Precision, recall and F1 of taking the documents `taken` where those that are `good` are; each of
    shape (rows of weights,)."""
    right = weights @ (taken & good)
    every_taken, every_good = weights @ taken, weights @ good
    return {
        "precision": _ratio(right, every_taken),
        "recall": _ratio(right, every_good),
        "f1": _ratio(2 * right, every_taken + every_good),
    }


def auc(values: Numbers, good: Flags, weights: Numbers, groups: Sequence[str] | None = None) -> Numbers:
    """The probability that a good document has the larger value than one that is not, ties counting half
    (Mann-Whitney's U over the number of pairs); shape (rows of weights,).

    With `groups`, of pairs within a group alone: what of it is not the group's doing. A constant, and a
    value that is the same for all of a group, then have .5.
    """
    above, pairs = np.zeros(len(weights)), np.zeros(len(weights))
    names = np.zeros(len(values), dtype=int) if groups is None else np.array(groups, dtype=str)
    for name in np.unique(names):
        inside = names == name
        one, both = _pairs(values[inside], good[inside], weights[:, inside])
        above += one
        pairs += both
    return _ratio(above, pairs)


def _pairs(values: Numbers, good: Flags, weights: Numbers) -> tuple[Numbers, Numbers]:
    """The weight of pairs that are in order, and of all pairs, of a good document and another."""
    order = np.argsort(values, kind="stable")
    values, good, weights = values[order], good[order], weights[:, order]
    starts = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    positive = np.add.reduceat(weights * good, starts, axis=1)
    negative = np.add.reduceat(weights * ~good, starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative / 2
    return (positive * below).sum(axis=1), positive.sum(axis=1) * negative.sum(axis=1)


def best_cut(values: Numbers, good: Flags) -> Cut:
    """The cut between large and small values, in either direction, with the highest F1; the first of several.
    Where no document is there to choose by, everything is good."""
    best, found = -1.0, Cut(float("-inf"))
    for sign in (1, -1):
        order = np.argsort(-sign * values, kind="stable")
        ranked = values[order]
        right = np.cumsum(good[order])
        f1 = 2 * right / (np.arange(1, len(values) + 1) + max(int(good.sum()), 1))
        last_of_its_value = np.append(ranked[1:] != ranked[:-1], True)[: len(values)]
        f1 = np.where(last_of_its_value, f1, -1.0)
        if len(f1) and f1.max() > best:
            best, found = float(f1.max()), Cut(float(ranked[int(f1.argmax())]), sign)
    return found


def _ratio(part: Numbers, whole: Numbers) -> Numbers:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, part / whole, np.nan)
