"""CONV_2D: out[y, x, o] = requantize(bias[o] + Σ w[o, ky, kx, i] · (in[…] - zero_point)); int8, grouped, dilated."""

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


class Conv2D(Operator):
    opcode = "CONV_2D"
    operands = (2, 3)
    options = ("padding", "stride_h", "stride_w")

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """input and output must be int8 with one scale each"""
        return require_int8(graph, operation)

    def rule_filter(self, graph: Graph, operation: Operation) -> str:
        """the filter must be [output channels, height, width, input channels / groups]"""
        source, weights, result = (
            graph.tensors[operation.inputs[0]],
            graph.tensors[operation.inputs[1]],
            graph.results(operation)[0],
        )
        if len(weights.shape) != 4 or min(weights.shape) < 1 or weights.shape[0] != result.shape[-1]:
            return f"filter {list(weights.shape)} for output {list(result.shape)}"
        groups, rest = divmod(source.shape[-1], weights.shape[3])
        return (
            f"{source.shape[-1]} input channels for filter {list(weights.shape)}"
            if rest or weights.shape[0] % groups
            else ""
        )

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """the output shape must follow from input, filter, stride, dilation and padding"""
        weights = graph.tensors[operation.inputs[1]]
        return shape_mismatch(
            operation, graph.tensors[operation.inputs[0]], graph.results(operation)[0], *weights.shape[1:3]
        )

    def rule_weights(self, graph: Graph, operation: Operation) -> str:
        """weights must be constant symmetric int8, per tensor or per output channel, the bias constant int32"""
        return bad_weights(graph, operation, graph.results(operation)[0].shape[-1], 0)

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
        return graph.results(operation)[0].elements * weights.elements // weights.shape[0]

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        source, weights, bias = (*graph.operands(operation), None)[:3]
        (result,) = graph.results(operation)
        assert source and weights and source.quantization and weights.data is not None and inputs[0] is not None
        taps = patches(
            inputs[0].astype(np.float64) - source.quantization.zero_point,
            window(operation, source, result, *weights.shape[1:3]),
            0,
        )
        groups = source.shape[3] // weights.shape[3]
        columns = taps.reshape(*taps.shape[:5], groups, -1)
        filters = weights.data.astype(np.float64).reshape(groups, -1, *weights.shape[1:])
        # float64 holds these integers exactly: |sum| < 2⁵³
        sums = [np.tensordot(columns[..., g, :], filters[g], axes=([3, 4, 5], [1, 2, 3])) for g in range(groups)]
        accumulator = np.concatenate(sums, axis=-1).astype(np.int64) + bias_values(bias, result.shape[3])
        return [requantize(accumulator, weight_scales(source, weights, result), operation, result)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        source, weights, bias = (*graph.operands(operation), None)[:3]
        (result,) = graph.results(operation)
        assert source and weights and source.quantization and weights.data is not None
        parameters = {
            **window(operation, source, result, *weights.shape[1:3]).parameters(),
            "in_channels": source.shape[3],
            "out_channels": result.shape[3],
            "filter_channels": weights.shape[3],
            "input_offset": -source.quantization.zero_point,
            "weights": Array(weights.data, is_weights=True),
            "bias": bias_parameter(bias, result.shape[3]),
            **requantization_parameters(weight_scales(source, weights, result), operation, result),
        }
        return KernelCall("conv_2d", parameters, (source, result))

    def lower_for(self, graph: Graph, operation: Operation, features: Features) -> KernelCall:
        """With dual multiplication: four pixels at a time, unless the layer has groups or large sums or factors."""
        source, weights, bias = (*graph.operands(operation), None)[:3]
        (result,) = graph.results(operation)
        assert source and weights and source.quantization and weights.data is not None
        quick = None
        if features.dsp and weights.shape[3] == source.shape[3]:
            rows, offsets = weights.data.reshape(result.shape[3], -1), bias_values(bias, result.shape[3])
            quick = quicken(rows, offsets, weight_scales(source, weights, result), source, operation, result)
        if quick is None:
            return self.lower(graph, operation)
        depth = quick.rows.shape[1] + -quick.rows.shape[1] % 4
        parameters = {
            **window(operation, source, result, *weights.shape[1:3]).parameters(),
            "in_channels": source.shape[3],
            "out_channels": result.shape[3],
            "depth": depth,
            "input_offset": -source.quantization.zero_point,
            "weights": Array(pack_pairs(quick.rows), is_weights=True),
            **quick.parameters(operation, result),
        }
        scratch = 8 * depth + (depth if source.shape[3] % 4 else 0)
        return KernelCall("conv_2d_dsp", parameters, (source, result), scratch_bytes=scratch)


def pack_pairs(rows: np.ndarray) -> np.ndarray:
    """Weights [outputs, inputs] in the order of the kernel `ec_gemm_4x2`, padded with zeros.

    For two outputs and four inputs: inputs 0 and 2 of both outputs, then inputs 1 and 3, the outputs side by side.
    """
    outputs, inputs = rows.shape
    padded = np.pad(rows, ((0, outputs % 2), (0, -inputs % 4)))
    blocks = padded.reshape(padded.shape[0] // 2, 2, padded.shape[1] // 4, 4)
    return np.ascontiguousarray(blocks[..., [0, 2, 1, 3]].transpose(0, 2, 3, 1)).reshape(-1)
