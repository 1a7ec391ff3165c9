"""A Keras 3 model description in the words of Keras 2.

Layers keep their names, so that weights can be copied by name. What has no counterpart is refused here; whether the
counterpart computes the same is proven by the bridge, not assumed.
"""

import inspect
from collections.abc import Callable
from typing import Any

from edgecompress.errors import UnsupportedError
from edgecompress.load.runtime import keras2

Config = dict[str, Any]

_MODELS = {"Functional", "Model", "Sequential"}
_RENAMED = {"LeakyReLU": {"negative_slope": "alpha"}}
_BASE_KEYS = {"name", "trainable", "dtype"}

_FUNCTIONS = {
    "Add": "math.add", "Subtract": "math.subtract", "Multiply": "math.multiply", "Divide": "math.divide",
    "TrueDivide": "math.truediv", "Maximum": "math.maximum", "Minimum": "math.minimum", "Negative": "math.negative",
    "Absolute": "math.abs", "Abs": "math.abs", "Square": "math.square", "Sqrt": "math.sqrt", "Exp": "math.exp",
    "Relu": "nn.relu", "Relu6": "nn.relu6", "Sigmoid": "math.sigmoid", "Tanh": "math.tanh", "Silu": "nn.silu",
    "Softmax": "nn.softmax", "Mean": "math.reduce_mean", "Sum": "math.reduce_sum", "Max": "math.reduce_max",
    "Min": "math.reduce_min",
}  # fmt: skip
"""Keras 3's operations that mean the same under a TensorFlow name, arguments in the same order."""

_MERGES = {"Add", "Subtract", "Multiply", "Maximum", "Minimum"}


def rewrite_model(config: Config, file: str) -> Config:
    """Describe a Keras 3 Functional or Sequential model to Keras 2.

    Raises:
        UnsupportedError: names the layer that Keras 2 has no counterpart for.
    """
    kind = config["class_name"]
    if kind not in _MODELS:
        raise UnsupportedError(
            f"{file} holds a subclassed Keras 3 model",
            found=str(kind),
            hint="rebuild it with the functional API or Sequential, and copy the weights",
        )
    inner = config["config"]
    layers = [_rewrite_layer(layer, file) for layer in inner["layers"]]
    if kind == "Sequential":
        return {"class_name": "Sequential", "config": {"name": inner["name"], "layers": layers}}
    ends = {key: _ends(inner[key]) for key in ("input_layers", "output_layers")}
    nested = {layer["name"] for layer in layers if _starts_with_input(layer)}
    for layer in layers:
        layer["inbound_nodes"] = _shifted(layer["inbound_nodes"], nested)
    ends = _shifted(ends, nested)
    return {"class_name": "Functional", "config": {"name": inner["name"], "layers": layers, **ends}}


def _starts_with_input(layer: Config) -> bool:
    inner = layer["config"].get("layers") if layer["class_name"] in _MODELS else None
    return isinstance(inner, list) and bool(inner) and inner[0]["class_name"] == "InputLayer"


def _shifted(value: Any, nested: set[str]) -> Any:
    """References into a nested model count one more in Keras 2, where a model's own graph is its first use."""
    if isinstance(value, dict):
        return {key: _shifted(item, nested) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    if len(value) in (3, 4) and isinstance(value[0], str) and isinstance(value[1], int):
        first = value[1] + (value[0] in nested)
        return [value[0], first, value[2], *(_shifted(item, nested) for item in value[3:])]
    return [_shifted(item, nested) for item in value]


def _ends(value: Any) -> list[Any]:
    """The model's inputs or outputs as a list of [layer, node, tensor]; Keras 3 leaves out the list around one."""
    if isinstance(value, dict):
        return [end for key in sorted(value) for end in _ends(value[key])]
    if value and isinstance(value[0], str):
        return [value]
    return [end for item in value for end in _ends(item)]


def _rewrite_layer(layer: Config, file: str) -> Config:
    kind, config = layer["class_name"], layer["config"]
    name = layer.get("name") or config["name"]
    if str(layer.get("module") or "").startswith("keras.src.ops"):
        return _rewrite_operation(layer, file)
    if kind in _MODELS:
        rewritten = rewrite_model(layer, file)
    elif kind == "InputLayer":
        rewritten = _rewrite_input(config)
    else:
        rewritten = {"class_name": kind, "config": _rewrite_config(kind, config, name, file)}
    nodes = [_rewrite_node(node, _layer_call(kind), name, file) for node in layer.get("inbound_nodes", [])]
    return {**rewritten, "name": name, "inbound_nodes": nodes}


def _rewrite_input(config: Config) -> Config:
    inner = {"batch_input_shape": config["batch_shape"], "dtype": _dtype(config["dtype"]), "name": config["name"]}
    return {"class_name": "InputLayer", "config": inner}


def _rewrite_config(kind: str, config: Config, name: str, file: str) -> Config:
    """Parameters that Keras 2's class knows; initializers are dropped, since the weights are copied."""
    layer_class = getattr(keras2().layers, kind, None)
    if layer_class is None:
        raise UnsupportedError(
            f'{file}: layer "{name}" ({kind}) exists in Keras 3 only',
            hint="replace it by layers that Keras 2 has too, or give a full-integer .tflite",
        )
    known = _constructor_keys(layer_class) | _BASE_KEYS
    rewritten: Config = {}
    for key, value in config.items():
        renamed = _RENAMED.get(kind, {}).get(key, key)
        if key.endswith("_initializer") or renamed not in known:
            continue
        rewritten[renamed] = _dtype(value) if key == "dtype" else _rewrite_value(value, name, file)
    return rewritten


def _constructor_keys(layer_class: type) -> set[str]:
    keys: set[str] = set()
    for base in layer_class.__mro__:
        init = base.__dict__.get("__init__")
        if init is not None and base.__module__.startswith("tf_keras."):
            keys |= set(inspect.signature(init).parameters)
    return keys - {"self", "args", "kwargs"}


def _rewrite_value(value: Any, name: str, file: str) -> Any:
    """A parameter; objects inside (regularizers, wrapped layers) lose Keras 3's wrapping."""
    if isinstance(value, list):
        return [_rewrite_value(item, name, file) for item in value]
    if not isinstance(value, dict) or "class_name" not in value:
        return value
    if value["class_name"] == "function":
        return value["config"]
    if str(value.get("module") or "").startswith("keras.layers"):
        inner = _rewrite_layer(value, file)
        return {"class_name": inner["class_name"], "config": inner["config"]}
    return {"class_name": value["class_name"], "config": value.get("config")}


def _dtype(value: Any) -> str:
    """A dtype policy's name."""
    return str(value["config"]["name"]) if isinstance(value, dict) else str(value)


def _layer_call(kind: str) -> Callable[..., Any] | None:
    layer_class = getattr(keras2().layers, kind, None)
    return None if layer_class is None else layer_class.call


def _is_tensor(value: Any) -> bool:
    return isinstance(value, dict) and value.get("class_name") == "__keras_tensor__"


def _tensor(value: Config) -> list[Any]:
    return list(value["config"]["keras_history"])


def _tensors(value: Any) -> Any:
    """A call's argument with every tensor as [layer, node, tensor]."""
    if _is_tensor(value):
        return _tensor(value)
    if isinstance(value, list):
        return [_tensors(item) for item in value]
    if isinstance(value, dict) and value.get("class_name") == "__tuple__":
        return [_tensors(item) for item in value["items"]]
    return value


def _rewrite_node(node: Config, call: Callable[..., Any] | None, name: str, file: str) -> list[Any]:
    """One use of a layer: [[layer, node, tensor, keyword arguments], ...], one entry for each tensor it is called on."""
    args = node["args"]
    kwargs = {key: _tensors(value) for key, value in node["kwargs"].items() if value is not None}
    if len(args) > 1:
        if call is None:
            raise UnsupportedError(f'{file}: layer "{name}" is called in a way that Keras 2 does not know')
        parameters = list(inspect.signature(call).parameters)[1:]
        kwargs |= {key: _tensors(value) for key, value in zip(parameters[1:], args[1:], strict=False)
                   if value is not None}  # fmt: skip
    if not args:
        raise UnsupportedError(f'{file}: layer "{name}" is called without a tensor')
    first = [args[0]] if _is_tensor(args[0]) else list(_flat_tensors(args[0]))
    return [[*_tensor(tensor), kwargs] for tensor in first]


def _flat_tensors(value: Any) -> list[Config]:
    items = value["items"] if isinstance(value, dict) and value.get("class_name") == "__tuple__" else value
    return [tensor for item in items for tensor in ([item] if _is_tensor(item) else _flat_tensors(item))]


def _rewrite_operation(layer: Config, file: str) -> Config:
    """An operation on tensors (`x + y`): a merge layer, which quantization-aware training knows, or a TFOpLambda."""
    kind, name = layer["class_name"], layer.get("name") or layer["config"]["name"]
    nodes = layer["inbound_nodes"]
    if kind in _MERGES and all(_is_merge(node) for node in nodes):
        inbound = [[[*_tensor(tensor), {}] for tensor in node["args"]] for node in nodes]
        return {"class_name": kind, "config": {"name": name}, "name": name, "inbound_nodes": inbound}
    if kind in ("Reshape", "Transpose", "Concatenate"):
        return _rewrite_shape_operation(layer, kind, name, file)
    if kind not in _FUNCTIONS:
        raise _no_counterpart(kind, name, file)
    options = {
        key: value for key, value in layer["config"].items() if key in ("axis", "keepdims") and value is not None
    }
    inbound = [_operation_node(node, options, kind, name, file) for node in nodes]
    config = {"name": name, "trainable": True, "dtype": "float32", "function": _FUNCTIONS[kind]}
    return {"class_name": "TFOpLambda", "config": config, "name": name, "inbound_nodes": inbound}


def _no_counterpart(kind: str, name: str, file: str) -> UnsupportedError:
    return UnsupportedError(
        f'{file}: the operation "{name}" (keras.ops, {kind}) has no counterpart in Keras 2',
        hint="use a layer instead of the bare operation, and save the model again",
    )


def _is_merge(node: Config) -> bool:
    args = node["args"]
    if len(args) != 2 or not all(_is_tensor(arg) for arg in args):
        return False
    return args[0]["config"]["shape"] == args[1]["config"]["shape"]


def _operation_node(node: Config, options: Config, kind: str, name: str, file: str) -> list[Any]:
    args = [*node["args"], *node["kwargs"].values()]
    if not args or not _is_tensor(args[0]) or len(args) > 2:
        raise _no_counterpart(kind, name, file)
    kwargs = dict(options)
    if len(args) == 2:
        kwargs["y"] = _tensors(args[1])
    return [*_tensor(args[0]), kwargs]


def _rewrite_shape_operation(layer: Config, kind: str, name: str, file: str) -> Config:
    config, nodes = layer["config"], layer["inbound_nodes"]
    if kind == "Concatenate":
        inner: Config = {"axis": config.get("axis", -1)}
        inbound = [[[*_tensor(tensor), {}] for tensor in _flat_tensors(node["args"][0])] for node in nodes]
    else:
        kind, key, value = ("Reshape", "target_shape", config.get("newshape")) if kind == "Reshape" else (
            "Permute", "dims", config.get("axes"))  # fmt: skip
        value = value.get("items") if isinstance(value, dict) else value
        if not value or (kind == "Permute" and value[0] != 0):
            raise _no_counterpart(layer["class_name"], name, file)
        inner = {key: list(value[1:])}
        inbound = [[[*_tensor(node["args"][0]), {}]] for node in nodes]
    return {"class_name": kind, "config": {"name": name, **inner}, "name": name, "inbound_nodes": inbound}
