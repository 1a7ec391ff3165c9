"""How channels pass through an operator: which channel of an output is which of an input, and where channels are summed.

A channel is an index of a tensor's last dimension. Convolutions and FULLY_CONNECTED sum over the channels of their input and make
the channels of their output, so either can lose some; element-wise and depthwise operators tie theirs together; what an operator
does that is not described here keeps all channels of its tensors in place.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from edgecompress.codegen import ops
from edgecompress.shrink.sums import has_columns
from edgecompress.shrink.surgery import channels_of
from edgecompress.tflite.graph import ABSENT, Graph, Operation


@dataclass(frozen=True, eq=False)
class Tie:
    """Channels of two tensors that can only go together: pairs, as two arrays of the same length.

    Attributes:
        source, target: tensor indices.
        source_channels, target_channels: int64; one may stand in many pairs.
    """

    source: int
    source_channels: np.ndarray
    target: int
    target_channels: np.ndarray


@dataclass(frozen=True)
class Flow:
    """What an operator means for the channels of its tensors.

    Attributes:
        ties: between its tensors.
        whole: tensors that must keep all their channels.
        summed: it multiplies every channel of its first input by weights of that channel's own, and adds.
    """

    ties: tuple[Tie, ...] = ()
    whole: tuple[int, ...] = ()
    summed: bool = False


def flow(graph: Graph, operation: Operation) -> Flow:
    """The flow of one operator; where nothing is known about it, all its tensors stay whole."""
    closed = Flow(whole=tuple(i for i in (*operation.inputs, *operation.outputs) if i != ABSENT))
    if operation.opcode not in FLOWS:
        return closed
    if operation.opcode in ops.OPERATORS and not ops.is_supported(graph, operation):
        return closed
    return FLOWS[operation.opcode](graph, operation) or closed


def _same(graph: Graph, operation: Operation) -> Flow | None:
    """Channel by channel."""
    return _tied(graph, operation.inputs[0], operation.outputs[0])


def _tied(graph: Graph, source: int, target: int) -> Flow | None:
    count = channels_of(graph.tensors[source])
    if count != channels_of(graph.tensors[target]):
        return None
    return Flow((Tie(source, np.arange(count), target, np.arange(count)),))


def _pair(graph: Graph, operation: Operation) -> Flow | None:
    """An operand with a single channel is repeated."""
    (result,) = operation.outputs
    ties: list[Tie] = []
    whole: list[int] = []
    for index in operation.inputs:
        tied = _tied(graph, index, result)
        if tied is not None:
            ties += tied.ties
        elif channels_of(graph.tensors[index]) == 1:
            whole.append(index)
    return Flow(tuple(ties), tuple(whole)) if ties else None


def _convolution(graph: Graph, operation: Operation) -> Flow | None:
    source, weights = (graph.tensors[i] for i in operation.inputs[:2])
    is_open = channels_of(source) == weights.shape[3] and not source.is_constant
    return Flow(summed=True) if is_open else None


def _depthwise(graph: Graph, operation: Operation) -> Flow | None:
    source, (result,) = graph.tensors[operation.inputs[0]], graph.results(operation)
    inputs, outputs = channels_of(source), channels_of(result)
    if inputs == 1:
        return Flow(whole=(source.index,))
    channels = np.arange(outputs)
    return Flow((Tie(source.index, channels // (outputs // inputs), result.index, channels),))


def _fully_connected(graph: Graph, operation: Operation) -> Flow | None:
    source, weights = (graph.tensors[i] for i in operation.inputs[:2])
    (result,) = graph.results(operation)
    is_row = channels_of(result) == weights.shape[0] and not source.is_constant
    return Flow(summed=True) if is_row and has_columns(graph, operation) else None


def _reshape(graph: Graph, operation: Operation) -> Flow | None:
    """Where the last dimension is split or joined with others, one channel is many."""
    source, (result,) = graph.tensors[operation.inputs[0]], graph.results(operation)
    few, many = sorted((channels_of(source), channels_of(result)))
    shapes = [graph.tensors[i] for i in operation.inputs[1:] if i != ABSENT]
    if few == 0 or many % few or not all(t.is_constant and t.elements == len(result.shape) for t in shapes):
        return None
    longer = np.arange(many)
    shorter = longer % few
    is_joined = channels_of(result) == many
    pair = (shorter, longer) if is_joined else (longer, shorter)
    return Flow((Tie(source.index, pair[0], result.index, pair[1]),))


def _reduction(graph: Graph, operation: Operation) -> Flow | None:
    axes = graph.tensors[operation.inputs[1]].data
    rank = len(graph.tensors[operation.inputs[0]].shape)
    if axes is None or any(int(axis) % rank == rank - 1 for axis in axes.reshape(-1)):
        return None
    return _same(graph, operation)


def _concatenation(graph: Graph, operation: Operation) -> Flow | None:
    """Along the last dimension the channels stand one after another, else they lie on each other."""
    (result,) = graph.results(operation)
    if not concatenates_bytes(graph, operation):
        return None
    if int(operation.options["axis"]) % len(result.shape) == len(result.shape) - 1:  # type: ignore[call-overload]
        counts = [channels_of(graph.tensors[i]) for i in operation.inputs]
        starts = np.cumsum([0, *counts])
        parts = zip(operation.inputs, counts, starts, strict=False)
        return Flow(tuple(Tie(i, np.arange(n), result.index, np.arange(n) + start) for i, n, start in parts))
    ties = [_tied(graph, i, result.index) for i in operation.inputs]
    return Flow(tuple(tie for tied in ties if tied for tie in tied.ties)) if all(ties) else None


def concatenates_bytes(graph: Graph, operation: Operation) -> bool:
    """Whether CONCATENATION does no more than lay 8-bit values of one quantization side by side."""
    (result,) = graph.results(operation)
    parts = graph.operands(operation)
    plain = operation.options.get("fused_activation_function", "NONE") == "NONE" and "axis" in operation.options
    alike = all(
        t and (t.dtype, t.quantization, len(t.shape)) == (result.dtype, result.quantization, len(result.shape))
        for t in parts
    )
    return (
        plain and alike and bool(parts and result.shape) and result.dtype.itemsize == 1 and _adds_up(graph, operation)
    )


def _adds_up(graph: Graph, operation: Operation) -> bool:
    (result,) = graph.results(operation)
    axis = int(operation.options["axis"]) % len(result.shape)  # type: ignore[call-overload]
    shapes = [graph.tensors[i].shape for i in operation.inputs]
    others = {(*shape[:axis], *shape[axis + 1 :]) for shape in (*shapes, result.shape)}
    return len(others) == 1 and sum(shape[axis] for shape in shapes) == result.shape[axis]


def _pad(graph: Graph, operation: Operation) -> Flow | None:
    paddings = graph.tensors[operation.inputs[1]].data
    return None if paddings is None or paddings[-1].any() else _same(graph, operation)


def _transpose(graph: Graph, operation: Operation) -> Flow | None:
    order = graph.tensors[operation.inputs[1]].data
    if order is None or order.reshape(-1)[-1] != order.size - 1:
        return None
    return _same(graph, operation)


FLOWS: Mapping[str, Callable[[Graph, Operation], Flow | None]] = {
    "ABS": _same,
    "ADD": _pair,
    "AVERAGE_POOL_2D": _same,
    "CONCATENATION": _concatenation,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "DEQUANTIZE": _same,
    "ELU": _same,
    "EXP": _same,
    "FULLY_CONNECTED": _fully_connected,
    "GELU": _same,
    "HARD_SWISH": _same,
    "LEAKY_RELU": _same,
    "LOG": _same,
    "LOGISTIC": _same,
    "MAXIMUM": _pair,
    "MAX_POOL_2D": _same,
    "MEAN": _reduction,
    "MINIMUM": _pair,
    "MIRROR_PAD": _pad,
    "MUL": _pair,
    "NEG": _same,
    "PAD": _pad,
    "PADV2": _pad,
    "PRELU": _pair,
    "QUANTIZE": _same,
    "REDUCE_MAX": _reduction,
    "REDUCE_MIN": _reduction,
    "RELU": _same,
    "RELU6": _same,
    "RELU_N1_TO_1": _same,
    "RESHAPE": _reshape,
    "RESIZE_BILINEAR": _same,
    "RESIZE_NEAREST_NEIGHBOR": _same,
    "RSQRT": _same,
    "SQRT": _same,
    "SQUARED_DIFFERENCE": _pair,
    "SUB": _pair,
    "SUM": _reduction,
    "TANH": _same,
    "TRANSPOSE": _transpose,
}
"""By operator; `cutting.py` knows how each of them loses channels."""
