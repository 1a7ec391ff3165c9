"""How Keras traces a model for TensorFlow Lite: in forms that it has operators of integers for."""

import importlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from edgecompress.errors import UnsupportedError


def for_integers() -> AbstractContextManager[None]:
    """While it lasts:

    - Keras traces recurrent layers without loops: every step of a sequence gets operators of its own. TensorFlow Lite
      quantizes no loop (its calibration crashes on one).
    - An LSTM that is given a state to begin with is traced without the name by which TensorFlow Lite recognizes what it fuses
      into one operator: that keeps its state as variables that begin at zero.
    - softplus, softsign and mish are sums and products of functions whose results lie between small bounds: int8 has no steps
      for exp(x) of any x, and a quotient of values that are computed is not defined for each.
    """
    backend: Any = importlib.import_module("tf_keras.src.backend")
    lstm: Any = importlib.import_module("tf_keras.src.layers.rnn.lstm").LSTM
    math: Any = importlib.import_module("tensorflow").compat.v2.math
    changes = ((backend, "rnn", _unrolled(backend.rnn)), (lstm, "call", _begun(lstm.call)))
    return _replaced(*changes, (math, "softplus", softplus), (math, "softsign", softsign))


@contextmanager
def _replaced(*changes: tuple[Any, str, Any]) -> Iterator[None]:
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in changes]
    for owner, name, instead in changes:
        setattr(owner, name, instead)
    try:
        yield
    finally:
        for owner, name, original in before:
            setattr(owner, name, original)


def _unrolled(looping: Any) -> Any:
    def unrolled(*arguments: Any, **options: Any) -> Any:
        return looping(*arguments, **{**options, "unroll": True})

    return unrolled


def _begun(calling: Any) -> Any:
    def called(layer: Any, inputs: Any, mask: Any = None, training: Any = None, initial_state: Any = None) -> Any:
        can_be_fused = layer._could_use_gpu_kernel
        layer._could_use_gpu_kernel = can_be_fused and initial_state is None and not isinstance(inputs, (list, tuple))
        try:
            return calling(layer, inputs, mask, training, initial_state)
        finally:
            layer._could_use_gpu_kernel = can_be_fused

    return called


def softplus(features: Any, name: str | None = None) -> Any:
    """log(1 + exp(x)) as relu(x) - log(sigmoid(|x|)), which is at most log 2."""
    import tensorflow as tf

    positive = tf.nn.leaky_relu(features, 0.0)  # a RELU would be fused into a second layer like the one before
    return tf.subtract(positive, tf.math.log(tf.sigmoid(tf.abs(features))), name)


def softsign(features: Any, name: str | None = None) -> Any:
    """x / (1 + |x|) as x exp(-log(1 + |x|))."""
    import tensorflow as tf

    return tf.multiply(features, tf.exp(-1.0 * tf.math.log(1.0 + tf.abs(features))), name)


def check_stateless(model: Any) -> None:
    """Raises UnsupportedError, with its name, where a recurrent layer goes on from the last inference's state."""
    recurrent: Any = importlib.import_module("tf_keras").layers.RNN
    for layer in model._flatten_layers():
        if isinstance(layer, recurrent) and layer.stateful:
            raise UnsupportedError(
                f'layer "{layer.name}" ({type(layer).__name__}): TensorFlow Lite keeps such a state in float only',
                found="stateful=True",
                hint="make the state an input (initial_state) and an output (return_state=True), and hand it on from call to call",
            )
