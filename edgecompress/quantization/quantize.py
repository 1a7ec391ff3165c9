"""The techniques put together: as they were asked for, or tried in order and kept where they help (`auto`)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from edgecompress.quantization.calibration import Progress, choose, histograms
from edgecompress.quantization.diagnosis import Part, answers, decibels, diagnose, integer_answers
from edgecompress.quantization.equalization import equalize
from edgecompress.quantization.layerwise import Refined, refine
from edgecompress.quantization.network import Network, Sample
from edgecompress.quantization.ranges import Histogram
from edgecompress.quantization.twin import Twins, find_twins
from edgecompress.quantization.writing import Choice, as_written, quantized_graph, rounded, to_bytes
from edgecompress.recipe import QuantizationRecipe
from edgecompress.tflite.graph import Graph
from edgecompress.tflite.reader import read_bytes

GAIN_DB = 0.1
"""What a remedy must gain to be kept."""
REFINING_SAMPLES = 128
"""Bias correction and AdaRound take so many calibration samples at most."""
EQUALIZING_SAMPLES = 32
DIAGNOSIS_SAMPLES = 8
UNTOUCHED = "the converter's own file"


@dataclass(frozen=True)
class Trial:
    """One thing that `auto` tried.

    Attributes:
        what: the setting.
        snr_db: of the answers before softmax against the float network's, on validation samples.
        kept: it stayed.
    """

    what: str
    snr_db: float
    kept: bool

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Quantized:
    """A quantized file and how it came about.

    Attributes:
        content: the .tflite file's bytes.
        settings: what was done.
        before_db, after_db: SNR of the answers on validation samples: the converter's file, and this one.
        trials: of `auto`, in order.
        equalized: pairs of layers.
        refined: what bias correction and AdaRound did, layer by layer.
        parts: where it loses still, the worst first.
    """

    content: bytes
    settings: QuantizationRecipe
    before_db: float
    after_db: float
    trials: tuple[Trial, ...]
    equalized: tuple[tuple[str, str], ...]
    refined: tuple[Refined, ...]
    parts: tuple[Part, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, all but the bytes."""
        return {
            "settings": asdict(self.settings),
            "before_db": round(self.before_db, 2),
            "after_db": round(self.after_db, 2),
            "trials": [trial.as_dict() for trial in self.trials],
            "equalized": [list(pair) for pair in self.equalized],
            "refined": [asdict(one) for one in self.refined],
            "parts": [part.as_dict() for part in self.parts],
        }


def quantize(
    integer: bytes,
    floating: bytes,
    calibration: Sequence[Sample],
    validation: Sequence[Sample],
    settings: QuantizationRecipe,
    forbidden: frozenset[str] = frozenset(),
    say: Progress = lambda *_: None,
) -> Quantized:
    """A full-integer file with other ranges, weights and biases.

    Args:
        integer: as the converter wrote it.
        floating: its float twin.
        calibration: ranges, biases and rounding are found on these.
        validation: what helps is judged on these; never test samples.
        settings: what to do.
        forbidden: keys of [quantization] that `auto` leaves alone.

    Raises:
        UnsupportedError: the files are not one network, or it cannot be written; names the operator.
        DataError: no samples, or values that are not finite.
    """
    twins = find_twins(read_bytes(integer), read_bytes(floating))
    work = _Work(twins, calibration, validation, say)
    before = work.judge(twins.integer)
    trials: tuple[Trial, ...] = ()
    if settings.auto:
        made, trials = _auto(work, settings, forbidden)
    else:
        made = work.make(settings)
    if settings.auto and settings.weights == "channel" and made.snr_db < before:
        left = (*(replace(trial, kept=False) for trial in trials), Trial(UNTOUCHED, before, True))
        parts = examine(integer, floating, calibration)
        return Quantized(integer, QuantizationRecipe(), before, before, left, (), (), parts)
    few, found = validation[:DIAGNOSIS_SAMPLES], work.histograms(made.twins)
    parts = diagnose(made.twins, made.choice, found, few, _tried(made.settings), say)
    content = to_bytes(made.twins, made.choice)
    return Quantized(content, made.settings, before, made.snr_db, trials, made.equalized, made.refined, parts)


def examine(integer: bytes, floating: bytes, samples: Sequence[Sample]) -> tuple[Part, ...]:
    """Where a file as the converter wrote it loses, the worst first.

    Raises:
        UnsupportedError, DataError: as `quantize`.
    """
    twins = find_twins(read_bytes(integer), read_bytes(floating))
    return diagnose(twins, as_written(twins), histograms(twins, samples), samples[:DIAGNOSIS_SAMPLES])


@dataclass(frozen=True, eq=False)
class _Made:
    """One way to quantize, carried out and judged."""

    settings: QuantizationRecipe
    twins: Twins
    choice: Choice
    equalized: tuple[tuple[str, str], ...]
    refined: tuple[Refined, ...]
    snr_db: float


class _Work:
    """Carries out settings; what several of them share is computed once."""

    def __init__(
        self, twins: Twins, calibration: Sequence[Sample], validation: Sequence[Sample], say: Progress
    ) -> None:
        self._plain, self._calibration, self._validation, self._say = twins, calibration, validation, say
        self._histograms: dict[int, tuple[Histogram, ...]] = {}
        self._wanted = Network(twins.floating).outputs(validation, answers(twins))
        self._equal: tuple[Twins, tuple[tuple[str, str], ...]] | None = None

    def make(self, settings: QuantizationRecipe) -> _Made:
        twins, equalized = self._twins(settings.equalize)
        ranges = choose(self.histograms(twins), settings.calibration or "minmax", settings.percentile)
        choice = rounded(twins, ranges, settings.weights == "tensor")
        refined: tuple[Refined, ...] = ()
        if settings.correct_bias or settings.adaround:
            choice, refined = refine(
                twins,
                choice,
                self._calibration[:REFINING_SAMPLES],
                correct_bias=settings.correct_bias,
                round_adaptively=settings.adaround,
                say=self._say,
            )
        return _Made(settings, twins, choice, equalized, refined, self.judge(quantized_graph(twins, choice)))

    def judge(self, graph: Graph) -> float:
        """SNR in dB of the integer graph's answers on validation samples."""
        found = Network(graph).outputs(self._validation, integer_answers(self._plain))
        noise = sum(float(np.sum((a - b).astype(np.float64) ** 2)) for a, b in zip(found, self._wanted, strict=True))
        power = sum(float(np.sum(one.astype(np.float64) ** 2)) for one in self._wanted)
        return decibels(noise / power if power else 0.0)

    def histograms(self, twins: Twins) -> tuple[Histogram, ...]:
        key = id(twins)
        if key not in self._histograms:
            self._histograms[key] = histograms(twins, self._calibration, self._say)
        return self._histograms[key]

    def _twins(self, equalized: bool) -> tuple[Twins, tuple[tuple[str, str], ...]]:
        if not equalized:
            return self._plain, ()
        if self._equal is None:
            twins, pairs = equalize(self._plain, self._calibration[:EQUALIZING_SAMPLES])
            self._equal = twins, tuple((pair.first.name, pair.second.name) for pair in pairs)
        return self._equal


def _tried(settings: QuantizationRecipe) -> frozenset[str]:
    """What is no remedy any more: it is there, or `auto` found that it does not help."""
    switches = ("equalize", "correct_bias", "adaround")
    there = {key for key in switches if settings.auto or getattr(settings, key)}
    return frozenset(there | ({"calibration"} if settings.auto or settings.calibration == "mse" else set()))


def _auto(work: _Work, start: QuantizationRecipe, forbidden: frozenset[str]) -> tuple[_Made, tuple[Trial, ...]]:
    """Ranges first, then biases, whose errors would hide what equalization and rounding do."""
    first = replace(start, calibration=start.calibration or "minmax")
    best = work.make(first)
    trials = [Trial(_words(first), best.snr_db, True)]
    for change in (
        {"calibration": "percentile"},
        {"calibration": "mse"},
        {"calibration": "kl"},
        {"correct_bias": True},
        {"equalize": True},
        {"adaround": True},
    ):
        tried = replace(best.settings, **change)  # type: ignore[arg-type]
        if tried == best.settings or forbidden & change.keys():
            continue
        made = work.make(tried)
        kept = made.snr_db >= best.snr_db + GAIN_DB
        trials.append(Trial(", ".join(f"{key} = {_value(value)}" for key, value in change.items()), made.snr_db, kept))
        best = made if kept else best
    return best, tuple(trials)


def _words(settings: QuantizationRecipe) -> str:
    return f'calibration = "{settings.calibration}"' + (', weights = "tensor"' if settings.weights == "tensor" else "")


def _value(value: object) -> str:
    return "true" if value is True else f'"{value}"'
