"""SOFTMAX of int16: exp and 1 / (1 + x) interpolated between 513 values, as TensorFlow Lite has it."""

from collections.abc import Callable
from functools import cache

import numpy as np

from edgecompress.codegen.arithmetic import multiply_by_quantized_multiplier, quantize_multiplier
from edgecompress.codegen.ops.base import Array, KernelCall
from edgecompress.codegen.ops.sweeps import elementwise
from edgecompress.tflite.graph import Tensor

STEPS = 512
FURTHEST = 10.0
"""Differences to the largest input that the table of exp covers."""


def scaling(source: Tensor, beta: float) -> tuple[int, int]:
    """(multiplier, shift) that bring differences of -10 to -65535."""
    assert source.quantization
    return quantize_multiplier(source.quantization.scale * beta / (FURTHEST / 65535.0))


def reference(x: np.ndarray, factor: tuple[int, int]) -> np.ndarray:
    """int16 [..., depth] -> int16, in units of 2^-15."""
    wide = x.astype(np.int64)
    difference = multiply_by_quantized_multiplier(wide - wide.max(-1, keepdims=True), *factor)
    powers = interpolated(exponentials(), np.clip(difference + 32767, -(2**15), 2**15 - 1))
    total = powers.sum(-1, keepdims=True)
    headroom = 32 - np.frompyfunc(int.bit_length, 1, 1)(total.astype(object)).astype(np.int64)
    # from 1 to 2, less 1.5, in units of 2^-16
    shifted = (((total << (headroom - 1)) + 2**13) >> 14) - (2**15 + 2**16)
    reciprocal = interpolated(reciprocals(), np.clip(shifted, -(2**15), 2**15 - 1))
    right = 31 - headroom
    result = (powers * reciprocal + (np.int64(1) << (right - 1))) >> right
    return np.clip(result, 0, 2**15 - 1).astype(np.int16)


def call(source: Tensor, result: Tensor, factor: tuple[int, int]) -> KernelCall:
    """Of its kernel."""
    depth = source.shape[-1]
    fields: dict[str, int | float | Array] = {
        "rows": source.elements // depth,
        "depth": depth,
        "multiplier": factor[0],
        "shift": factor[1],
        "exponentials": Array(exponentials().astype(np.int16)),
        "reciprocals": Array(reciprocals().astype(np.int16)),
    }
    # all readings of a row but an element's last come before the row's first writing
    return KernelCall("softmax_16", fields, (source, result), sweeps=(elementwise(source, result),))


def interpolated(table: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The table at int16 numbers."""
    place, rest = 256 + (x >> 7), x & 127
    return table[place] + (((table[place + 1] - table[place]) * rest + 64) >> 7)


@cache
def exponentials() -> np.ndarray:
    """exp from -10 to 0, int64 [513] in units of 2^-15."""
    return _table(np.exp, -FURTHEST, 0.0)


@cache
def reciprocals() -> np.ndarray:
    """1 / (1 + x) from 0 to 1, int64 [513] in units of 2^-15."""
    return _table(lambda x: np.float32(1) / (np.float32(1) + x), 0.0, 1.0)


def _table(function: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> np.ndarray:
    """Values in float32, less half of what interpolation would be off in the middle."""
    step = (np.float32(high) - np.float32(low)) / np.float32(STEPS)
    x = np.float32(low) + np.arange(STEPS, dtype=np.float32) * step
    unit = np.float32(2**15)
    values, middles = function(x), _rounded(function(x + step / np.float32(2)) * unit)
    following = function(np.float32(low) + np.arange(1, STEPS + 1, dtype=np.float32) * step)
    off = _rounded((following * unit + _rounded(values * unit)) / np.float32(2)) - middles
    inner = _rounded(values * unit) - _rounded(off / np.float32(2))
    last = _rounded(function(np.array([high], np.float32)) * unit)
    table = np.clip(np.concatenate([inner, last]), -(2**15), 2**15 - 1).astype(np.int64)
    table.flags.writeable = False
    return table


def _rounded(x: np.ndarray) -> np.ndarray:
    """Halves away from zero."""
    return (np.sign(x) * np.floor(np.abs(x) + np.float32(0.5))).astype(np.float32)
