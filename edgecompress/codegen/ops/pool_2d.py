"""AVERAGE_POOL_2D and MAX_POOL_2D: over the part of the window that lies inside the input; scale unchanged."""

from abc import abstractmethod

import numpy as np

from edgecompress.codegen.ops.activation import activation_range
from edgecompress.codegen.ops.bands import by_window
from edgecompress.codegen.ops.base import KernelCall, Operator
from edgecompress.codegen.ops.weighted import LEGACY
from edgecompress.codegen.ops.widths import is_wide, require_integers, sized
from edgecompress.codegen.ops.windows import patches, shape_mismatch
from edgecompress.codegen.ops.windows import window as sliding
from edgecompress.memory.sweep import Window
from edgecompress.tflite.graph import Graph, Operation

MOST_TAPS = (2**20, 2**15)
"""Of a window over int8 and over int16: far above any input, and sums fit into 32 bits."""

LARGEST_SCALE_DIFFERENCE = 1e-6
"""Between what goes in and what comes out: TensorFlow Lite Micro refuses more, for nothing is rescaled."""


class Pool2D(Operator):
    """What both poolings share."""

    options = ("padding", "stride_h", "stride_w", "filter_height", "filter_width")

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """input and output must be int8, or both int16 with zero points of 0, with one scale each"""
        return require_integers(graph, operation)

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """the output shape must follow from input, filter, stride and padding, the channels stay"""
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        height, width = filter_size(operation)
        if min(height, width) < 1 or height * width > MOST_TAPS[is_wide(source)]:
            return f"filter {height} x {width}"
        if source.shape[-1:] != result.shape[-1:]:
            return f"{list(source.shape)} -> {list(result.shape)}"
        return shape_mismatch(operation, source, result, height, width)

    def rule_quantization(self, graph: Graph, operation: Operation) -> str:
        """input and output must have the same zero point, and scales that differ by at most 1e-6"""
        source, result = graph.tensors[operation.inputs[0]].quantization, graph.results(operation)[0].quantization
        if source is None or result is None or source.per_channel or result.per_channel:
            return ""  # what rule_types refuses
        same = source.zero_point == result.zero_point and abs(source.scale - result.scale) <= LARGEST_SCALE_DIFFERENCE
        return "" if same else f"{source} and {result}"

    @abstractmethod
    def pool(self, taps: np.ndarray, inside: np.ndarray, operation: Operation) -> np.ndarray:
        """[b, y, x, c] from the taps [b, y, x, h, w, c] (0 outside) and where they are inside (same shape, bool)."""

    def kernel(self, operation: Operation) -> str:
        return self.opcode.lower()

    def window(self, graph: Graph, operation: Operation) -> Window:
        return sliding(
            operation, graph.tensors[operation.inputs[0]], graph.results(operation)[0], *filter_size(operation)
        )

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        (result,) = graph.results(operation)
        assert inputs[0] is not None
        geometry = self.window(graph, operation)
        taps = patches(inputs[0].astype(np.int64), geometry, 0)
        inside = patches(np.ones_like(inputs[0], np.bool_), geometry, 0)
        return [np.clip(self.pool(taps, inside, operation), *activation_range(operation, result)).astype(result.dtype)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        source, (result,) = graph.tensors[operation.inputs[0]], graph.results(operation)
        low, high = activation_range(operation, result)
        geometry, channels = self.window(graph, operation), result.shape[3]
        parameters = {
            **geometry.parameters(),
            "channels": channels,
            "activation_min": low,
            "activation_max": high,
        }
        pixel, value = channels * result.dtype.itemsize, result.dtype.itemsize
        sweeps = (geometry.sweep(pixel, pixel, part=value, own=True),)
        kernel = sized(self.kernel(operation), result)
        return by_window(
            KernelCall(kernel, parameters, (source, result), source=sized("pool_2d", result), sweeps=sweeps)
        )


class AveragePool2D(Pool2D):
    """The sum is divided by the number of taps inside, halves away from zero, in place of uint8 up."""

    opcode = "AVERAGE_POOL_2D"

    def pool(self, taps: np.ndarray, inside: np.ndarray, operation: Operation) -> np.ndarray:
        total, count = taps.sum((3, 4)), inside.sum((3, 4))
        if LEGACY in operation.options:
            return (total + count // 2) // count
        return np.sign(total) * ((np.abs(total) + count // 2) // count)

    def kernel(self, operation: Operation) -> str:
        return "average_pool_2d_up" if LEGACY in operation.options else "average_pool_2d"


class MaxPool2D(Pool2D):
    opcode = "MAX_POOL_2D"

    def pool(self, taps: np.ndarray, inside: np.ndarray, operation: Operation) -> np.ndarray:
        return np.where(inside, taps, np.iinfo(np.int16).min).max((3, 4))


def filter_size(operation: Operation) -> tuple[int, int]:
    """(height, width) of the window."""
    return int(operation.options["filter_height"]), int(operation.options["filter_width"])  # type: ignore[call-overload]
