"""Tiny models and samples for the tests of the passes: every structure that a pass must cope with, in a few weights."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgecompress.compress import make
from edgecompress.compress.base import Context, TrainingSettings
from edgecompress.compress.driver import Step, run_pass
from edgecompress.compress.training.fine_tuning import describe_output
from edgecompress.compress.training.task import infer
from edgecompress.recipe.text import parse_passes

CLASSES = 4
SHAPE = (8, 8, 2)


@dataclass(frozen=True, eq=False)
class ArraySamples:
    """Samples in memory, as `edgecompress.compress.training.samples.Samples` wants them."""

    x: dict[str, np.ndarray]
    y: dict[str, np.ndarray | None]
    fingerprint: str = "arrays"

    def count(self, split: str) -> int:
        return len(self.x[split])

    def batches(self, split: str, size: int, seed: int | None = None) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        order = np.arange(len(self.x[split]))
        if seed is not None:
            np.random.default_rng(seed).shuffle(order)
        labels = self.y[split]
        for first in range(0, len(order), size):
            chosen = order[first : first + size]
            yield self.x[split][chosen], None if labels is None else labels[chosen]


def samples(train: int = 96, validation: int = 48, labels: bool = True) -> ArraySamples:
    """Images of noise with a bright quadrant: the quadrant is the class."""
    generator = np.random.default_rng(7)
    x, y = {}, {}
    for split, count in (("train", train), ("validation", validation)):
        classes = generator.integers(0, CLASSES, count)
        images = generator.normal(0, 0.3, (count, *SHAPE)).astype(np.float32)
        for image, number in zip(images, classes, strict=True):
            top, left = 4 * (number // 2), 4 * (number % 2)
            image[top : top + 4, left : left + 4] += 0.6
        x[split], y[split] = images, classes.astype(np.int32) if labels else None
    return ArraySamples(x, y)


def sequential() -> Any:
    """Sequential with batch norm folded into a convolution and into a dense layer."""
    from edgecompress.load.runtime import keras2

    layers = keras2().layers
    return keras2().Sequential(
        [
            layers.Input(SHAPE),
            layers.Conv2D(6, 3, padding="same", use_bias=False, name="first"),
            layers.BatchNormalization(momentum=0.8, name="norm"),
            layers.ReLU(name="relu"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Flatten(name="flat"),
            layers.Dense(12, name="hidden"),
            layers.BatchNormalization(momentum=0.8, name="dense_norm"),
            layers.ReLU(name="dense_relu"),
            layers.Dense(CLASSES, activation="softmax", name="classes"),
        ]
    )


def functional() -> Any:
    """Functional, without batch norm, with two branches concatenated."""
    from edgecompress.load.runtime import keras2

    keras, layers = keras2(), keras2().layers
    given = layers.Input(SHAPE, name="given")
    left = layers.Conv2D(5, 3, padding="same", activation="relu", name="left")(given)
    right = layers.Conv2D(5, (1, 5), padding="same", activation="relu", name="right")(given)
    joined = layers.Concatenate(name="joined")([left, right])
    pooled = layers.AveragePooling2D(4, name="pool")(joined)
    return keras.Model(given, layers.Dense(CLASSES, activation="softmax", name="classes")(layers.Flatten()(pooled)))


def residual() -> Any:
    """Two convolutions around a shortcut, batch norm after each."""
    from edgecompress.load.runtime import keras2

    keras, layers = keras2(), keras2().layers
    given = layers.Input(SHAPE, name="given")
    stem = layers.Conv2D(6, 3, padding="same", name="stem")(given)
    stem = layers.Activation("relu", name="stem_relu")(layers.BatchNormalization(momentum=0.8, name="stem_norm")(stem))
    inner = layers.Conv2D(6, 3, padding="same", name="inner")(stem)
    inner = layers.BatchNormalization(momentum=0.8, name="inner_norm")(inner)
    out = layers.Activation("relu", name="out")(layers.Add(name="add")([stem, inner]))
    pooled = layers.GlobalAveragePooling2D(name="pool")(layers.MaxPooling2D(4, name="max")(out))
    return keras.Model(given, layers.Dense(CLASSES, activation="softmax", name="classes")(pooled))


def depthwise() -> Any:
    """Depthwise separable: a 5x5 depthwise kernel (25 weights a channel) and a 3x3 one (9)."""
    from edgecompress.load.runtime import keras2

    keras, layers = keras2(), keras2().layers
    given = layers.Input(SHAPE, name="given")
    x = layers.Conv2D(6, 3, padding="same", use_bias=False, name="stem")(given)
    x = layers.ReLU(name="stem_relu")(layers.BatchNormalization(momentum=0.8, name="stem_norm")(x))
    x = layers.DepthwiseConv2D(5, padding="same", use_bias=False, name="wide")(x)
    x = layers.ReLU(name="wide_relu")(layers.BatchNormalization(momentum=0.8, name="wide_norm")(x))
    x = layers.Conv2D(8, 1, use_bias=False, name="point")(x)
    x = layers.ReLU(name="point_relu")(layers.BatchNormalization(momentum=0.8, name="point_norm")(x))
    x = layers.DepthwiseConv2D(3, strides=2, padding="same", name="narrow", activation="relu")(x)
    return keras.Model(given, layers.Dense(CLASSES, activation="softmax", name="classes")(layers.Flatten()(x)))


VECTOR = 6
"""Numbers of the second input of `two_inputs`."""


@dataclass(frozen=True, eq=False)
class PairedSamples(ArraySamples):
    """Samples of two inputs: an image, and a few numbers that are drawn from it."""

    def batches(self, split: str, size: int, seed: int | None = None) -> Iterator[tuple[Any, np.ndarray | None]]:
        for images, labels in super().batches(split, size, seed):
            yield (images, images.reshape(len(images), -1)[:, :VECTOR]), labels


def two_inputs(outputs: int = 1) -> Any:
    """An image and some numbers, each with kernels of its own; one output or more."""
    from edgecompress.load.runtime import keras2

    keras, layers = keras2(), keras2().layers
    image, numbers = layers.Input(SHAPE, name="image"), layers.Input((VECTOR,), name="numbers")
    seen = layers.MaxPooling2D(4)(layers.Conv2D(6, 3, padding="same", activation="relu", name="look")(image))
    read = layers.Dense(8, activation="relu", name="read")(numbers)
    joined = layers.Concatenate()([layers.Flatten()(seen), read])
    given = [layers.Dense(CLASSES, activation="softmax", name=f"classes{i}")(joined) for i in range(outputs)]
    return keras.Model([image, numbers], given)


MODELS = {"sequential": sequential, "functional": functional, "residual": residual, "depthwise": depthwise}


def trained(name: str, epochs: int = 3) -> Any:
    """A model of MODELS, trained a little, so that batch norms and kernels are no initial values."""
    from edgecompress.load.runtime import keras2

    keras2().utils.set_random_seed(3)
    model = MODELS[name]()
    model.compile(keras2().optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    data = samples()
    model.fit(data.x["train"], data.y["train"], epochs=epochs, batch_size=32, verbose=0)
    return model


def to_tflite(model: Any, inputs: np.ndarray) -> bytes:
    """Full integer conversion, independent of the package's own."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([x[None].astype(np.float32)] for x in inputs)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def run_passes(text: str, model: Any, epochs: int = 1) -> tuple[Any, Context, list[Step]]:
    """The passes of a text on a model, of so many epochs where they do not say: what becomes of it, and the steps."""
    data = samples()
    task = infer(describe_output(model), data.y["train"])
    context = Context(data, task, TrainingSettings(learning_rate=2e-3, epochs=epochs), original=model)
    steps = []
    for spec in parse_passes(text):
        step = run_pass(make(spec), str(spec), model, context)
        model, context = step.outcome.model, replace(context, standing=step.standing)
        steps.append(step)
    return model, context, steps
