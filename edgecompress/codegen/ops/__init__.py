"""The table of operators: TFLite's builtin name -> module and class. A new operator needs a row here."""

from functools import cache
from importlib import import_module

from edgecompress.codegen.ops.base import Operator, describe
from edgecompress.errors import UnsupportedError
from edgecompress.tflite.graph import Graph, Operation
from edgecompress.tflite.versions import latest

OPERATORS = {
    "ABS": "lines:Abs",
    "ADD": "add:Add",
    "ARG_MAX": "arg_max:ArgMax",
    "ARG_MIN": "arg_max:ArgMin",
    "ASSIGN_VARIABLE": "variables:AssignVariable",
    "AVERAGE_POOL_2D": "pool_2d:AveragePool2D",
    "BATCH_MATMUL": "batch_matmul:BatchMatmul",
    "BATCH_TO_SPACE_ND": "blocks_of_space:BatchToSpaceNd",
    "BROADCAST_TO": "repetition:BroadcastTo",
    "CALL_ONCE": "variables:CallOnce",
    "CAST": "cast:Cast",
    "CONCATENATION": "concatenation:Concatenation",
    "CONV_2D": "conv_2d:Conv2D",
    "DEPTHWISE_CONV_2D": "depthwise_conv_2d:DepthwiseConv2D",
    "DEPTH_TO_SPACE": "blocks_of_space:DepthToSpace",
    "DEQUANTIZE": "quantize:Dequantize",
    "DIV": "div:Div",
    "ELU": "curves:Elu",
    "EQUAL": "comparisons:Equal",
    "EXP": "curves:Exp",
    "EXPAND_DIMS": "reshape:ExpandDims",
    "FILL": "repetition:Fill",
    "FULLY_CONNECTED": "fully_connected:FullyConnected",
    "GATHER": "gather:Gather",
    "GATHER_ND": "repetition:GatherNd",
    "GELU": "curves:Gelu",
    "GREATER": "comparisons:Greater",
    "GREATER_EQUAL": "comparisons:GreaterEqual",
    "HARD_SWISH": "curves:HardSwish",
    "L2_NORMALIZATION": "l2_normalization:L2Normalization",
    "LEAKY_RELU": "lines:LeakyRelu",
    "LESS": "comparisons:Less",
    "LESS_EQUAL": "comparisons:LessEqual",
    "LOG": "curves:Log",
    "LOGICAL_AND": "logical:LogicalAnd",
    "LOGICAL_NOT": "logical:LogicalNot",
    "LOGICAL_OR": "logical:LogicalOr",
    "LOGISTIC": "saturating:Logistic",
    "LOG_SOFTMAX": "log_softmax:LogSoftmax",
    "MAXIMUM": "pairs:Maximum",
    "MAX_POOL_2D": "pool_2d:MaxPool2D",
    "MEAN": "mean:Mean",
    "MINIMUM": "pairs:Minimum",
    "MIRROR_PAD": "repetition:MirrorPad",
    "MUL": "pairs:Mul",
    "NEG": "curves:Neg",
    "NOT_EQUAL": "comparisons:NotEqual",
    "PACK": "concatenation:Pack",
    "PAD": "pad:Pad",
    "PADV2": "pad:PadV2",
    "PRELU": "pairs:Prelu",
    "QUANTIZE": "quantize:Quantize",
    "READ_VARIABLE": "variables:ReadVariable",
    "REDUCE_MAX": "reductions:ReduceMax",
    "REDUCE_MIN": "reductions:ReduceMin",
    "RELU": "lines:Relu",
    "RELU6": "lines:Relu6",
    "RELU_N1_TO_1": "lines:ReluN1To1",
    "RESHAPE": "reshape:Reshape",
    "RESIZE_BILINEAR": "resize_bilinear:ResizeBilinear",
    "RESIZE_NEAREST_NEIGHBOR": "repetition:ResizeNearestNeighbor",
    "REVERSE_V2": "transpose:Reverse",
    "RSQRT": "curves:Rsqrt",
    "SELECT_V2": "select:SelectV2",
    "SHAPE": "shapes:Shape",
    "SLICE": "slices:Slice",
    "SOFTMAX": "softmax:Softmax",
    "SPACE_TO_BATCH_ND": "blocks_of_space:SpaceToBatchNd",
    "SPACE_TO_DEPTH": "blocks_of_space:SpaceToDepth",
    "SPLIT": "slices:Split",
    "SPLIT_V": "slices:SplitV",
    "SQRT": "curves:Sqrt",
    "SQUARED_DIFFERENCE": "add:SquaredDifference",
    "SQUEEZE": "reshape:Squeeze",
    "STRIDED_SLICE": "slices:StridedSlice",
    "SUB": "add:Sub",
    "SUM": "reductions:Sum",
    "SVDF": "svdf:Svdf",
    "TANH": "saturating:Tanh",
    "TILE": "repetition:Tile",
    "TRANSPOSE": "transpose:Transpose",
    "TRANSPOSE_CONV": "transpose_conv:TransposeConv",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "lstm:UnidirectionalSequenceLstm",
    "UNPACK": "slices:Unpack",
    "VAR_HANDLE": "variables:VarHandle",
}


UINT8 = "UINT8:"
"""Before the names of operators of legacy models that are not those of int8."""
FLOAT_ONLY = ("L2_POOL_2D",)
"""Operators without an integer meaning anywhere."""


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
    if not 0 <= operation.version <= latest(operation.opcode):
        raise UnsupportedError(
            f"{describe(graph, operation)}: version {operation.version} of this operator is not known",
            found=f"{latest(operation.opcode)} is the newest known",
            hint="convert the model with an older TensorFlow, or update edgecompress",
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
    if operation.opcode.startswith("CUSTOM:Signal"):
        return "audio features are computed before the model: give the model that takes them, and compute them on the device"
    if operation.opcode.startswith("CUSTOM:"):
        return "custom operators belong to other runtimes; export the model before it is compiled for them"
    if operation.opcode.startswith(UINT8):
        return "TensorFlow Lite computes it otherwise for uint8 than for int8; convert the model anew, to int8"
    if operation.opcode in FLOAT_ONLY:
        return "TensorFlow Lite defines it for float32 only, so no integer model can use it; replace the layer"
    return "replace the layer in the Keras model, or see SUPPORTED_OPERATORS.md for what there is"
