"""How Keras traces recurrent layers for TensorFlow Lite: step by step, but for what becomes one operator."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from edgecompress.errors import UnsupportedError


@contextmanager
def unrolled_loops() -> Iterator[None]:
    """While it lasts, Keras traces recurrent layers without loops: every step of a sequence gets operators of its own.

    TensorFlow Lite quantizes no loop (its calibration crashes on one). What it fuses into one operator, a plain LSTM, it
    recognizes by the name of the function that holds the steps, not by the steps. That operator keeps its state as variables
    that begin at zero; an LSTM that is given a state to begin with goes without that name.
    """
    backend: Any = importlib.import_module("tf_keras.src.backend")
    lstm: Any = importlib.import_module("tf_keras.src.layers.rnn.lstm").LSTM
    looping, calling = backend.rnn, lstm.call

    def unrolled(*arguments: Any, **options: Any) -> Any:
        return looping(*arguments, **{**options, "unroll": True})

    def called(layer: Any, inputs: Any, mask: Any = None, training: Any = None, initial_state: Any = None) -> Any:
        can_be_fused = layer._could_use_gpu_kernel
        layer._could_use_gpu_kernel = can_be_fused and initial_state is None and not isinstance(inputs, (list, tuple))
        try:
            return calling(layer, inputs, mask, training, initial_state)
        finally:
            layer._could_use_gpu_kernel = can_be_fused

    backend.rnn, lstm.call = unrolled, called
    try:
        yield
    finally:
        backend.rnn, lstm.call = looping, calling


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
