"""Sigmoid and tanh of 16-bit numbers as TensorFlow Lite interpolates them: between 256 values of a sigmoid, 1/24 apart."""

import numpy as np

STEPS = 24
"""Of the table, to 1."""
ABOVE = (
    *(
        4,
        8,
        12,
        14,
        15,
        16,
        17,
        19,
        20,
        21,
        22,
        25,
        27,
        28,
        29,
        30,
        31,
        33,
        34,
        35,
        37,
        39,
        40,
        41,
        43,
        44,
        45,
        46,
        49,
        50,
    ),
    *(54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135, 255),
)
"""Where TFLite's table is one above the nearest number."""
SIGMOID = np.floor(65536 / (1 + np.exp(-np.arange(256) / STEPS)) + 0.5).astype(np.int64) + np.isin(
    np.arange(256), ABOVE
)
"""In units of 2^-16."""


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Of x in units of 2^-12; the result in units of 2^-15."""
    return sigmoid_at(3 * np.asarray(x, np.int64))


def sigmoid_at(x: np.ndarray) -> np.ndarray:
    """Of x in 512ths of the table's steps."""
    y = _between(np.abs(x), 9, 0x7FFF << 10)
    return np.where(x >= 0, y + (1 << 9), (1 << 25) - y + (1 << 9) - 1) >> 10


def tanh(x: np.ndarray, power: int) -> np.ndarray:
    """Of x in units of 2^power; the result in units of 2^-15."""
    factor, shift = tanh_scaling(power)
    return tanh_at(scaled(x, factor, shift))


def tanh_at(x: np.ndarray) -> np.ndarray:
    """Of x in 256ths of the table's steps."""
    y = _between(np.abs(x), 8, 0xFFFF << 8)
    return np.where(x >= 0, y - (1 << 23) + (1 << 7), -y + (1 << 23) + (1 << 7) - 1) >> 8


def scaled(x: np.ndarray, factor: int, shift: int) -> np.ndarray:
    """x · factor / 2^shift, rounded."""
    return (np.asarray(x, np.int64) * factor + ((1 << shift) >> 1)) >> shift


def tanh_scaling(power: int) -> tuple[int, int]:
    """(factor, right shift) from units of 2^power to those of the table."""
    return (3 << (12 + power), 0) if power >= -12 else (3, -12 - power)


def _between(x: np.ndarray, bits: int, highest: int) -> np.ndarray:
    """The table at x / 2^bits, times 2^bits; `highest` where it ends."""
    place = np.minimum(x >> bits, 254)
    low, high = SIGMOID[place], SIGMOID[place + 1]
    return np.where(x >> bits >= 255, highest, (low << bits) + (x & ((1 << bits) - 1)) * (high - low))
