"""SOFTMAX over the last dimension, int8 to int8 or int16: fixed-point exp and one reciprocal per row, gemmlowp's as in TFLM.

Of int16 it is another function: `softmax_16.py`.
"""

import math

import numpy as np

from edgecompress.codegen.arithmetic import (
    exp_on_negative_values,
    high_multiply,
    input_radius,
    quantize_multiplier,
    reciprocal_of_one_plus,
    rescale,
    rounding_shift_right,
)  # fmt: skip
from edgecompress.codegen.ops import softmax_16
from edgecompress.codegen.ops.activation import bad_quantization
from edgecompress.codegen.ops.base import KernelCall, Operator, types_of
from edgecompress.codegen.ops.sweeps import elementwise
from edgecompress.codegen.ops.widths import bad_integer, is_wide
from edgecompress.tflite.graph import Graph, Operation

DIFFERENCE_BITS = 5  # integer bits of the scaled difference to the maximum
SUM_BITS = 12  # integer bits of the sum of exponentials
MOST_CLASSES = 2**SUM_BITS - 1
"""Where 512 or more are equal TensorFlow Lite stops at a shift by 32 bits; here they become 0, which that shift means."""
KERNELS = {np.dtype(np.int8): "softmax", np.dtype(np.int16): "softmax_s16"}
TOLERANCE = 1e-3
"""Of an int16 output's scale, which TFLM does not use."""
LARGEST_WIDE = 4.0
"""Of beta times an int16 input's scale: beyond, 32 bits would not hold the scaled difference."""


class Softmax(Operator):
    opcode = "SOFTMAX"
    options = ("beta",)

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """the input must be int8 with one scale, the output int8 or int16 with one scale; or both int16, with zero points of 0"""
        source, (result,) = graph.tensors[operation.inputs[0]], graph.results(operation)
        if is_wide(source) and is_wide(result):
            return bad_integer(source) or bad_integer(result)
        if source.dtype != np.int8 or result.dtype not in KERNELS:
            return types_of(graph, operation)
        return bad_quantization(source) or bad_quantization(result)

    def rule_output(self, graph: Graph, operation: Operation) -> str:
        """the output must hold 0 to 1: of int8 the scale 1/256 and the zero point -128, of int16 nearly 1/65536 and -32768, of int16
        from int16 nearly 1/32768 and 0"""
        (result,) = graph.results(operation)
        assert result.quantization
        if is_wide(graph.tensors[operation.inputs[0]]):
            fits = abs(result.quantization.scale * 2**15 - 1) < TOLERANCE
            return "" if fits else f"scale {result.quantization.scale}"
        q, codes = result.quantization, 2.0 ** (8 * result.dtype.itemsize)
        is_exact = codes == 256 and q.scale == 1 / 256
        fits = is_exact or (codes > 256 and abs(q.scale * codes - 1) < TOLERANCE)
        return "" if fits and q.zero_point == -codes / 2 else f"scale {q.scale}, zero point {q.zero_point}"

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """input and output must have the same shape, the last dimension of 1 to 4095"""
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        fits = source.shape == result.shape and len(source.shape) >= 1 and 1 <= source.shape[-1] <= MOST_CLASSES
        return "" if fits else f"{list(source.shape)} -> {list(result.shape)}"

    def rule_beta(self, graph: Graph, operation: Operation) -> str:
        """beta times the input scale must be above 2^-26, and below 4 in int16"""
        beta, q = float(operation.options["beta"]), graph.tensors[operation.inputs[0]].quantization  # type: ignore[arg-type]
        assert q
        fits = math.isfinite(beta) and beta * q.scale * 2 ** (31 - DIFFERENCE_BITS) > 1.0
        fits = fits and (beta * q.scale < LARGEST_WIDE or not is_wide(graph.tensors[operation.inputs[0]]))
        return "" if fits else f"beta {beta}, scale {q.scale}"

    def _constants(self, graph: Graph, operation: Operation) -> tuple[int, int, int]:
        """(multiplier, left shift, smallest difference that counts)."""
        q = graph.tensors[operation.inputs[0]].quantization
        assert q
        real = min(float(operation.options["beta"]) * q.scale * 2 ** (31 - DIFFERENCE_BITS), 2**31 - 1.0)  # type: ignore[arg-type]
        multiplier, shift = quantize_multiplier(real)
        return multiplier, shift, -input_radius(DIFFERENCE_BITS, shift)

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        assert inputs[0] is not None
        if is_wide(graph.tensors[operation.inputs[0]]):
            return [softmax_16.reference(inputs[0], self._wide_scaling(graph, operation))]
        multiplier, shift, smallest = self._constants(graph, operation)
        x = inputs[0].astype(np.int64)
        difference = x - x.max(-1, keepdims=True)
        counts = difference >= smallest
        scaled = high_multiply(np.where(counts, difference, 0) << shift, multiplier)
        exponential = exp_on_negative_values(scaled, DIFFERENCE_BITS)
        total = np.where(counts, rescale(exponential, -SUM_BITS), 0).sum(-1, keepdims=True)
        headroom = 32 - np.frompyfunc(int.bit_length, 1, 1)(total.astype(object)).astype(np.int64)
        reciprocal = reciprocal_of_one_plus((total << headroom) - 2**31)
        dtype = graph.results(operation)[0].dtype
        limits = np.iinfo(dtype)
        exponent = SUM_BITS - headroom + 31 - limits.bits
        output = rounding_shift_right(high_multiply(reciprocal, exponential), exponent) + limits.min
        return [np.where(counts, np.clip(output, limits.min, limits.max), limits.min).astype(dtype)]

    def _wide_scaling(self, graph: Graph, operation: Operation) -> tuple[int, int]:
        return softmax_16.scaling(graph.tensors[operation.inputs[0]], float(operation.options["beta"]))  # type: ignore[arg-type]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        if is_wide(source):
            return softmax_16.call(source, result, self._wide_scaling(graph, operation))
        multiplier, shift, smallest = self._constants(graph, operation)
        depth = source.shape[-1]
        parameters = {
            "rows": source.elements // depth,
            "depth": depth,
            "multiplier": multiplier,
            "left_shift": shift,
            "smallest_difference": smallest,
        }
        # all readings of a row but an element's last come before the row's first writing
        sweep = elementwise(source, result) if result.dtype == np.int8 else None
        return KernelCall(KERNELS[result.dtype], parameters, (source, result), source="softmax", sweeps=(sweep,))
