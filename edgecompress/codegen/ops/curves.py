"""More functions of one byte: those that TFLite makes a table of in float32, and those with integer arithmetic of their own."""

import math
from abc import abstractmethod

import numpy as np

from edgecompress.codegen.arithmetic import (
    high_multiply,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    rescale,
    rounding_shift_right,
)
from edgecompress.codegen.ops.lookup import Lookup, rescaling
from edgecompress.tflite.graph import Graph, Operation, Tensor


class Curve(Lookup):
    """A function of a real number: of float32, rounded once, as TensorFlow Lite's tables are made."""

    def rule_factors(self, graph: Graph, operation: Operation) -> str:
        """the input's scale must be below 2^20 output scales, and below 2^20 itself"""
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        factor, (scale,) = rescaling(source, result), source.quantization.scales if source.quantization else (0.0,)
        return "" if max(factor, scale) < 2**20 else f"scale {scale}, a factor of {factor:.3g}"

    @abstractmethod
    def curve(self, x: np.ndarray, operation: Operation) -> np.ndarray:
        """The float32 results of float32 numbers."""

    def map(self, x: np.ndarray, operation: Operation, source: Tensor, result: Tensor) -> np.ndarray:
        assert source.quantization and result.quantization
        real = np.float32(source.quantization.scale) * (x - source.quantization.zero_point).astype(np.float32)
        with np.errstate(over="ignore"):
            steps = self.curve(real, operation) * (np.float32(1) / np.float32(result.quantization.scale))
        whole = np.clip(self.rounded(steps.astype(np.float64)), -(2.0**31), 2.0**31)
        return whole.astype(np.int64) + result.quantization.zero_point

    def rounded(self, steps: np.ndarray) -> np.ndarray:
        """To whole output steps, halves away from zero."""
        return np.sign(steps) * np.floor(np.abs(steps) + 0.5)


class Elu(Curve):
    opcode = "ELU"

    def curve(self, x: np.ndarray, operation: Operation) -> np.ndarray:
        return np.where(x < 0, _exp(np.minimum(x, 0)) - np.float32(1), x)


class Exp(Curve):
    opcode = "EXP"

    def curve(self, x: np.ndarray, operation: Operation) -> np.ndarray:
        return _exp(x)


class Log(Curve):
    """Of 0 and what is negative the lowest value."""

    opcode = "LOG"

    def curve(self, x: np.ndarray, operation: Operation) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.log(np.maximum(x, 0).astype(np.float64)).astype(np.float32)


class Gelu(Curve):
    opcode = "GELU"
    options = ("approximate",)

    def curve(self, x: np.ndarray, operation: Operation) -> np.ndarray:
        """x times the normal distribution's integral, or its approximation by a hyperbolic tangent."""
        half = np.float32(0.5)
        if operation.options["approximate"]:
            inner = np.float32(math.sqrt(2 / math.pi)) * (x + np.float32(0.044715) * x * x * x)
            return half * x * (np.float32(1) + np.tanh(inner.astype(np.float64)).astype(np.float32))
        tail = np.array([math.erfc(-value * math.sqrt(0.5)) for value in x.astype(float).reshape(-1)], np.float32)
        return half * x * tail.reshape(x.shape)


class Rooted(Lookup):
    """What SQRT and RSQRT share: TensorFlow Lite fails on negative numbers."""

    def rule_input(self, graph: Graph, operation: Operation) -> str:
        """the input's zero point must be -128, so that none is negative"""
        q = graph.tensors[operation.inputs[0]].quantization
        assert q
        return "" if q.zero_point == -128 else f"zero point {q.zero_point}"

    def rule_factors(self, graph: Graph, operation: Operation) -> str:
        """the scales must be between 2^-20 and 2^20"""
        source, result = graph.tensors[operation.inputs[0]].quantization, graph.results(operation)[0].quantization
        assert source and result
        scales = source.scale, result.scale
        return "" if min(scales) > 2**-20 and max(scales) < 2**20 else f"scales {scales[0]} and {scales[1]}"


class Sqrt(Rooted):
    opcode = "SQRT"

    def map(self, x: np.ndarray, operation: Operation, source: Tensor, result: Tensor) -> np.ndarray:
        """In float32, rounded downwards."""
        assert source.quantization and result.quantization
        real = np.float32(source.quantization.scale) * (x - source.quantization.zero_point).astype(np.float32)
        steps = np.sqrt(real) / np.float32(result.quantization.scale)
        return np.floor(steps).astype(np.int64) + result.quantization.zero_point


class Rsqrt(Rooted):
    opcode = "RSQRT"

    def map(self, x: np.ndarray, operation: Operation, source: Tensor, result: Tensor) -> np.ndarray:
        """In fixed point with 20 more bits; of zero it is the highest value."""
        assert source.quantization and result.quantization
        multiplier, shift = quantize_multiplier(1 / (math.sqrt(source.quantization.scale) * result.quantization.scale))
        centred = x - source.quantization.zero_point
        found = {0: 127}
        for value in np.unique(centred[centred > 0]).tolist():
            root, exponent = inverse_square_root(value)
            fine = multiply_by_quantized_multiplier(1, root, exponent + 20)
            found[value] = int(multiply_by_quantized_multiplier(fine, multiplier, shift - 20))
        steps = np.vectorize(found.__getitem__, otypes=[np.int64])(centred)
        return np.where(centred == 0, 127, steps + result.quantization.zero_point)


class Neg(Lookup):
    """TensorFlow Lite negates the bytes: -128 stays what it is."""

    opcode = "NEG"

    def rule_quantization(self, graph: Graph, operation: Operation) -> str:
        """input and output must have the same scale and zero points of 0"""
        source, result = graph.tensors[operation.inputs[0]].quantization, graph.results(operation)[0].quantization
        assert source and result
        return "" if source == result and source.zero_point == 0 else f"{source} and {result}"

    def map(self, x: np.ndarray, operation: Operation, source: Tensor, result: Tensor) -> np.ndarray:
        return np.where(x == -128, -128, -x)


class HardSwish(Lookup):
    """x · relu6(x + 3) / 6 with 16-bit multiplications: x is taken in 128ths of its scale."""

    opcode = "HARD_SWISH"

    def rule_factors(self, graph: Graph, operation: Operation) -> str:
        """the input's scale must be between 2^-22 and 512, and between 1/256 and 128 output scales"""
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        factor, (scale,) = rescaling(source, result), source.quantization.scales if source.quantization else (0.0,)
        fits = 2**-22 <= scale <= 512 and 1 / 256 <= factor < 127.9
        return "" if fits else f"scale {scale}, a factor of {factor:.3g}"

    def map(self, x: np.ndarray, operation: Operation, source: Tensor, result: Tensor) -> np.ndarray:
        assert source.quantization and result.quantization
        fine = np.float32(1 / 128) * np.float32(source.quantization.scale)
        multiplier, shift = quantize_multiplier(float(fine / np.float32(result.quantization.scale)))
        slope, exponent = quantize_multiplier(float(fine / (np.float32(3) / np.float32(32768))))
        centred = (x - source.quantization.zero_point) * 128
        gate = _int16(centred << max(exponent - 1, 0))
        gate = _high_multiply_16(gate, _halfword(slope))
        gate = _int16(gate * 2) if exponent > 0 else rounding_shift_right(gate, -exponent)
        gate = (gate + 2**15) >> 1
        product = gate * _high_multiply_16(centred, _halfword(multiplier))
        whole = np.where(product >= 0, product >> 15, -(-product >> 15))
        return rounding_shift_right(whole, -shift) + result.quantization.zero_point


def inverse_square_root(value: int) -> tuple[int, int]:
    """(multiplier, shift) of 1 / sqrt(value) for a positive integer: five Newton-Raphson steps in Q3.28."""
    if value <= 1:
        return 2**31 - 1, 0
    shift = 11
    while value >= 2**29:
        value //= 4
        shift += 1
    pairs = (32 - value.bit_length() - 1) // 2 - 1
    shift -= pairs
    x, half_number = np.array(1 << 28), rescale(np.array(value << 2 * pairs >> 1), -1)
    for _ in range(5):
        cube = rescale(high_multiply(high_multiply(x, x), x), 6)
        x = rescale(high_multiply(3 << 27, x) - high_multiply(half_number, cube), 3)
    root = int(high_multiply(x, 1518500250))  # half the square root of two
    return (root << -shift, 0) if shift < 0 else (root, -shift)


def _exp(x: np.ndarray) -> np.ndarray:
    return np.exp(x.astype(np.float64)).astype(np.float32)


def _int16(x: np.ndarray) -> np.ndarray:
    return np.clip(x, -(2**15), 2**15 - 1)


def _halfword(multiplier: int) -> int:
    """The upper half of a multiplier, rounded."""
    return min((multiplier + 2**15) >> 16, 2**15 - 1)


def _high_multiply_16(a: np.ndarray, b: int) -> np.ndarray:
    """a · b / 2¹⁵, rounded to nearest, saturating."""
    product = a * b
    nudged = product + np.where(product >= 0, 2**14, 1 - 2**14)
    return _int16(np.where(nudged >= 0, nudged >> 15, -(-nudged >> 15)))
