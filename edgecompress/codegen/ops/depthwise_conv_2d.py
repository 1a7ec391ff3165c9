"""DEPTHWISE_CONV_2D: every input channel has its own `depth_multiplier` filters."""

import numpy as np

from edgecompress.codegen.ops.bands import by_window
from edgecompress.codegen.ops.base import Array, KernelCall
from edgecompress.codegen.ops.requantization import requantize
from edgecompress.codegen.ops.weighted import Weighted
from edgecompress.codegen.ops.widths import sized
from edgecompress.codegen.ops.windows import patches, shape_mismatch, window
from edgecompress.tflite.graph import Graph, Operation


class DepthwiseConv2D(Weighted):
    opcode = "DEPTHWISE_CONV_2D"
    options = ("padding", "stride_h", "stride_w")
    channel_axis = 3

    def rule_filter(self, graph: Graph, operation: Operation) -> str:
        """the filter must be [1, height, width, output channels], output channels a multiple of the input channels"""
        source, weights = (graph.tensors[i] for i in operation.inputs[:2])
        (result,) = graph.results(operation)
        shape = weights.shape
        ranks = {len(tensor.shape) for tensor in (source, weights, result)}
        fits = (
            ranks == {4} and shape[0] == 1 and shape[3] == result.shape[3] and min(shape) >= 1 and source.shape[3] >= 1
        )
        if not fits or result.shape[-1] % source.shape[-1]:
            return f"filter {list(shape)} for input {list(source.shape)} and output {list(result.shape)}"
        return ""

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """the output shape must follow from input, filter, stride, dilation and padding"""
        source, weights = (graph.tensors[i] for i in operation.inputs[:2])
        return shape_mismatch(operation, source, graph.results(operation)[0], *weights.shape[1:3])

    def macs(self, graph: Graph, operation: Operation) -> int:
        weights = graph.tensors[operation.inputs[1]]
        return graph.results(operation)[0].elements * weights.shape[1] * weights.shape[2]

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        parts = self.parts(graph, operation)
        source, result = parts.source, parts.result
        assert inputs[0] is not None
        geometry = window(operation, source, result, *parts.weights.shape[1:3])
        taps = patches(inputs[0].astype(np.int64) - parts.zero_point, geometry, 0)
        repeated = np.repeat(taps, result.shape[3] // source.shape[3], axis=-1)
        accumulator = np.einsum("byxhwc,hwc->byxc", repeated, parts.values[0].astype(np.int64)) + parts.bias
        return [requantize(accumulator, parts.scales, operation, result)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        parts = self.parts(graph, operation)
        source, result = parts.source, parts.result
        geometry = window(operation, source, result, *parts.weights.shape[1:3])
        parameters: dict[str, int | float | Array] = {
            **geometry.parameters(),
            "in_channels": source.shape[3],
            "depth_multiplier": result.shape[3] // source.shape[3],
            **parts.fields(operation),
        }
        value = result.dtype.itemsize
        sweep = geometry.sweep(source.shape[3] * value, result.shape[3] * value, part=value, own=True)
        return by_window(KernelCall(sized("depthwise_conv_2d", result), parameters, (source, result), sweeps=(sweep,)))
