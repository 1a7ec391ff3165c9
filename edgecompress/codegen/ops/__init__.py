"""The table of operators: TFLite's builtin name -> module and class. A new operator needs a row here."""

from functools import cache
from importlib import import_module

from edgecompress.codegen.ops.base import Operator, describe
from edgecompress.errors import UnsupportedError
from edgecompress.tflite.graph import Graph, Operation

OPERATORS = {
    "ADD": "add:Add",
    "AVERAGE_POOL_2D": "pool_2d:AveragePool2D",
    "CONV_2D": "conv_2d:Conv2D",
    "DEPTHWISE_CONV_2D": "depthwise_conv_2d:DepthwiseConv2D",
    "DEQUANTIZE": "quantize:Dequantize",
    "FULLY_CONNECTED": "fully_connected:FullyConnected",
    "LOGISTIC": "lookup:Logistic",
    "MAX_POOL_2D": "pool_2d:MaxPool2D",
    "MEAN": "mean:Mean",
    "PACK": "shapes:Pack",
    "PAD": "pad:Pad",
    "QUANTIZE": "quantize:Quantize",
    "RELU": "lookup:Relu",
    "RELU6": "lookup:Relu6",
    "RESHAPE": "reshape:Reshape",
    "SHAPE": "shapes:Shape",
    "SOFTMAX": "softmax:Softmax",
    "STRIDED_SLICE": "shapes:StridedSlice",
    "TANH": "lookup:Tanh",
    "TRANSPOSE": "transpose:Transpose",
}


def find(opcode: str) -> Operator:
    """The operator of a builtin name.

    Raises:
        KeyError: there is none.
    """
    return _instance(OPERATORS[opcode])


@cache
def _instance(place: str) -> Operator:
    module, name = place.split(":")
    return getattr(import_module(f"edgecompress.codegen.ops.{module}"), name)()


def missing(graph: Graph) -> list[str]:
    """One sentence for every operator of the graph that cannot be built, in order; empty when all can."""
    problems = []
    for operation in graph.operations:
        try:
            check(graph, operation)
        except UnsupportedError as error:
            problems.append(f"{error.what}" + (f" (found: {error.found})" if error.found else ""))
    return problems


def check(graph: Graph, operation: Operation) -> None:
    """Raises UnsupportedError where the operation is none that can be built."""
    if operation.opcode not in OPERATORS:
        raise UnsupportedError(
            f"{describe(graph, operation)}: there is no kernel for this operator", hint=_advice(graph, operation)
        )
    find(operation.opcode).check(graph, operation)


def is_supported(graph: Graph, operation: Operation) -> bool:
    """Whether the back end accepts the operation: then its NumPy reference says what it means."""
    try:
        check(graph, operation)
    except UnsupportedError:
        return False
    return True


def _advice(graph: Graph, operation: Operation) -> str:
    if operation.opcode.startswith("CUSTOM:"):
        return "custom operators belong to other runtimes; export the model before it is compiled for them"
    return "replace the layer in the Keras model, or see SUPPORTED_OPERATORS.md for what there is"
