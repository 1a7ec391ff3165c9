"""Small networks as the converter's integer file and its float twin."""

from functools import cache

import numpy as np

from edgecompress.convert.lite import to_float, to_integer
from edgecompress.load.runtime import keras2
from edgecompress.quantization.twin import Twins, find_twins
from edgecompress.tflite.reader import read_bytes

SHAPE = (9, 8, 3)
SAMPLES = 24


def chain():
    """Convolution, depthwise convolution, pooling, dense: every pair can be equalized. Its channels are far apart."""
    layers = keras2().layers
    return keras2().Sequential(
        [
            layers.Input(SHAPE),
            layers.Conv2D(8, 3, padding="same", use_bias=False, name="first"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, strides=2, padding="same", activation="relu", name="depthwise"),
            layers.Conv2D(6, 1, activation="relu", name="pointwise"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(5, activation="softmax", name="dense"),
        ]
    )


def residual():
    """A convolution with ReLU6, one whose output is read twice, dilation, and a multiplier of two."""
    layers = keras2().layers
    given = layers.Input(SHAPE)
    stem = layers.ReLU(6.0)(layers.Conv2D(6, 3, padding="same", strides=2, name="stem")(given))
    inner = layers.Conv2D(6, 3, padding="same", dilation_rate=2, name="dilated")(stem)
    wide = layers.DepthwiseConv2D(3, depth_multiplier=2, name="wide")(layers.ReLU()(layers.Add()([stem, inner])))
    return keras2().Model(given, layers.Dense(4, name="last")(layers.Flatten()(wide)))


MODELS = {one.__name__: one for one in (chain, residual)}


def samples(count=SAMPLES, seed=7):
    values = np.random.default_rng(seed).uniform(-1, 1, (count, *SHAPE)).astype(np.float32)
    return [(value,) for value in values]


@cache
def files(name) -> tuple[bytes, bytes]:
    """The integer file, calibrated on `samples()`, and the float one."""
    keras2().utils.set_random_seed(11)
    model = MODELS[name]()
    for layer in model.layers:  # a bias of zeros is none in the file
        if getattr(layer, "bias", None) is not None:
            layer.bias.assign(np.linspace(-0.1, 0.2, layer.bias.shape[0]))
    if name == "chain":
        gamma = np.geomspace(0.05, 20, 8).astype(np.float32)  # what training leaves behind, exaggerated
        model.get_layer("norm").set_weights([gamma, 0.1 * gamma, np.zeros(8, np.float32), np.ones(8, np.float32)])
        kernel = model.get_layer("depthwise").get_weights()
        model.get_layer("depthwise").set_weights([kernel[0] / gamma[:, None], kernel[1] + 0.05])
    return to_integer(model, lambda: ((x[None],) for (x,) in samples())), to_float(model)


def twins(name) -> Twins:
    integer, floating = files(name)
    return find_twins(read_bytes(integer), read_bytes(floating))
