"""TRANSPOSE: the dimensions in another order; int8."""

import numpy as np

from edgecompress.codegen.ops.activation import require_int8
from edgecompress.codegen.ops.base import KernelCall, Operator
from edgecompress.tflite.graph import Graph, Operation

RANK = 6


class Transpose(Operator):
    opcode = "TRANSPOSE"
    operands = (2, 2)

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """input and output must be int8 with one scale each"""
        return require_int8(graph, operation)

    def rule_permutation(self, graph: Graph, operation: Operation) -> str:
        """the permutation must be constant, name every dimension once (at most six), and give the output's shape"""
        source, permutation, result = (*(graph.tensors[i] for i in operation.inputs), graph.results(operation)[0])
        if permutation.data is None or len(source.shape) > RANK:
            return f'permutation "{permutation.name}"{"" if permutation.is_constant else ", not constant"}'
        order = permutation.data.reshape(-1).tolist()
        fits = sorted(order) == list(range(len(source.shape))) and [source.shape[a] for a in order] == list(
            result.shape
        )
        return "" if fits else f"{list(source.shape)} by {order} -> {list(result.shape)}"

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        assert inputs[0] is not None
        return [np.ascontiguousarray(np.transpose(inputs[0], _order(graph, operation)))]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        strides = [int(np.prod(source.shape[a + 1 :], dtype=np.int64)) for a in _order(graph, operation)]
        loops = [(1, 0)] * (RANK - len(strides)) + list(zip(result.shape, strides, strict=True))
        fields: dict[str, int] = {}
        for axis, (size, stride) in enumerate(loops):
            fields |= {f"sizes[{axis}]": size, f"strides[{axis}]": stride}
        return KernelCall("transpose", fields, (source, result))


def _order(graph: Graph, operation: Operation) -> list[int]:
    data = graph.tensors[operation.inputs[1]].data
    assert data is not None
    return [int(a) for a in data.reshape(-1)]
