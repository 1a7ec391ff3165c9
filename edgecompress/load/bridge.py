"""Keras 3 models as Keras 2 models: described anew, weights copied, and the outputs proven equal to Keras 3's own."""

from pathlib import Path
from typing import Any

import numpy as np

from edgecompress import worker
from edgecompress.errors import EdgecompressError, ModelFileError, UnsupportedError
from edgecompress.load.check import check_model
from edgecompress.load.containers import Contents
from edgecompress.load.limits import weights
from edgecompress.load.rewrite import rewrite_model
from edgecompress.load.runtime import keras2, keras3
from edgecompress.load.wiring import check_wiring

TOLERANCE = 1e-4
"""Largest difference of outputs, relative to their largest magnitude (at least 1): float32 sums in another order."""

LOW_PRECISION_TOLERANCE = 5e-2
"""The same where Keras 3 computes in float16 or bfloat16."""

_SAMPLES = 4
_SPREADS = (1.0, 64.0)


def bridge(path: Path, contents: Contents, *, trust_model_code: bool) -> Any:
    """Rebuild a Keras 3 file in Keras 2.

    Args:
        path: a .keras or .h5 file that Keras 3 wrote, already checked for code.
        contents: its model's description, and how many weights it holds.

    Raises:
        UnsupportedError: a layer without counterpart, or outputs that differ; names the layer.
        ModelFileError: Keras 3 itself cannot read the file.
    """
    rewritten = rewrite_model(contents.config, path.name)
    check_wiring(rewritten, path.name)
    with weights(keras3().layers.Layer, contents.values, path.name):
        source = _load_original(path, trust_model_code)
    try:
        with weights(keras2().layers.Layer, contents.values, path.name):
            model = keras2().layers.deserialize(rewritten, use_legacy_format=True)
    except EdgecompressError:
        raise
    except Exception as error:  # Keras raises whatever its layers raise
        first = (str(error).splitlines() or [""])[0]
        raise UnsupportedError(
            f"{path.name}: this Keras 3 model has no counterpart in Keras 2",
            found=f"{type(error).__name__}: {first}"[:400],
        ) from error
    check_model(model, path.name)
    _copy_weights(source, model, path.name)
    difference = _prove_equal(source, model, path.name)
    worker.note(f"{path.name}: Keras 3 model rebuilt in Keras 2, outputs equal within {difference:.1e}")
    return model


def _load_original(path: Path, trust: bool) -> Any:
    keras = keras3()
    try:
        return keras.models.load_model(path, compile=False, safe_mode=not trust)
    except EdgecompressError:
        raise
    except Exception as error:  # Keras raises whatever its layers raise
        first = (str(error).splitlines() or [""])[0]
        raise ModelFileError(
            f"{path.name}: Keras 3 cannot read its own file", found=f"{type(error).__name__}: {first}"[:400]
        ) from error


def _copy_weights(source: Any, model: Any, file: str) -> None:
    originals = {layer.name: layer for layer in source.layers}
    for layer in model.layers:
        if not layer.weights:
            continue
        original = originals.get(layer.name)
        values = [] if original is None else original.get_weights()
        if hasattr(layer, "layers") and layer.layers and original is not None and hasattr(original, "layers"):
            _copy_weights(original, layer, file)
            continue
        if [value.shape for value in values] != [tuple(weight.shape) for weight in layer.weights]:
            raise UnsupportedError(
                f'{file}: layer "{layer.name}" has other weights in Keras 2',
                found=f"{[value.shape for value in values]} and {[tuple(weight.shape) for weight in layer.weights]}",
            )
        layer.set_weights(values)


def _prove_equal(source: Any, model: Any, file: str) -> float:
    """The largest relative difference of outputs over random inputs.

    Raises:
        UnsupportedError: larger than the tolerance.
    """
    low = any(name in str(getattr(layer, "compute_dtype", "")) for layer in source._flatten_layers()
              for name in ("float16",))  # fmt: skip
    tolerance = LOW_PRECISION_TOLERANCE if low else TOLERANCE
    worst = 0.0
    for spread in _SPREADS:
        samples = random_inputs(model, spread)
        worst = max(worst, difference_of(source(samples, training=False), model(samples, training=False)))
    if worst <= tolerance:
        return worst
    raise UnsupportedError(
        f"{file}: rebuilt in Keras 2, the model computes something else",
        found=f"outputs differ by {worst:.2g} of their magnitude{_first_difference(source, model, tolerance)}",
        hint="replace the layer named, or give a full-integer .tflite",
    )


def random_inputs(model: Any, spread: float) -> Any:
    """A few samples for a Keras 2 model: normal numbers of this standard deviation; 0 and 1 where integers go in."""
    generator = np.random.default_rng(0)
    samples = []
    for tensor in model.inputs:
        shape = (_SAMPLES, *tensor.shape[1:])
        if tensor.dtype.is_floating:
            samples.append(generator.normal(0.0, spread, shape).astype(np.float32))
        else:
            samples.append(generator.integers(0, 2, shape).astype(tensor.dtype.as_numpy_dtype))
    return samples if len(samples) > 1 else samples[0]


def _flat(outputs: Any) -> list[np.ndarray]:
    if isinstance(outputs, dict):
        return [array for key in sorted(outputs) for array in _flat(outputs[key])]
    if isinstance(outputs, list | tuple):
        return [array for item in outputs for array in _flat(item)]
    return [np.asarray(outputs, dtype=np.float64)]


def difference_of(expected: Any, actual: Any) -> float:
    """The largest difference, relative to the largest magnitude expected (at least 1); infinity for other shapes."""
    first, second = _flat(expected), _flat(actual)
    if [array.shape for array in first] != [array.shape for array in second]:
        return float("inf")
    pairs = zip(first, second, strict=True)
    worst = max(float(np.max(np.abs(a - b)) / max(1.0, float(np.max(np.abs(a))))) for a, b in pairs)
    return worst if np.isfinite(worst) else float("inf")


def _first_difference(source: Any, model: Any, tolerance: float) -> str:
    """Where the two part: ', first in layer "x" (Class)', or nothing when it cannot be found out."""
    originals = {layer.name: layer for layer in source.layers}
    samples = random_inputs(model, 1.0)
    for layer in model.layers:
        original = originals.get(layer.name)
        if original is None:
            continue
        try:
            expected = keras3().Model(source.inputs, original.output)(samples, training=False)
            actual = keras2().Model(model.inputs, layer.output)(samples, training=False)
        except (AttributeError, ValueError):  # a layer used twice has no single output
            continue
        if difference_of(expected, actual) > tolerance:
            return f', first in layer "{layer.name}" ({type(layer).__name__})'
    return ""
