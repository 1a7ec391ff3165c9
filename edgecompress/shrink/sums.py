"""The sums of convolutions and FULLY_CONNECTED: what each tap adds, at which borders which taps are missing, and their bounds."""

from dataclasses import dataclass

import numpy as np

from edgecompress.codegen.ops.weighted import Weighted
from edgecompress.codegen.ops.windows import window
from edgecompress.shrink.surgery import channels_of
from edgecompress.tflite.graph import Graph, Operation

MOST_WORK = 2**27
"""Entries of the largest table that is made for one operation; beyond, nothing is concluded."""


@dataclass(frozen=True, eq=False)
class Bounds:
    """Every sum of each output channel, bias included, at every position, is in low..high (int64 [channels])."""

    low: np.ndarray
    high: np.ndarray


def bounds(operator: Weighted, graph: Graph, operation: Operation, low: np.ndarray, high: np.ndarray) -> Bounds | None:
    """The sums' bounds from those of the input's channels (int64 [channels]); None where it is too much work."""
    parts, present = operator.parts(graph, operation), presence(graph, operation)
    if present is None:
        return None
    weights = taps(graph, operation)
    ends = []
    for first, second in ((low, high), (high, low)):
        # a positive weight is least with the lowest input, a negative one with the highest
        a, b = (column_values(graph, operation, end - parts.zero_point).astype(np.float64) for end in (first, second))
        # float64 holds these integers exactly: |sum| < 2**53
        ends.append(np.maximum(weights, 0) @ a[..., None] + np.minimum(weights, 0) @ b[..., None])
    sums = [at_positions(end[..., 0], present) + parts.bias[:, None] for end in ends]
    return Bounds(sums[0].min(1), sums[1].max(1))


def taps(graph: Graph, operation: Operation) -> np.ndarray:
    """The weights as float64 [output channels, taps, columns]: a column is what one input channel is multiplied by."""
    data = graph.tensors[operation.inputs[1]].data
    assert data is not None
    if operation.opcode == "FULLY_CONNECTED":
        return data[:, None, :].astype(np.float64)
    if operation.opcode == "DEPTHWISE_CONV_2D":
        return data.transpose(3, 0, 1, 2).reshape(data.shape[3], -1, 1).astype(np.float64)
    return data.reshape(data.shape[0], -1, data.shape[3]).astype(np.float64)


def column_values(graph: Graph, operation: Operation, values: np.ndarray) -> np.ndarray:
    """One value per input channel -> what the columns of each output channel see: [output channels or 1, columns]."""
    source, weights = (graph.tensors[i] for i in operation.inputs[:2])
    if operation.opcode == "DEPTHWISE_CONV_2D":
        return np.repeat(values, weights.shape[3] // channels_of(source))[:, None]
    if operation.opcode == "FULLY_CONNECTED":
        return values[column_channels(graph, operation)][None, :]
    groups = channels_of(source) // weights.shape[3]
    return np.repeat(values.reshape(groups, -1), weights.shape[0] // groups, axis=0)


def column_channels(graph: Graph, operation: Operation) -> np.ndarray:
    """The input channel that each column of FULLY_CONNECTED's weights is multiplied with."""
    source, weights = (graph.tensors[i] for i in operation.inputs[:2])
    return np.arange(weights.shape[1]) % channels_of(source)


def has_columns(graph: Graph, operation: Operation) -> bool:
    """Whether every column of FULLY_CONNECTED's weights meets one channel of the input only."""
    source, weights = (graph.tensors[i] for i in operation.inputs[:2])
    return weights.shape[1] % channels_of(source) == 0


def presence(graph: Graph, operation: Operation) -> np.ndarray | None:
    """Which taps lie inside the input, for every kind of position that there is: bool [kinds, taps]; None: too many."""
    if operation.opcode == "FULLY_CONNECTED":
        return np.ones((1, 1), np.bool_) if has_columns(graph, operation) else None
    source, weights = (graph.tensors[i] for i in operation.inputs[:2])
    g = window(operation, source, graph.results(operation)[0], *weights.shape[1:3])
    axes = (
        (g.out_height, g.stride_height, g.filter_height, g.dilation_height, g.pad_top, g.in_height),
        (g.out_width, g.stride_width, g.filter_width, g.dilation_width, g.pad_left, g.in_width),
    )
    kinds = []
    for out, stride, size, dilation, pad, length in axes:
        if out * size > MOST_WORK:
            return None
        places = np.arange(out)[:, None] * stride + np.arange(size) * dilation - pad
        kinds.append(np.unique((places >= 0) & (places < length), axis=0))
    rows, columns = kinds
    if len(rows) * len(columns) * weights.elements > MOST_WORK:
        return None
    both = rows[:, None, :, None] & columns[None, :, None, :]
    return both.reshape(len(rows) * len(columns), -1)


def at_positions(values: np.ndarray, present: np.ndarray) -> np.ndarray:
    """What the taps that are present add up to: float64 [output channels, taps] -> int64 [output channels, kinds]."""
    return np.rint(values @ present.T.astype(np.float64)).astype(np.int64)
