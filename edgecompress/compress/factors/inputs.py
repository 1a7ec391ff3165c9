"""What a layer reads, as far as it matters to factorise it: the directions in which its inputs vary, and how much.

The nearest kernel is not the one whose outputs are nearest: directions in which inputs hardly vary may be lost for nothing.
With the second moments C of the inputs, the error of the outputs of W is the error of C^(1/2) W, which a truncated SVD makes
least (Zhang et al., 2015, https://arxiv.org/abs/1505.06798, section 3.1, take the outputs' side of the same problem).
Convolutions use the moments of single places: their neighbours are taken for uncorrelated.
"""

from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from edgecompress.compress.base import Context
from edgecompress.compress.rebuilding import nodes
from edgecompress.errors import DataError
from edgecompress.load.runtime import keras2

SAMPLES = 2048
"""Training samples that are looked at."""
ROWS = 4096
"""Places of them that count, evenly spread, for each layer."""
FLOOR = 0.01
"""Of the mean variance, which every direction has at least: some samples do not show all that may come."""


@dataclass(frozen=True, eq=False)
class Whitening:
    """The square root of a matrix of second moments.

    Attributes:
        directions: (inputs, directions), orthonormal.
        sizes: (directions,) the root's eigenvalues along them, positive.
        floor: its eigenvalue along all others, positive.
    """

    directions: np.ndarray
    sizes: np.ndarray
    floor: float

    def apply(self, kernel: np.ndarray) -> np.ndarray:
        """The root times a kernel, (…, inputs, outputs)."""
        return self._times(kernel, self.sizes, self.floor)

    def undo(self, kernel: np.ndarray) -> np.ndarray:
        """The inverse of the root times a kernel, (…, inputs, outputs)."""
        return self._times(kernel, 1 / self.sizes, 1 / self.floor)

    def _times(self, kernel: np.ndarray, sizes: np.ndarray, floor: float) -> np.ndarray:
        along = self.directions.T @ kernel
        return floor * kernel + self.directions @ ((sizes - floor)[:, None] * along)


def no_whitening(inputs: int) -> Whitening:
    """The identity."""
    return Whitening(np.zeros((inputs, 0)), np.zeros(0), 1.0)


def whitening_of(rows: np.ndarray) -> Whitening:
    """Of inputs, (places, inputs)."""
    count, inputs = rows.shape
    rows = rows.astype(np.float64) / np.sqrt(count)
    if inputs <= count:
        values, directions = np.linalg.eigh(rows.T @ rows)
    else:
        values, left = np.linalg.eigh(rows @ rows.T)
        present = values > values.max(initial=0) * 1e-12
        values, left = values[present], left[:, present]
        directions = rows.T @ left / np.sqrt(values)
    mean = float((rows**2).sum()) / inputs
    if mean == 0:
        return no_whitening(inputs)
    floor = FLOOR * mean
    return Whitening(directions, np.sqrt(np.maximum(values, 0) + floor), float(np.sqrt(floor)))


def inputs_of(model: Any, layer: Any, context: Context) -> np.ndarray:
    """What a layer of the model reads on training samples, at all its uses: (places, inputs), at most ROWS.

    Raises:
        DataError: when there are no training samples, or inputs are not finite.
    """
    import tensorflow as tf

    tensors = [node.keras_inputs[0] for node in nodes(model) if node.layer is layer]
    reader = tf.function(keras2().Model(model.inputs, tensors), autograph=False, reduce_retracing=True)
    size = context.settings.batch
    count = -(-min(SAMPLES, context.samples.count("train")) // size)
    found = []
    for inputs, _ in islice(context.samples.batches("train", size, context.settings.seed), count):
        many = isinstance(inputs, tuple)
        given = [tf.constant(x, tf.float32) for x in inputs] if many else tf.constant(inputs, tf.float32)
        for values in tf.nest.flatten(reader(given)):
            rows = np.asarray(values).reshape(-1, values.shape[-1])
            found.append(rows[:: max(len(rows) * len(tensors) * count // ROWS, 1)])
    if not found:
        raise DataError("There are no training samples.", hint="give the train split a share, or set error=weights")
    rows = np.concatenate(found)[:ROWS]
    if not np.isfinite(rows).all():
        raise DataError(
            f"What layer {layer.name} reads is not finite.", hint="look for NaN or huge values in the samples"
        )
    return rows
