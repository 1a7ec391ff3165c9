"""BATCH_MATMUL: matrices times matrices, either transposed, batches that broadcast; int8 or int16."""

import numpy as np

from edgecompress.codegen.arithmetic import quantize_multiplier, reduced_multiplier
from edgecompress.codegen.ops.base import KernelCall, Operator
from edgecompress.codegen.ops.pairs import product_factor, zero_points
from edgecompress.codegen.ops.requantization import bad_factor, bad_wide_factor, scaling
from edgecompress.codegen.ops.widths import is_wide, require_integers, sized
from edgecompress.tflite.graph import Graph, Operation

BATCH_RANK = 3
DEEPEST = 2**15
"""Sums of so many products of two differences of bytes are within 32 bits."""


class BatchMatmul(Operator):
    opcode = "BATCH_MATMUL"
    operands = (2, 2)

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """inputs and output must be int8, or all int16 with zero points of 0, with one scale each"""
        return require_integers(graph, operation, (0, 1))

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """the inputs must be matrices that fit the output, at most 32768 deep, batches broadcasting in at most three dimensions"""
        shapes = [graph.tensors[i].shape for i in operation.inputs]
        (result,) = graph.results(operation)
        found = f"{list(shapes[0])} times {list(shapes[1])} -> {list(result.shape)}"
        if not all(2 <= len(shape) <= 2 + BATCH_RANK for shape in (*shapes, result.shape)):
            return found
        (rows, depth), (depth_b, columns) = _matrices(graph, operation)
        try:
            batches = np.broadcast_shapes(shapes[0][:-2], shapes[1][:-2])
        except ValueError:
            return found
        fits = depth == depth_b <= DEEPEST and result.shape == (*batches, rows, columns)
        return "" if fits else found

    def rule_factors(self, graph: Graph, operation: Operation) -> str:
        """the product of the inputs' scales must be below 2^31 output scales, in int16 2^7"""
        check = bad_wide_factor if is_wide(graph.results(operation)[0]) else bad_factor
        return check(product_factor(graph, operation))

    def macs(self, graph: Graph, operation: Operation) -> int:
        return graph.results(operation)[0].elements * _matrices(graph, operation)[0][1]

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        a, b = inputs
        assert a is not None and b is not None
        zero_a, zero_b, zero_point = zero_points(graph, operation)
        a = np.swapaxes(a, -1, -2) if operation.options.get("adj_x") else a
        b = np.swapaxes(b, -1, -2) if operation.options.get("adj_y") else b
        # float64 holds these integers exactly: |sum| < 2⁵³
        sums = np.matmul(a.astype(np.float64) - zero_a, b.astype(np.float64) - zero_b).astype(np.int64)
        factor = quantize_multiplier(product_factor(graph, operation))
        (result,) = graph.results(operation)
        scale, limits = scaling(result), np.iinfo(result.dtype)
        return [np.clip(scale(sums, *factor) + zero_point, limits.min, limits.max).astype(result.dtype)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        a, b = (graph.tensors[i] for i in operation.inputs)
        (result,) = graph.results(operation)
        (rows, depth), (_, columns) = _matrices(graph, operation)
        zero_a, zero_b, zero_point = zero_points(graph, operation)
        multiplier, shift = quantize_multiplier(product_factor(graph, operation))
        row_a, depth_a = (1, rows) if operation.options.get("adj_x") else (depth, 1)
        depth_b, column_b = (1, depth) if operation.options.get("adj_y") else (columns, 1)
        sizes = [1] * (BATCH_RANK + 2 - len(result.shape)) + list(result.shape[:-2])
        fields: dict[str, int] = {}
        for loop, size in enumerate(sizes):
            fields[f"batches[{loop}]"] = size
            for name, tensor in (("a", a), ("b", b)):
                shape = (1,) * (BATCH_RANK + 2 - len(tensor.shape)) + tensor.shape
                step = int(np.prod(shape[loop + 1 :], dtype=np.int64))
                fields[f"batches_{name}[{loop}]"] = step if shape[loop] > 1 else 0
        fields |= {"rows": rows, "columns": columns, "depth": depth, "row_a": row_a, "depth_a": depth_a}
        fields |= {"depth_b": depth_b, "column_b": column_b, "offset_a": -zero_a, "offset_b": -zero_b}
        fields |= {"multiplier": multiplier, "shift": shift, "output_offset": zero_point}
        if is_wide(result):
            fields["multiplier"] = int(reduced_multiplier(multiplier))
        return KernelCall(sized("batch_matmul", result), fields, (a, b, result), source="batch_matmul")


def _matrices(graph: Graph, operation: Operation) -> tuple[tuple[int, int], tuple[int, int]]:
    """(rows, columns) of both, as they are multiplied."""
    pairs = []
    for index, name in zip(operation.inputs, ("adj_x", "adj_y"), strict=True):
        rows, columns = graph.tensors[index].shape[-2:]
        pairs.append((columns, rows) if operation.options.get(name) else (rows, columns))
    return pairs[0], pairs[1]
