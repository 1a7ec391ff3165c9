"""DIV, int8, by constants: a quotient of fixed-point numbers, with the reciprocal by Newton-Raphson steps."""

import numpy as np

from edgecompress.codegen.arithmetic import (
    high_multiply,
    quantize_multiplier,
    reciprocal_of_one_plus,
    rounding_shift_right,
    wrap_int32,
)
from edgecompress.codegen.ops.activation import activation_range, require_int8
from edgecompress.codegen.ops.pairs import Fields, Pairwise, zero_points
from edgecompress.codegen.ops.requantization import bad_factor
from edgecompress.tflite.graph import Graph, Operation


class Div(Pairwise):
    opcode = "DIV"

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """inputs and output must be int8 with one scale each"""
        return require_int8(graph, operation, (0, 1))

    def rule_divisor(self, graph: Graph, operation: Operation) -> str:
        """the divisor must be constant and nowhere zero: what TensorFlow Lite Micro makes of zero is undefined"""
        divisor = graph.tensors[operation.inputs[1]]
        if divisor.data is None:
            return f'divisor "{divisor.name}", not constant'
        return "" if (divisor.data != zero_points(graph, operation)[1]).all() else "a divisor of zero"

    def rule_factors(self, graph: Graph, operation: Operation) -> str:
        """the quotient of the inputs' scales must be below 2^31 output scales, and no shift beyond 31 bits"""
        if found := bad_factor(quotient_factor(graph, operation)):
            return found
        zero, _, _ = zero_points(graph, operation)
        divisors = np.unique(graph.tensors[operation.inputs[1]].data)  # type: ignore[arg-type]
        dividends = np.array([x for x in range(-128, 128) if x != zero])
        exponent = _exponent(*_centred(dividends[:, None], divisors, graph, operation), graph, operation)
        low, high = int(exponent.min()), int(exponent.max())
        return "" if 0 <= low <= high <= 31 else f"shifts from {low} to {high}"

    def combine(self, a: np.ndarray, b: np.ndarray, graph: Graph, operation: Operation) -> np.ndarray:
        dividend, divisor = _centred(a, b, graph, operation)
        multiplier, _ = quantize_multiplier(quotient_factor(graph, operation))
        zeros = 1 + leading_sign_bits(divisor)
        inverse = reciprocal_of_one_plus(wrap_int32(divisor << zeros) + 2**31)
        quotient = high_multiply(dividend << leading_sign_bits(dividend), inverse)
        exponent = np.clip(_exponent(dividend, divisor, graph, operation), 0, 31)
        return rounding_shift_right(high_multiply(quotient, multiplier), exponent) + zero_points(graph, operation)[2]

    def parameters(self, graph: Graph, operation: Operation) -> Fields:
        zero_a, zero_b, zero_point = zero_points(graph, operation)
        multiplier, shift = quantize_multiplier(quotient_factor(graph, operation))
        low, high = activation_range(operation, graph.results(operation)[0])
        fields: Fields = {"offset_a": -zero_a, "offset_b": -zero_b, "multiplier": multiplier, "shift": shift}
        return fields | {"output_offset": zero_point, "activation_min": low, "activation_max": high}


def quotient_factor(graph: Graph, operation: Operation) -> float:
    """What the quotient of two inputs is multiplied by to come to the output's scale."""
    a, b = (graph.tensors[i].quantization for i in operation.inputs)
    q = graph.results(operation)[0].quantization
    assert a and b and q
    return a.scale / (b.scale * q.scale)


def leading_sign_bits(x: np.ndarray) -> np.ndarray:
    """Of 32-bit numbers: how far each can be shifted left before its sign changes; 31 of 0."""
    magnitude = np.where(x >= 0, x, ~x)
    return 31 - np.ceil(np.log2(magnitude + 1)).astype(np.int64)


def _centred(a: np.ndarray, b: np.ndarray, graph: Graph, operation: Operation) -> tuple[np.ndarray, np.ndarray]:
    """(dividend, positive divisor) without their zero points; a divisor of zero, which no rule lets pass, becomes 1."""
    zero_a, zero_b, _ = zero_points(graph, operation)
    dividend, divisor = np.broadcast_arrays(a.astype(np.int64) - zero_a, b.astype(np.int64) - zero_b)
    return np.where(divisor < 0, -dividend, dividend), np.maximum(np.abs(divisor), 1)


def _exponent(dividend: np.ndarray, divisor: np.ndarray, graph: Graph, operation: Operation) -> np.ndarray:
    """How far the product is shifted right."""
    _, shift = quantize_multiplier(quotient_factor(graph, operation))
    return 30 - leading_sign_bits(divisor) + leading_sign_bits(dividend) - shift
