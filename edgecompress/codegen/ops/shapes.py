"""SHAPE, STRIDED_SLICE and PACK of shape computations: all shapes are known, so they are folded before any C is written."""

import numpy as np

from edgecompress.codegen.ops.base import Operator, describe, types_of
from edgecompress.errors import UnsupportedError
from edgecompress.tflite.graph import Graph, Operation


class ShapeComputation(Operator):
    """An operator that is only supported where its result is known at build time (see `codegen/folding.py`)."""

    def rule_constant(self, graph: Graph, operation: Operation) -> str:
        """the result must be computable at build time: only constants and shapes may go in"""
        open_inputs = [t for t in graph.operands(operation) if t is not None and not t.is_constant]
        return f'activation "{open_inputs[0].name}"' if open_inputs else ""

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """the result must be int32"""
        return "" if graph.results(operation)[0].dtype == np.int32 else types_of(graph, operation)

    def rule_result(self, graph: Graph, operation: Operation) -> str:
        """the operands must fit one another and the shape of the result"""
        constants = [None if t is None else t.data for t in graph.operands(operation)]
        try:
            (values,) = self.reference(graph, operation, constants)
        except (ValueError, IndexError, TypeError) as error:
            return str(error)
        expected = graph.results(operation)[0].shape
        return "" if values.shape == expected else f"{list(values.shape)} instead of {list(expected)}"

    def lower(self, graph: Graph, operation: Operation) -> None:
        """Only what is an output of the model arrives here: all others have been folded."""
        raise UnsupportedError(
            f"{describe(graph, operation)}: a shape cannot be an output of the model",
            hint="remove it from the model's outputs",
        )


class Shape(ShapeComputation):
    opcode = "SHAPE"

    def rule_constant(self, graph: Graph, operation: Operation) -> str:
        """the result must be computable at build time: shapes always are"""
        return ""

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        return [np.array(graph.tensors[operation.inputs[0]].shape, np.int32)]


class StridedSlice(ShapeComputation):
    opcode = "STRIDED_SLICE"
    operands = (4, 4)

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        x, begin, end, strides = inputs
        assert x is not None and begin is not None and end is not None and strides is not None
        options = operation.options
        if options.get("ellipsis_mask") or options.get("new_axis_mask"):
            raise UnsupportedError(f"operator {operation.index} STRIDED_SLICE: ellipsis and new axes are not supported")
        index: list[slice | int] = []
        for axis in range(len(begin)):
            bit = 1 << axis
            if int(options.get("shrink_axis_mask", 0)) & bit:  # type: ignore[call-overload]
                index.append(int(begin[axis]))
                continue
            first = None if int(options.get("begin_mask", 0)) & bit else int(begin[axis])  # type: ignore[call-overload]
            last = None if int(options.get("end_mask", 0)) & bit else int(end[axis])  # type: ignore[call-overload]
            index.append(slice(first, last, int(strides[axis])))
        return [np.asarray(x[tuple(index)]).reshape(graph.results(operation)[0].shape)]


class Pack(ShapeComputation):
    opcode = "PACK"
    operands = (1, 1024)

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        arrays = [x for x in inputs if x is not None]
        return [np.stack(arrays, axis=int(operation.options.get("axis", 0)))]  # type: ignore[call-overload]
