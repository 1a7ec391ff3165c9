"""The TensorFlow Lite converter: Keras model to full-integer or float .tflite bytes, batch fixed to one."""

import keyword
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from edgecompress.convert.naming import layer_of
from edgecompress.convert.output_order import in_order, names_of_outputs
from edgecompress.convert.tracing import check_stateless, for_integers
from edgecompress.errors import EdgecompressError, ToolError, UnsupportedError

_LONGEST_ARGUMENT = 100

Sample = tuple[np.ndarray, ...]
"""One array per model input, in the model's order, each with a batch axis of one."""


def to_integer(model: Any, calibration: Callable[[], Iterator[Sample]]) -> bytes:
    """Quantize to int8, activations per tensor and convolution weights per channel, and convert.

    Args:
        model: a tf_keras model, with TF-MOT's quantize wrappers or without.
        calibration: yields samples whose activations fix the ranges; one is held at a time.

    Raises:
        UnsupportedError: the model has operations without an int8 form; names them.
        ToolError: the converter failed otherwise.
    """
    import tensorflow as tf

    return _calibrated(model, calibration, tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.int8)


def to_int16(model: Any, calibration: Callable[[], Iterator[Sample]]) -> bytes:
    """Quantize activations to int16, symmetrically, and weights to int8 (TFLite's 16x8 mode), and convert.

    Raises:
        UnsupportedError, ToolError: as `to_integer`.
    """
    import tensorflow as tf

    operators = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    return _calibrated(model, calibration, operators, tf.int16)


def to_dynamic(model: Any) -> bytes:
    """Weights as int8, activations in float, quantized while the model runs (dynamic range).

    Raises:
        UnsupportedError, ToolError: as `to_integer`.
    """
    import tensorflow as tf

    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return _convert(converter, model)


def to_float16(model: Any) -> bytes:
    """Weights as float16, everything computed in float32 (or in float16, where a delegate can).

    Raises:
        UnsupportedError, ToolError: as `to_integer`.
    """
    import tensorflow as tf

    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    return _convert(converter, model)


def _calibrated(model: Any, calibration: Callable[[], Iterator[Sample]], operators: Any, kind: Any) -> bytes:
    import tensorflow as tf

    converter = _traced(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [operators]
    converter.inference_input_type = kind
    converter.inference_output_type = kind
    names = _input_names(model)

    def feed() -> Iterator[dict[str, np.ndarray]]:
        for sample in calibration():
            yield dict(zip(names, sample, strict=True))

    converter.representative_dataset = feed
    return _convert(converter, model)


def to_float(model: Any) -> bytes:
    """Convert without quantizing: the float twin that layers are compared with.

    Raises:
        UnsupportedError, ToolError: as `to_integer`.
    """
    return _convert(_traced(model), model)


def _traced(model: Any) -> Any:
    check_stateless(model)
    with for_integers():
        return _converter(model)


def _converter(model: Any) -> Any:
    """From a function of fixed batch: with an open one, Flatten becomes SHAPE, STRIDED_SLICE and PACK."""
    import tensorflow as tf

    names = _input_names(model)
    specs = {name: tf.TensorSpec((1, *tensor.shape[1:]), tensor.dtype, name=name)
             for name, tensor in zip(names, model.inputs, strict=True)}  # fmt: skip

    def infer(**tensors: Any) -> Any:
        inputs = [tensors[name] for name in names]
        outputs = tf.nest.flatten(model(inputs if len(inputs) > 1 else inputs[0], training=False))
        return dict(zip(names_of_outputs(len(outputs)), outputs, strict=True))

    function = tf.function(infer, autograph=False).get_concrete_function(**specs)
    # The converter saves what it is given. Of a Keras model that is a function for every layer, beside this one that matters,
    # which takes time and fails for some layers of quantization-aware training; of this it is the variables.
    saved = tf.Module()
    saved.of_model = list(function.variables)
    return tf.lite.TFLiteConverter.from_concrete_functions([function], saved)


def _input_names(model: Any) -> list[str]:
    """Names for the function's arguments: in the model's order, also when sorted, and fit for Python and TensorFlow."""
    digits = len(str(len(model.inputs)))
    names = [_argument(tensor.name.split(":")[0]) for tensor in model.inputs]
    return [f"input_{i:0{digits}d}_{name}" if len(names) > 1 else name for i, name in enumerate(names)]


def _argument(name: str) -> str:
    """TensorFlow changes names that begin otherwise, and takes `self` for its own and keywords for none."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)[:_LONGEST_ARGUMENT]
    fits = re.fullmatch(r"[A-Za-z]\w*", plain) and plain != "self" and not keyword.iskeyword(plain)
    return plain if fits else f"input_{plain.strip('_')}"


def _convert(converter: Any, model: Any) -> bytes:
    try:
        return in_order(converter.convert())
    except EdgecompressError:
        raise  # from the calibration samples
    except Exception as error:  # the converter raises ConverterError, RuntimeError, ValueError, ...
        raise _explain(str(error), converter, model) from error


def _explain(text: str, converter: Any, model: Any) -> EdgecompressError:
    """The converter's page-long messages, cut down to the operations that it could not handle, and the layer of the first."""
    operations = sorted(set(re.findall(r"\b(?:tf|tfl)\.(\w+)(?= op\b|\W.*(?:custom|flex|unsupported))", text, re.I)))
    listed = re.search(r"^\s*(?:Custom|Flex|TF Select) ops?:\s*([\w, ]+)", text, re.I | re.M)
    if listed:
        operations = sorted({part.strip() for part in listed[1].split(",") if part.strip()})
    if operations:
        nodes = [node for function in converter._funcs for node in function.graph.get_operations()]
        layer = layer_of(model, [node.name for node in nodes if node.type in operations])
        return UnsupportedError(
            f"{layer or model.name}: TensorFlow Lite has no int8 operator for part of it",
            found=", ".join(operations[:8]),
            hint="replace the layers that compute this",
        )
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return ToolError(f"{model.name}: the TensorFlow Lite converter failed", found=(lines or ["no message"])[0][:400])
