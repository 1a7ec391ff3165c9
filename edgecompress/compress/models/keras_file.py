"""A compressed model as a file for plain Keras: `.keras` for Keras 3, `.h5` for Keras 2; the opposite of `load.bridge`."""

import inspect
import json
from pathlib import Path
from typing import Any

import h5py

from edgecompress.compress.models.cloning import is_wrapped
from edgecompress.compress.models.saved import save_model, write_aside
from edgecompress.errors import UnsupportedError
from edgecompress.load.bridge import TOLERANCE, difference_of, random_inputs
from edgecompress.load.runtime import keras3

_MODELS = ("Functional", "Model", "Sequential")

Config = dict[str, Any]


def write_keras(model: Any, path: Path) -> float:
    """Writes a tf_keras model; what Keras 3 reads again computes the same, which is tried on random inputs.

    Args:
        model: Functional or Sequential, without TF-MOT's wrappers.
        path: its suffix, `.keras` or `.h5`, tells the format.

    Returns:
        The largest difference of the outputs, relative to their largest magnitude; 0 for `.h5`.

    Raises:
        UnsupportedError: quantize wrappers, layers that Keras 3 does not have, outputs that differ.
        OutputError: the folder cannot be written.
    """
    if is_wrapped(model):
        raise UnsupportedError(
            "a model trained with quantization opens only where TF-MOT is installed",
            found="quantize wrappers of the pass qat",
            hint="leave qat out, or `edgecompress build`, which ends in an integer model",
        )
    if path.suffix == ".h5":
        save_model(model, path)
        return 0.0
    differences: list[float] = []
    write_aside(path, lambda aside: differences.append(_write_keras3(model, aside)))
    return differences[0]


def _write_keras3(model: Any, path: Path) -> float:
    """By way of an .h5 file, which Keras 3 still reads, where its description is in words that Keras 3 knows."""
    keras = keras3()
    bridge = path.with_suffix(".h5")
    try:
        save_model(model, bridge)
        with h5py.File(bridge, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            file.attrs["model_config"] = json.dumps(_in_keras3(config))
        keras.models.load_model(bridge, compile=False).save(path)
        reopened = keras.models.load_model(path, compile=False)
    except (TypeError, ValueError, KeyError, AttributeError, NotImplementedError) as error:
        first = (str(error).splitlines() or [""])[0]
        raise UnsupportedError(
            "the compressed model has no counterpart in Keras 3",
            found=f"{type(error).__name__}: {first}"[:400],
            hint=f"write an .h5 for Keras 2: --out {path.stem.removeprefix('.').split('.')[0]}.h5",
        ) from error
    finally:
        bridge.unlink(missing_ok=True)
    return _difference(model, reopened)


def _in_keras3(layer: Config) -> Config:
    """A layer's description without parameters that its class has lost; nested models with their nodes counted anew."""
    kind, config = layer["class_name"], layer["config"]
    if kind not in _MODELS:
        known = _parameters(kind)
        return {**layer, "config": {key: value for key, value in config.items() if not known or key in known}}
    nested = {inner["config"]["name"] for inner in config["layers"] if inner["class_name"] in _MODELS}
    layers = [_in_keras3(inner) for inner in config["layers"]]
    for inner in layers:
        if "inbound_nodes" in inner:
            inner["inbound_nodes"] = _first_use(inner["inbound_nodes"], nested)
    ends = {key: _first_use(config[key], nested) for key in ("input_layers", "output_layers") if key in config}
    return {**layer, "config": {**config, "layers": layers, **ends}}


def _parameters(kind: str) -> frozenset[str]:
    """What a class of Keras 3 takes; nothing for classes that it does not have."""
    found: set[str] = set()
    for base in getattr(getattr(keras3().layers, kind, None), "__mro__", ()):
        init = base.__dict__.get("__init__")
        if init is not None and base.__module__.startswith("keras."):
            found |= set(inspect.signature(init).parameters)
    return frozenset(found | {"batch_input_shape", "dtype", "name", "trainable"} if found else found)


def _first_use(value: Any, nested: set[str]) -> Any:
    """References into a nested model count one less in Keras 3: its own graph is no use of it."""
    if not isinstance(value, list):
        return value
    if len(value) in (3, 4) and isinstance(value[0], str) and isinstance(value[1], int):
        return [value[0], value[1] - (value[0] in nested and value[1] > 0), *value[2:]]
    return [_first_use(item, nested) for item in value]


def _difference(model: Any, reopened: Any) -> float:
    """Raises UnsupportedError where it is more than rounding."""
    samples = random_inputs(model, 1.0)
    worst = difference_of(model(samples, training=False), reopened(samples, training=False))
    if worst > TOLERANCE:
        raise UnsupportedError(
            "in Keras 3 the compressed model computes something else",
            found=f"outputs differ by {worst:.2g} of their magnitude",
            hint="write an .h5 for Keras 2",
        )
    return worst
