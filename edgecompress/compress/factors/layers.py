"""Keras layers that can be factorised, where they are used, and the layers that take their place."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgecompress.compress.factors.choice import Chosen
from edgecompress.compress.factors.metric import metric_of_weights
from edgecompress.compress.factors.schemes import Factor, Places, grid, schemes_of
from edgecompress.compress.models.kernels import KernelVariable
from edgecompress.compress.models.rebuilding import Part, nodes

_KINDS = ("Dense", "Conv1D", "Conv2D")


def reason_against(model: Any, kernel: KernelVariable, method: str) -> str:
    """Why a kernel of a model cannot be replaced by factors; "" if it can."""
    layer = kernel.layer
    kind = type(layer).__name__
    if kind not in _KINDS or not type(layer).__module__.startswith("tf_keras."):
        return f"{kind} layers are not factorised"
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        return "it has its channels first"
    if getattr(layer, "groups", 1) != 1:
        return "it works in groups"
    values = kernel.variable.numpy()
    metric = metric_of_weights(values.size // values.shape[-1])
    schemes = schemes_of(values, metric, places_of(model, layer), method)
    return "" if any(grid(scheme, 1) for scheme in schemes) else "factors of any rank would be as large as it is"


def places_of(model: Any, layer: Any) -> Places:
    """Summed over the uses of a layer in a model without models inside."""
    read = between = given = 0
    for node in (node for node in nodes(model) if node.layer is layer):
        before, after = node.input_shapes[1:-1], node.output_shapes[1:-1]
        if None in (*before, *after):
            return Places(0, 0, 0)
        read, given = read + _product(before), given + _product(after)
        between += _product((*after[:1], *before[1:]))
    return Places(read, between, given)


def replacements(model: Any, chosen: Chosen) -> dict[str, list[Part]]:
    """Layer → the layers that take its place; the last has its name, for it gives what the layer gave.

    Args:
        model: without models inside.
        chosen: how each layer is factorised.
    """
    taken = {layer.name for layer in model.layers}
    made = {}
    for name, option in chosen.items():
        layer = model.get_layer(name)
        factors = option.scheme.factors(option.scheme.kernels(option.ranks), layer.get_config())
        made[name] = [_part(layer, one, i == 0, i == len(factors) - 1, taken) for i, one in enumerate(factors)]
    return made


def _part(layer: Any, factor: Factor, first: bool, last: bool, taken: set[str]) -> Part:
    """Weight decay and constraints of the kernel are dropped, since they mean other weights from here on."""
    name = layer.name if last else f"{layer.name}_{factor.role}"
    while name in taken and not last:
        name += "_"
    taken.add(name)
    config = {**layer.get_config(), **factor.config, "kernel_regularizer": None, "kernel_constraint": None}
    config["units" if "units" in config else "filters"] = int(factor.kernel.shape[-1])
    if not first:
        config.pop("batch_input_shape", None)
    if not last:
        config |= {"use_bias": False, "activation": "linear", "activity_regularizer": None}
    weights = [factor.kernel.astype(np.float32)]
    return Part(type(layer), config, [*weights, layer.bias.numpy()] if last and layer.use_bias else weights, name)


def _product(sizes: Sequence[int]) -> int:
    return int(np.prod(sizes, dtype=np.int64))
