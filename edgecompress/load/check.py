"""What every loaded model must be before a later stage may rely on it."""

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from edgecompress.errors import ModelFileError, UnsupportedError
from edgecompress.load.limits import MOST_ELEMENTS, MOST_TOGETHER
from edgecompress.load.runtime import keras2


def check_model(model: Any, file: str) -> None:
    """Refuse models without a graph of layers or fixed sizes, and weights that are no numbers.

    Raises:
        UnsupportedError: subclassed, not built, or with an open dimension other than the batch.
        ModelFileError: NaN or infinity, with layer and weight.
    """
    keras = keras2()
    if not isinstance(model, keras.Sequential) and not getattr(model, "_is_graph_network", False):
        raise UnsupportedError(
            f"{file} holds a subclassed model",
            found=type(model).__name__,
            hint="rebuild it with the functional API or Sequential, and copy the weights",
        )
    if not model.built or not getattr(model, "inputs", None):
        raise _unsized(file)
    for tensor in model.inputs:
        _check_fixed(tensor, file)
    _check_activations(model, file)
    for layer, weight in named_weights(model):
        _check_finite(layer, weight, file)


def check_input_size(config: dict[str, Any], file: str) -> None:
    """Refuse a Sequential model that was never built; Keras would fail on its weights with a riddle.

    Args:
        config: a model's description in Keras 2's form.

    Raises:
        UnsupportedError: neither an input layer nor any other word about the input's size.
    """
    inner = config.get("config")
    if config.get("class_name") != "Sequential" or not isinstance(inner, dict) or not inner.get("layers"):
        return
    first = inner["layers"][0]
    known = {"batch_input_shape", "batch_shape", "layers"} & set(first.get("config") or {})
    if not known and first.get("class_name") != "InputLayer" and not inner.get("build_input_shape"):
        raise _unsized(file)


def _unsized(file: str) -> UnsupportedError:
    return UnsupportedError(
        f"{file} does not say how large its input is",
        hint="give the Sequential model an Input(shape=...) as its first layer, and save again",
    )


def named_weights(model: Any) -> Iterator[tuple[str, Any]]:
    """Every layer's name with each of its weights; layers of nested models come as "model/layer"."""
    for layer in model.layers:
        if hasattr(layer, "layers") and layer.layers:
            yield from ((f"{layer.name}/{name}", weight) for name, weight in named_weights(layer))
        else:
            yield from ((layer.name, weight) for weight in layer.weights)


def _check_fixed(tensor: Any, file: str) -> None:
    shape = tuple(tensor.shape)
    if None not in shape[1:]:
        return
    shown = ", ".join("?" if size is None else str(size) for size in shape[1:])
    sizes = ", ".join("96" if size is None else str(size) for size in shape[1:])
    raise UnsupportedError(
        f'{file}: input "{tensor.name}" has no fixed size',
        found=f"({shown})",
        hint=f"rebuild it on keras.Input(shape=({sizes})), with your sizes, set_weights(model.get_weights()), and save",
    )


def _check_activations(model: Any, file: str) -> None:
    """Refuse what no device computes, before anything computes it here."""
    together = 0
    for layer in model._flatten_layers(include_self=False):
        for shape in _shapes(getattr(layer, "output_shape", ())):
            elements = math.prod(size for size in shape if size is not None)
            together += elements
            if elements > MOST_ELEMENTS or together > MOST_TOGETHER:
                raise UnsupportedError(
                    f'{file}: layer "{layer.name}": outputs must have at most {MOST_ELEMENTS:,} elements',
                    found=f"shape {shape}; {together:,} elements up to here",
                )


def _shapes(value: Any) -> Iterator[tuple[Any, ...]]:
    """Every shape in what Keras calls a layer's output shape: one, or several in a list or by name."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _shapes(item)
    elif value is not None:
        yield tuple(value)


def _check_finite(layer: str, weight: Any, file: str) -> None:
    values = weight.numpy()
    if values.dtype.kind != "f":
        return
    wrong = int(np.count_nonzero(~np.isfinite(values)))
    if wrong:
        raise ModelFileError(
            f'{file}: layer "{layer}": weight "{weight.name}" holds NaN or infinity',
            found=f"{wrong} of {values.size} values",
            hint="the training diverged: take an earlier checkpoint",
        )


def in_float32(model: Any) -> Any:
    """The same model computing in float32, when the file asks for mixed precision or other floats."""
    policies = {getattr(layer, "compute_dtype", None) for layer in model._flatten_layers()}
    if not policies & {"float16", "bfloat16", "float64"}:
        return model
    config = json.loads(model.to_json())
    rebuilt = keras2().models.model_from_json(json.dumps(_with_float32(config)))
    rebuilt.set_weights([weight.astype(np.float32) for weight in model.get_weights()])
    return rebuilt


def _with_float32(node: Any) -> Any:
    if isinstance(node, list):
        return [_with_float32(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: "float32" if key == "dtype" and _is_float(value) else _with_float32(value)
            for key, value in node.items()}  # fmt: skip


def _is_float(value: Any) -> bool:
    return "float" in json.dumps(value)
