"""PAD and PADV2: the input surrounded by its zero point or another number; int8 or int16."""

from dataclasses import replace
from functools import partial

import numpy as np

from edgecompress.codegen.ops.base import KernelCall, Operator
from edgecompress.codegen.ops.widths import require_integers, sized
from edgecompress.memory.sweep import Sweep, Window
from edgecompress.tflite.graph import Graph, Operation, Tensor

RANK = 4


class Pad(Operator):
    opcode = "PAD"
    operands = (2, 2)

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """input and output must be int8, or both int16 with zero points of 0, with one scale each"""
        return require_integers(graph, operation)

    def rule_paddings(self, graph: Graph, operation: Operation) -> str:
        """the paddings must be a constant [dimensions, 2] of non-negative numbers, for at most four dimensions"""
        source, paddings = graph.tensors[operation.inputs[0]], graph.tensors[operation.inputs[1]]
        fits = paddings.data is not None and paddings.shape == (len(source.shape), 2) and len(source.shape) <= RANK
        return (
            ""
            if fits and paddings.data is not None and (paddings.data >= 0).all()
            else f'paddings "{paddings.name}" {list(paddings.shape)}'
        )

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """the output must be the input plus the paddings"""
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        expected = [
            size + before + after
            for size, (before, after) in zip(source.shape, _paddings(graph, operation), strict=True)
        ]
        return "" if list(result.shape) == expected else f"{list(source.shape)} -> {list(result.shape)}"

    def rule_quantization(self, graph: Graph, operation: Operation) -> str:
        """input and output must have the same zero point"""
        a, b = graph.tensors[operation.inputs[0]].quantization, graph.results(operation)[0].quantization
        assert a and b
        return "" if a.zero_point == b.zero_point else f"{a.zero_point} and {b.zero_point}"

    def fill(self, graph: Graph, operation: Operation) -> int:
        """What stands around the input."""
        q = graph.results(operation)[0].quantization
        assert q
        return q.zero_point

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        assert inputs[0] is not None
        return [np.pad(inputs[0], _paddings(graph, operation), constant_values=self.fill(graph, operation))]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        missing = RANK - len(source.shape)
        fields: dict[str, int] = {"fill": self.fill(graph, operation)}
        for axis, (size, (before, after)) in enumerate(
            zip((1,) * missing + source.shape, [(0, 0)] * missing + _paddings(graph, operation), strict=True)
        ):
            fields |= {f"sizes[{axis}]": size, f"before[{axis}]": before, f"after[{axis}]": after}
        sweep = _sweep(source, result, _paddings(graph, operation))
        call = KernelCall(sized("pad", result), fields, (source, result), source="pad", sweeps=(sweep,))
        return replace(call, band=partial(_band, call)) if sweep else call


class PadV2(Pad):
    opcode = "PADV2"
    operands = (3, 3)

    def rule_value(self, graph: Graph, operation: Operation) -> str:
        """what it is padded with must be one constant of the same type"""
        value = graph.tensors[operation.inputs[2]]
        fits = value.data is not None and value.elements == 1 and value.dtype == graph.results(operation)[0].dtype
        return "" if fits else f'value "{value.name}" {value.type_name} {list(value.shape)}'

    def fill(self, graph: Graph, operation: Operation) -> int:
        """As TensorFlow Lite Micro takes it: the byte, whatever its scale."""
        data = graph.tensors[operation.inputs[2]].data
        assert data is not None
        return int(data.reshape(-1)[0])


def _band(call: KernelCall, window: Window) -> KernelCall:
    """A patch of a padded image."""
    below = window.out_height - window.in_height - window.pad_top
    right = window.out_width - window.in_width - window.pad_left
    fields = {"sizes[1]": window.in_height, "before[1]": window.pad_top, "after[1]": below}
    fields |= {"sizes[2]": window.in_width, "before[2]": window.pad_left, "after[2]": right}
    return replace(call, parameters={**call.parameters, **fields}, sweeps=(), band=None)


def _sweep(source: Tensor, result: Tensor, paddings: list[tuple[int, int]]) -> Sweep | None:
    """An image padded in height and width is a window of one tap."""
    if len(paddings) != 4 or source.shape[0] != 1 or any(paddings[0] + paddings[3]):
        return None
    (_, height, width, _), (_, out_height, out_width, _) = source.shape, result.shape
    geometry = Window(1, height, width, out_height, out_width, 1, 1, 1, 1, 1, 1, paddings[1][0], paddings[2][0])
    value = result.dtype.itemsize
    return geometry.sweep(source.shape[3] * value, result.shape[3] * value, part=value, own=True)


def _paddings(graph: Graph, operation: Operation) -> list[tuple[int, int]]:
    data = graph.tensors[operation.inputs[1]].data
    assert data is not None
    return [(int(before), int(after)) for before, after in data]
