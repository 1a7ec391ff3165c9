"""RESIZE_BILINEAR: between four pixels, in 1024ths of their distance; int8."""

import numpy as np

from edgecompress.codegen.ops.activation import require_int8
from edgecompress.codegen.ops.base import KernelCall, Operator
from edgecompress.tflite.graph import Graph, Operation

ONE = 1024
LARGEST = 2**15
"""Height and width: in 1024ths they are within 32 bits."""


class ResizeBilinear(Operator):
    opcode = "RESIZE_BILINEAR"
    operands = (2, 2)

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """input and output must be int8 with one scale each"""
        return require_int8(graph, operation)

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """input and output must be images of the same channels, the output of the constant size asked for, at most 32768 each way"""
        source, size = (graph.tensors[i] for i in operation.inputs)
        (result,) = graph.results(operation)
        found = f'{list(source.shape)} -> {list(result.shape)}, size "{size.name}"'
        if size.data is None or len(source.shape) != 4 or size.elements != 2:
            return found
        expected = (source.shape[0], *size.data.reshape(-1).tolist(), source.shape[3])
        in_range = all(1 <= length <= LARGEST for length in (*source.shape[1:3], *result.shape[1:3]))
        return "" if result.shape == expected and in_range else found

    def rule_ways(self, graph: Graph, operation: Operation) -> str:
        """corners are aligned, or half pixels centred, or neither, but not both"""
        options = operation.options
        both = options.get("align_corners") and options.get("half_pixel_centers")
        return "align_corners and half_pixel_centers" if both else ""

    def rule_ends(self, graph: Graph, operation: Operation) -> str:
        """the last pixels must be made of the input's: rounded scales miss them where the output is hundreds of times larger"""
        source, (result,) = graph.tensors[operation.inputs[0]], graph.results(operation)
        axes = [(source.shape[axis], result.shape[axis]) for axis in (1, 2)]
        outside = [pair for pair in axes if _neighbours(operation, *pair)[0][0][-1] >= pair[0]]
        return f"{outside[0][0]} to {outside[0][1]} pixels" if outside else ""

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        x, (result,) = inputs[0], graph.results(operation)
        assert x is not None
        rows = _neighbours(operation, x.shape[1], result.shape[1])
        columns = _neighbours(operation, x.shape[2], result.shape[2])
        total = np.zeros(result.shape, np.int64)
        for row, height in rows:
            for column, width in columns:
                total += x[:, row][:, :, column].astype(np.int64) * height[:, None, None] * width[:, None]
        half = ONE**2 // 2
        return [np.where(total > 0, (total + half) // ONE**2, -((half - total) // ONE**2)).astype(np.int8)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        source, (result,) = graph.tensors[operation.inputs[0]], graph.results(operation)
        fields = dict(zip(("batches", "in_height", "in_width", "channels"), source.shape, strict=True))
        for axis, name in ((1, "height"), (2, "width")):
            scale, offset = _scale(operation, source.shape[axis], result.shape[axis])
            fields |= {f"out_{name}": result.shape[axis], f"scale_{name}": scale, f"offset_{name}": offset}
        return KernelCall("resize_bilinear", fields, (source, result))


def _scale(operation: Operation, inputs: int, outputs: int) -> tuple[int, int]:
    """Inputs per output, and the place of the first output, in 1024ths."""
    if operation.options.get("align_corners") and outputs > 1:
        return (ONE * (inputs - 1) + (outputs - 1) // 2) // (outputs - 1), 0
    scale = (ONE * inputs + outputs // 2) // outputs
    return scale, scale // 2 - ONE // 2 if operation.options.get("half_pixel_centers") else 0


def _neighbours(operation: Operation, inputs: int, outputs: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(inputs, weights) of the lower and the upper neighbour of every output along one axis."""
    scale, offset = _scale(operation, inputs, outputs)
    at = np.arange(outputs) * scale + offset
    below = np.maximum(at // ONE, 0)
    above = np.clip((at + ONE - 1) // ONE, 0, inputs - 1)
    weight = at - below * ONE
    return [(below, ONE - weight), (above, weight)]
