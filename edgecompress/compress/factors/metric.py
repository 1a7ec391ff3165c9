"""What an error of a kernel counts: as much as any other, or as much as it changes the layer's outputs on samples.

The nearest kernel is not the one whose outputs are nearest: directions in which inputs hardly vary may be lost for nothing.
With the second moments C of what the kernel's weights are multiplied with, the error of the outputs of W is that of C^(1/2) W
(Zhang et al., 2015, https://arxiv.org/abs/1505.06798, section 3.1, have the same from the outputs' side).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from edgecompress.compress.base import Context
from edgecompress.compress.models.rebuilding import nodes
from edgecompress.errors import DataError
from edgecompress.load.runtime import keras2

SAMPLES = 2048
"""Training samples that are looked at; one place of each, or more."""
ROWS = 4096
"""Places that count, chosen by lot."""
PATCHED = 16
"""Samples whose windows are laid out at once: each place is repeated for every tap."""
FLOOR = 0.001
"""Of the mean variance, which every direction has at least: some samples do not show all that may come."""


@dataclass(frozen=True, eq=False)
class Metric:
    """The square root of a matrix of second moments.

    Attributes:
        directions: (weights of an output, directions), orthonormal.
        sizes: (directions,) the root's eigenvalues along them, positive.
        floor: its eigenvalue along all others, positive.
    """

    directions: np.ndarray
    sizes: np.ndarray
    floor: float

    def apply(self, matrix: np.ndarray) -> np.ndarray:
        """The root times a matrix, (weights of an output, any)."""
        return self._times(matrix, self.sizes, self.floor)

    def undo(self, matrix: np.ndarray) -> np.ndarray:
        """The inverse of the root times a matrix, (weights of an output, any)."""
        return self._times(matrix, 1 / self.sizes, 1 / self.floor)

    def _times(self, matrix: np.ndarray, sizes: np.ndarray, floor: float) -> np.ndarray:
        if not len(sizes):
            return floor * matrix
        return floor * matrix + self.directions @ ((sizes - floor)[:, None] * (self.directions.T @ matrix))


def metric_of_weights(size: int) -> Metric:
    """Every weight counts alike; `size` weights to an output."""
    return Metric(np.zeros((size, 0)), np.zeros(0), 1.0)


def metric_of_outputs(rows: np.ndarray) -> Metric:
    """The error of the outputs on these inputs, (places, weights of an output)."""
    count, size = rows.shape
    rows = rows.astype(np.float64) / np.sqrt(count)
    if size <= count:
        values, directions = np.linalg.eigh(rows.T @ rows)
    else:
        values, left = np.linalg.eigh(rows @ rows.T)
        present = values > values.max(initial=0) * 1e-12
        values, left = values[present], left[:, present]
        directions = rows.T @ left / np.sqrt(values)
    floor = FLOOR * float((rows**2).sum()) / size
    if floor == 0:
        return metric_of_weights(size)
    return Metric(directions, np.sqrt(np.maximum(values, 0) + floor), float(np.sqrt(floor)))


def inputs_of(model: Any, layer: Any, context: Context) -> np.ndarray:
    """What each output of a layer is made of, on training samples, at all uses: (places, weights of an output), ROWS at most.

    Raises:
        DataError: when there are no training samples, or inputs are not finite.
    """
    generator = np.random.default_rng(context.settings.seed)
    found = [np.zeros((0, int(np.prod(layer.kernel.shape[:-1]))), np.float32)]
    tensors = [node.keras_inputs[0] for node in nodes(model) if node.layer is layer]
    seen = min(SAMPLES, context.samples.count("train"))
    share = -(-ROWS * PATCHED // max(seen * len(tensors), 1))
    for values in _read(model, tensors, context):
        rows = _windows(layer, values)
        found.append(rows[generator.permutation(len(rows))[:share]])
    rows = np.concatenate(found)
    if not len(rows):
        raise DataError("There are no training samples.", hint="give the train split a share, or set error=weights")
    if not np.isfinite(rows).all():
        raise DataError(
            f"What layer {layer.name} reads is not finite.", hint="look for NaN or huge values in the samples"
        )
    return rows[generator.permutation(len(rows))[:ROWS]]


def _read(model: Any, tensors: list[Any], context: Context) -> Iterator[np.ndarray]:
    """What these tensors hold, PATCHED samples at a time, SAMPLES of each at most."""
    import tensorflow as tf

    reader = tf.function(keras2().Model(model.inputs, tensors), autograph=False, reduce_retracing=True)
    for inputs, _ in islice(context.samples.batches("train", PATCHED, context.settings.seed), -(-SAMPLES // PATCHED)):
        many = isinstance(inputs, tuple)
        given = [tf.constant(x, tf.float32) for x in inputs] if many else tf.constant(inputs, tf.float32)
        yield from (np.asarray(values) for values in tf.nest.flatten(reader(given)))


def _windows(layer: Any, values: np.ndarray) -> np.ndarray:
    """The inputs of each place, in the order of the kernel's axes."""
    import tensorflow as tf

    if type(layer).__name__ == "Dense":
        return values.reshape(-1, values.shape[-1])
    line = values.ndim == 3
    size, strides, rates = ((1,) * line + tuple(one) for one in (layer.kernel_size, layer.strides, layer.dilation_rate))
    images = values[:, None] if line else values
    if layer.padding == "causal":
        images = np.pad(images, ((0, 0), (0, 0), ((size[1] - 1) * rates[1], 0), (0, 0)))
    padding = "SAME" if layer.padding == "same" else "VALID"
    around = [(1, *one, 1) for one in (size, strides, rates)]
    found = tf.image.extract_patches(images, *around, padding=padding)
    return np.asarray(found).reshape(-1, found.shape[-1])
