"""Element-wise operators of two inputs with broadcasting; int8 or int16. What is a function of one byte becomes a table."""

from abc import abstractmethod

import numpy as np

from edgecompress.codegen.arithmetic import multiply_by_quantized_multiplier, quantize_multiplier
from edgecompress.codegen.ops.activation import activation_range, require_int8
from edgecompress.codegen.ops.base import Array, KernelCall, Operator
from edgecompress.codegen.ops.broadcasting import broadcast_mismatch, broadcast_parameters, repeating_call
from edgecompress.codegen.ops.lookup import by_table, rescaling
from edgecompress.codegen.ops.requantization import bad_factor
from edgecompress.codegen.ops.widths import is_wide, require_integers, sized
from edgecompress.tflite.graph import Graph, Operation, Tensor

Fields = dict[str, int | float | Array]


class Pairwise(Operator):
    """An operator that makes one value of two: subclasses say of which, and which kernel does it."""

    operands = (2, 2)
    source = ""
    """The kernel's file, where it is not the operator's name."""

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """inputs and output must be int8, or all int16 with zero points of 0, with one scale each"""
        return require_integers(graph, operation, (0, 1))

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """the inputs must broadcast to the output's shape, in at most four dimensions"""
        return broadcast_mismatch(graph, operation)

    @abstractmethod
    def combine(self, a: np.ndarray, b: np.ndarray, graph: Graph, operation: Operation) -> np.ndarray:
        """The outputs, not yet clamped, of the int64 inputs, which broadcast."""

    @abstractmethod
    def parameters(self, graph: Graph, operation: Operation) -> Fields:
        """The fields of the kernel's struct, its loops aside."""

    def _combined(self, a: np.ndarray, b: np.ndarray, graph: Graph, operation: Operation) -> np.ndarray:
        (result,) = graph.results(operation)
        combined = self.combine(a.astype(np.int64), b.astype(np.int64), graph, operation)
        return np.clip(combined, *activation_range(operation, result)).astype(result.dtype)

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        a, b = inputs
        assert a is not None and b is not None
        return [self._combined(a, b, graph, operation)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        a, b = (graph.tensors[i] for i in operation.inputs)
        (result,) = graph.results(operation)
        table = self._table(a, b, graph, operation)
        if table is not None:
            return by_table(table, b if a.is_constant else a, result)
        fields = {**broadcast_parameters(a, b, result, "loops."), **self.parameters(graph, operation)}
        return repeating_call(sized(self.opcode.lower(), result), fields, (a, b, result), self.source)

    def _table(self, a: Tensor, b: Tensor, graph: Graph, operation: Operation) -> np.ndarray | None:
        """The outputs of all bytes, read as unsigned, where one input is a constant number or both are the same tensor."""
        if is_wide(a):
            return None
        every_byte = np.arange(256, dtype=np.uint8).view(np.int8)
        if a.index == b.index:
            return self._combined(every_byte, every_byte, graph, operation)
        if a.data is not None and a.elements == 1 and not b.is_constant:
            return self._combined(np.broadcast_to(a.data.reshape(-1), 256), every_byte, graph, operation)
        if b.data is not None and b.elements == 1 and not a.is_constant:
            return self._combined(every_byte, np.broadcast_to(b.data.reshape(-1), 256), graph, operation)
        return None


class Maximum(Pairwise):
    """Of the quantized values: TensorFlow Lite does not look at their scales."""

    opcode = "MAXIMUM"
    source = "maximum"

    def combine(self, a: np.ndarray, b: np.ndarray, graph: Graph, operation: Operation) -> np.ndarray:
        return np.maximum(a, b)

    def parameters(self, graph: Graph, operation: Operation) -> Fields:
        return {}


class Minimum(Maximum):
    opcode = "MINIMUM"

    def combine(self, a: np.ndarray, b: np.ndarray, graph: Graph, operation: Operation) -> np.ndarray:
        return np.minimum(a, b)


class Mul(Pairwise):
    opcode = "MUL"
    source = "mul"

    def rule_factors(self, graph: Graph, operation: Operation) -> str:
        """the product of the inputs' scales must be below 2^31 output scales"""
        return bad_factor(product_factor(graph, operation))

    def product(self, a: np.ndarray, b: np.ndarray, graph: Graph, operation: Operation) -> np.ndarray:
        zero_a, zero_b, zero_point = zero_points(graph, operation)
        factor = quantize_multiplier(product_factor(graph, operation))
        return multiply_by_quantized_multiplier((a - zero_a) * (b - zero_b), *factor) + zero_point

    def combine(self, a: np.ndarray, b: np.ndarray, graph: Graph, operation: Operation) -> np.ndarray:
        return self.product(a, b, graph, operation)

    def parameters(self, graph: Graph, operation: Operation) -> Fields:
        zero_a, zero_b, zero_point = zero_points(graph, operation)
        multiplier, shift = quantize_multiplier(product_factor(graph, operation))
        low, high = activation_range(operation, graph.results(operation)[0])
        fields: Fields = {"offset_a": -zero_a, "offset_b": -zero_b, "multiplier": multiplier, "shift": shift}
        return fields | {"output_offset": zero_point, "activation_min": low, "activation_max": high}


class Prelu(Mul):
    """Negative values are multiplied, others only rescaled."""

    opcode = "PRELU"

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """inputs and output must be int8 with one scale each"""
        return require_int8(graph, operation, (0, 1))

    def rule_factors(self, graph: Graph, operation: Operation) -> str:
        """the input's scale, and its product with the slope's, must be below 2^31 output scales"""
        return bad_factor(product_factor(graph, operation), self._rescaling(graph, operation))

    def combine(self, a: np.ndarray, b: np.ndarray, graph: Graph, operation: Operation) -> np.ndarray:
        zero_a, _, zero_point = zero_points(graph, operation)
        factor = quantize_multiplier(self._rescaling(graph, operation))
        positive = multiply_by_quantized_multiplier(a - zero_a, *factor) + zero_point
        return np.where(a >= zero_a, positive, self.product(a, b, graph, operation))

    def parameters(self, graph: Graph, operation: Operation) -> Fields:
        multiplier, shift = quantize_multiplier(self._rescaling(graph, operation))
        return {**super().parameters(graph, operation), "multiplier_a": multiplier, "shift_a": shift}

    def _rescaling(self, graph: Graph, operation: Operation) -> float:
        return rescaling(graph.tensors[operation.inputs[0]], graph.results(operation)[0])


def product_factor(graph: Graph, operation: Operation) -> float:
    """What the product of two inputs is multiplied by to come to the output's scale."""
    a, b = (graph.tensors[i].quantization for i in operation.inputs)
    q = graph.results(operation)[0].quantization
    assert a and b and q
    return a.scale * b.scale / q.scale


def zero_points(graph: Graph, operation: Operation) -> tuple[int, int, int]:
    """Of both inputs and the output."""
    a, b = (graph.tensors[i].quantization for i in operation.inputs)
    q = graph.results(operation)[0].quantization
    assert a and b and q
    return a.zero_point, b.zero_point, q.zero_point
