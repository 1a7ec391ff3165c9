"""Layers over one dimension as layers over two, of which the first is 1: TF-MOT knows convolutions of images only.

TFLite has no others either: its converter writes a Conv1D as CONV_2D between two reshapes. Convolutions split into parts
that TF-MOT quantizes each by itself are made here, too.
"""

from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from edgecompress.compress.models.rebuilding import Part, nodes
from edgecompress.load.runtime import keras2

CONVOLUTIONS = ("Conv1D", "DepthwiseConv1D", "SeparableConv1D")
"""What has to be raised to two dimensions."""
_POOLINGS = ("MaxPooling1D", "AveragePooling1D")
_TWINS = {
    "GlobalAveragePooling1D": "GlobalAveragePooling2D",
    "GlobalMaxPooling1D": "GlobalMaxPooling2D",
    "SpatialDropout1D": "SpatialDropout2D",
}
_SAME = ("Activation", "BatchNormalization", "Dropout", "LeakyReLU", "ReLU", "SyncBatchNormalization")
FOLLOWERS = (*_POOLINGS, *_TWINS, *_SAME)
"""What is raised behind a layer that is raised, so that no reshape comes between the two."""


def raised_layers(model: Any, first: Collection[str], may_follow: Callable[[Any], bool]) -> frozenset[str]:
    """The names of these layers, and of those behind them that can compute in two dimensions as well.

    Args:
        model: without models inside it.
        first: names.
        may_follow: of layers that are in FOLLOWERS.
    """
    raised, behind = set(first), set()
    calls = Counter(node.layer.name for node in nodes(model))
    for node in nodes(model):
        layer, parents = node.layer, node.parent_nodes
        if len(parents) == calls[layer.name] == 1 and parents[0].layer.name in behind and may_follow(layer):
            raised.add(layer.name)
        if layer.name in raised and _rank(layer.get_output_shape_at(0)) >= _rank(layer.get_input_shape_at(0)):
            behind.add(layer.name)
    return frozenset(raised)


def between_reshapes(layer: Any, parts: Collection[Part]) -> tuple[Part, ...]:
    """What computes in two dimensions, with a reshape before and behind it; two of these that meet undo each other.

    Args:
        layer: whose place the parts take, of rank 2 to 4 (batch included).
        parts: take and give rank 4, or give rank 2 where the layer gives less than it takes.
    """
    before, after = layer.get_input_shape_at(0), layer.get_output_shape_at(0)
    if _rank(before) == 4:
        return tuple(parts)
    vector = _rank(before) == 2
    found = [_reshape((1, 1 if vector else -1, before[-1]), f"{layer.name}_raised"), *parts]
    if _rank(after) == _rank(before):
        found.append(_reshape((after[-1],) if vector else (-1, after[-1]), f"{layer.name}_lowered"))
    return tuple(found)


def in_two_dimensions(layer: Any) -> tuple[Part, ...]:
    """The layer over height 1: for what is in CONVOLUTIONS, save separable ones, and in FOLLOWERS."""
    kind, config = type(layer).__name__, _config(layer)
    if kind in _POOLINGS:
        sizes = {key: (1, *_numbers(config[key])) for key in ("pool_size", "strides")}
        return (_part(kind.replace("1D", "2D"), config | sizes, [], layer.name),)
    if kind in _TWINS:
        return (_part(_TWINS[kind], config, [], layer.name),)
    if kind in _SAME:
        axis = {"axis": -1} if "axis" in config else {}
        return (Part(type(layer), config | axis, layer.get_weights(), layer.name),)
    assert kind in CONVOLUTIONS, "others are not raised"
    weights = [value[None] if value.ndim == 3 else value for value in layer.get_weights()]
    main = _part(kind.replace("1D", "2D"), config | _sizes(layer), weights, layer.name)
    return (*_causal(layer), main)


def separated(layer: Any) -> tuple[Part, ...]:
    """A separable convolution as a depthwise one and one of 1x1, which has the layer's name."""
    config, sizes = _config(layer), _sizes(layer)
    common = {key: config[key] for key in ("dtype", "trainable", "data_format")}
    depthwise, pointwise, *bias = layer.get_weights()
    if depthwise.ndim == 3:
        depthwise, pointwise = depthwise[None], pointwise[None]
    first = {key: config[key] for key in config if key.startswith("depth")} | common | sizes | {"use_bias": False}
    second = {f"kernel{key[9:]}": config[key] for key in config if key.startswith("pointwise")} | common
    for key in ("filters", "activation", "use_bias", "bias_regularizer", "bias_constraint", "activity_regularizer"):
        second[key] = config[key]
    return (
        *_causal(layer),
        _part("DepthwiseConv2D", first, [depthwise], f"{layer.name}_depthwise"),
        _part("Conv2D", second | {"kernel_size": 1}, [pointwise, *bias], layer.name),
    )


def _sizes(layer: Any) -> dict[str, Any]:
    """Kernel, strides, dilation and padding over two dimensions."""
    if len(layer.kernel_size) == 2:
        return {key: getattr(layer, key) for key in ("kernel_size", "strides", "dilation_rate", "padding")}
    (stride,) = layer.strides
    # Depthwise convolutions have one stride for both dimensions; over a height of 1 any stride gives a height of 1.
    return {
        "kernel_size": (1, *layer.kernel_size),
        "strides": (1 if type(layer).__name__ == "Conv1D" else stride, stride),
        "dilation_rate": (1, *layer.dilation_rate),
        "padding": "valid" if layer.padding == "causal" else layer.padding,
    }


def _causal(layer: Any) -> tuple[Part, ...]:
    """The padding in front of a causal convolution."""
    if layer.padding != "causal":
        return ()
    before = layer.dilation_rate[0] * (layer.kernel_size[0] - 1)
    return (_part("ZeroPadding2D", {"padding": ((0, 0), (before, 0))}, [], f"{layer.name}_padding"),)


def _config(layer: Any) -> dict[str, Any]:
    """Without the shape that a first layer of a Sequential model remembers."""
    return {key: value for key, value in layer.get_config().items() if key not in ("name", "batch_input_shape")}


def _part(kind: str, config: dict[str, Any], weights: list[np.ndarray], name: str) -> Part:
    return Part(getattr(keras2().layers, kind), config, weights, name)


def _reshape(shape: tuple[int, ...], name: str) -> Part:
    return Part(keras2().layers.Reshape, {"target_shape": shape}, [], name, undoes=True)


def _numbers(value: Any) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _rank(shape: Any) -> int:
    return len(shape) if isinstance(shape, tuple) else 0
