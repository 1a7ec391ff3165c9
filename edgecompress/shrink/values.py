"""Value numbers: channels of one tensor with the same number hold the same values at every position, whatever the input."""

from collections.abc import Hashable

import numpy as np

from edgecompress.codegen import ops
from edgecompress.codegen.ops.weighted import Weighted
from edgecompress.shrink.flow import flow
from edgecompress.shrink.ranges import Ranges
from edgecompress.shrink.surgery import channels_of
from edgecompress.tflite.graph import Graph, Operation

Values = dict[int, np.ndarray]
WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def values(graph: Graph, known: Ranges) -> Values:
    """Tensor -> a number per channel (int64), of all activations. Numbers say nothing across tensors."""
    numbered: Values = {}
    for index in graph.inputs:
        numbered[index] = np.arange(channels_of(graph.tensors[index]))
    for operation in graph.operations:
        for index in operation.outputs:
            keys = _keys(graph, operation, index, numbered)
            if index in known:
                constants, values_of = known[index].is_constant, known[index].low
                keys = [
                    ("constant", int(v)) if c else key for c, v, key in zip(constants, values_of, keys, strict=True)
                ]
            numbers: dict[Hashable, int] = {}
            numbered[index] = np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)
    return numbered


def _keys(graph: Graph, operation: Operation, result: int, numbered: Values) -> list[Hashable]:
    """What determines each channel of an output."""
    count = channels_of(graph.tensors[result])
    found = flow(graph, operation)
    if operation.opcode in WEIGHTED and (found.summed or found.ties or found.whole == operation.inputs[:1]):
        return _weighted(graph, operation, numbered)
    if not found.ties or any(tie.target != result for tie in found.ties):
        return list(range(count))
    keys: list[list[Hashable]] = [[] for _ in range(count)]
    for tie in found.ties:
        numbers = _numbers(graph, tie.source, numbered)
        # joined dimensions: the same number at another place is another value
        place = (
            tie.target_channels // len(numbers)
            if len(tie.target_channels) > len(numbers)
            else tie.source_channels // count
        )
        for target, source, where in zip(tie.target_channels, tie.source_channels, place, strict=True):
            keys[target].append((tie.source, int(where), int(numbers[source])))
    return [tuple(key) for key in keys]


def _numbers(graph: Graph, tensor: int, numbered: Values) -> np.ndarray:
    """Of an activation, or of a constant: its lines along the last dimension."""
    if tensor in numbered:
        return numbered[tensor]
    data = graph.tensors[tensor].data
    if data is None:
        return np.arange(channels_of(graph.tensors[tensor]))
    lines = data.reshape(-1, channels_of(graph.tensors[tensor])).T
    return np.unique(lines, axis=0, return_inverse=True)[1].reshape(-1)


def _weighted(graph: Graph, operation: Operation, numbered: Values) -> list[Hashable]:
    """Weights, bias and factor; of a depthwise convolution also the input channel's own number."""
    operator = ops.find(operation.opcode)
    assert isinstance(operator, Weighted)
    parts = operator.parts(graph, operation)
    rows = np.moveaxis(parts.values, operator.channel_axis, 0)
    scales = parts.scales * (len(rows) if len(parts.scales) == 1 else 1)
    inputs = np.zeros(len(rows), np.int64)
    if operation.opcode == "DEPTHWISE_CONV_2D":
        numbers = _numbers(graph, operation.inputs[0], numbered)
        inputs = np.repeat(numbers, len(rows) // len(numbers))
    return [
        (row.tobytes(), int(bias), scale, int(number))
        for row, bias, scale, number in zip(rows, parts.bias, scales, inputs, strict=True)
    ]
