"""Read a Keras model's description before Keras does, and refuse code and unknown layers by name.

Keras can import modules, call functions and unmarshal Python byte code while it reads a description. So every part
of it is checked against names that are known to be harmless first.
"""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from edgecompress.errors import ModelFileError, UnsupportedError
from edgecompress.load.limits import LONGEST_NAME
from edgecompress.load.runtime import keras2, keras3

PLAIN_FUNCTIONS = frozenset(
    """
    __operators__.add __operators__.sub __operators__.mul __operators__.truediv __operators__.neg
    __operators__.radd __operators__.rsub __operators__.rmul __operators__.rtruediv __operators__.getitem
    math.add math.add_n math.subtract math.multiply math.divide math.truediv math.negative math.abs math.square
    math.sqrt math.rsqrt math.exp math.log math.pow math.maximum math.minimum math.sigmoid math.tanh math.softplus
    math.reduce_mean math.reduce_sum math.reduce_max math.reduce_min math.squared_difference
    nn.relu nn.relu6 nn.leaky_relu nn.elu nn.selu nn.gelu nn.silu nn.softmax nn.log_softmax nn.sigmoid nn.tanh
    nn.avg_pool nn.max_pool nn.depth_to_space nn.space_to_depth
    reshape transpose concat stack unstack split pad tile squeeze expand_dims identity cast clip_by_value
    strided_slice slice image.resize sigmoid tanh add subtract multiply maximum minimum convert_to_tensor
    """.split()
)
"""TensorFlow functions that a model may name in a TFOpLambda layer: they compute, and touch nothing else."""

_OPERATION_LAYERS = {"TFOpLambda", "SlicingOpLambda"}
_CODE_LAYERS = {"Lambda", "__lambda__"}
_FOREIGN_CALLS = {"ClassMethod", "InstanceMethod", "InstanceProperty", "TensorFlowOpLayer"}
_FOREIGN_CALLS |= {"TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}
_FILE_READERS = {"StringLookup", "IntegerLookup", "TextVectorization"}
_MODELS = {"Functional", "Model", "Sequential"}
_VALUES = {"Policy", "DTypePolicy", "DTypePolicyMap", "QuantizedDTypePolicy", "QuantizedFloat8DTypePolicy"}
_VALUES |= {"TensorShape", "TensorSpec", "__keras_tensor__", "__tuple__", "__numpy__", "__tensor__", "__ellipsis__"}
_VALUES |= {"__bytes__", "__slice__"}
_NAMESPACES = ("initializers", "regularizers", "constraints", "activations", "optimizers", "losses", "metrics")
_MODULES = re.compile(
    r"(tf_)?keras(\.src)?(\.(layers|models|engine|ops|dtype_policies|mixed_precision|"
    + "|".join(_NAMESPACES)
    + r")(\.[.\w]+)?)?"
)
_QUANTIZE_WRAPPERS = {"QuantizeWrapper", "QuantizeWrapperV2", "QuantizeLayer"}
_QUANTIZE_PARTS = _QUANTIZE_WRAPPERS | {
    "Default8BitQuantizeConfig", "Default8BitConvQuantizeConfig", "Default8BitConvTransposeQuantizeConfig",
    "Default8BitOutputQuantizeConfig", "Default8BitActivationQuantizeConfig", "NoOpQuantizeConfig",
    "OutputOnlyConfig", "MovingAverageQuantizer", "LastValueQuantizer", "AllValuesQuantizer",
    "Default8BitConvWeightsQuantizer", "Default8BitConvTransposeWeightsQuantizer", "QuantizeAwareActivation",
    "NoOpActivation", "FixedQuantizer", "NoQuantizer",
}  # fmt: skip
_TRAINING_WRAPPERS = {"PruneLowMagnitude", "ClusterWeights", *_QUANTIZE_WRAPPERS}
_MOST_NAMED = 5


@dataclass(frozen=True)
class Part:
    """One object of a description.

    Attributes:
        layer: the name of the layer that it is, or belongs to.
        class_name, module: what Keras would build; module "" when the file gives none.
        config: its parameters: a dict for everything but functions.
        is_layer: False for initializers, dtype policies and the like.
    """

    layer: str
    class_name: str
    module: str
    config: Any
    is_layer: bool


def check(config: dict[str, Any], file: str, *, trust_model_code: bool, quantized: bool = False) -> None:
    """Refuse a description that holds code, calls or unknown layers.

    Args:
        config: a model's description, of Keras 2 or 3.
        file: what messages call the file.
        trust_model_code: let code and custom classes through; Keras itself may still fail on them.
        quantized: expect TF-MOT's quantize wrappers.

    Raises:
        UnsupportedError: names the layers and their classes.
        ModelFileError: the description has no form that Keras writes.
    """
    try:
        parts = list(_parts({"model": config}, ""))
    except RecursionError:
        raise ModelFileError(f"{file}: the model's description is nested too deeply") from None
    if not parts:
        found = ", ".join(sorted(config))[:200]
        raise ModelFileError(f"{file}: the model's description describes nothing", found=found)
    _check_names(parts, file)
    if quantized:
        parts = [part for part in parts if part.class_name not in _QUANTIZE_PARTS]
    _check_wrappers(parts, file)
    if trust_model_code:
        return
    _check_code(parts, file)
    _check_modules(parts, file)
    _check_functions(parts, file)
    _check_known(parts, file)


def _parts(node: object, layer: str, in_layers: bool = False) -> Iterator[Part]:
    """Every object below `node`, depth first; `layer` is the nearest layer above."""
    if isinstance(node, dict):
        name = node.get("class_name")
        if isinstance(name, str):
            config = node.get("config")
            is_layer = in_layers or name in _MODELS or name in _CODE_LAYERS
            own = node.get("name") or (config.get("name") if isinstance(config, dict) else None)
            layer = str(own) if own and (is_layer or not layer) else layer
            yield Part(layer, name, str(node.get("module") or ""), config, is_layer)
        for key in node:
            if key != "compile_config" or (isinstance(name, str) and in_layers):
                yield from _parts(node[key], layer, key in ("layers", "layer", "cell", "cells"))
    elif isinstance(node, list):
        for item in node:
            yield from _parts(item, layer, in_layers)


def _check_names(parts: list[Part], file: str) -> None:
    for part in parts:
        longest = max(map(len, (part.layer, part.class_name, part.module)))
        if longest > LONGEST_NAME:
            raise ModelFileError(f"{file}: a layer's name is of impossible size", found=f"{longest} characters")


def _named(parts: list[Part]) -> str:
    shown = [f"{part.layer} ({part.class_name})" for part in parts[:_MOST_NAMED]]
    return ", ".join(shown) + (f" and {len(parts) - _MOST_NAMED} more" if len(parts) > _MOST_NAMED else "")


def _check_wrappers(parts: list[Part], file: str) -> None:
    wrapped = [part for part in parts if part.class_name in _TRAINING_WRAPPERS]
    if wrapped:
        raise UnsupportedError(
            f"{file} still has the wrappers of a compression that was under way",
            found=_named(wrapped),
            hint="strip_pruning, strip_clustering, or save the model from before quantize_model",
        )


def _check_code(parts: list[Part], file: str) -> None:
    code = [part for part in parts if part.class_name.rsplit(">", 1)[-1] in _CODE_LAYERS]
    code += [part for part in parts if part.class_name in _FOREIGN_CALLS]
    readers = [part for part in parts if part.class_name in _FILE_READERS]
    if readers:
        raise UnsupportedError(
            f'{file}: layer "{readers[0].layer}" ({readers[0].class_name}) may read any file as its vocabulary',
            found=_named(readers),
            hint="text does not run on a microcontroller: save the model without such layers",
        )
    if code:
        raise UnsupportedError(
            f'{file}: layer "{code[0].layer}" ({code[0].class_name}) holds Python code or calls any function',
            found=_named(code),
            hint="replace it by a plain layer; or, if you trust the file's author, --trust-model-code",
        )


def _check_modules(parts: list[Part], file: str) -> None:
    for part in parts:
        if part.module not in ("", "builtins") and not _MODULES.fullmatch(part.module):
            raise UnsupportedError(
                f'{file}: layer "{part.layer}" ({part.class_name}) wants Python code from outside of Keras',
                found=f"module {part.module}",
                hint="use Keras's own layers; or, if you trust the file's author, --trust-model-code",
            )


def _check_functions(parts: list[Part], file: str) -> None:
    for part in parts:
        if part.class_name == "function" and not _is_among(part.config, _known()["function"]):
            raise UnsupportedError(
                f'{file}: layer "{part.layer}" uses a function that Keras does not have', found=repr(part.config)[:200]
            )
        if part.class_name in _OPERATION_LAYERS:
            function = part.config.get("function") if isinstance(part.config, dict) else None
            if not _is_among(function, PLAIN_FUNCTIONS):
                raise UnsupportedError(
                    f'{file}: layer "{part.layer}" ({part.class_name}) calls a TensorFlow function that is not allowed',
                    found=f"tf.{function}"[:200],
                    hint=f"plain arithmetic is allowed: {', '.join(sorted(PLAIN_FUNCTIONS)[:6])}, ...",
                )


def _is_among(value: Any, names: frozenset[str]) -> bool:
    return isinstance(value, str) and value in names


def _check_known(parts: list[Part], file: str) -> None:
    known = _known()
    builtin = [part for part in parts if part.module == "builtins" and part.class_name != "function"]
    unknown = builtin + [p for p in parts if p.class_name not in (known["layer"] if p.is_layer else known["any"])]
    if not unknown:
        return
    if any(part.class_name in ("QDense", "QActivation") or part.class_name[:5] == "QConv" for part in unknown):
        raise UnsupportedError(
            f"{file} is a QKeras model, and QKeras layers are not supported",
            found=_named([part for part in unknown if part.is_layer]),
            hint="rebuild it with plain Keras layers and QKeras's quantized weights",
        )
    raise UnsupportedError(
        f'{file}: layer "{unknown[0].layer}" ({unknown[0].class_name}) is not a layer of Keras',
        found=_named(unknown),
        hint="replace custom layers by plain ones, or give a full-integer .tflite",
    )


@functools.cache
def _known() -> dict[str, frozenset[str]]:
    """Class names that Keras itself resolves: for layers, for functions, and for anything."""
    two, three = keras2(), keras3()
    layers = _classes(two.layers) | _classes(three.layers) | _MODELS | _OPERATION_LAYERS | _operations(three)
    functions: set[str] = set()
    others: set[str] = set()
    for keras in (two, three):
        for name in _NAMESPACES:
            module = getattr(keras, name)
            others |= _classes(module)
            functions |= {key for key, value in vars(module).items() if callable(value) and not isinstance(value, type)}
    functions -= {"get", "serialize", "deserialize"}
    every = layers | others | functions | _VALUES | {"function"}
    return {"layer": frozenset(layers), "function": frozenset(functions), "any": frozenset(every)}


def _classes(module: ModuleType) -> set[str]:
    return {name for name, value in vars(module).items() if isinstance(value, type)}


def _operations(keras: ModuleType) -> set[str]:
    """Keras 3's operations, which appear as layers when tensors are added, sliced, ... in a functional model."""
    from keras.src.ops import core, nn, numpy

    return {
        name
        for module in (core, nn, numpy)
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, keras.Operation)
    }
