"""GATHER: values from places that are known at build time, or rows of a table by indices that come in."""

import numpy as np

from edgecompress.codegen.ops.base import KernelCall
from edgecompress.codegen.ops.movement import Movement, integers, require_shape
from edgecompress.codegen.ops.repetition import within
from edgecompress.tflite.graph import Graph, Operation


class Gather(Movement):
    """Indices that come in and lie outside take the nearest row: TFLM reads whatever lies there."""

    opcode = "GATHER"
    operands = (2, 2)

    def rule_places(self, graph: Graph, operation: Operation) -> str:
        """the indices must be constant integers; or int32, of rows (axis 0, no batch dimensions)"""
        indices = graph.tensors[operation.inputs[1]]
        fits = indices.dtype.kind in "iu" if indices.is_constant else indices.dtype == np.int32
        if not fits:
            return f'"{indices.name}" {indices.type_name}{"" if indices.is_constant else ", not constant"}'
        axis, batches = _axes(graph, operation)
        return "" if indices.is_constant or (axis, batches) == (0, 0) else f"axis {axis}, {batches} batch dimensions"

    def move(self, x: np.ndarray, graph: Graph, operation: Operation) -> list[np.ndarray]:
        axis, batches = _axes(graph, operation)
        indices = within(_indices(graph, operation), x.shape[axis])
        batches += indices.ndim if batches < 0 else 0
        if not 0 <= batches <= axis or x.shape[:batches] != indices.shape[:batches]:
            raise ValueError(f"{batches} batch dimensions of indices {list(indices.shape)}")
        require_shape((*x.shape[:axis], *indices.shape[batches:], *x.shape[axis + 1 :]), graph, operation)
        rows = x.reshape(-1, *x.shape[batches:]), indices.reshape(-1, *indices.shape[batches:])
        taken = [np.take(one, places, axis - batches) for one, places in zip(*rows, strict=True)]
        return [np.stack(taken).reshape(*x.shape[:batches], *taken[0].shape)]

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        if graph.tensors[operation.inputs[1]].is_constant:
            return super().reference(graph, operation, inputs)
        table, indices = inputs
        assert table is not None and indices is not None
        return [np.take(table, indices, 0, mode="clip")]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        table, indices = (graph.tensors[i] for i in operation.inputs)
        if indices.is_constant:
            return super().lower(graph, operation)
        (result,) = graph.results(operation)
        fields = {"count": indices.elements, "rows": table.shape[0], "bytes": table.nbytes // table.shape[0]}
        return KernelCall("gather", fields, (table, indices, result))


def _axes(graph: Graph, operation: Operation) -> tuple[int, int]:
    """(axis counted from the first dimension, batch dimensions as the file has them)."""
    axis, batches = (int(operation.options.get(name) or 0) for name in ("axis", "batch_dims"))  # type: ignore[call-overload]
    return axis + (len(graph.tensors[operation.inputs[0]].shape) if axis < 0 else 0), batches


def _indices(graph: Graph, operation: Operation) -> np.ndarray:
    """Those that are known, as int64; zeros for those that come in: shapes are the same."""
    tensor = graph.tensors[operation.inputs[1]]
    return integers(graph, operation, 1) if tensor.is_constant else np.zeros(tensor.shape, np.int64)
