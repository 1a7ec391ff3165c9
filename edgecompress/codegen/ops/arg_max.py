"""ARG_MAX and ARG_MIN: where along one axis the largest or smallest value is, the first of equal ones; int8 to int32."""

import numpy as np

from edgecompress.codegen.ops.base import KernelCall, Operator, types_of
from edgecompress.tflite.graph import Graph, Operation


class ArgMax(Operator):
    opcode = "ARG_MAX"
    operands = (2, 2)

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """the input must be int8, the output int32"""
        source, (result,) = graph.tensors[operation.inputs[0]], graph.results(operation)
        return "" if source.dtype == np.int8 and result.dtype == np.int32 else types_of(graph, operation)

    def rule_axis(self, graph: Graph, operation: Operation) -> str:
        """the axis must be one constant, and within the input's dimensions"""
        axis, rank = graph.tensors[operation.inputs[1]], len(graph.tensors[operation.inputs[0]].shape)
        fits = axis.data is not None and axis.elements == 1 and -rank <= int(axis.data.reshape(-1)[0]) < rank
        return "" if fits else f'axis "{axis.name}" of {rank} dimensions'

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """the output must be the input without the axis"""
        source, (result,) = graph.tensors[operation.inputs[0]], graph.results(operation)
        axis = _axis(graph, operation)
        kept = (*source.shape[:axis], *source.shape[axis + 1 :])
        return "" if result.shape == kept and 0 not in source.shape else f"{list(source.shape)} -> {list(result.shape)}"

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        assert inputs[0] is not None
        return [np.asarray(np.argmax(inputs[0], _axis(graph, operation)), np.int32)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        source, (result,) = graph.tensors[operation.inputs[0]], graph.results(operation)
        axis = _axis(graph, operation)
        before, behind = (
            int(np.prod(part, dtype=np.int64)) for part in (source.shape[:axis], source.shape[axis + 1 :])
        )
        fields = {"rows": before, "length": source.shape[axis], "stride": behind}
        return KernelCall(self.opcode.lower(), fields, (source, result), source="arg_max")


class ArgMin(ArgMax):
    opcode = "ARG_MIN"

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        assert inputs[0] is not None
        return [np.asarray(np.argmin(inputs[0], _axis(graph, operation)), np.int32)]


def _axis(graph: Graph, operation: Operation) -> int:
    data = graph.tensors[operation.inputs[1]].data
    assert data is not None
    return int(data.reshape(-1)[0]) % len(graph.tensors[operation.inputs[0]].shape)
