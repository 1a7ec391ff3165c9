"""Training of integer codes: a layer wrapped so that it computes with codes, while float weights behind them learn.

The gradient passes the rounding as if it were not there (straight-through: Bengio et al., 2013,
https://arxiv.org/abs/1308.3432). Weights, codebook and scales learn together; codes are integers in every step.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgecompress.compress.models.kernels import ROW_ORDER, KernelVariable, from_rows, to_rows
from edgecompress.compress.weights.codebook_forms import FORMS, LARGEST, Form
from edgecompress.compress.weights.codebooks import Coding
from edgecompress.load.runtime import keras2

UNIT = 4 * LARGEST
"""Codes for which 1.0 stands in what is trained: a channel's largest weight is 0.25 then, as in a float layer of usual size,
and the optimizer's steps are as large beside it as they are there."""


def wrap(layer: Any, kernels: Mapping[str, "Quantizer"]) -> Any:
    """A Keras layer that computes what `layer` computes with its kernels quantized.

    Args:
        layer: built; becomes the wrapper's, and its kernels then hold values in units of `UNIT` codes.
        kernels: attribute ("kernel", "depthwise_kernel", …) → its quantizer.
    """

    class StraightThrough(keras2().layers.Wrapper):  # type: ignore[misc]
        def build(self, input_shape: Any = None) -> None:
            super().build(input_shape)
            for attribute, quantizer in kernels.items():
                quantizer.add_weights(self, attribute)

        def call(self, inputs: Any) -> Any:
            learnt = {attribute: getattr(self.layer, attribute) for attribute in kernels}
            try:
                for attribute, quantizer in kernels.items():
                    # Past Keras' bookkeeping: the variable stays the layer's weight.
                    object.__setattr__(self.layer, attribute, quantizer.kernel(learnt[attribute]))
                return self.layer.call(inputs)
            finally:
                for attribute, variable in learnt.items():
                    object.__setattr__(self.layer, attribute, variable)

    for attribute, quantizer in kernels.items():
        getattr(layer, attribute).assign(quantizer.start)
    return StraightThrough(layer, name=f"codes_{layer.name}")


class Quantizer:
    """Fake quantization of one kernel to a codebook in units of each channel's scale.

    Attributes:
        start: what the kernel's variable has to hold at first, in Keras' layout.
    """

    def __init__(
        self, found: KernelVariable, coding: Coding, mask: np.ndarray | None, form: Form = FORMS["learned"]
    ) -> None:
        """Start from a coding of the kernel; `mask`, (channels, weights of each), is False where weights stay zero."""
        values = found.variable.numpy()
        self.kind, self.shape = found.kind, values.shape
        rows = to_rows(values, found.kind).astype(np.float64)
        units = np.clip(rows / coding.scales[:, None].astype(np.float64), -LARGEST, LARGEST)
        self.start = from_rows(units / UNIT, found.kind, values.shape).astype(np.float32)
        self._coding = coding
        self._mask = None if mask is None else mask.astype(np.float32)
        self._form = form

    def add_weights(self, layer: Any, attribute: str) -> None:
        """What the codebook learns, in units of `UNIT` codes, at the pace of weights then, and the scales' growth."""
        start = self._form.start(self._coding.codebook) / UNIT
        constant = keras2().initializers.Constant(start)
        name = f"{attribute}_codebook"
        self._codebook = layer.add_weight(name, start.shape, initializer=constant, trainable=self._form.trains)
        shape = self._coding.scales.shape
        self._growth = layer.add_weight(f"{attribute}_scale_growth", shape, initializer="zeros")

    def kernel(self, variable: Any) -> Any:
        """The quantized kernel in Keras' layout, differentiable."""
        import tensorflow as tf

        order = ROW_ORDER[self.kind]
        rows = tf.reshape(tf.transpose(variable, order), self._coding.codes.shape)
        weights = self._codes(rows) * self._scales()[:, None]
        unfolded = tf.reshape(weights, [self.shape[axis] for axis in order])
        return tf.transpose(unfolded, np.argsort(order))

    def coding(self, variable: Any) -> Coding:
        """What the kernel has become."""
        rows = to_rows(variable.numpy(), self.kind)
        codes = np.rint(self._codes(rows).numpy()).astype(np.int8)
        return Coding(codes, self._scales().numpy(), np.sort(self._integers().numpy(), axis=1))

    def _scales(self) -> Any:
        import tensorflow as tf

        return self._coding.scales * tf.exp(self._growth)

    def _integers(self) -> Any:
        """The codebook as integers, ascending; gradients pass the rounding."""
        return self._form.integers(UNIT * self._codebook, self._coding.codebook)

    def _codes(self, rows: Any) -> Any:
        import tensorflow as tf

        integers = self._integers()
        groups = integers.shape[0]
        limited = tf.clip_by_value(UNIT * rows, -LARGEST, LARGEST)
        values = tf.reshape(limited, [groups, -1])
        borders = tf.stop_gradient((integers[:, 1:] + integers[:, :-1]) / 2)
        chosen = tf.gather(integers, tf.searchsorted(borders, tf.stop_gradient(values)), batch_dims=1)
        # The codebook gets its gradient from `chosen`, the weights theirs as if they had not been rounded.
        codes = tf.reshape(chosen + (values - tf.stop_gradient(values)), self._coding.codes.shape)
        return codes if self._mask is None else codes * self._mask
