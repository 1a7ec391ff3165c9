"""Batch normalization folded into the kernel before it: the weights that the integer file will hold.

In inference a batch norm is gamma · (x - mean) / sqrt(variance + epsilon) + beta, a factor and an addend per channel, which
the layer before can do itself (Jacob et al., 2017, https://arxiv.org/abs/1712.05877, section 3.2). The converter folds
in the same way; what is trained as integers must be trained behind that step.
"""

import copy
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgecompress.compress.models.kernels import KernelVariable, from_rows, kernel_variables, to_rows
from edgecompress.errors import ToolError, UnsupportedError
from edgecompress.load.runtime import keras2
from edgecompress.load.wiring import references

_NORM = "BatchNormalization"
_BIASED = ("Dense", "Conv1D", "Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose")
_OUTPUT = ""
"""Stands for the model's outputs among the readers of a layer."""
TOLERANCE = 1e-3
"""Largest difference between the outputs before and after, relative to the largest output: float32 rounding."""


@dataclass(frozen=True)
class Wiring:
    """Who reads what, from a model's configuration.

    Attributes:
        kinds: layer name → Keras class.
        calls: layer name → how often the model uses it.
        readers: layer name → the layers that read it, once for each time; "" is a model output.
        linear: layers without an activation of their own.
    """

    kinds: Mapping[str, str]
    calls: Mapping[str, int]
    readers: Mapping[str, tuple[str, ...]]
    linear: frozenset[str]

    def norm_behind(self, name: str) -> str:
        """The batch norm that reads a layer's output as it is, whether it can be folded or not; "" for none."""
        norms = [reader for reader in self.readers[name] if self.kinds.get(reader) == _NORM]
        return norms[0] if norms and name in self.linear and self.kinds[name] in _BIASED else ""

    def foldable(self, name: str) -> bool:
        """The batch norm behind a layer is its only reader, and both are used once."""
        norm = self.norm_behind(name)
        return bool(norm) and self.calls[name] == self.calls[norm] == 1 and self.readers[name] == (norm,)


def wiring(model: Any) -> Wiring:
    """Of a Sequential or functional model."""
    config = model.get_config()
    layers = {layer["config"]["name"]: layer for layer in config["layers"]}
    readers: dict[str, list[str]] = {name: [] for name in layers}
    if "output_layers" in config:
        for reader, layer in (*layers.items(), (_OUTPUT, {"inbound_nodes": config["output_layers"]})):
            for source, _ in references(layer["inbound_nodes"]):
                readers[source].append(reader)
        calls = {name: len(layer["inbound_nodes"]) for name, layer in layers.items()}
    else:
        for source, reader in zip(layers, (*tuple(layers)[1:], _OUTPUT), strict=True):
            readers[source].append(reader)
        calls = dict.fromkeys(layers, 1)
    return Wiring(
        {name: layer["class_name"] for name, layer in layers.items()},
        calls,
        {name: tuple(found) for name, found in readers.items()},
        frozenset(name for name, layer in layers.items() if layer["config"].get("activation", "linear") == "linear"),
    )


def fold_batch_norms(model: Any, names: Collection[str]) -> Any:
    """A copy of the model in which these layers do the work of the batch norms behind them, which are gone.

    Args:
        model: is not changed.
        names: layers; those without a batch norm that can be folded are copied as they are. Weight decay and
            constraints of their kernels are dropped, since they mean other weights from here on.

    Raises:
        UnsupportedError: Keras cannot rebuild the model from its configuration.
        ToolError: the copy does not compute what the model computes (a defect).
    """
    found = wiring(model)
    norms = {name: found.norm_behind(name) for name in names if found.foldable(name)}
    config = copy.deepcopy(model.get_config())
    gone = {norm: name for name, norm in norms.items()}
    config["layers"] = [layer for layer in config["layers"] if layer["config"]["name"] not in gone]
    for layer in config["layers"]:
        if layer["config"]["name"] in names:
            _release(layer["config"])
        if layer["config"]["name"] in norms:
            layer["config"]["use_bias"] = True
    folded = _rebuilt(model, _redirected(config, gone))
    for layer in folded.layers:
        if layer.name in norms:
            layer.set_weights(_folded(model, layer.name, model.get_layer(norms[layer.name])))
        elif layer.weights:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    _prove(model, folded, norms)
    return folded


def _rebuilt(model: Any, config: dict[str, Any]) -> Any:
    keras = keras2()
    kind = keras.Model if "output_layers" in config else keras.Sequential
    own = {type(layer).__name__: type(layer) for layer in model.layers}
    try:
        return kind.from_config(config, custom_objects=own)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise UnsupportedError(
            f"The model {model.name} cannot be rebuilt without its batch norms.",
            found=str(error).splitlines()[0][:300] if str(error) else type(error).__name__,
            hint="build it with the Sequential or functional API, of Keras' own layers",
        ) from error


def _release(config: dict[str, Any]) -> None:
    for key in config:
        if key.endswith(("_regularizer", "_constraint")) and not key.startswith(("bias", "activity")):
            config[key] = None


def _redirected(value: Any, gone: Mapping[str, str]) -> Any:
    """References to a batch norm become references to the layer that does its work."""
    if isinstance(value, dict):
        return {key: _redirected(item, gone) for key, item in value.items()}
    if not isinstance(value, list | tuple):
        return value
    if len(value) in (3, 4) and isinstance(value[0], str) and isinstance(value[1], int):
        return [gone.get(value[0], value[0]), *(_redirected(item, gone) for item in value[1:])]
    return type(value)(_redirected(item, gone) for item in value)


def _folded(model: Any, name: str, norm: Any) -> list[np.ndarray]:
    """The weights of a layer with bias: its last kernel times the norm's factor, its bias times it plus the addend."""
    layer = model.get_layer(name)
    variance, mean = (np.asarray(v, np.float64) for v in (norm.moving_variance, norm.moving_mean))
    factor = (1.0 if norm.gamma is None else norm.gamma.numpy().astype(np.float64)) / np.sqrt(variance + norm.epsilon)
    beta = 0.0 if norm.beta is None else norm.beta.numpy().astype(np.float64)
    bias = layer.bias.numpy().astype(np.float64) if layer.use_bias else 0.0
    *others, last = [kernel for kernel in kernel_variables(model) if kernel.layer is layer]
    kernels = [kernel.variable.numpy() for kernel in others]
    return [*kernels, _scaled(last, factor), ((bias - mean) * factor + beta).astype(np.float32)]


def _scaled(kernel: KernelVariable, factor: np.ndarray) -> np.ndarray:
    values = kernel.variable.numpy()
    rows = to_rows(values, kernel.kind).astype(np.float64) * factor[:, None]
    return from_rows(rows, kernel.kind, values.shape).astype(np.float32)


def _prove(model: Any, folded: Any, norms: Mapping[str, str]) -> None:
    """Every layer gives what the batch norm behind it gave, on random numbers, as well as float32 can say."""
    keras = keras2()
    generator = np.random.default_rng(0)
    inputs = [generator.standard_normal((4, *tensor.shape[1:])).astype(np.float32) for tensor in model.inputs]
    with_norms = keras.Model(model.inputs, [*(model.get_layer(norm).output for norm in norms.values()), *model.outputs])
    without = keras.Model(folded.inputs, [*(folded.get_layer(name).output for name in norms), *folded.outputs])
    places = (*(f"layer {name}" for name in norms), *(["the model"] * len(model.outputs)))
    for place, before, after in zip(places, _outputs(with_norms, inputs), _outputs(without, inputs), strict=True):
        difference, largest = np.abs(before - after).max(), np.abs(before).max()
        if not difference <= TOLERANCE * max(float(largest), 1e-3):
            raise ToolError(
                f"Folding the batch norms of {model.name} changed what {place} computes.",
                found=f"outputs differ by up to {difference:.3g}, the largest is {largest:.3g}",
                hint="leave the pass out; this is a defect of edgecompress",
            )


def _outputs(model: Any, inputs: list[np.ndarray]) -> list[np.ndarray]:
    results = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    return [np.asarray(one) for one in (results if isinstance(results, list | tuple) else [results])]
