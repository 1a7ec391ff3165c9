"""What a layer's rounding is judged by: second moments of its integer input, and how that goes with its float output.

A layer is linear before its activation, so its mean squared error over all samples and positions is a quadratic function of
its weights, and its mean error a linear one. Both need the samples no more than once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgecompress.quantization.network import Network, Sample, prefix, real
from edgecompress.quantization.patches import patches
from edgecompress.quantization.twin import Layer, Twins
from edgecompress.tflite.graph import Graph

MOST_POSITIONS = 256
"""Of one sample, evenly spread: neighbouring windows say nearly the same."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Means over samples and positions. x is the integer network's input of the layer in real numbers, y the float
    network's output before the activation. Groups: 1, or one per channel of a depthwise layer.

    Attributes:
        squares: (groups, k, k), of x xᵀ.
        products: (channels, k), of y x.
        inputs: (groups, k), of x.
        outputs: (channels,), of y.
        power: (channels,), of y².
    """

    squares: np.ndarray
    products: np.ndarray
    inputs: np.ndarray
    outputs: np.ndarray
    power: np.ndarray

    def error(self, rows: np.ndarray, bias: np.ndarray) -> np.ndarray:
        """(channels,) mean of (rows x + bias - y)²."""
        seen = np.broadcast_to(self.inputs, rows.shape)
        cross = np.sum(rows * (self.products - bias[:, None] * seen), axis=1)
        square = np.sum(self.times(rows) * rows, axis=1)
        return np.maximum(square - 2 * cross + self.power - 2 * bias * self.outputs + bias**2, 0)

    def bias(self, rows: np.ndarray) -> np.ndarray:
        """(channels,) the bias with which the mean of rows x + bias is that of y: bias correction (Nagel et al., 2019)."""
        return self.outputs - np.sum(rows * np.broadcast_to(self.inputs, rows.shape), axis=1)

    def times(self, rows: np.ndarray) -> np.ndarray:
        """(channels, k) rows times the second moments, group by group."""
        if len(self.squares) == 1:
            return rows @ self.squares[0]
        return np.einsum("ck,ckj->cj", rows, self.squares)

    def centered(self) -> "Moments":
        """With x and y less their means: what is left when the bias is chosen for the mean."""
        squares = self.squares - self.inputs[:, :, None] * self.inputs[:, None, :]
        products = self.products - self.outputs[:, None] * np.broadcast_to(self.inputs, self.products.shape)
        nothing = np.zeros_like(self.inputs), np.zeros_like(self.outputs)
        return Moments(squares, products, *nothing, self.power - self.outputs**2)


def gather(twins: Twins, integer: Graph, layer: Layer, samples: Sequence[Sample]) -> Moments:
    """The moments of a layer over samples.

    Args:
        twins: with the float network.
        integer: the integer graph as it is now; what lies before the layer decides x.
        layer: one that `patches.is_linear`.
        samples: at least one.
    """
    rows, bias = twins.float_rows(layer), twins.float_bias(layer)
    ours = Network(prefix(integer, layer.activation)).run(samples)
    theirs = Network(prefix(twins.floating, layer.float_activation)).run(samples)
    sums: list[np.ndarray | float] = [0.0, 0.0, 0.0, 0.0, 0.0]
    count = 0
    for read, read_float in zip(ours, theirs, strict=True):
        x = _some(patches(twins.floating, layer, real(integer, layer.activation, read(layer.activation))))
        wanted = _some(patches(twins.floating, layer, read_float(layer.float_activation)))
        y = _times(wanted, rows.astype(np.float32)) + bias.astype(np.float32)[:, None]
        parts = (_squares(x), _products(x, y), x.sum(axis=1), y.sum(axis=1), (y.astype(np.float64) ** 2).sum(axis=1))
        sums = [total + part.astype(np.float64) for total, part in zip(sums, parts, strict=True)]
        count += x.shape[1]
    return Moments(*(np.asarray(total) / count for total in sums))


def _squares(x: np.ndarray) -> np.ndarray:
    """(groups, k, k); NumPy multiplies single matrices much faster than stacks."""
    return (x[0].T @ x[0])[None] if len(x) == 1 else np.einsum("cpk,cpj->ckj", x, x)


def _times(x: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(channels, positions)."""
    return rows @ x[0].T if len(x) == 1 else np.einsum("cpk,ck->cp", x, rows)


def _products(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(channels, k)."""
    return y @ x[0] if len(x) == 1 else np.einsum("cp,cpk->ck", y, x)


def _some(x: np.ndarray) -> np.ndarray:
    if x.shape[1] <= MOST_POSITIONS:
        return x
    return x[:, np.arange(MOST_POSITIONS) * x.shape[1] // MOST_POSITIONS]
