"""The weights that passes compress, in one form for Keras layers and .tflite tensors: a row per output channel.

A row holds a channel's weights in TFLite's order (height, width, input), so one measuring function serves both
sides, and consecutive weights are consecutive inputs of the device's inner loop. Biases and batch norm are left out.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from edgecompress.errors import ModelFileError

KERNEL_NAMES = ("kernel", "depthwise_kernel", "pointwise_kernel")
"""Keras' names of the variables that are kernels."""

ROW_ORDER: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "dense": (1, 0),  # (in, out)
        "conv1d": (2, 0, 1),  # (width, in, out)
        "conv2d": (3, 0, 1, 2),  # (height, width, in, out)
        "depthwise": (2, 3, 0, 1),  # (height, width, in, multiplier); the output channel is in · multiplier + m
        "transpose": (2, 0, 1, 3),  # (height, width, out, in)
    }
)
_ROW_AXES: Mapping[str, int] = MappingProxyType({"depthwise": 2})


@dataclass(frozen=True, eq=False)
class Kernel:
    """The weights of one layer.

    Attributes:
        name: the layer's name; with "/<variable>" behind it where a layer has several kernels.
        kind: dense, conv1d, conv2d, depthwise or transpose.
        rows: (output channels, weights of each): float32 from Keras, int8 from a .tflite file. Zero is 0 in both.
        positions: how often each weight is used in one inference: output height · width (of a transposed convolution:
            input), summed over the uses of a shared layer; 0 if unknown.
    """

    name: str
    kind: str
    rows: np.ndarray
    positions: int = 0


@dataclass(frozen=True, eq=False)
class KernelVariable:
    """A kernel inside a Keras model: what a pass reads and assigns.

    Attributes:
        name, kind: as in `Kernel`.
        layer: the layer itself, out of its quantize wrapper.
        attribute: the layer's attribute, as "depthwise_kernel".
        variable: the tf.Variable.
        positions: as in `Kernel`.
    """

    name: str
    kind: str
    layer: Any
    attribute: str
    variable: Any
    positions: int = 0

    def kernel(self) -> Kernel:
        return Kernel(self.name, self.kind, to_rows(self.variable.numpy(), self.kind), self.positions)


def to_rows(values: np.ndarray, kind: str) -> np.ndarray:
    """A Keras kernel as (output channels, weights in TFLite's order)."""
    moved = np.transpose(values, ROW_ORDER[kind])
    return moved.reshape(int(np.prod(moved.shape[: _ROW_AXES.get(kind, 1)])), -1)


def from_rows(rows: np.ndarray, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """The inverse of `to_rows`; `shape` is the Keras kernel's."""
    order = ROW_ORDER[kind]
    return np.transpose(rows.reshape([shape[axis] for axis in order]), np.argsort(order))


def kernel_variables(model: Any) -> tuple[KernelVariable, ...]:
    """All kernels of a Keras model in the order of its layers, quantize wrappers seen through.

    A layer kind whose kernels the passes do not know (recurrent, attention, locally connected) has none here.
    """
    uses = getattr(model, "_network_nodes", None)
    return tuple(found for layer in model.layers for found in _of_layer(layer, uses))


def keras_kernels(model: Any) -> dict[str, Kernel]:
    """The values of all kernels by name.

    Raises:
        ModelFileError: for a weight that is not finite.
    """
    kernels = {found.name: found.kernel() for found in kernel_variables(model)}
    for name, kernel in kernels.items():
        if not np.isfinite(kernel.rows).all():
            raise ModelFileError(
                f"The kernel of layer {name} holds weights that are not finite.",
                found=f"{np.count_nonzero(~np.isfinite(kernel.rows))} NaN or infinite of {kernel.rows.size}",
                hint="train the model again, with a smaller learning rate",
            )
    return kernels


def layers_without_kernels(model: Any) -> tuple[Any, ...]:
    """Layers with trainable matrices that no pass knows how to compress, nested models among them."""
    known = {id(found.variable) for found in kernel_variables(model)}
    return tuple(
        layer
        for layer in model.layers
        if any(len(v.shape) >= 2 and id(v) not in known for v in layer.trainable_weights)
    )


def _of_layer(wrapper: Any, uses: Collection[str] | None) -> Iterator[KernelVariable]:
    layer = wrapper.layer if type(wrapper).__name__.startswith("QuantizeWrapper") else wrapper
    # A quantize wrapper has replaced the layer's kernel by a fake-quantized tensor: the variable is the wrapper's.
    named = {_last(v.name): v for v in wrapper.weights if _last(v.name) in KERNEL_NAMES}
    kinds = {name: _kind(layer, name) for name in named}
    for attribute in KERNEL_NAMES:
        kind = kinds.get(attribute)
        if kind is not None:
            name = layer.name if len(named) == 1 else f"{layer.name}/{attribute}"
            yield KernelVariable(name, kind, layer, attribute, named[attribute], _positions(wrapper, uses))


def _last(variable_name: str) -> str:
    return variable_name.split(":")[0].rsplit("/", 1)[-1]


def _kind(layer: Any, attribute: str) -> str | None:
    kind = type(layer).__name__
    if attribute == "depthwise_kernel":
        return "depthwise" if kind in ("DepthwiseConv2D", "SeparableConv2D") else None
    kinds = {"Dense": "dense", "Conv1D": "conv1d", "Conv2D": "conv2d", "SeparableConv2D": "conv2d"}
    return {**kinds, "Conv2DTranspose": "transpose"}.get(kind)


def _positions(layer: Any, uses: Collection[str] | None) -> int:
    """Summed over the nodes of the model's own graph: other models may use the same layer."""
    nodes = enumerate(layer.inbound_nodes)
    side = "input_shapes" if type(layer).__name__ == "Conv2DTranspose" else "output_shapes"
    shapes = [getattr(node, side) for i, node in nodes if uses is None or f"{layer.name}_ib-{i}" in uses]
    if not shapes or not all(isinstance(shape, tuple) and None not in shape[1:] for shape in shapes):
        return 0
    return sum(int(np.prod(shape[1:-1], dtype=np.int64)) for shape in shapes)
