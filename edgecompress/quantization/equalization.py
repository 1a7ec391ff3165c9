"""Cross-layer equalization: channels of neighbouring layers scaled to and fro, so that one scale suits all of them.

ReLU lets a positive factor pass: relu(s·x) = s·relu(x). So output channel i of a layer can be divided by s_i, and input
channel i of the next multiplied by it, and the network computes the same. With s_i = sqrt(r1_i / r2_i), where r1_i is the
largest weight of output channel i and r2_i that of input channel i behind it, both ranges become their geometric mean
(M. Nagel et al., "Data-free quantization through weight equalization and bias correction", 2019,
https://arxiv.org/abs/1906.04721, section 4.1). Batch norms have been folded by the conversion before.

A small s_i makes what channel i gives larger, its bias too: a channel with next to no weights, as VWW has many, would stretch
the activation's range. The paper takes such biases into the next layer; here s_i is never so small that a channel exceeds what
its tensor held before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgecompress.quantization.network import Network, Sample
from edgecompress.quantization.twin import Layer, Twins, constant, from_rows, to_rows, with_constants
from edgecompress.tflite.graph import ABSENT, Graph, Operation

SWEEPS = 50
SETTLED = 1e-3
"""Equalization ends when no factor differs from 1 by more."""
_HOMOGENEOUS = ("NONE", "RELU")
"""Fused activations that let a positive factor pass; RELU6 does not."""
_BETWEEN = ("MAX_POOL_2D", "AVERAGE_POOL_2D", "RELU", "LEAKY_RELU", "PAD", "RESHAPE", "MEAN")
"""Operators that let a factor per channel pass, as `_keeps_channels` checks."""
_KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


@dataclass(frozen=True)
class Pair:
    """Two layers of which the second alone reads what the first gives, through operators that let factors pass."""

    first: Layer
    second: Layer


def equalize(twins: Twins, samples: Sequence[Sample]) -> tuple[Twins, tuple[Pair, ...]]:
    """The same network with equalized weights in its float twin, and the pairs of layers that were equalized.

    The outputs stay the same but for float32's rounding. Nothing changes where a model has no such pairs.

    Args:
        samples: a few that tell how large channels become.
    """
    pairs = find_pairs(twins)
    graph = twins.floating
    heights = channel_heights(twins, pairs, samples)
    limits = [height.max(initial=0) for height in heights]
    for _ in range(SWEEPS):
        largest = 0.0
        for place, pair in enumerate(pairs):
            least = heights[place] / max(limits[place], np.finfo(np.float32).tiny)
            graph, factors = _equalized(graph, pair, least)
            heights[place] = heights[place] / factors
            largest = max(largest, float(np.abs(factors - 1).max(initial=0)))
        if largest < SETTLED:
            break
    return replace(twins, floating=graph), pairs


def channel_heights(twins: Twins, pairs: Sequence[Pair], samples: Sequence[Sample]) -> list[np.ndarray]:
    """(channels,) for each pair: the largest absolute value that every output channel of its first layer takes, or its bias."""
    if not pairs:
        return []
    found = Network(twins.floating).outputs(samples, [pair.first.twin.outputs[0] for pair in pairs])
    taken = [np.abs(one).reshape(-1, one.shape[-1]).max(axis=0).astype(np.float64) for one in found]
    return [np.maximum(one, np.abs(twins.float_bias(pair.first))) for one, pair in zip(taken, pairs, strict=True)]


def find_pairs(twins: Twins) -> tuple[Pair, ...]:
    """Every pair of layers between which channels can be scaled, in order of execution."""
    by_activation = {layer.float_activation: layer for layer in twins.layers}
    found = []
    for first in twins.layers:
        end = _passed(twins.floating, first) if first.opcode in _KINDS and _is_alone(twins, first) else ABSENT
        second = by_activation.get(end)
        if second is not None and second.opcode in _KINDS and _is_alone(twins, second):
            found.append(Pair(first, second))
    return tuple(found)


def channel_ranges(graph: Graph, pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """The largest weights of the first layer's output channels and of the second's input channels, (channels,) each."""
    first = np.abs(_out_rows(graph, pair.first)).max(axis=1)
    second = np.abs(_in_rows(graph, pair.second, len(first))).max(axis=1)
    return first, second


def _equalized(graph: Graph, pair: Pair, least: np.ndarray) -> tuple[Graph, np.ndarray]:
    """One step of one pair, and its factors, which are `least` at least."""
    r1, r2 = channel_ranges(graph, pair)
    alive = (r1 > 0) & (r2 > 0)
    wanted = np.sqrt(np.where(alive, r1, 1) / np.where(alive, r2, 1))
    factors = np.where(alive, np.maximum(wanted, least), 1.0)
    first, second = pair.first, pair.second
    rows = _out_rows(graph, first) / factors[:, None]
    changed = {first.float_weights: from_rows(rows, first.axis, graph.tensors[first.float_weights].shape)}
    if first.float_bias != ABSENT:
        changed[first.float_bias] = constant(graph, first.float_bias) / factors
    columns = _in_rows(graph, second, len(factors)) * factors[:, None]
    changed[second.float_weights] = _from_in_rows(columns, second, graph.tensors[second.float_weights].shape)
    return with_constants(graph, {i: values.astype(np.float32) for i, values in changed.items()}), factors


def _out_rows(graph: Graph, layer: Layer) -> np.ndarray:
    return to_rows(constant(graph, layer.float_weights), layer.axis).astype(np.float64)


def _in_rows(graph: Graph, layer: Layer, channels: int) -> np.ndarray:
    """(channels, weights that read each); a flattened image has its channels innermost."""
    values = constant(graph, layer.float_weights).astype(np.float64)
    if layer.opcode == "DEPTHWISE_CONV_2D":  # output channel c · multiplier + m reads input channel c
        return to_rows(values, layer.axis).reshape(channels, -1)
    return values.reshape(-1, channels).T


def _from_in_rows(rows: np.ndarray, layer: Layer, shape: tuple[int, ...]) -> np.ndarray:
    if layer.opcode == "DEPTHWISE_CONV_2D":
        return from_rows(rows.reshape(shape[layer.axis], -1), layer.axis, shape)
    return np.ascontiguousarray(rows.T).reshape(shape)


def _is_alone(twins: Twins, layer: Layer) -> bool:
    """No other operator uses the layer's weights or bias, and its convolution is not in groups."""
    own = [index for index in (layer.float_weights, layer.float_bias) if index != ABSENT]
    users = [one for one in twins.floating.operations if set(own) & set(one.inputs)]
    weights, activation = (twins.floating.tensors[i] for i in (layer.float_weights, layer.float_activation))
    grouped = layer.opcode == "CONV_2D" and weights.shape[-1] != activation.shape[-1]
    return len(users) == 1 and not grouped


def _passed(graph: Graph, layer: Layer) -> int:
    """The tensor that the next layer would read if factors pass on the way there; ABSENT if they do not."""
    if layer.twin.options.get("fused_activation_function", "NONE") not in _HOMOGENEOUS:
        return ABSENT
    tensor, channels = layer.twin.outputs[0], graph.tensors[layer.float_weights].shape[layer.axis]
    for reader in _readers(graph, tensor):
        if reader.opcode in _KINDS:
            return tensor
        if not _keeps_channels(graph, reader, channels):
            return ABSENT
        tensor = reader.outputs[0]
    return ABSENT


def _readers(graph: Graph, tensor: int) -> Iterator[Operation]:
    """The only reader of the tensor, then the only one of what that gives, and so on, until there are none or several."""
    while tensor not in graph.outputs:
        readers = [one for one in graph.operations if tensor in one.inputs]
        if len(readers) != 1 or readers[0].inputs[0] != tensor:
            return
        yield readers[0]
        tensor = readers[0].outputs[0]


def _keeps_channels(graph: Graph, operation: Operation, channels: int) -> bool:
    """Whether the operator gives s·y for s·x, channel by channel, its channels innermost as before."""
    if operation.opcode not in _BETWEEN or len(operation.outputs) != 1:
        return False
    before, after = (graph.tensors[i].shape for i in (operation.inputs[0], operation.outputs[0]))
    if operation.options.get("fused_activation_function", "NONE") not in _HOMOGENEOUS:
        return False
    if operation.opcode == "RESHAPE":
        return bool(after) and before[-1] % channels == 0 and after[-1] % channels == 0
    if operation.opcode == "MEAN" and (len(before) - 1) in np.atleast_1d(constant(graph, operation.inputs[1])):
        return False
    return before[-1:] == after[-1:] and before[-1] % channels == 0
