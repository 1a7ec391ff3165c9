"""What takes a layer's place while it is trained with fake quantization, and what of it is quantized then."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from edgecompress.compress.fake_quantization import two_dimensions
from edgecompress.compress.fake_quantization.surroundings import NORMS, Surroundings
from edgecompress.compress.models.rebuilding import Part
from edgecompress.load.runtime import keras2

AFFINE = ("Rescaling", "Normalization")
"""Layers that multiply and add constants."""
_MOVES = ("AlphaDropout", "GaussianDropout", "GaussianNoise", "MaxPooling1D", "MaxPooling3D", "RepeatVector",
          "SlicingOpLambda", "UpSampling1D", "UpSampling3D", "ZeroPadding3D")  # fmt: skip
_MOVING = ("expand_dims", "identity", "reshape", "squeeze", "stop_gradient", "transpose")
"""Layers, and functions, unknown to TF-MOT that give values which they took, in inference."""
_ONE_OPERATOR = ("add", "concat", "elu", "maximum", "minimum", "multiply", "relu", "relu6", "subtract")
"""Layers and functions unknown to TF-MOT, without weights, that are one operator in the file."""
_FIXED_RANGE = ("log_softmax", "sigmoid", "softmax", "tanh")
"""Functions whose range TFLite prescribes."""
_INSIDE = ("linear", "relu", "swish", "gelu", "softmax", "sigmoid", "tanh")
"""Activations inside a layer that TF-MOT knows; in a layer of their own it knows relu6, too."""


@dataclass(frozen=True, eq=False)
class Form:
    """A layer in training.

    Attributes:
        parts: layers that compute the same; () for the layer as it is.
        configs: quantize configs by part, where TF-MOT's own would be wrong or missing; None is for no quantization.
        successors: kernels that changed their names.
        note: for the user: what is different, or not quantized.
    """

    parts: tuple[Part, ...] = ()
    configs: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    successors: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    note: str = ""


def form_of(layer: Any, around: Surroundings) -> Form:
    """How a layer is trained; `layer` is neither an input nor a model."""
    kind = type(layer).__name__
    if kind in NORMS:
        return _norm(layer, around)
    if kind in AFFINE:
        return _affine(layer, around)
    if kind == "TimeDistributed" and type(layer.layer).__name__ == "Dense":
        dense = Part(type(layer.layer), layer.layer.get_config(), layer.get_weights(), layer.name)
        return _activated(Form((dense,), note=f"{layer.name} is trained as a Dense layer"), layer, around)
    if kind in ("SeparableConv1D", "SeparableConv2D"):
        return _raised(_activated(_separable(layer), layer, around), layer, around)
    if layer.name in around.raised:
        parts = two_dimensions.in_two_dimensions(layer)
        note = f"{layer.name} is trained as a {kind.replace('1D', '2D')} of height 1"
        return _raised(_activated(Form(parts, note=note if "Conv" in kind else ""), layer, around), layer, around)
    if around.is_known(layer):
        return _activated(Form(), layer, around)
    return Form() if kind in _MOVES else _unknown(layer, around)


def _norm(layer: Any, around: Surroundings) -> Form:
    """A batch norm: folded by the layer before it, or by a depthwise convolution of 1x1 that is put before it."""
    host, raised = around.host(layer.name), layer.name in around.raised
    if host:
        once = around.wiring.calls[layer.name] == 1
        configs = {} if once else {layer.name: around.output_config(layer.name)}
        form = Form(two_dimensions.in_two_dimensions(layer) if raised else (), configs)
        return _raised(form, layer, around)
    if not around.is_by_channel(layer):
        return _unknown(layer, around)
    name = f"{layer.name}_identity"
    channels = layer.get_input_shape_at(0)[-1]
    form = Form(
        (_depthwise(name, np.ones(channels), None), *two_dimensions.in_two_dimensions(layer)),
        {name: around.no_config, layer.name: around.output_config(layer.name)},
        note=f"{layer.name} is trained behind a depthwise convolution of 1x1, into which it is folded",
    )
    return _raised(form, layer, around)


def _affine(layer: Any, around: Surroundings) -> Form:
    """Constants of a Rescaling or Normalization as those of a depthwise convolution of 1x1: exact in integers."""
    found = around.factor_and_addend(layer)
    if found is None:
        return _unknown(layer, around)
    form = Form(
        (_depthwise(layer.name, *found),),
        {layer.name: around.output_config(layer.name)},
        note=f"{layer.name} is trained as a depthwise convolution of 1x1 whose weights stay as they are",
    )
    return _raised(form, layer, around)


def _separable(layer: Any) -> Form:
    kernels = {"depthwise_kernel": f"{layer.name}_depthwise", "pointwise_kernel": layer.name}
    successors = {f"{layer.name}/{kernel}": (name,) for kernel, name in kernels.items()}
    note = f"{layer.name} is trained as a DepthwiseConv2D ({layer.name}_depthwise) and a Conv2D"
    return Form(two_dimensions.separated(layer), successors=successors, note=note)


def _raised(form: Form, layer: Any, around: Surroundings) -> Form:
    if layer.name not in around.raised:
        return form
    return replace(form, parts=two_dimensions.between_reshapes(layer, form.parts))


def _activated(form: Form, layer: Any, around: Surroundings) -> Form:
    """The form with an activation that TF-MOT does not know in a layer of its own."""
    if type(layer).__name__ == "Activation":
        return form
    activation = getattr(layer.layer if type(layer).__name__ == "TimeDistributed" else layer, "activation", None)
    function = getattr(activation, "__name__", "linear")
    if function in _INSIDE:
        config = around.host_config(layer)
        return form if config is None else replace(form, configs={**form.configs, layer.name: config})
    *before, main = form.parts or (_same(layer),)
    plain = replace(main, config=main.config | {"activation": "linear"})
    layers, name = keras2().layers, f"{layer.name}_activation"
    if function in ("relu6", "leaky_relu"):
        known = layers.ReLU(6.0) if function == "relu6" else layers.LeakyReLU(0.2)
        return replace(form, parts=(*before, plain, Part(type(known), known.get_config(), [], name)))
    behind = Part(layers.Activation, {"activation": main.config["activation"]}, [], name)
    configs = {**form.configs, name: around.output_config(layer.name)}
    notes = [form.note] if form.note else []
    if function not in _ONE_OPERATOR:
        notes.append(f"{layer.name} computes {function} in float while training, and rounds before and behind it")
    return replace(form, parts=(*before, plain, behind), configs=configs, note="; ".join(notes))


def _unknown(layer: Any, around: Surroundings) -> Form:
    """A layer that computes in float while training; what it gives is rounded, where that is one tensor of floats."""
    kind = type(layer).__name__
    function = _function_of(layer)
    if function in _FIXED_RANGE or function in _MOVING:
        return Form(configs={layer.name: around.no_config if kind == "Activation" else None})
    shape = layer.get_output_shape_at(0)
    if not isinstance(shape, tuple) or not layer.get_output_at(0).dtype.is_floating:
        note = "is trained without fake quantization; its weights and ranges are quantized after training"
        return Form(configs={layer.name: None}, note=f"{layer.name} ({kind}) {note}")
    note = ""
    if (function or kind.lower()) not in _ONE_OPERATOR:
        inside = "its weights and inner ranges are" if layer.weights else "what is inside is"
        note = f"{layer.name} ({kind}) computes in float while training, only its output is rounded then; {inside} quantized after"
    if kind == "Activation":
        return Form(configs={layer.name: around.output_config(layer.name)}, note=note)
    parts = (_same(layer), _identity(layer.name))
    return Form(parts, {layer.name: None, f"{layer.name}_output": around.output_config(layer.name)}, note=note)


def _function_of(layer: Any) -> str:
    """The function that a layer stands for; "" for layers of their own kind."""
    if type(layer).__name__ == "Activation":
        return str(getattr(layer.activation, "__name__", ""))
    return str(layer.get_config()["function"]).split(".")[-1] if type(layer).__name__ == "TFOpLambda" else ""


def _same(layer: Any) -> Part:
    return Part(type(layer), layer.get_config(), layer.get_weights(), layer.name)


def _identity(name: str) -> Part:
    return Part(keras2().layers.Activation, {"activation": "linear"}, [], f"{name}_output")


def _depthwise(name: str, factor: np.ndarray, addend: np.ndarray | None) -> Part:
    """A depthwise convolution of 1x1 that does not learn."""
    config = {"kernel_size": 1, "use_bias": addend is not None, "trainable": False}
    weights = [factor.astype(np.float32)[None, None, :, None]]
    weights += [] if addend is None else [addend.astype(np.float32)]
    return Part(keras2().layers.DepthwiseConv2D, config, weights, name)
