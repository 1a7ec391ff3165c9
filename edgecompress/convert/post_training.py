"""The step of the conversion that chooses ranges, weights and biases anew, as [quantization] of the recipe asks."""

from collections.abc import Mapping, Sequence
from typing import Any

from edgecompress import recipe, worker
from edgecompress.compress.base import Kind, Promise
from edgecompress.convert.samples import Samples, open_samples
from edgecompress.errors import UnsupportedError, UsageError
from edgecompress.quantization.network import Sample
from edgecompress.quantization.quantize import Quantized, examine, quantize
from edgecompress.recipe import QuantizationRecipe

MOST_CALIBRATION = 256
"""Calibration samples that are held at once."""
MOST_VALIDATION = 128
EXAMINED = 32
"""Samples that tell where the converter's own file loses."""
_VALUES = (Kind.DISTINCT_VALUES, Kind.ALLOWED_VALUES)
_SETTINGS = {"equalize": "equalize = true", "adaround": "adaround = true", "tensor": 'weights = "tensor"'}

Shapes = list[tuple[int, ...]]


def post_training(
    job: Mapping[str, Any], content: bytes, floating: bytes | None, shapes: Shapes
) -> tuple[bytes, dict[str, Any] | None]:
    """The file as [quantization] wants it, and where it loses.

    Args:
        job: as `stage.convert` takes it.
        content: the converter's full-integer file.
        floating: its float twin; None where nobody asked for one.
        shapes: of one sample, per model input.

    Returns:
        The bytes, and what `Quantized.as_dict` says; where the converter's own file stays: {"parts"} of it, None where it
        cannot be examined.

    Raises:
        UsageError: settings that do not go with the model's passes or with random calibration.
        UnsupportedError, DataError: as `quantize`.
    """
    settings = settings_of(job)
    if settings.is_plain or floating is None:
        return content, _examined(job, content, floating, shapes)
    promises = [Promise.from_dict(promise) for promise in job.get("promises") or ()]
    kept = forbidden(promises)
    check(settings, kept, quantized=bool(job.get("quantized")), random=bool(job.get("random")))
    calibration = _held(open_samples(job, "calibration", shapes, MOST_CALIBRATION))
    validation = _validation(job, shapes)
    if not validation:  # nothing but calibration samples: a third of them judges
        calibration, validation = [s for i, s in enumerate(calibration) if i % 3], list(calibration[::3])
        worker.note("there are no validation samples: a third of the calibration samples judges quantization")
    found = quantize(content, floating, calibration, validation, settings, frozenset(kept), worker.progress)
    for line in remarks(found, kept):
        worker.note(line)
    return found.content, {**found.as_dict(), "remarks": list(remarks(found, kept))}


def settings_of(job: Mapping[str, Any]) -> QuantizationRecipe:
    """[quantization] of the job's recipe and overrides."""
    return recipe.load(job.get("recipe"), dict(job.get("overrides") or {})).quantization


def forbidden(promises: Sequence[Promise]) -> dict[str, str]:
    """Settings that would break promises, and the pass that made them.

    Equalization mixes the weights of layers, AdaRound rounds equal weights differently, and codes have scales of their own.
    """
    found: dict[str, str] = {}
    for promise in promises:
        if promise.layers:
            found.setdefault("equalize", promise.source)
        if promise.kind in _VALUES:
            found.setdefault("adaround", promise.source)
            found.setdefault("tensor", promise.source)
    return found


def check(settings: QuantizationRecipe, kept: Mapping[str, str], *, quantized: bool, random: bool) -> None:
    """Raises UsageError for settings that cannot be carried out."""
    if quantized:
        raise UsageError(
            "[quantization] chooses ranges after training, and the pass qat has trained them",
            hint="leave out one of the two",
        )
    if random:
        raise UsageError("[quantization] needs real samples", found="--random-calibration", hint="--data data.npz")
    for key, source in kept.items():
        if settings.weights == key or getattr(settings, key, False):
            raise UsageError(
                f"{_SETTINGS[key]} in [quantization] would break what a pass promised about the weights",
                found=source,
                hint="leave out one of the two",
            )


def remarks(found: Quantized, kept: Mapping[str, str]) -> tuple[str, ...]:
    """What was done, in sentences for the report."""
    lines = [
        f"quantization: {found.settings.words}; outputs at {found.after_db:.1f} dB of signal over error on validation"
        f" samples, {found.before_db:.1f} dB as the converter leaves it"
    ]
    tried = [f"{trial.what} {trial.snr_db:.1f} dB ({'kept' if trial.kept else 'left out'})" for trial in found.trials]
    lines += [f"quantization, tried in turn: {'; '.join(tried)}"] if tried else []
    if found.settings.auto and kept:
        lines.append(
            f"quantization: {', '.join(_SETTINGS[k] for k in kept)} not tried, for {next(iter(kept.values()))} promised"
        )
    stayed = [f"{one.name} ({one.why})" for one in found.refined if one.why]
    lines += (
        [f"quantization: layers that keep the nearest rounding and their bias: {'; '.join(stayed[:8])}"]
        if stayed
        else []
    )
    return tuple(lines)


def _examined(job: Mapping[str, Any], content: bytes, floating: bytes | None, shapes: Shapes) -> dict[str, Any] | None:
    if floating is None or job.get("random") or job.get("quantized"):
        return None
    try:
        parts = examine(content, floating, _held(open_samples(job, "calibration", shapes, EXAMINED)))
    except UnsupportedError:
        return None
    return {"parts": [part.as_dict() for part in parts]}


def _validation(job: Mapping[str, Any], shapes: Shapes) -> list[Sample]:
    if job.get("inputs"):
        return []
    found = open_samples(job, "validation", shapes, MOST_VALIDATION)
    return _held(found) if found.count else []


def _held(samples: Samples) -> list[Sample]:
    return [tuple(array[i] for array in inputs) for inputs, _ in samples.batches() for i in range(len(inputs[0]))]
