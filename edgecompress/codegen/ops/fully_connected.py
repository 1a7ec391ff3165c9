"""FULLY_CONNECTED: out[b, o] = requantize(bias[o] + Σ w[o, i] · (in[b, i] - zero_point)); int8."""

from dataclasses import replace

import numpy as np

from edgecompress.codegen.features import Features
from edgecompress.codegen.ops.activation import require_int8
from edgecompress.codegen.ops.base import Array, KernelCall, Operator
from edgecompress.codegen.ops.quick import quicken
from edgecompress.codegen.ops.requantization import (
    accumulate_scale,
    bad_factor,
    bad_weights,
    bias_parameter,
    bias_values,
    requantization_parameters,
    requantize,
    weight_scales,
)  # fmt: skip
from edgecompress.tflite.graph import Graph, Operation


class FullyConnected(Operator):
    opcode = "FULLY_CONNECTED"
    operands = (2, 3)

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """input and output must be int8 with one scale each"""
        return require_int8(graph, operation)

    def rule_format(self, graph: Graph, operation: Operation) -> str:
        """the weights must be stored in the default order"""
        layout = operation.options.get("weights_format", "DEFAULT")
        return "" if layout == "DEFAULT" else str(layout)

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """the weights must be [outputs, inputs], input and output whole rows of them"""
        source, weights, result = (
            graph.tensors[operation.inputs[0]],
            graph.tensors[operation.inputs[1]],
            graph.results(operation)[0],
        )
        found = f"input {list(source.shape)}, weights {list(weights.shape)}, output {list(result.shape)}"
        if len(weights.shape) != 2 or min(weights.shape) < 1 or source.elements % weights.shape[1]:
            return found
        rows = source.elements // weights.shape[1]
        return "" if result.elements == rows * weights.shape[0] else found

    def rule_weights(self, graph: Graph, operation: Operation) -> str:
        """weights must be constant symmetric int8, per tensor or per output channel, the bias constant int32"""
        return bad_weights(graph, operation, graph.tensors[operation.inputs[1]].shape[0], 0)

    def rule_factors(self, graph: Graph, operation: Operation) -> str:
        """input scale times weight scale must be below 2^31 output scales"""
        return bad_factor(*self._scales(graph, operation))

    def macs(self, graph: Graph, operation: Operation) -> int:
        return graph.results(operation)[0].elements * graph.tensors[operation.inputs[1]].shape[1]

    def _scales(self, graph: Graph, operation: Operation) -> list[float]:
        source, weights, result = (
            graph.tensors[operation.inputs[0]],
            graph.tensors[operation.inputs[1]],
            graph.results(operation)[0],
        )
        assert weights.quantization
        if weights.quantization.per_channel:
            return weight_scales(source, weights, result)
        return [accumulate_scale(source, weights, result)]

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        source, weights, bias = (*graph.operands(operation), None)[:3]
        (result,) = graph.results(operation)
        assert source and weights and source.quantization and weights.data is not None and inputs[0] is not None
        rows = inputs[0].astype(np.float64).reshape(-1, weights.shape[1]) - source.quantization.zero_point
        # float64 holds these integers exactly: |sum| < 2⁵³
        accumulator = (rows @ weights.data.astype(np.float64).T).astype(np.int64) + bias_values(bias, weights.shape[0])
        return [requantize(accumulator, self._scales(graph, operation), operation, result).reshape(result.shape)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        source, weights, bias = (*graph.operands(operation), None)[:3]
        (result,) = graph.results(operation)
        assert source and weights and source.quantization and weights.data is not None
        parameters = {
            "rows": source.elements // weights.shape[1],
            "inputs": weights.shape[1],
            "outputs": weights.shape[0],
            "input_offset": -source.quantization.zero_point,
            "weights": Array(weights.data, is_weights=True),
            "bias": bias_parameter(bias, weights.shape[0]),
            **requantization_parameters(self._scales(graph, operation), operation, result),
        }
        return KernelCall("fully_connected", parameters, (source, result))

    def lower_for(self, graph: Graph, operation: Operation, features: Features) -> KernelCall:
        """With dual multiplication: four outputs at a time, where the inputs are a multiple of four."""
        source, weights, bias = (*graph.operands(operation), None)[:3]
        (result,) = graph.results(operation)
        assert source and weights and source.quantization and weights.data is not None
        quick = None
        if features.dsp and weights.shape[1] % 4 == 0:
            offsets = bias_values(bias, weights.shape[0])
            quick = quicken(weights.data, offsets, self._scales(graph, operation), source, operation, result)
        if quick is None:
            return self.lower(graph, operation)
        # the kernel multiplies the inputs as they are; what their zero point adds to the sums is known here
        shifted = quick.bias - source.quantization.zero_point * quick.rows.astype(np.int64).sum(axis=1)
        parameters = {
            "rows": source.elements // weights.shape[1],
            "inputs": weights.shape[1],
            "outputs": weights.shape[0],
            "weights": Array(pack_fours(quick.rows), is_weights=True),
            **replace(quick, bias=shifted).parameters(operation, result),
        }
        return KernelCall("fully_connected_dsp", parameters, (source, result))


def pack_fours(rows: np.ndarray) -> np.ndarray:
    """Weights [outputs, inputs] in the order of the kernel, outputs padded to a multiple of four with zeros.

    For four outputs and four inputs: inputs 0 and 2 of outputs 0 and 1, of outputs 2 and 3, then inputs 1 and 3 likewise.
    """
    outputs, inputs = rows.shape
    padded = np.pad(rows, ((0, -outputs % 4), (0, 0)))
    blocks = padded.reshape(-1, 2, 2, inputs // 4, 2, 2)  # outputs by two and two, inputs by four as (half, parity)
    return np.ascontiguousarray(blocks.transpose(0, 3, 5, 1, 4, 2)).reshape(-1)
