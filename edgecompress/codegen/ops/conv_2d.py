"""CONV_2D: out[y, x, o] = requantize(bias[o] + Σ w[o, ky, kx, i] · (in[…] - zero_point)); grouped, dilated."""

import numpy as np

from edgecompress.codegen.ops.bands import by_window
from edgecompress.codegen.ops.base import Array, KernelCall
from edgecompress.codegen.ops.requantization import requantize
from edgecompress.codegen.ops.units import requantization_steps, rows_in_blocks
from edgecompress.codegen.ops.weighted import Weighted
from edgecompress.codegen.ops.widths import sized
from edgecompress.codegen.ops.windows import patches, shape_mismatch, window
from edgecompress.tflite.graph import Graph, Operation


class Conv2D(Weighted):
    opcode = "CONV_2D"
    options = ("padding", "stride_h", "stride_w")

    def rule_filter(self, graph: Graph, operation: Operation) -> str:
        """the filter must be [output channels, height, width, input channels / groups]"""
        source, weights = (graph.tensors[i] for i in operation.inputs[:2])
        (result,) = graph.results(operation)
        ranks = {len(tensor.shape) for tensor in (source, weights, result)}
        if ranks != {4} or min(*source.shape, *weights.shape) < 1 or weights.shape[0] != result.shape[-1]:
            return f"filter {list(weights.shape)} for input {list(source.shape)} and output {list(result.shape)}"
        groups, rest = divmod(source.shape[-1], weights.shape[3])
        fits = not rest and weights.shape[0] % groups == 0
        return "" if fits else f"{source.shape[-1]} input channels for filter {list(weights.shape)}"

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """the output shape must follow from input, filter, stride, dilation and padding"""
        source, weights = (graph.tensors[i] for i in operation.inputs[:2])
        return shape_mismatch(operation, source, graph.results(operation)[0], *weights.shape[1:3])

    def macs(self, graph: Graph, operation: Operation) -> int:
        weights = graph.tensors[operation.inputs[1]]
        return graph.results(operation)[0].elements * weights.elements // weights.shape[0]

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        parts = self.parts(graph, operation)
        source, weights, result = parts.source, parts.weights, parts.result
        assert inputs[0] is not None
        geometry = window(operation, source, result, *weights.shape[1:3])
        taps = patches(inputs[0].astype(np.float64) - parts.zero_point, geometry, 0)
        groups = source.shape[3] // weights.shape[3]
        columns = taps.reshape(*taps.shape[:5], groups, -1)
        filters = parts.values.astype(np.float64).reshape(groups, -1, *weights.shape[1:])
        # float64 holds these integers exactly: |sum| < 2⁵³
        sums = [np.tensordot(columns[..., g, :], filters[g], axes=([3, 4, 5], [1, 2, 3])) for g in range(groups)]
        accumulator = np.concatenate(sums, axis=-1).astype(np.int64) + parts.bias
        return [requantize(accumulator, parts.scales, operation, result)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        parts = self.parts(graph, operation)
        source, weights, result = parts.source, parts.weights, parts.result
        geometry = window(operation, source, result, *weights.shape[1:3])
        parameters: dict[str, int | float | Array] = {
            **geometry.parameters(),
            "in_channels": source.shape[3],
            "out_channels": result.shape[3],
            "out_pitch": result.shape[3],
            "first_channel": 0,
            "group_channels": result.shape[3] * weights.shape[3] // source.shape[3],
            "filter_channels": weights.shape[3],
            **parts.fields(operation),
        }
        value = result.dtype.itemsize
        sweep = geometry.sweep(source.shape[3] * value, result.shape[3] * value, part=value)
        rows, steps = parts.stored()[0].reshape(result.shape[3], -1), requantization_steps(parameters)
        blocks = rows_in_blocks(rows, ("out_channels",), {"first_channel": 1, **steps})
        kernel, operands = sized("conv_2d", result), (source, result)
        return by_window(KernelCall(kernel, parameters, operands, sweeps=(sweep,), blocks=blocks, cycles_a_mac=10))
