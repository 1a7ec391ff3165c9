"""DEPTHWISE_CONV_2D: every input channel has its own `depth_multiplier` filters; int8."""

from dataclasses import replace

import numpy as np

from edgecompress.codegen.features import Features
from edgecompress.codegen.ops.activation import require_int8
from edgecompress.codegen.ops.base import Array, KernelCall, Operator
from edgecompress.codegen.ops.quick import quicken
from edgecompress.codegen.ops.requantization import (
    bad_factor,
    bad_weights,
    bias_parameter,
    bias_values,
    requantization_parameters,
    requantize,
    weight_scales,
)
from edgecompress.codegen.ops.windows import patches, shape_mismatch, window
from edgecompress.tflite.graph import Graph, Operation


class DepthwiseConv2D(Operator):
    opcode = "DEPTHWISE_CONV_2D"
    operands = (2, 3)
    options = ("padding", "stride_h", "stride_w")

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """input and output must be int8 with one scale each"""
        return require_int8(graph, operation)

    def rule_filter(self, graph: Graph, operation: Operation) -> str:
        """the filter must be [1, height, width, output channels], output channels a multiple of the input channels"""
        source, weights, result = (
            graph.tensors[operation.inputs[0]],
            graph.tensors[operation.inputs[1]],
            graph.results(operation)[0],
        )
        fits = (
            len(weights.shape) == 4
            and weights.shape[0] == 1
            and weights.shape[3] == result.shape[-1]
            and min(weights.shape) >= 1
        )
        if not fits or result.shape[-1] % source.shape[-1]:
            return f"filter {list(weights.shape)} for input {list(source.shape)} and output {list(result.shape)}"
        return ""

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """the output shape must follow from input, filter, stride, dilation and padding"""
        weights = graph.tensors[operation.inputs[1]]
        return shape_mismatch(
            operation, graph.tensors[operation.inputs[0]], graph.results(operation)[0], *weights.shape[1:3]
        )

    def rule_weights(self, graph: Graph, operation: Operation) -> str:
        """weights must be constant symmetric int8, per tensor or per output channel, the bias constant int32"""
        return bad_weights(graph, operation, graph.results(operation)[0].shape[-1], 3)

    def rule_factors(self, graph: Graph, operation: Operation) -> str:
        """input scale times weight scale must be below 2^31 output scales"""
        source, weights, result = (
            graph.tensors[operation.inputs[0]],
            graph.tensors[operation.inputs[1]],
            graph.results(operation)[0],
        )
        return bad_factor(*weight_scales(source, weights, result))

    def macs(self, graph: Graph, operation: Operation) -> int:
        weights = graph.tensors[operation.inputs[1]]
        return graph.results(operation)[0].elements * weights.shape[1] * weights.shape[2]

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        source, weights, bias = (*graph.operands(operation), None)[:3]
        (result,) = graph.results(operation)
        assert source and weights and source.quantization and weights.data is not None and inputs[0] is not None
        taps = patches(
            inputs[0].astype(np.int64) - source.quantization.zero_point,
            window(operation, source, result, *weights.shape[1:3]),
            0,
        )
        repeated = np.repeat(taps, result.shape[3] // source.shape[3], axis=-1)
        accumulator = np.einsum("byxhwc,hwc->byxc", repeated, weights.data[0].astype(np.int64)) + bias_values(
            bias, result.shape[3]
        )
        return [requantize(accumulator, weight_scales(source, weights, result), operation, result)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        source, weights, bias = (*graph.operands(operation), None)[:3]
        (result,) = graph.results(operation)
        assert source and weights and source.quantization and weights.data is not None
        parameters = {
            **window(operation, source, result, *weights.shape[1:3]).parameters(),
            "in_channels": source.shape[3],
            "depth_multiplier": result.shape[3] // source.shape[3],
            "input_offset": -source.quantization.zero_point,
            "weights": Array(weights.data, is_weights=True),
            "bias": bias_parameter(bias, result.shape[3]),
            **requantization_parameters(weight_scales(source, weights, result), operation, result),
        }
        return KernelCall("depthwise_conv_2d", parameters, (source, result))

    def lower_for(self, graph: Graph, operation: Operation, features: Features) -> KernelCall:
        """With dual multiplication: four channels and two taps at a time, where the channels are a multiple of four."""
        source, weights, bias = (*graph.operands(operation), None)[:3]
        (result,) = graph.results(operation)
        assert source and weights and source.quantization and weights.data is not None
        taps, channels = weights.shape[1] * weights.shape[2], result.shape[3]
        quick = None
        if features.dsp and channels == source.shape[3] and channels % 4 == 0 and taps <= MOST_TAPS:
            rows = weights.data.reshape(taps, channels).T
            scales = weight_scales(source, weights, result)
            quick = quicken(rows, bias_values(bias, channels), scales, source, operation, result)
        if quick is None:
            return self.lower(graph, operation)
        # the kernel multiplies the inputs as they are; what their zero point adds to the sums is known here
        shifted = quick.bias - source.quantization.zero_point * quick.rows.astype(np.int64).sum(axis=1)
        parameters = {
            **window(operation, source, result, *weights.shape[1:3]).parameters(),
            "channels": channels,
            "zero_point": source.quantization.zero_point,
            "weights": Array(pack_taps(quick.rows), is_weights=True),
            **replace(quick, bias=shifted).parameters(operation, result),
        }
        return KernelCall("depthwise_conv_2d_dsp", parameters, (source, result), scratch_bytes=channels)


MOST_TAPS = 32


def pack_taps(rows: np.ndarray) -> np.ndarray:
    """Weights [channels, taps] in the order of the kernel: by four channels, then by two taps.

    For two taps and four channels, eight bytes: the first tap of channels 0 and 1, the second tap of both; then of
    channels 2 and 3. A missing last tap is zero.
    """
    channels, taps = rows.shape
    padded = np.pad(rows, ((0, 0), (0, taps % 2)))
    blocks = padded.reshape(channels // 4, 2, 2, -1, 2)  # four channels as two by two, taps by two
    return np.ascontiguousarray(blocks.transpose(0, 3, 1, 4, 2)).reshape(-1)
