"""How each kind of layer passes channels on: one rule each; a layer without a rule keeps all channels that it reads.

A rule gets a use of a layer and the channels of the tensors that it reads, tells the `Flow` which axes of the layer's
weights and which numbers of its configuration belong to which channels, and returns the channels of its output. What it
does not understand it leaves alone, with the reason.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from edgecompress.compress.channels.graph import ChannelGraph, Channels, Flow, Role
from edgecompress.compress.models.rebuilding import nodes

Shape = tuple[int | None, ...]

ELEMENTWISE = frozenset(
    """
    linear relu relu6 leaky_relu elu selu gelu sigmoid hard_sigmoid tanh swish silu mish softplus softsign exponential
    """.split()
)
"""Activations, by the names of Keras' and TensorFlow's functions, that treat every number by itself."""
_UNARY = frozenset(
    """
    nn.relu nn.relu6 nn.leaky_relu nn.elu nn.selu nn.gelu nn.silu nn.sigmoid nn.tanh math.sigmoid math.tanh math.softplus
    math.abs math.negative math.square math.sqrt math.exp identity sigmoid tanh clip_by_value __operators__.neg
    """.split()
)
_BINARY = frozenset(
    """
    __operators__.add __operators__.radd __operators__.sub __operators__.mul __operators__.rmul __operators__.truediv
    math.add math.subtract math.multiply math.maximum math.minimum add subtract multiply maximum minimum
    """.split()
)


@dataclass(frozen=True, eq=False)
class Call:
    """One use of a layer.

    Attributes:
        layer: a Keras layer.
        inputs: the channels of the tensors that it reads.
        input_shapes, output_shape: batch first, as None; of its first output.
        constants: what else it is called with.
        shared: the model uses the layer more than once.
        output: its first output, a Keras tensor.
    """

    layer: Any
    inputs: tuple[Channels, ...]
    input_shapes: tuple[Shape, ...]
    output_shape: Shape
    constants: tuple[Any, ...]
    shared: bool
    output: Any

    @property
    def last(self) -> int:
        """The last axis of the output."""
        return len(self.output_shape) - 1

    def __str__(self) -> str:
        return f"{self.layer.name} ({type(self.layer).__name__})"


Rule = Callable[[Flow, Call], Channels]


def trace(model: Any) -> ChannelGraph:
    """The channels of a Sequential or functional model without models inside (see `rebuilding.rebuild`)."""
    import tensorflow as tf

    flow = Flow()
    found: dict[int, Channels] = {}
    uses = Counter(node.layer.name for node in nodes(model))
    for tensor in model.inputs:
        found[id(tensor)] = _fixed(flow, tuple(tensor.shape), "they are tied to the model's input")
    for node in nodes(model):
        outputs = tf.nest.flatten(node.outputs)
        call = _call(node, outputs[0], found, shared=uses[node.layer.name] > 1)
        rule = _rule(node.layer)
        if rule is None or len(outputs) > 1:
            reason = _leave(flow, call, f"{call} cannot be followed")
            found.update((id(tensor), _fixed(flow, tuple(tensor.shape), reason)) for tensor in outputs)
        else:
            found[id(outputs[0])] = rule(flow, call)
    for tensor in model.outputs:
        flow.keep(found[id(tensor)].numbers, "they are the model's output", above_all=True)
    return flow.graph()


def _call(node: Any, output: Any, found: Mapping[int, Channels], *, shared: bool) -> Call:
    import tensorflow as tf

    tensors = list(node.keras_inputs)
    known = {id(tensor) for tensor in tensors}
    constants = tuple(value for value in tf.nest.flatten((node.call_args, node.call_kwargs)) if id(value) not in known)
    inputs = tuple(found[id(tensor)] for tensor in tensors)
    shapes = tuple(tuple(tensor.shape) for tensor in tensors)
    return Call(node.layer, inputs, shapes, tuple(output.shape), constants, shared, output)


def _rule(layer: Any) -> Rule | None:
    """None for layers of others, which may share a name with one of Keras'."""
    return RULES.get(type(layer).__name__) if type(layer).__module__.startswith("tf_keras.") else None


def _fixed(flow: Flow, shape: Shape, reason: str) -> Channels:
    axis = len(shape) - 1
    return Channels(axis, flow.fixed(shape[axis] or 1 if axis else 1, reason))


def _leave(flow: Flow, call: Call, reason: str) -> str:
    """Keep all that the layer reads."""
    flow.leave(call.layer, reason)
    for channels in call.inputs:
        flow.keep(channels.numbers, reason)
    return reason


def _opaque(flow: Flow, call: Call, reason: str) -> Channels:
    """Keep all that the layer reads and gives."""
    return _fixed(flow, call.output_shape, _leave(flow, call, reason))


def _elementwise_function(function: Any) -> bool:
    """The activation treats every number by itself, and is Keras' or TensorFlow's own."""
    if function is None:
        return True
    if not callable(function) or hasattr(function, "weights"):
        return type(function).__name__ in ("ReLU", "LeakyReLU", "ELU", "ThresholdedReLU")
    own = str(getattr(function, "__module__", "")).startswith(("tf_keras.", "tensorflow."))
    return own and getattr(function, "__name__", "") in ELEMENTWISE


def _activated(flow: Flow, call: Call, channels: Channels) -> Channels:
    """The channels behind the layer's own activation."""
    function = getattr(call.layer, "activation", None)
    if not _elementwise_function(function):
        flow.keep(channels.numbers, f"the activation of {call.layer.name} takes them together")
    if getattr(function, "__name__", "") in ("relu", "relu6"):
        flow.rectify(call.output, channels)
    return channels


def _odd(call: Call) -> str:
    """Why the layer is not one of channels that lie last; "" if it is."""
    layer = call.layer
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        return f"{call} has its channels first"
    if call.inputs[0].axis != len(call.input_shapes[0]) - 1:
        return f"{call} reads another axis than that of the channels"
    if getattr(layer, "groups", 1) != 1:
        return f"{call} works in groups"
    return ""


def _dense(flow: Flow, call: Call) -> Channels:
    return _convolved(flow, call, "units", reads=0, gives=1)


def _convolution(flow: Flow, call: Call) -> Channels:
    axes = len(call.layer.kernel.shape)
    return _convolved(flow, call, "filters", reads=axes - 2, gives=axes - 1)


def _transpose(flow: Flow, call: Call) -> Channels:
    return _convolved(flow, call, "filters", reads=3, gives=2)


def _convolved(flow: Flow, call: Call, key: str, *, reads: int, gives: int) -> Channels:
    if reason := _odd(call):
        return _opaque(flow, call, reason)
    layer = call.layer
    given = flow.given(layer, getattr(layer, key))
    flow.slot(layer, "kernel", reads, call.inputs[0].numbers, Role.READS)
    flow.slot(layer, "kernel", gives, given, Role.GIVES)
    if layer.use_bias:
        flow.slot(layer, "bias", 0, given)
    flow.size(layer, key, given)
    return _activated(flow, call, Channels(call.last, given))


def _depthwise(flow: Flow, call: Call) -> Channels:
    if reason := _odd(call):
        return _opaque(flow, call, reason)
    layer = call.layer
    given = np.repeat(call.inputs[0].numbers, layer.depth_multiplier)
    flow.slot(layer, "depthwise_kernel", 2, call.inputs[0].numbers)
    if layer.use_bias:
        flow.slot(layer, "bias", 0, given)
    return _activated(flow, call, Channels(call.last, given))


def _separable(flow: Flow, call: Call) -> Channels:
    if reason := _odd(call):
        return _opaque(flow, call, reason)
    layer, read = call.layer, call.inputs[0].numbers
    given = flow.given(layer, layer.filters)
    flow.slot(layer, "depthwise_kernel", 2, read)
    flow.slot(layer, "pointwise_kernel", 2, np.repeat(read, layer.depth_multiplier), Role.READS)
    flow.slot(layer, "pointwise_kernel", 3, given, Role.GIVES)
    if layer.use_bias:
        flow.slot(layer, "bias", 0, given)
    flow.size(layer, "filters", given)
    return _activated(flow, call, Channels(call.last, given))


def _batch_norm(flow: Flow, call: Call) -> Channels:
    (channels,) = call.inputs
    axes = np.ravel(call.layer.axis) % len(call.input_shapes[0])
    if axes.tolist() != [channels.axis]:
        return _opaque(flow, call, f"{call} normalizes another axis than that of the channels")
    for attribute in ("gamma", "beta", "moving_mean", "moving_variance"):
        if getattr(call.layer, attribute, None) is not None:
            flow.slot(call.layer, attribute, 0, channels.numbers)
    return channels


def _prelu(flow: Flow, call: Call) -> Channels:
    (channels,) = call.inputs
    axis = channels.axis - 1
    if call.layer.alpha.shape[axis] == len(channels.numbers):  # else the channels share a slope
        flow.slot(call.layer, "alpha", axis, channels.numbers)
    return channels


def _same(flow: Flow, call: Call) -> Channels:
    return call.inputs[0]


def _relu(flow: Flow, call: Call) -> Channels:
    flow.rectify(call.output, call.inputs[0])
    return call.inputs[0]


def _activation(flow: Flow, call: Call) -> Channels:
    if not _elementwise_function(call.layer.activation):
        return _opaque(flow, call, f"{call} takes the channels together")
    return _activated(flow, call, call.inputs[0])


def _rescaling(flow: Flow, call: Call) -> Channels:
    if np.size(call.layer.scale) != 1 or np.size(call.layer.offset) != 1:
        return _opaque(flow, call, f"{call} has a number for each channel")
    return call.inputs[0]


def _spatial(flow: Flow, call: Call) -> Channels:
    """Poolings, paddings, croppings, upsamplings: positions change, channels lie last before and after."""
    if reason := _odd(call):
        return _opaque(flow, call, reason)
    return Channels(call.last, call.inputs[0].numbers)


def _repeat(flow: Flow, call: Call) -> Channels:
    return Channels(2, call.inputs[0].numbers)


def _permute(flow: Flow, call: Call) -> Channels:
    return Channels(1 + list(call.layer.dims).index(call.inputs[0].axis), call.inputs[0].numbers)


def _reshape(flow: Flow, call: Call) -> Channels:
    """Followed where the channels lie on a single axis afterwards, which their numbers prove."""
    channels = call.inputs[0]
    before, after = call.input_shapes[0][1:], call.output_shape[1:]
    flattening = type(call.layer).__name__ == "Flatten"
    if flattening and getattr(call.layer, "data_format", "channels_last") != "channels_last":
        return _opaque(flow, call, f"{call} has its channels first")
    sizes = tuple(n for n in before if n is not None), tuple(n for n in after if n is not None)
    axis, numbers = _laid_anew(channels, *sizes) if before and sizes == (before, after) else (0, None)
    if numbers is None or (call.shared and not flattening):
        return _opaque(flow, call, f"{call} mixes channels with positions")
    if not flattening and call.layer.target_shape[axis - 1] != -1:
        flow.size(call.layer, "target_shape", numbers, axis - 1)
    return Channels(axis, numbers)


def _laid_anew(channels: Channels, before: tuple[int, ...], after: tuple[int, ...]) -> tuple[int, np.ndarray | None]:
    """The axis, batch counted, and the numbers along it after a reshape; None where they vary along several."""
    spread = [1] * len(before)
    spread[channels.axis - 1] = -1
    labels = np.broadcast_to(channels.numbers.reshape(spread), before).reshape(after)
    for axis in reversed(range(len(after))):
        line = labels[tuple(slice(None) if one == axis else slice(1) for one in range(len(after)))]
        if np.array_equal(np.broadcast_to(line, labels.shape), labels):
            return axis + 1, line.reshape(-1)
    return 0, None


def _merge(flow: Flow, call: Call) -> Channels:
    """Element by element, with what has one channel only spread over all."""
    axis = call.inputs[0].axis
    ranks = {len(shape) for shape in (*call.input_shapes, call.output_shape)}
    if len(ranks) > 1 or any(channels.axis != axis for channels in call.inputs):
        return _opaque(flow, call, f"{call} merges tensors of different layouts")
    count = call.output_shape[axis]
    whole = [channels for channels in call.inputs if len(channels.numbers) == count]
    if not whole:
        return _opaque(flow, call, f"{call} has no channels")
    for channels in call.inputs:
        if len(channels.numbers) == count:
            flow.tie(whole[0].numbers, channels.numbers)
        else:
            flow.keep(channels.numbers, f"{call} spreads the one channel over all")
    return whole[0]


def _concatenate(flow: Flow, call: Call) -> Channels:
    axis = call.inputs[0].axis
    if any(channels.axis != axis for channels in call.inputs):
        return _opaque(flow, call, f"{call} merges tensors of different layouts")
    if call.layer.axis % len(call.output_shape) == axis:
        return Channels(axis, np.concatenate([channels.numbers for channels in call.inputs]))
    for channels in call.inputs:
        flow.tie(call.inputs[0].numbers, channels.numbers)
    return call.inputs[0]


def _operation(flow: Flow, call: Call) -> Channels:
    """TensorFlow functions that stand in a model as layers (`x + y`, `tf.nn.relu(x)`)."""
    function = call.layer.get_config()["function"]
    scalars = all(value is None or isinstance(value, str) or np.ndim(value) == 0 for value in call.constants)
    if not scalars or function not in _UNARY | _BINARY or (function in _UNARY and len(call.inputs) > 1):
        return _opaque(flow, call, f"{call} cannot be followed")
    if function in ("nn.relu", "nn.relu6"):
        flow.rectify(call.output, call.inputs[0])
    return _merge(flow, call)


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "Dense": _dense,
        "Conv1D": _convolution,
        "Conv2D": _convolution,
        "Conv2DTranspose": _transpose,
        "DepthwiseConv2D": _depthwise,
        "SeparableConv2D": _separable,
        "BatchNormalization": _batch_norm,
        "SyncBatchNormalization": _batch_norm,
        "PReLU": _prelu,
        "ReLU": _relu,
        "Activation": _activation,
        "Rescaling": _rescaling,
        "Flatten": _reshape,
        "Reshape": _reshape,
        "Permute": _permute,
        "RepeatVector": _repeat,
        "Concatenate": _concatenate,
        "TFOpLambda": _operation,
        **dict.fromkeys(("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"), _merge),
        **dict.fromkeys(
            (
                *("LeakyReLU", "ELU", "ThresholdedReLU", "Dropout", "GaussianNoise", "GaussianDropout", "AlphaDropout"),
                *("SpatialDropout1D", "SpatialDropout2D", "ActivityRegularization"),
            ),
            _same,
        ),
        **dict.fromkeys(
            (
                *("MaxPooling1D", "MaxPooling2D", "AveragePooling1D", "AveragePooling2D"),
                *("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D"),
                *("ZeroPadding1D", "ZeroPadding2D", "Cropping1D", "Cropping2D", "UpSampling1D", "UpSampling2D"),
            ),
            _spatial,
        ),
    }
)
"""Keras class → rule."""
