"""The share of good documents in a corpus, corrected for the errors of who says so.

A judge that errs reports a wrong share, and no larger sample mends that. Two corrections:

- `rogan_gladen` needs the judge's error rates, from gold labels: Rogan and Gladen, "Estimating prevalence
  from the results of a screening test" (1978); interval by the delta method. It holds as far as the judge
  errs on the corpus as it does on the gold.
- `prediction_powered` needs trusted labels of a random part of the corpus itself, and predictions for all of
  it: Angelopoulos et al., "Prediction-powered inference" (Science 382, 2023). It holds however bad the
  predictions are; good ones make the interval narrow.
"""

import math
from dataclasses import dataclass

from curation.judge.calibration.agreement import Estimate, Numbers

Z = 1.959964  # the normal quantile of an interval of 95 %


@dataclass(frozen=True)
class Share:
    """`good` of `documents`."""

    good: int
    documents: int

    @property
    def ratio(self) -> float:
        return self.good / self.documents

    @property
    def variance(self) -> float:
        """Of the ratio; with one document of each kind added, so that none of 20 is not held for never."""
        smoothed = (self.good + 1) / (self.documents + 2)
        return smoothed * (1 - smoothed) / self.documents


def rogan_gladen(taken: Share, sensitivity: Share, specificity: Share) -> Estimate:
    """The share that is good, where the judge takes `taken` of the corpus for good, and on gold `sensitivity`
    of the good and, as poor, `specificity` of the poor:

        θ = (p + q0 - 1) / (q0 + q1 - 1)

    with p the share taken, q1 the sensitivity and q0 the specificity, cut to [0, 1]. Not defined where a
    share is of no document; where q0 + q1 is not surely above 1: such a judge may be no better than a coin;
    and where the whole interval is outside [0, 1]: then the judge errs otherwise on the corpus than on gold.
    """
    if not (taken.documents and sensitivity.documents and specificity.documents):
        return Estimate(None)
    p, q1, q0 = taken.ratio, sensitivity.ratio, specificity.ratio
    slope = q0 + q1 - 1
    if slope <= Z * math.sqrt(specificity.variance + sensitivity.variance):
        return Estimate(None)
    theta = (p + q0 - 1) / slope
    inside = min(1.0, max(0.0, theta))
    variance = taken.variance + (1 - inside) ** 2 * specificity.variance + inside**2 * sensitivity.variance
    return _estimate(theta, math.sqrt(variance) / slope)


@dataclass(frozen=True)
class Moments:
    """Of numbers that need not be in memory together."""

    count: int = 0
    mean: float = 0.0
    variance: float = 0.0

    def with_more(self, values: Numbers) -> "Moments":
        """Those of these numbers too: Chan, Golub and LeVeque, "Updating formulae …" (1979)."""
        if not len(values):
            return self
        count, apart = self.count + len(values), float(values.mean()) - self.mean
        share = len(values) / count
        variance = (1 - share) * self.variance + share * float(values.var()) + share * (1 - share) * apart**2
        return Moments(count, self.mean + share * apart, variance)


def prediction_powered(
    labels: Numbers, predicted: Numbers, everywhere: Moments, weights: Numbers
) -> Estimate:
    """The mean label of a corpus, cut to [0, 1]: the mean prediction of its documents (`everywhere`), less
    the mean error of the predictions where `labels` of a random part are known (`predicted`, row for row;
    made without having seen these labels). `weights`: how many documents each of that part stands for.

        θ = mean(everywhere) - mean(predicted - labels)

    Labels and predictions are in [0, 1]. Not defined with fewer than two labels. The weighted mean and its
    variance are Hájek's (Särndal, Swensson and Wretman, "Model Assisted Survey Sampling", 1992, 5.7).
    """
    if len(labels) < 2 or not everywhere.count:
        return Estimate(None)
    error, share = predicted - labels, weights / weights.sum()
    mean = float(share @ error)
    spread = float((share**2) @ (error - mean) ** 2) * len(error) / (len(error) - 1)
    return _estimate(everywhere.mean - mean, math.sqrt(everywhere.variance / everywhere.count + spread))


def _estimate(theta: float, deviation: float) -> Estimate:
    low, high = theta - Z * deviation, theta + Z * deviation
    if high < 0 or low > 1:
        return Estimate(None)
    return Estimate(*(round(min(1.0, max(0.0, x)), 4) for x in (theta, low, high)))
