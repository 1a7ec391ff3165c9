"""The forms in which Keras is traced: near what they stand for in float, and after rounding to int8 over a wide range of inputs."""

import numpy as np
import pytest

from edgecompress.convert import lite, tracing
from edgecompress.load.runtime import keras2
from edgecompress.reference.integer import run_graph
from edgecompress.tflite.reader import read_bytes

pytestmark = pytest.mark.slow
FUNCTIONS = {
    "softplus": lambda x: np.logaddexp(0, x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
}
RANGE = np.linspace(-10, 10, 256).reshape(1, 256)


def small_model(name):
    keras = keras2()
    source = keras.Input((256,))
    return keras.Model(source, keras.layers.Activation(name)(source))


@pytest.mark.parametrize("name", ["softplus", "softsign"])
def test_a_form_is_the_function_to_the_last_digits_of_float32(name):
    keras2()
    import tensorflow as tf

    x = np.concatenate([np.linspace(-90, 90, 10_001), [0.0, 1e-30, -1e-30]]).astype(np.float32)
    found = getattr(tracing, name)(tf.constant(x)).numpy()
    assert np.allclose(found, FUNCTIONS[name](x.astype(float)), rtol=1e-5, atol=2e-7)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_activations_over_a_wide_range_are_right_to_a_few_steps_of_int8(name):
    graph = read_bytes(lite.to_integer(small_model(name), lambda: iter([(RANGE.astype(np.float32),)])))
    given, found = graph.tensors[graph.inputs[0]].quantization, graph.tensors[graph.outputs[0]].quantization
    codes = np.clip(np.round(RANGE / given.scale) + given.zero_point, -128, 127).astype(np.int8)
    (output,) = graph.outputs
    steps = run_graph(graph, {graph.inputs[0]: codes})[output].astype(float) - found.zero_point
    wanted = FUNCTIONS[name](given.scale * (codes.astype(float) - given.zero_point)) / found.scale
    assert np.abs(steps - wanted).max() <= 3


def test_keras_is_as_it_was_afterwards():
    before = [getattr(owner, name) for owner, name in places()]
    with tracing.for_integers():
        assert all(getattr(owner, name) is not one for (owner, name), one in zip(places(), before, strict=True))
    assert all(getattr(owner, name) is one for (owner, name), one in zip(places(), before, strict=True))


def places():
    keras = keras2()
    import tensorflow as tf
    from tf_keras.src import backend

    return [
        (tf.compat.v2.math, "softplus"),
        (tf.compat.v2.math, "softsign"),
        (backend, "rnn"),
        (keras.layers.LSTM, "call"),
    ]
