"""TRANSPOSE_CONV: every input adds its filter, times its value, to the output around it; int8 or int16."""

from dataclasses import replace

import numpy as np

from edgecompress.codegen.ops.base import Array, KernelCall, Operator
from edgecompress.codegen.ops.requantization import (
    bad_factor,
    bad_weights,
    bad_wide_factor,
    bias_values,
    requantization_parameters,
    requantize,
    weight_scales,
)
from edgecompress.codegen.ops.widths import is_wide, require_integers, sized
from edgecompress.codegen.ops.windows import shape_mismatch, window
from edgecompress.memory.sweep import Window
from edgecompress.tflite.graph import Graph, Operation, Tensor

SHAPE, WEIGHTS, SOURCE = 0, 1, 2
"""Places of the operands; a bias may follow."""


class TransposeConv(Operator):
    opcode = "TRANSPOSE_CONV"
    operands = (3, 4)
    options = ("padding", "stride_h", "stride_w")

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """input and output must be int8, or both int16 with zero points of 0, with one scale each"""
        return require_integers(graph, operation, (SOURCE,))

    def rule_weights(self, graph: Graph, operation: Operation) -> str:
        """weights must be constant symmetric int8, per tensor or per output channel, the bias constant int32, beside int16 int64"""
        weights = graph.tensors[operation.inputs[WEIGHTS]]
        if len(weights.shape) != 4:
            return f'weights "{weights.name}" of shape {list(weights.shape)}'
        return bad_weights(graph, _as_convolution(operation), weights.shape[0], 0)

    def rule_factors(self, graph: Graph, operation: Operation) -> str:
        """input scale times weight scale must be below 2^31 output scales, in int16 2^7"""
        check = bad_wide_factor if is_wide(graph.results(operation)[0]) else bad_factor
        return check(*weight_scales(*_tensors(graph, operation)))

    def rule_filter(self, graph: Graph, operation: Operation) -> str:
        """the filter must be [output channels, height, width, input channels]"""
        source, weights, result = _tensors(graph, operation)
        found = f"filter {list(weights.shape)} for input {list(source.shape)} and output {list(result.shape)}"
        if len(source.shape) != 4 or len(result.shape) != 4 or min(*source.shape, *weights.shape) < 1:
            return found
        return "" if (weights.shape[0], weights.shape[3]) == (result.shape[3], source.shape[3]) else found

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """the output shape must be constant, and a convolution of the output must have the input's shape"""
        source, weights, result = _tensors(graph, operation)
        wanted = graph.tensors[operation.inputs[SHAPE]]
        if wanted.data is None or tuple(wanted.data.reshape(-1).tolist()) != result.shape:
            return f'output {list(result.shape)}, wanted shape "{wanted.name}"'
        return shape_mismatch(operation, result, source, *weights.shape[1:3])

    def macs(self, graph: Graph, operation: Operation) -> int:
        source, weights, _ = _tensors(graph, operation)
        return source.elements * weights.elements // weights.shape[3]

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        source, weights, result = _tensors(graph, operation)
        geometry, x = _geometry(graph, operation), inputs[SOURCE]
        assert x is not None and source.quantization and weights.data is not None
        # float64 holds these integers exactly: |sum| < 2⁵³
        centred = x.astype(np.float64) - source.quantization.zero_point
        spread = np.tensordot(
            centred, weights.data.astype(np.float64), axes=([3], [3])
        )  # [..., outputs, height, width]
        rows, columns = (source.shape[1] - 1) * geometry.stride_height, (source.shape[2] - 1) * geometry.stride_width
        height, width = weights.shape[1:3]
        frame = [
            max(a, b)
            for a, b in (
                (rows + height, result.shape[1] + geometry.pad_top),
                (columns + width, result.shape[2] + geometry.pad_left),
            )
        ]
        total = np.zeros((result.shape[0], *frame, result.shape[3]))
        for ky in range(height):
            for kx in range(width):
                reached = (
                    slice(ky, ky + rows + 1, geometry.stride_height),
                    slice(kx, kx + columns + 1, geometry.stride_width),
                )
                total[:, *reached] += spread[..., ky, kx]
        inside = total[:, geometry.pad_top :, geometry.pad_left :][:, : result.shape[1], : result.shape[2]]
        accumulator = inside.astype(np.int64) + _bias(graph, operation)
        return [requantize(accumulator, weight_scales(source, weights, result), operation, result)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        source, weights, result = _tensors(graph, operation)
        assert source.quantization and weights.data is not None
        parameters = {
            **_geometry(graph, operation).parameters(),
            "in_channels": source.shape[3],
            "out_channels": result.shape[3],
            **({} if is_wide(result) else {"input_offset": -source.quantization.zero_point}),
            "weights": Array(weights.data, is_weights=True),
            "bias": Array(_bias(graph, operation).astype(np.int64 if is_wide(result) else np.int32)),
            **requantization_parameters(weight_scales(source, weights, result), operation, result),
        }
        return KernelCall(sized("transpose_conv", result), parameters, (source, result))


def _tensors(graph: Graph, operation: Operation) -> tuple[Tensor, Tensor, Tensor]:
    """Input, weights and output."""
    return (
        graph.tensors[operation.inputs[SOURCE]],
        graph.tensors[operation.inputs[WEIGHTS]],
        graph.results(operation)[0],
    )


def _as_convolution(operation: Operation) -> Operation:
    """The same with its operands in CONV_2D's order."""
    inputs = operation.inputs
    return replace(operation, inputs=(inputs[SOURCE], inputs[WEIGHTS], *inputs[SOURCE + 1 :]))


def _geometry(graph: Graph, operation: Operation) -> Window:
    """Of the convolution that goes the other way."""
    source, weights, result = _tensors(graph, operation)
    return window(operation, result, source, *weights.shape[1:3])


def _bias(graph: Graph, operation: Operation) -> np.ndarray:
    bias = (*graph.operands(operation), None)[SOURCE + 1]
    return bias_values(bias, graph.tensors[operation.inputs[WEIGHTS]].shape[0])
