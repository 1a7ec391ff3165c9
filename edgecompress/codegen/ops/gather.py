"""GATHER: values from places that are known at build time, or by indices that come in."""

import math

import numpy as np

from edgecompress.codegen.ops.base import KernelCall
from edgecompress.codegen.ops.movement import Movement, integers, require_shape
from edgecompress.codegen.ops.repetition import within
from edgecompress.tflite.graph import Graph, Operation


class Gather(Movement):
    """An index that comes in and lies outside takes the nearest place. TFLM and LiteRT end the inference there; TFLM's releases
    of early 2026 read whatever lies outside."""

    opcode = "GATHER"
    operands = (2, 2)

    def rule_places(self, graph: Graph, operation: Operation) -> str:
        """the indices must be constant integers; or int32 that come in, of which one outside counts as the nearest inside"""
        indices = graph.tensors[operation.inputs[1]]
        fits = indices.dtype.kind in "iu" if indices.is_constant else indices.dtype == np.int32
        return "" if fits else f'"{indices.name}" {indices.type_name}{"" if indices.is_constant else ", not constant"}'

    def move(self, x: np.ndarray, graph: Graph, operation: Operation) -> list[np.ndarray]:
        indices = graph.tensors[operation.inputs[1]]
        known = integers(graph, operation, 1) if indices.is_constant else np.zeros(indices.shape, np.int64)
        return [_taken(x, known, graph, operation)]

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        if graph.tensors[operation.inputs[1]].is_constant:
            return super().reference(graph, operation, inputs)
        table, indices = inputs
        assert table is not None and indices is not None
        axis, _ = _axes(graph, operation)
        return [_taken(table, np.clip(indices, 0, table.shape[axis] - 1), graph, operation)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        table, indices = (graph.tensors[i] for i in operation.inputs)
        if indices.is_constant:
            return super().lower(graph, operation)
        axis, batches = _axes(graph, operation)
        sizes = {
            "batches": math.prod(table.shape[:batches]),
            "parts": math.prod(table.shape[batches:axis]),
            "rows": table.shape[axis],
            "bytes": math.prod(table.shape[axis + 1 :]) * table.dtype.itemsize,
            "count": math.prod(indices.shape[batches:]),
        }
        return KernelCall("gather", sizes, (table, indices, *graph.results(operation)))


def _taken(x: np.ndarray, indices: np.ndarray, graph: Graph, operation: Operation) -> np.ndarray:
    """Raises:
    ValueError, IndexError: operands or options that do not fit.
    """
    axis, batches = _axes(graph, operation)
    indices = within(indices, x.shape[axis])
    if not 0 <= batches <= axis or x.shape[:batches] != indices.shape[:batches]:
        raise ValueError(f"{batches} batch dimensions of indices {list(indices.shape)}")
    require_shape((*x.shape[:axis], *indices.shape[batches:], *x.shape[axis + 1 :]), graph, operation)
    pairs = x.reshape(-1, *x.shape[batches:]), indices.reshape(-1, *indices.shape[batches:])
    taken = [np.take(one, places, axis - batches) for one, places in zip(*pairs, strict=True)]
    return np.stack(taken).reshape(*x.shape[:batches], *taken[0].shape)


def _axes(graph: Graph, operation: Operation) -> tuple[int, int]:
    """(axis, batch dimensions), counted from the first dimension."""
    axis, batches = (int(operation.options.get(name) or 0) for name in ("axis", "batch_dims"))  # type: ignore[call-overload]
    table, indices = (len(graph.tensors[i].shape) for i in operation.inputs)
    return axis + (table if axis < 0 else 0), batches + (indices if batches < 0 else 0)
