"""CONCATENATION and PACK: the rows of several inputs side by side."""

import math
from abc import abstractmethod
from typing import ClassVar

import numpy as np

from edgecompress.codegen.ops.bands import by_length
from edgecompress.codegen.ops.base import Array, KernelCall, Operator, types_of
from edgecompress.codegen.ops.movement import MOST_ELEMENTS, TYPES
from edgecompress.codegen.ops.sweeps import by_rows
from edgecompress.tflite.graph import Graph, Operation

MOST = 1024


class Joining(Operator):
    """An operator that copies several inputs, whatever their quantization, into one result."""

    operands = (1, MOST)
    options = ("axis",)
    types: ClassVar[tuple[np.dtype, ...]] = TYPES

    def rule_absent(self, graph: Graph, operation: Operation) -> str:
        """no input may be absent"""
        return f"inputs {list(operation.inputs)}" if None in graph.operands(operation) else ""

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """inputs and output must have the same type: int8, uint8, int16, int32, in CONCATENATION bool; any if all are constant"""
        tensors = [graph.tensors[i] for i in operation.inputs]
        (result,) = graph.results(operation)
        known = result.dtype in self.types or all(tensor.is_constant for tensor in tensors)
        return "" if known and {t.dtype for t in tensors} == {result.dtype} else types_of(graph, operation)

    def rule_result(self, graph: Graph, operation: Operation) -> str:
        """the inputs must fit one another and the shape of the result"""
        shapes = [graph.tensors[i].shape for i in operation.inputs]
        elements = sum(math.prod(shape) for shape in shapes)
        if elements > MOST_ELEMENTS:
            return f"{elements:,} elements, more than {MOST_ELEMENTS:,}"
        arrays = [np.broadcast_to(np.int8(0), shape) for shape in shapes]
        expected = graph.results(operation)[0].shape
        try:
            found = self.join(arrays, operation).shape
        except ValueError as error:
            return str(error)
        return "" if found == expected else f"{list(found)} instead of {list(expected)}"

    @abstractmethod
    def join(self, arrays: list[np.ndarray], operation: Operation) -> np.ndarray:
        """The result for these inputs, whatever their values."""

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        return [self.join([x for x in inputs if x is not None], operation)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        tensors, (result,) = [graph.tensors[i] for i in operation.inputs], graph.results(operation)
        axis = axis_of(operation) % len(result.shape)
        rows = int(np.prod(result.shape[:axis], dtype=np.int64))
        sizes = [tensor.nbytes // rows for tensor in tensors]
        fields: dict[str, int | float | Array] = {
            "inputs": len(tensors),
            "rows": rows,
            "bytes": Array(np.array(sizes, np.int32)),
        }
        # of a row every input is read before its own last byte is written, hence before the row's
        sweeps = tuple(by_rows(rows, size, result.nbytes // rows, 1) for size in sizes)
        call = KernelCall("concatenation", fields, (*tensors, result), sweeps=sweeps, joins=True)
        is_by_pixel = len(result.shape) == 4 and axis == 3 and not any(tensor.is_constant for tensor in tensors)
        return by_length(call, "rows") if is_by_pixel else call


class Concatenation(Joining):
    opcode = "CONCATENATION"

    def rule_activation(self, graph: Graph, operation: Operation) -> str:
        """there must be no fused activation"""
        name = str(operation.options.get("fused_activation_function", "NONE"))
        return "" if name == "NONE" else name

    def rule_quantization(self, graph: Graph, operation: Operation) -> str:
        """inputs and output must have the same scale and zero point"""
        (result,) = graph.results(operation)
        others = [t for t in graph.operands(operation) if t is not None and t.quantization != result.quantization]
        return f"{others[0].quantization} and {result.quantization}" if others else ""

    def join(self, arrays: list[np.ndarray], operation: Operation) -> np.ndarray:
        return np.concatenate(arrays, axis_of(operation))


class Pack(Joining):
    opcode = "PACK"
    types = tuple(kind for kind in TYPES if kind != np.bool_)

    def join(self, arrays: list[np.ndarray], operation: Operation) -> np.ndarray:
        return np.stack(arrays, axis_of(operation))


def axis_of(operation: Operation) -> int:
    return int(operation.options["axis"])  # type: ignore[call-overload]
