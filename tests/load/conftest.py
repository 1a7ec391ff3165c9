"""Small models in every container, made once."""

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "tools"), str(Path(__file__).resolve().parent)]

from made_models import shake

from edgecompress.load.runtime import keras2, keras3


@pytest.fixture(scope="session")
def small_two():
    """A Keras 2 model with a branch, a nested model and batch normalisation that has statistics."""
    keras = keras2()
    keras.utils.set_random_seed(1)
    layers = keras.layers
    start = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 3, padding="same", name="conv")(start)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(6.0, name="relu6")(x)
    y = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = layers.Add(name="sum")([x, y])
    inner = keras.Sequential(
        [keras.Input((8, 8, 4)), layers.Flatten(), layers.Dense(5, name="inner_dense")], name="head"
    )
    model = keras.Model(start, layers.Softmax(name="probabilities")(inner(x)))
    shake(model)
    return model


@pytest.fixture(scope="session")
def small_three():
    """A Keras 3 model with the things that differ: operations on tensors, a nested model, LeakyReLU, regularizers."""
    keras = keras3()
    keras.utils.set_random_seed(1)
    layers = keras.layers
    start = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 3, padding="same", activation="relu", kernel_regularizer="l2", name="conv")(start)
    x = layers.BatchNormalization(name="norm")(x)
    y = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = layers.LeakyReLU(negative_slope=0.1, name="leaky")(x + y)
    x = keras.ops.relu(x * 2.0 - 1.0)
    inner = keras.Sequential(
        [keras.Input((8, 8, 4)), layers.Flatten(), layers.Dense(5, name="inner_dense")], name="head"
    )
    model = keras.Model(start, layers.Activation("softmax", name="probabilities")(inner(x)))
    shake(model)
    return model
