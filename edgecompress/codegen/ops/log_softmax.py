"""LOG_SOFTMAX over the last dimension: x less the logarithm of the sum of exponentials, in fixed point as TFLM; int8."""

import math

import numpy as np

from edgecompress.codegen.arithmetic import (
    exp_on_negative_values,
    high_multiply,
    input_radius,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    reciprocal_of_one_plus,
    rescale,
    rounding_shift_right,
)  # fmt: skip
from edgecompress.codegen.ops.activation import require_int8
from edgecompress.codegen.ops.base import KernelCall, Operator
from edgecompress.codegen.ops.softmax import DIFFERENCE_BITS, SUM_BITS
from edgecompress.codegen.ops.sweeps import elementwise
from edgecompress.tflite.graph import Graph, Operation

MOST_CLASSES = 4095
"""Of so many equal ones the sum of exponentials is still within its 12 integer bits."""
EXTRA_BITS = 6


class LogSoftmax(Operator):
    opcode = "LOG_SOFTMAX"

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """input and output must be int8 with one scale each"""
        return require_int8(graph, operation)

    def rule_output(self, graph: Graph, operation: Operation) -> str:
        """the output's scale must be 16/256 and its zero point 127"""
        q = graph.results(operation)[0].quantization
        assert q
        return "" if (q.scale, q.zero_point) == (16 / 256, 127) else f"scale {q.scale}, zero point {q.zero_point}"

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """input and output must have the same shape, the last dimension of 1 to 4095"""
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        fits = source.shape == result.shape and len(source.shape) >= 1 and 1 <= source.shape[-1] <= MOST_CLASSES
        return "" if fits else f"{list(source.shape)} -> {list(result.shape)}"

    def rule_input(self, graph: Graph, operation: Operation) -> str:
        """the input's scale must be between 2^-25 and 16"""
        q = graph.tensors[operation.inputs[0]].quantization
        assert q
        return "" if 2**-25 < q.scale < 16 else f"scale {q.scale}"

    def _constants(self, graph: Graph, operation: Operation) -> dict[str, int]:
        """Of a difference to the largest value: how it comes to Q5.26 and back, and the smallest that counts."""
        q = graph.tensors[operation.inputs[0]].quantization
        assert q
        multiplier, shift = quantize_multiplier(q.scale * 2 ** (31 - DIFFERENCE_BITS))
        reverse, reverse_shift = quantize_multiplier(math.ldexp(1.0, 31 - shift) / multiplier)
        return {
            "multiplier": multiplier,
            "left_shift": shift,
            "smallest_difference": -input_radius(DIFFERENCE_BITS, shift),
            "reverse_multiplier": reverse,
            "reverse_shift": reverse_shift,
        }

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        assert inputs[0] is not None
        c = self._constants(graph, operation)
        x = inputs[0].astype(np.int64)
        difference = x - x.max(-1, keepdims=True)
        counts = difference >= c["smallest_difference"]
        scaled = high_multiply(difference << c["left_shift"], c["multiplier"])
        exponential = exp_on_negative_values(np.where(counts, scaled, 0), DIFFERENCE_BITS)
        total = np.where(counts, rescale(exponential, -SUM_BITS), 0).sum(-1, keepdims=True)
        log = np.vectorize(logarithm, otypes=[np.int64])(total)
        beyond = multiply_by_quantized_multiplier(log - 2**31, c["reverse_multiplier"], c["reverse_shift"])
        output = rounding_shift_right(scaled - log, 31 - DIFFERENCE_BITS - 4) + 127
        is_there = difference > np.maximum(c["smallest_difference"] - 1, beyond)
        return [np.where(is_there, np.clip(output, -128, 127), -128).astype(np.int8)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        depth = source.shape[-1]
        fields = {"rows": source.elements // depth, "depth": depth, **self._constants(graph, operation)}
        # all readings of a row but an element's last come before the row's first writing
        return KernelCall("log_softmax", fields, (source, result), sweeps=(elementwise(source, result),))


def logarithm(x: int) -> int:
    """log(x) in Q5.26 for x >= 1 in Q12.19, by gemmlowp's quotient of polynomials around the fourth root of 1/2."""
    fourth_root, root, log_2, quarter = 1805811301, 1518500250, 1488522236, 1 << 23
    number = np.array(x)
    zeros = 32 - x.bit_length()
    lower = rescale(high_multiply(rescale(number, zeros - 1), root), 1)
    below = 32 - int(high_multiply(x, root)).bit_length() - 1
    r = int(min(lower, rescale(number, below)))
    exponent = max((SUM_BITS - zeros << 31 - EXTRA_BITS) + quarter, (SUM_BITS - below << 31 - EXTRA_BITS) - quarter)
    q = 2 * (r - fourth_root)
    square = high_multiply(q, q)
    numerator = high_multiply(q, r) + high_multiply(high_multiply(q, square), 117049297)
    rest = 1057819769 + q + high_multiply(127690142, square)
    denominator = high_multiply((r + fourth_root + 1) // 2, rest) + high_multiply(638450708, q)
    quotient = high_multiply(rescale(numerator, -EXTRA_BITS), reciprocal_of_one_plus(denominator))
    return int(rescale(high_multiply(exponent, log_2) + quotient, EXTRA_BITS - DIFFERENCE_BITS))
