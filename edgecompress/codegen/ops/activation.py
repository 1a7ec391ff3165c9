"""Fused activations, and the rule on types that operators share."""

import numpy as np

from edgecompress.codegen.arithmetic import round_half_away
from edgecompress.codegen.ops.base import types_of
from edgecompress.errors import UnsupportedError
from edgecompress.tflite.graph import Graph, Operation, Tensor

ACTIVATIONS = {"NONE": (None, None), "RELU": (0.0, None), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0)}
"""Real lower and upper bound of each fused activation; None is unbounded."""


def activation_range(operation: Operation, output: Tensor) -> tuple[int, int]:
    """(min, max) of the quantized output under the operation's fused activation."""
    name = str(operation.options.get("fused_activation_function", "NONE"))
    if name not in ACTIVATIONS:
        raise UnsupportedError(
            f"operator {operation.index} {operation.opcode}: fused activation {name} is not supported",
            hint="use RELU, RELU6 or none",
        )
    limits = np.iinfo(output.dtype)
    low, high = ACTIVATIONS[name]
    assert output.quantization is not None
    return (
        limits.min if low is None else max(limits.min, quantize(low, output)),
        limits.max if high is None else min(limits.max, quantize(high, output)),
    )


def narrower_range(operation: Operation, output: Tensor) -> tuple[int, int] | None:
    """The same where that is less than all of the output's type, else None."""
    found, limits = activation_range(operation, output), np.iinfo(output.dtype)
    return None if found == (limits.min, limits.max) else found


def quantize(real: float, tensor: Tensor) -> int:
    """round(real / scale) + zero_point in float32, not clamped: how TFLM quantizes an activation's bound."""
    assert tensor.quantization is not None
    with np.errstate(over="ignore"):
        steps = np.float32(real) / np.float32(tensor.quantization.scale)
    return tensor.quantization.zero_point + round_half_away(float(np.clip(steps, -(2.0**31), 2.0**31)))


def require_int8(graph: Graph, operation: Operation, operands: tuple[int, ...] = (0,)) -> str:
    """ "" when the named inputs and all outputs are int8 with one scale each, else what was found."""
    tensors = [graph.tensors[operation.inputs[i]] for i in operands if i < len(operation.inputs)]
    tensors += list(graph.results(operation))
    for tensor in tensors:
        if tensor.dtype != np.int8:
            return types_of(graph, operation)
        if found := bad_quantization(tensor):
            return found
    return ""


def bad_quantization(tensor: Tensor) -> str:
    """ "" when an integer tensor has one scale, and a zero point that its type can express; else what was found."""
    if tensor.quantization is None or tensor.quantization.per_channel:
        return f'tensor {tensor.index} "{tensor.name}" without a per-tensor scale'
    limits, zero_point = np.iinfo(tensor.dtype), tensor.quantization.zero_point
    return (
        ""
        if limits.min <= zero_point <= limits.max
        else f'tensor {tensor.index} "{tensor.name}" with zero point {zero_point}'
    )
