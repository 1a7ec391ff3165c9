"""A small model around each kind of layer that TF-MOT refuses, and what the pass qat has to say about it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgecompress.load.runtime import keras2

IMAGE, SEQUENCE, SHORT, VECTOR = (8, 8, 2), (16, 4), (4, 4), (6,)
CLASSES = 4


@dataclass(frozen=True)
class Example:
    """A model and what becomes of it.

    Attributes:
        build: makes the model.
        says: words of the notes, besides the first, which names the kind of training; one for each note.
        rounded: layers whose outputs, in the trained model, are rounded to 8 bits.
        operators: of the integer file, in any order; None where they do not matter.
    """

    build: Callable[[], Any]
    says: tuple[str, ...] = ()
    rounded: tuple[str, ...] = ()
    operators: str | None = None


def samples(shape: tuple[int, ...], count: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """Noise whose first channel tells the class."""
    generator = np.random.default_rng(7)
    classes = generator.integers(0, CLASSES, count)
    x = generator.normal(0, 0.5, (count, *shape)).astype(np.float32)
    x[..., 0] += (0.4 * classes - 0.6).reshape(-1, *[1] * (len(shape) - 1))
    return x, classes.astype(np.int32)


def conv(name: str, **options: Any) -> Any:
    return keras2().layers.Conv2D(6, 3, padding="same", name=name, **options)


def model(shape: tuple[int, ...], inside: Callable[[Any, Any], Any]) -> Any:
    """Input, what `inside(layers, given)` makes of it, the mean over places, and classes."""
    keras, layers = keras2(), keras2().layers
    given = layers.Input(shape, name="given")
    x = inside(layers, given)
    pooling = {4: layers.GlobalAveragePooling2D, 3: layers.GlobalAveragePooling1D}.get(len(x.shape))
    x = pooling(name="mean")(x) if pooling else x
    return keras.Model(given, layers.Dense(CLASSES, activation="softmax", name="classes")(x))


def nested(layers: Any, given: Any, norm: bool) -> Any:
    """A model used twice inside another."""
    inner = layers.Input((8, 8, 6))
    x = conv("inside", use_bias=not norm)(inner)
    x = layers.BatchNormalization(name="norm")(x) if norm else x
    block = keras2().Model(inner, layers.ReLU(name="relu")(x), name="block")
    return block(block(conv("stem", activation="relu")(given)))


def excited(layers: Any, given: Any) -> Any:
    """Squeeze and excitation: channels times gates."""
    x = conv("stem", activation="relu")(given)
    gate = layers.Dense(6, activation="sigmoid", name="gate")(layers.GlobalAveragePooling2D()(x))
    return layers.Multiply(name="product")([x, layers.Reshape((1, 1, 6))(gate)])


def residual(layers: Any, given: Any) -> Any:
    """Two causal convolutions over time, around a shortcut, each with a batch norm."""
    x = layers.Conv1D(6, 3, padding="causal", use_bias=False, name="first")(given)
    x = layers.ReLU(name="first_relu")(layers.BatchNormalization(name="first_norm")(x))
    y = layers.Conv1D(6, 3, padding="causal", dilation_rate=2, use_bias=False, name="second")(x)
    y = layers.BatchNormalization(name="second_norm")(y)
    return layers.ReLU(name="relu")(layers.Add(name="add")([x, y]))


def branches(kind: str) -> Callable[[Any, Any], Any]:
    """A merge of two convolutions."""
    return lambda layers, given: getattr(layers, kind)(name="merge")([conv("left")(given), conv("right")(given)])


def attention(layers: Any, given: Any) -> Any:
    x = layers.Dense(8, name="embed")(given)
    return layers.Add(name="add")([x, layers.MultiHeadAttention(2, 4, name="heads")(x, x)])


def after_conv(kind: str, **options: Any) -> Callable[[Any, Any], Any]:
    return lambda layers, given: getattr(layers, kind)(name="it", **options)(conv("stem")(given))


def over_time(kind: str, *sizes: int, **options: Any) -> Callable[[Any, Any], Any]:
    return lambda layers, given: getattr(layers, kind)(*sizes, name="it", **options)(given)


def before_conv(kind: str, **options: Any) -> Callable[[Any, Any], Any]:
    return lambda layers, given: conv("stem", activation="relu")(getattr(layers, kind)(name="it", **options)(given))


AS_IMAGE = "it is trained as a {} of height 1"
IN_FLOAT = "it ({}) computes in float while training, only its output is rounded then"
FOLDED = "{} is trained behind a depthwise convolution of 1x1"
CONSTANT = "it is trained as a depthwise convolution of 1x1 whose weights stay"
TAIL = " MEAN FULLY_CONNECTED SOFTMAX"

EXAMPLES = {
    "convolution over time": Example(
        lambda: model(SEQUENCE, over_time("Conv1D", 6, 3, strides=2, padding="same", activation="relu")),
        (AS_IMAGE.format("Conv2D"),),
        ("it",),
        "RESHAPE CONV_2D" + TAIL,
    ),
    "causal convolutions with batch norms around a shortcut": Example(
        lambda: model(SEQUENCE, residual),
        ("first is trained as a Conv2D", "second is trained as a Conv2D"),
        ("first_relu", "relu"),
        "RESHAPE PAD CONV_2D RESHAPE PAD CONV_2D RESHAPE ADD" + TAIL,
    ),
    "separable convolution over time": Example(
        lambda: model(SEQUENCE, over_time("SeparableConv1D", 6, 3, padding="same", activation="relu")),
        ("it is trained as a DepthwiseConv2D (it_depthwise) and a Conv2D",),
        ("it", "it_depthwise"),
        "RESHAPE DEPTHWISE_CONV_2D CONV_2D" + TAIL,
    ),
    "depthwise convolution over time": Example(
        lambda: model(SEQUENCE, over_time("DepthwiseConv1D", 3, activation="relu")),
        (AS_IMAGE.format("DepthwiseConv2D"),),
        ("it",),
        "RESHAPE DEPTHWISE_CONV_2D" + TAIL,
    ),
    "transposed convolution": Example(
        lambda: model(IMAGE, after_conv("Conv2DTranspose", filters=6, kernel_size=3, strides=2, activation="relu")),
        (),
        ("stem", "it"),
        "CONV_2D TRANSPOSE_CONV" + TAIL,
    ),
    "PReLU": Example(
        lambda: model(IMAGE, after_conv("PReLU", shared_axes=[1, 2])),
        (IN_FLOAT.format("PReLU"),),
        ("stem", "it_output"),
        "CONV_2D PRELU" + TAIL,
    ),
    "model used twice": Example(
        lambda: model(IMAGE, lambda layers, given: nested(layers, given, False)),
        ("the model block is replaced by its layers",),
        ("stem",),
        "CONV_2D CONV_2D CONV_2D" + TAIL,
    ),
    "model with a batch norm used twice": Example(
        lambda: model(IMAGE, lambda layers, given: nested(layers, given, True)),
        ("the model block is replaced by its layers",),
        ("stem",),
        "CONV_2D CONV_2D CONV_2D" + TAIL,
    ),
    "batch norm in front": Example(
        lambda: model(IMAGE, before_conv("BatchNormalization")),
        (FOLDED.format("it"),),
        ("it", "stem"),
        "DEPTHWISE_CONV_2D CONV_2D" + TAIL,
    ),
    "batch norm behind an activation": Example(
        lambda: model(
            IMAGE, lambda layers, given: layers.BatchNormalization(name="it")(conv("a", activation="relu")(given))
        ),
        (FOLDED.format("it"),),
        ("a", "it"),
        "CONV_2D DEPTHWISE_CONV_2D" + TAIL,
    ),
    "batch norms of vectors": Example(
        lambda: model(
            VECTOR,
            lambda layers, given: layers.BatchNormalization(name="it")(
                layers.Dense(8, activation="relu", name="hidden")(layers.BatchNormalization(name="first")(given))
            ),
        ),
        (FOLDED.format("first"), FOLDED.format("it")),
        ("hidden", "first", "it"),
        "RESHAPE DEPTHWISE_CONV_2D FULLY_CONNECTED DEPTHWISE_CONV_2D FULLY_CONNECTED SOFTMAX",
    ),
    "Rescaling": Example(
        lambda: model(IMAGE, before_conv("Rescaling", scale=0.5, offset=-0.1)),
        (CONSTANT,),
        ("it", "stem"),
        "DEPTHWISE_CONV_2D CONV_2D" + TAIL,
    ),
    "Normalization": Example(
        lambda: model(IMAGE, before_conv("Normalization", mean=[0.1, 0.2], variance=[1.5, 0.5])),
        (CONSTANT,),
        ("it", "stem"),
        "DEPTHWISE_CONV_2D CONV_2D" + TAIL,
    ),
    "products": Example(
        lambda: model(IMAGE, excited),
        (),
        ("stem", "product_output"),
        "CONV_2D MEAN FULLY_CONNECTED LOGISTIC MUL" + TAIL,
    ),
    "differences": Example(lambda: model(IMAGE, branches("Subtract")), (), ("merge_output",)),
    "maxima": Example(lambda: model(IMAGE, branches("Maximum")), (), ("merge_output",)),
    "means of tensors": Example(
        lambda: model(IMAGE, branches("Average")), ("merge (Average) computes in float",), ("merge_output",)
    ),
    "gelu": Example(lambda: model(IMAGE, lambda layers, given: conv("it", activation="gelu")(given)), (), ("it",)),
    "swish": Example(lambda: model(IMAGE, lambda layers, given: conv("it", activation="swish")(given)), (), ("it",)),
    "relu6": Example(
        lambda: model(IMAGE, lambda layers, given: conv("it", activation="relu6")(given)),
        (),
        ("it_activation",),
        "CONV_2D" + TAIL,
    ),
    "hard sigmoid": Example(
        lambda: model(IMAGE, lambda layers, given: conv("it", activation="hard_sigmoid")(given)),
        ("it computes hard_sigmoid in float while training, and rounds before and behind it",),
        ("it", "it_activation"),
    ),
    "hard sigmoid in a layer of its own": Example(
        lambda: model(IMAGE, after_conv("Activation", activation="hard_sigmoid")),
        (IN_FLOAT.format("Activation"),),
        ("stem", "it"),
    ),
    "attention": Example(
        lambda: model(SEQUENCE, attention),
        (IN_FLOAT.replace("it (", "heads (").format("MultiHeadAttention"),),
        ("embed",),
    ),
    "normalization of layers": Example(
        lambda: model(SEQUENCE, lambda layers, given: layers.LayerNormalization(name="it")(layers.Dense(8)(given))),
        (IN_FLOAT.format("LayerNormalization"),),
        ("it_output",),
    ),
    "GRU": Example(lambda: model(SHORT, over_time("GRU", 6, unroll=True)), (IN_FLOAT.format("GRU"),), ("it_output",)),
    "LSTM": Example(
        lambda: model(SHORT, over_time("LSTM", 6, unroll=True)), (IN_FLOAT.format("LSTM"),), ("it_output",)
    ),
    "Dense layer at every step": Example(
        lambda: model(
            SEQUENCE, lambda layers, given: layers.TimeDistributed(layers.Dense(6, activation="relu"), name="it")(given)
        ),
        ("it is trained as a Dense layer",),
        ("it",),
        "FULLY_CONNECTED" + TAIL,
    ),
    "pooling over time": Example(
        lambda: model(
            SEQUENCE, lambda layers, given: layers.MaxPooling1D(2, name="it")(layers.Dense(6, name="a")(given))
        ),
        (),
        ("a",),
    ),
    "operations on tensors": Example(
        lambda: model(IMAGE, lambda layers, given: conv("b")(conv("a")(given) * 0.5)),
        (),
        ("a", "b", "tf.math.multiply_output"),
    ),
}
