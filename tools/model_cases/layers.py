"""Layers with weights: a description, and the .tflite file that holds nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from model_cases.network import ABSENT, Network

SPREAD = (1.0, 0.01, 3.0, 1e-5, 40.0, 0.3, 1e-9)
"""Factors between the channels' scales: multipliers from far above 1 down to those that are flushed to zero."""


@dataclass(frozen=True)
class Layer:
    """A layer with weights.

    Attributes:
        input_shape: [batch, …, channels].
        filters: output channels (CONV_2D, FULLY_CONNECTED) or the depth multiplier (DEPTHWISE_CONV_2D).
        kernel, stride, dilation: height and width.
        weights: "random", "lowest" (-128), "highest" (127), "zero", "unit" (-1, 0, 1), "thinned" (some 85 % of them zero), or
            "pruned" (the same, and the others of 15 values).
        bias: "random", "none" (two operands), "absent" (a third operand of -1), "large" (near the int32 limits), "powers" (of
            two, 2^16 to 2^30, and their neighbours: limits of proofs are there), or "brim" (the largest magnitudes with which no
            input makes the accumulator overflow).
        gain: output values per standard deviation of the accumulator, in LSB: 40 fills the range without much
            saturation.
        factor: from accumulators to outputs, before `spread`; replaces `gain` where it is not 0.
        spread: factors of the per-channel scales, cycled; () is one scale per tensor.
    """

    input_shape: tuple[int, ...] = (1, 5, 6, 3)
    filters: int = 4
    kernel: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: str = "SAME"
    activation: str = "NONE"
    weights: str = "random"
    bias: str = "random"
    input_zero: int = 3
    output_zero: int = -5
    input_scale: float = 0.0235
    weight_scale: float = 0.0071
    gain: float = 40.0
    factor: float = field(default=0.0, repr=False)
    spread: tuple[float, ...] = (1.0, 0.6, 1.7, 0.9, 0.35)
    groups: int = 1
    keep_dims: bool = False


def seeded(layer: Layer) -> np.random.Generator:
    """A generator that depends on the layer only (str's hash differs from process to process)."""
    return np.random.default_rng(list(repr(layer).encode()))


def weight_values(layer: Layer, shape: Sequence[int], generator: np.random.Generator) -> np.ndarray:
    if layer.weights == "random":
        return generator.integers(-127, 127, shape, np.int8, endpoint=True)
    if layer.weights == "unit":
        return generator.integers(-1, 1, shape, np.int8, endpoint=True)
    if layer.weights in ("thinned", "pruned"):
        kept = generator.random(shape) < 0.15
        values = generator.integers(-128, 127, 15 if layer.weights == "pruned" else 256, endpoint=True)
        return np.where(kept, generator.choice(values, shape), 0).astype(np.int8)
    return np.full(shape, {"lowest": -128, "highest": 127, "zero": 0}[layer.weights], np.int8)


def add_weights(
    network: Network, layer: Layer, shape: Sequence[int], axis: int, generator: np.random.Generator
) -> tuple[list[int], float]:
    """Add weights and bias; return the operands and a suitable output scale."""
    channels, taps = shape[axis], int(np.prod(shape)) // shape[axis]
    factors = np.resize(layer.spread, channels) if layer.spread else np.ones(1)
    scales = (layer.weight_scale * factors).astype(np.float32)
    values = weight_values(layer, shape, generator)
    size = float(np.sqrt(np.mean(np.square(values, dtype=np.float64)))) or 1.0
    deviation = np.sqrt(taps) * 74.0 * size
    operands = [network.tensor(shape, scales, axis=axis, data=values)]
    if layer.bias == "absent":
        operands.append(ABSENT)
    elif layer.bias != "none":
        limit = 2**31 - 2**22 if layer.bias == "large" else int(deviation)
        bias = generator.integers(-limit, limit, channels, np.int32, endpoint=True)
        if layer.bias in ("brim", "powers"):
            powers = 2 ** generator.integers(16, 30, channels, endpoint=True) + generator.integers(-1, 2, channels)
            size = brim(values, axis) if layer.bias == "brim" else np.minimum(powers, brim(values, axis))
            bias = (size * generator.choice([-1, 1], channels)).astype(np.int32)
        operands.append(network.tensor([channels], np.float32(layer.input_scale) * scales, dtype="INT32", data=bias))
    if layer.factor:
        return operands, float(layer.input_scale * layer.weight_scale / layer.factor)
    return operands, float(layer.input_scale * layer.weight_scale * deviation / layer.gain)


def brim(values: np.ndarray, axis: int) -> np.ndarray:
    """By output channel, what is left of int32 above the largest sum of weights times inputs less their zero point."""
    sums = 255 * np.abs(np.moveaxis(values, axis, 0).astype(np.int64)).reshape(values.shape[axis], -1).sum(axis=1)
    return (2**31 - 1 - sums).astype(np.int32)


def extent(layer: Layer, dimension: int) -> int:
    """Output height or width."""
    size, kernel = layer.input_shape[1 + dimension], layer.kernel[dimension]
    window = 1 if layer.padding == "SAME" else (kernel - 1) * layer.dilation[dimension] + 1
    return -(-(size - window + 1) // layer.stride[dimension])


def convolution(layer: Layer, depthwise: bool = False) -> bytes:
    """A CONV_2D or DEPTHWISE_CONV_2D model."""
    network, generator = Network(), seeded(layer)
    batch, _, _, in_channels = layer.input_shape
    source = network.tensor(layer.input_shape, layer.input_scale, layer.input_zero)
    out_channels = layer.filters * (in_channels if depthwise else 1)
    shape = (
        (1, *layer.kernel, out_channels) if depthwise else (out_channels, *layer.kernel, in_channels // layer.groups)
    )
    operands, scale = add_weights(network, layer, shape, 3 if depthwise else 0, generator)
    result = network.tensor((batch, extent(layer, 0), extent(layer, 1), out_channels), scale, layer.output_zero)
    fields: dict[str, Any] = {
        "padding": layer.padding,
        "strideH": layer.stride[0],
        "strideW": layer.stride[1],
        "dilationHFactor": layer.dilation[0],
        "dilationWFactor": layer.dilation[1],
        "fusedActivationFunction": layer.activation,
    }
    if depthwise:
        network.operator(
            "DEPTHWISE_CONV_2D",
            [source, *operands],
            [result],
            "DepthwiseConv2D",
            3,
            depthMultiplier=layer.filters,
            **fields,
        )
    else:
        network.operator("CONV_2D", [source, *operands], [result], "Conv2D", 3, **fields)
    return network.file([source], [result])


def fully_connected(layer: Layer) -> bytes:
    """A FULLY_CONNECTED model; the last dimension of the input shape is summed over."""
    network, generator = Network(), seeded(layer)
    source = network.tensor(layer.input_shape, layer.input_scale, layer.input_zero)
    operands, scale = add_weights(network, layer, (layer.filters, layer.input_shape[-1]), 0, generator)
    rows = layer.input_shape[:-1] if layer.keep_dims else (int(np.prod(layer.input_shape[:-1])),)
    result = network.tensor((*rows, layer.filters), scale, layer.output_zero)
    network.operator(
        "FULLY_CONNECTED", [source, *operands], [result], "FullyConnected", 5 if layer.keep_dims else 4,
        fusedActivationFunction=layer.activation, keepNumDims=layer.keep_dims,
    )  # fmt: skip
    return network.file([source], [result])


def product_of_scales(opcode: str) -> bytes:
    """A model whose outputs are its biases, scaled; the second and fourth tell a product of scales in double precision
    (-117 and 117) from one that is rounded to float32 (-118 and 118)."""
    network = Network()
    input_scale, weight_scale = np.float32(0.024790890514850616), np.float32(0.0195566825568676)
    biases = np.array([-88336, -88337, 88336, 88337], np.int32)
    shapes = {
        "CONV_2D": ((1, 1, 1, 4), (4, 1, 1, 4)),
        "DEPTHWISE_CONV_2D": ((1, 1, 1, 4), (1, 1, 1, 4)),
        "FULLY_CONNECTED": ((1, 4), (4, 4)),
    }
    shape, weights_shape = shapes[opcode]
    source = network.tensor(shape, input_scale)
    weights = network.tensor(weights_shape, weight_scale, data=np.zeros(weights_shape, np.int8))
    bias = network.tensor([4], input_scale * weight_scale, dtype="INT32", data=biases)
    result = network.tensor(shape, np.float32(0.36449846625328064))
    window = {"padding": "VALID", "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    options, fields = {
        "CONV_2D": ("Conv2D", window),
        "DEPTHWISE_CONV_2D": ("DepthwiseConv2D", {"depthMultiplier": 1, **window}),
        "FULLY_CONNECTED": ("FullyConnected", {}),
    }[opcode]
    network.operator(opcode, [source, weights, bias], [result], options, 3, **fields)
    return network.file([source], [result])


PLAIN = Layer()
