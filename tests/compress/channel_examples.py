"""Models for the tests of channel removal: every way in which layers tie channels together, in a few weights."""

from typing import Any

import numpy as np

from edgecompress.load.runtime import keras2

SHAPE = (8, 8, 2)


def conv(x: Any, filters: int, name: str, size: int = 3, norm: bool = True, **options: Any) -> Any:
    """A convolution, a batch norm and a ReLU."""
    layers = keras2().layers
    x = layers.Conv2D(filters, size, padding="same", use_bias=not norm, name=name, **options)(x)
    x = layers.BatchNormalization(name=f"{name}_norm")(x) if norm else x
    return layers.ReLU(name=f"{name}_relu")(x)


def classifier(given: Any, x: Any, name: str = "channels") -> Any:
    return keras2().Model(given, keras2().layers.Dense(4, activation="softmax", name="classes")(x), name=name)


def plain() -> Any:
    """Sequential, with a batch norm behind a dense layer and a flattened image before it."""
    layers = keras2().layers
    return keras2().Sequential(
        [
            layers.Input(SHAPE),
            layers.Conv2D(8, 3, use_bias=False, name="one"),
            layers.BatchNormalization(name="one_norm"),
            layers.PReLU(shared_axes=(1, 2), name="slope"),
            layers.ZeroPadding2D(1, name="pad"),
            layers.Conv2D(12, 3, activation="tanh", name="two"),
            layers.MaxPooling2D(2, name="pool"),
            layers.PReLU(name="slopes"),
            layers.Dropout(0.2, name="drop"),
            layers.Flatten(name="flat"),
            layers.Dense(10, use_bias=False, name="hidden"),
            layers.BatchNormalization(scale=False, name="hidden_norm"),
            layers.LeakyReLU(name="leaky"),
            layers.Dense(4, activation="softmax", name="classes"),
        ]
    )


def residual() -> Any:
    """Two stages: a shortcut as it is, and one through a 1x1 convolution without an activation."""
    layers = keras2().layers
    given = layers.Input(SHAPE)
    x = conv(given, 8, "stem")
    y = layers.Conv2D(8, 3, padding="same", name="inner")(conv(x, 6, "first"))
    x = layers.ReLU(name="stage")(layers.Add(name="add")([x, layers.BatchNormalization(name="inner_norm")(y)]))
    y = layers.Conv2D(12, 3, padding="same", name="last")(conv(x, 8, "second", strides=2))
    x = layers.Add(name="sum")([layers.Conv2D(12, 1, strides=2, name="shortcut")(x), y])
    return classifier(given, layers.GlobalAveragePooling2D(name="pool")(layers.ReLU(name="end")(x)))


def branched() -> Any:
    """Branches concatenated; a part of the concatenation is added to something else, all of it flattened."""
    layers = keras2().layers
    given = layers.Input(SHAPE)
    left, right = conv(given, 6, "left"), conv(given, 8, "right", size=5)
    joined = layers.Concatenate(name="joined")([left, right, left])
    x = layers.Subtract(name="less")([joined, conv(given, 20, "wide", size=1)])
    x = layers.UpSampling2D(name="up")(layers.AveragePooling2D(4, name="mean")(conv(x, 8, "after")))
    stacked = layers.Concatenate(axis=1, name="rows")([x, conv(layers.Cropping2D(2, name="crop")(given), 8, "below")])
    hidden = layers.Dense(12, activation="relu", name="hidden")(layers.Flatten(name="flat")(stacked))
    return classifier(given, hidden)


def mobile() -> Any:
    """Depthwise convolutions, one that multiplies channels, and a separable one."""
    layers = keras2().layers
    given = layers.Input(SHAPE)
    x = conv(given, 8, "stem", strides=2)
    x = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, name="twice")(x)
    x = layers.ReLU(6.0, name="twice_relu")(layers.BatchNormalization(name="twice_norm")(x))
    x = conv(x, 12, "point", size=1)
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depth")(x)
    x = layers.ReLU(name="depth_relu")(layers.BatchNormalization(name="depth_norm")(x))
    x = layers.SeparableConv2D(10, 3, depth_multiplier=2, activation="relu", name="separable")(x)
    return classifier(given, layers.GlobalMaxPooling2D(name="pool")(x))


def squeezed() -> Any:
    """Squeeze and excitation: channels multiplied by sigmoids that a reshape brings into their place."""
    layers = keras2().layers
    given = layers.Input(SHAPE)
    x = conv(given, 12, "stem")
    weight = layers.GlobalAveragePooling2D(name="squeeze")(x)
    weight = layers.Dense(6, activation="relu", name="reduce")(layers.Reshape((1, 1, 12), name="image")(weight))
    weight = layers.Dense(12, activation="sigmoid", name="excite")(weight)
    x = layers.Multiply(name="scale")([x, weight])
    x = layers.Reshape((64, -1), name="line")(conv(x, 8, "next"))
    x = layers.Conv1D(6, 3, activation="relu", name="along")(x)
    return classifier(given, layers.GlobalAveragePooling1D(name="pool")(layers.MaxPooling1D(2, name="half")(x)))


def shared() -> Any:
    """One convolution, with its batch norm, on two branches, and a maximum of both."""
    layers = keras2().layers
    given = layers.Input(SHAPE)
    both, norm = (
        layers.Conv2D(8, 3, padding="same", use_bias=False, name="both"),
        layers.BatchNormalization(name="norm"),
    )
    branches = [norm(both(conv(given, 6, name))) for name in ("left", "right")]
    x = layers.ReLU(name="end")(layers.Maximum(name="max")(branches))
    x = layers.Conv2DTranspose(6, 2, strides=2, activation="relu", name="larger")(x)
    return classifier(given, layers.GlobalAveragePooling2D(name="pool")(x))


def several() -> Any:
    """Two inputs, two outputs, one of them in the middle."""
    layers = keras2().layers
    image, numbers = layers.Input(SHAPE, name="image"), layers.Input((5,), name="numbers")
    x = conv(image, 8, "stem")
    y = layers.Dense(8, activation="relu", name="embed")(numbers)
    x = layers.Concatenate(name="joined")([layers.GlobalAveragePooling2D(name="pool")(x), y])
    x = layers.Dense(12, activation="relu", name="mixed")(x)
    middle = layers.Dense(8, activation="relu", name="middle")(x)
    last = layers.Dense(3, name="last")(layers.Dense(8, activation="relu", name="before")(middle))
    return keras2().Model([image, numbers], [last, middle])


def nested() -> Any:
    """A functional model inside that is used twice, and a Sequential one in another."""
    layers, keras = keras2().layers, keras2()
    inner = layers.Input((8, 8, 6))
    block = keras.Model(inner, conv(conv(inner, 8, "inside"), 6, "outside"), name="block")
    given = layers.Input(SHAPE)
    x = block(block(conv(given, 6, "stem")))
    head = keras.Sequential(
        [layers.Input((8, 8, 6)), layers.GlobalAveragePooling2D(name="pool"), layers.Dense(8, activation="relu", name="hidden")],
        name="head",
    )  # fmt: skip
    return classifier(given, head(x))


def operations() -> Any:
    """TensorFlow functions between layers."""
    import tensorflow as tf

    layers = keras2().layers
    given = layers.Input(SHAPE)
    x = layers.Conv2D(8, 3, padding="same", name="one")(given)
    y = layers.Conv2D(8, 1, name="two")(given)
    x = tf.nn.relu(x * 2.0 + y)
    x = layers.Permute((3, 1, 2), name="turned")(conv(x, 8, "three"))
    return classifier(given, layers.Flatten(name="flat")(x))


MODELS = {
    make.__name__: make for make in (plain, residual, branched, mobile, squeezed, shared, several, nested, operations)
}


def randomized(name: str, seed: int = 0) -> Any:
    """A model of MODELS with random weights, no two alike, batch norms and biases included."""
    generator = np.random.default_rng(seed)
    model = MODELS[name]()
    for weight in model.weights:
        low, high = (0.5, 1.5) if "variance" in weight.name else (-0.6, 0.6)
        weight.assign(generator.uniform(low, high, weight.shape))
    return model


def inputs_of(model: Any, count: int = 5) -> list[np.ndarray]:
    generator = np.random.default_rng(1)
    return [generator.normal(0, 1, (count, *tensor.shape[1:])).astype(np.float32) for tensor in model.inputs]


def leaves(model: Any) -> dict[str, Any]:
    """All layers by name, those of models inside too (their names are unique here)."""
    found = {}
    for layer in model.layers:
        found.update(leaves(layer) if hasattr(layer, "layers") else {layer.name: layer})
    return found
