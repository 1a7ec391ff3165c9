"""Evidence for accuracy figures: intervals, paired differences between two models, and the sentence they allow.

Two models judged on the same samples are compared pair by pair: the difference is far better known than either figure.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

FEW_SAMPLES = 500
SMALL_DIFFERENCE = 0.02
"""Below FEW_SAMPLES samples no difference smaller than this is claimed."""


@dataclass(frozen=True)
class Interval:
    """A two-sided confidence interval."""

    low: float
    high: float
    confidence: float = 0.95


@dataclass(frozen=True)
class Accuracy:
    """The share of correct answers, with its interval."""

    correct: int
    samples: int

    @property
    def value(self) -> float:
        """0 to 1."""
        return self.correct / self.samples

    @property
    def interval(self) -> Interval:
        """Wilson, 95 %."""
        return wilson(self.correct, self.samples)


@dataclass(frozen=True)
class PairedDifference:
    """Two models, `before` and `after`, on the same samples.

    Attributes:
        both, only_before, only_after, neither: samples that these answered correctly.
        interval: of `difference`, Newcombe's square-and-add with score intervals, 95 %.
        p_value: exact McNemar test, two-sided.
    """

    both: int
    only_before: int
    only_after: int
    neither: int
    interval: Interval
    p_value: float

    @property
    def samples(self) -> int:
        return self.both + self.only_before + self.only_after + self.neither

    @property
    def before(self) -> Accuracy:
        return Accuracy(self.both + self.only_before, self.samples)

    @property
    def after(self) -> Accuracy:
        return Accuracy(self.both + self.only_after, self.samples)

    @property
    def difference(self) -> float:
        """Accuracy after minus accuracy before, -1 to 1: negative is a loss."""
        return (self.only_after - self.only_before) / self.samples


def wilson(correct: int, samples: int, confidence: float = 0.95) -> Interval:
    """The score interval of a proportion (Wilson 1927, J. Am. Stat. Assoc. 22:209-212), without continuity correction.

    Raises:
        ValueError: no samples, or more correct than samples.
    """
    if not 0 <= correct <= samples or samples == 0:
        raise ValueError(f"{correct} correct of {samples} samples")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    p = correct / samples
    centre = p + z * z / (2 * samples)
    half = z * math.sqrt(p * (1 - p) / samples + z * z / (4 * samples * samples))
    scale = 1 + z * z / samples
    # Rounding must not move the ends that are exactly 0 and 1.
    low = 0.0 if correct == 0 else (centre - half) / scale
    high = 1.0 if correct == samples else (centre + half) / scale
    return Interval(low, high, confidence)


def mcnemar(only_before: int, only_after: int) -> float:
    """Two-sided p-value of the exact McNemar test: discordant pairs are fair coins if the models are equally good."""
    discordant = only_before + only_after
    smaller = min(only_before, only_after)
    tail = sum(math.comb(discordant, k) for k in range(smaller + 1))
    return min(1.0, float(2 * tail / 2**discordant))


def paired_interval(both: int, only_first: int, only_second: int, neither: int, confidence: float = 0.95) -> Interval:
    """The interval of p_first - p_second for paired proportions.

    Method 10 of Newcombe 1998, Improved confidence intervals for the difference between binomial proportions based on
    paired data, Statistics in Medicine 17:2635-2650: Wilson limits of both proportions, squared and added with their
    correlation phi, whose numerator has a continuity correction where it is positive.
    """
    n = both + only_first + only_second + neither
    first, second = both + only_first, both + only_second
    score_first, score_second = wilson(first, n, confidence), wilson(second, n, confidence)
    p_first, p_second = first / n, second / n
    phi = _correlation(both, only_first, only_second, neither)
    difference = (only_first - only_second) / n
    return Interval(
        max(-1.0, difference - _add(p_first - score_first.low, score_second.high - p_second, phi)),
        min(1.0, difference + _add(score_first.high - p_first, p_second - score_second.low, phi)),
        confidence,
    )


def _correlation(both: int, only_first: int, only_second: int, neither: int) -> float:
    n = both + only_first + only_second + neither
    first, second = both + only_first, both + only_second
    margins = first * (n - first) * second * (n - second)
    if margins == 0:
        return 0.0
    numerator: float = both * neither - only_first * only_second
    if numerator > 0:
        numerator = max(numerator - n / 2, 0.0)
    return numerator / math.sqrt(margins)


def _add(first: float, second: float, phi: float) -> float:
    return math.sqrt(max(0.0, first * first - 2 * phi * first * second + second * second))


def compare(before: np.ndarray, after: np.ndarray) -> PairedDifference:
    """Two models' answers on the same samples in the same order.

    Args:
        before, after: (samples,) of bool: was the answer correct.

    Raises:
        ValueError: other shapes, or no samples.
    """
    first, second = np.asarray(before, bool), np.asarray(after, bool)
    if first.shape != second.shape or first.ndim != 1 or not first.size:
        raise ValueError(f"answers of shape {first.shape} and {second.shape}")
    both, only_before = int((first & second).sum()), int((first & ~second).sum())
    only_after, neither = int((~first & second).sum()), int((~first & ~second).sum())
    return PairedDifference(
        both,
        only_before,
        only_after,
        neither,
        paired_interval(both, only_after, only_before, neither),
        mcnemar(only_before, only_after),
    )


def correct_answers(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Which answers are right, (samples,) of bool; ties go to the lowest class, as on the device.

    Args:
        outputs: (samples, classes), or (samples, 1) of probabilities of class 1 for two classes.
        labels: (samples,) indices, or (samples, classes) one-hot.
    """
    truth = np.argmax(labels, axis=1) if labels.ndim == 2 and labels.shape[1] > 1 else labels.reshape(len(labels))
    answers = outputs.reshape(len(outputs), -1)
    chosen = np.argmax(answers, axis=1) if answers.shape[1] > 1 else answers[:, 0] > 0.5
    return np.asarray(chosen == truth)


@dataclass(frozen=True)
class Verdict:
    """What may be said about a difference.

    Attributes:
        kind: worse, better, same (no difference seen), or unknown (too few samples for any claim).
    """

    kind: str
    sentence: str


def verdict(paired: PairedDifference, before: str = "float", after: str = "int8") -> Verdict:
    """The sentence for the report.

    With fewer than 500 samples no difference below 2 points is claimed, nor its absence: such an interval is wider
    than what it should show. Otherwise a difference is claimed where its 95 % interval does not hold 0.
    """
    points, interval = 100 * paired.difference, paired.interval
    facts = (
        f"{after} {100 * paired.after.value:.2f} %, {before} {100 * paired.before.value:.2f} %: "
        f"{points:+.2f} points (95 % interval {100 * interval.low:+.2f} to {100 * interval.high:+.2f}, "
        f"{paired.samples} samples, McNemar p = {paired.p_value:.2g})"
    )
    if paired.samples < FEW_SAMPLES and abs(paired.difference) < SMALL_DIFFERENCE:
        return Verdict(
            "unknown",
            f"{facts}; fewer than {FEW_SAMPLES} samples cannot show a difference below "
            f"{100 * SMALL_DIFFERENCE:.0f} points, so none is claimed, nor that there is none",
        )
    if interval.low > 0:
        return Verdict("better", f"{facts}; {after} is better than {before}")
    if interval.high < 0:
        return Verdict("worse", f"{facts}; {after} is worse than {before}")
    worst = f"a loss of more than {max(0.0, -100 * interval.low):.2f} points is unlikely"
    return Verdict("same", f"{facts}; no difference is seen, and {worst}")
