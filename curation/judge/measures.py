"""How well a number tells good documents from the others: precision, recall, F1 and AUC."""

from dataclasses import dataclass
from typing import Any

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


def figures(values: Numbers, cut: Cut, good: Flags) -> dict[str, Any]:
    """The figures of `cut` on documents of which `good` are; None where a figure is not defined.

    `auc` needs no cut: the probability that a good document has the better value than one that is not, ties
    counting half (the Mann-Whitney U statistic over the number of pairs).
    """
    taken = cut.take(values)
    right, wrong, missed = (int(np.sum(x)) for x in (taken & good, taken & ~good, ~taken & good))
    return {
        "precision": _ratio(right, right + wrong),
        "recall": _ratio(right, right + missed),
        "f1": _ratio(2 * right, 2 * right + wrong + missed),
        "auc": auc(cut.sign * values, good),
        "true_positives": right,
        "false_positives": wrong,
        "false_negatives": missed,
        "true_negatives": len(good) - right - wrong - missed,
    }


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


def auc(values: Numbers, good: Flags) -> float | None:
    """See `figures`; None unless there are good documents and others."""
    positives, negatives = int(good.sum()), int((~good).sum())
    if not positives or not negatives:
        return None
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(counts) - (counts - 1) / 2  # from 1
    above = float(mean_rank[place][good].sum()) - positives * (positives + 1) / 2
    return round(above / (positives * negatives), 4)


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
