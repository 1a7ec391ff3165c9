"""Metrics other than accuracy for two models on the same samples: differences with paired bootstrap intervals."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgecompress.report.statistics import Interval

RESAMPLES = 2000


@dataclass(frozen=True)
class PairedMetric:
    """Another metric for two models on the same samples, with a bootstrap interval of `after - before`."""

    metric: str
    before: float
    after: float
    interval: Interval
    samples: int
    resamples: int
    seed: int

    @property
    def difference(self) -> float:
        return self.after - self.before


def sample_errors(metric: str, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Per sample (samples,) float64: the mean of |output - target| or of its square over a sample's values.

    Args:
        metric: mean_absolute_error or mean_squared_error.
    """
    error = np.asarray(outputs, np.float64) - np.asarray(targets, np.float64)
    per_value = {"mean_absolute_error": np.abs, "mean_squared_error": np.square}[metric](error)
    return np.asarray(per_value.reshape(len(error), -1).mean(axis=1))


def auc(scores: np.ndarray, labels: np.ndarray) -> float:
    """The area under the ROC curve: the chance that a positive sample scores above a negative one, ties half.

    Args:
        scores: (samples,), higher is more positive (an anomaly score, say).
        labels: (samples,) of 0 and 1.

    Raises:
        ValueError: one class only.
    """
    return _Ranking(np.asarray(scores), np.asarray(labels)).auc(np.ones(len(scores)))


class _Ranking:
    """Scores sorted once, so that the area of each bootstrap sample takes linear time."""

    def __init__(self, scores: np.ndarray, labels: np.ndarray) -> None:
        positive = labels.astype(bool)
        if positive.all() or not positive.any():
            raise ValueError("the area under the ROC curve needs both classes")
        self.order = np.argsort(scores, kind="stable")
        _, self.rank = np.unique(scores[self.order], return_inverse=True)
        self.positive = positive[self.order]

    def auc(self, weights: np.ndarray) -> float:
        """With every sample counted `weights` times."""
        weights = weights[self.order]
        above = np.bincount(self.rank, weights * self.positive)
        below = np.bincount(self.rank, weights * ~self.positive)
        lower = np.cumsum(below) - below
        return float((above * (lower + below / 2)).sum() / (above.sum() * below.sum()))


def compare_errors(
    metric: str, before: np.ndarray, after: np.ndarray, *, resamples: int = RESAMPLES, seed: int = 0
) -> PairedMetric:
    """Mean errors of two models with a percentile interval of the paired bootstrap (Efron and Tibshirani 1993, ch. 13).

    Args:
        before, after: (samples,) as `sample_errors` gives them, same samples, same order.
    """
    first, second = np.asarray(before, np.float64), np.asarray(after, np.float64)
    if first.shape != second.shape or first.ndim != 1 or not first.size:
        raise ValueError(f"errors of shape {first.shape} and {second.shape}")
    difference = second - first
    interval = _bootstrap(
        lambda weights: float(weights @ difference) / len(difference), None, len(first), resamples, seed
    )
    return PairedMetric(metric, float(first.mean()), float(second.mean()), interval, len(first), resamples, seed)


def compare_auc(
    before: np.ndarray, after: np.ndarray, labels: np.ndarray, *, resamples: int = RESAMPLES, seed: int = 0
) -> PairedMetric:
    """Areas under the ROC curve of two models' scores; the bootstrap is paired and draws within each class."""
    first, second = _Ranking(np.asarray(before), labels), _Ranking(np.asarray(after), labels)
    every = np.ones(len(labels))
    interval = _bootstrap(
        lambda weights: second.auc(weights) - first.auc(weights), np.asarray(labels, bool), len(labels), resamples, seed
    )
    return PairedMetric("auc", first.auc(every), second.auc(every), interval, len(labels), resamples, seed)


def mean_interval(values: np.ndarray, *, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """Of the mean of per-sample values (samples,)."""
    return _bootstrap(lambda weights: float(weights @ values) / len(values), None, len(values), resamples, seed)


def auc_interval(scores: np.ndarray, labels: np.ndarray, *, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """Of the area under the ROC curve; draws within each class."""
    ranking = _Ranking(scores, labels)
    return _bootstrap(ranking.auc, np.asarray(labels, bool), len(labels), resamples, seed)


def _bootstrap(
    statistic: Callable[[np.ndarray], float], strata: np.ndarray | None, samples: int, resamples: int, seed: int
) -> Interval:
    """The 2.5 and 97.5 percentiles of `statistic` over samples drawn again with replacement, as weights (samples,)."""
    random = np.random.RandomState(seed)
    groups = [np.arange(samples)] if strata is None else [np.flatnonzero(strata), np.flatnonzero(~strata)]
    values = np.empty(resamples)
    for i in range(resamples):
        weights = np.zeros(samples)
        for group in groups:
            weights[group] = np.bincount(random.randint(len(group), size=len(group)), minlength=len(group))
        values[i] = statistic(weights)
    low, high = np.percentile(values, [2.5, 97.5])
    return Interval(float(low), float(high))
