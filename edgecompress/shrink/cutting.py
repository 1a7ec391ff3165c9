"""Takes channels out of a graph: shapes, weights, scales and biases of everything that they pass through."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from edgecompress.codegen.ops.requantization import bias_values
from edgecompress.shrink.channels import Decision, Service
from edgecompress.shrink.sums import column_channels
from edgecompress.shrink.surgery import channels_of, constant, free_index, own_index, with_option
from edgecompress.tflite.graph import ABSENT, Graph, Operation, Quantization, Tensor


def cut(graph: Graph, decision: Decision) -> Graph:
    """The graph without the channels that go."""
    work = _Work(graph, decision, dict(graph.tensors), list(graph.operations))
    for place, operation in enumerate(graph.operations):
        touched = [i for i in (*operation.inputs, *operation.outputs) if i in decision.kept]
        if touched:
            CUTS.get(operation.opcode, _cut_constants)(work, place)
    for index, kept in decision.kept.items():
        tensor = work.tensors[index]
        if not tensor.is_constant:
            work.tensors[index] = replace(tensor, shape=(*tensor.shape[:-1], len(kept)))
    return work.graph


@dataclass(eq=False)
class _Work:
    """A graph under the knife: shapes of activations are those of before until all is done."""

    before: Graph
    decision: Decision
    tensors: dict[int, Tensor]
    operations: list[Operation]

    @property
    def graph(self) -> Graph:
        return replace(self.before, tensors=MappingProxyType(self.tensors), operations=tuple(self.operations))

    def kept(self, tensor: int) -> np.ndarray:
        """The channels that a tensor keeps."""
        everything = np.arange(channels_of(self.before.tensors[tensor]))
        return self.decision.kept.get(tensor, everything)

    def put(self, place: int, operand: int, tensor: Tensor) -> None:
        """Another constant as an operand of one operation; other readers of the old one keep it."""
        operation = self.operations[place]
        old = operation.inputs[operand] if operand < len(operation.inputs) else ABSENT
        index = free_index(self.graph) if old == ABSENT else own_index(self.graph, old)
        self.tensors[index] = replace(tensor, index=index)
        inputs = [*operation.inputs, *[ABSENT] * (operand + 1 - len(operation.inputs))]
        inputs[operand] = index
        self.operations[place] = replace(operation, inputs=tuple(inputs))


def _cut_constants(work: _Work, place: int) -> None:
    """Element-wise operators and poolings: only constant operands change."""
    for operand, index in enumerate(work.before.operations[place].inputs):
        if index != ABSENT and work.before.tensors[index].data is not None and index in work.decision.kept:
            tensor = work.before.tensors[index]
            work.put(place, operand, constant(tensor, tensor.data[..., work.kept(index)]))  # type: ignore[index]


def _cut_reshape(work: _Work, place: int) -> None:
    """The shape stands in an operand, in the options, or in both."""
    operation = work.operations[place]
    result = work.before.tensors[operation.outputs[0]]
    shape = (*result.shape[:-1], len(work.kept(result.index)))
    if len(operation.inputs) > 1 and operation.inputs[1] != ABSENT:
        tensor = work.before.tensors[operation.inputs[1]]
        work.put(place, 1, constant(tensor, np.reshape(shape, tensor.shape)))
    if operation.options.get("new_shape") is not None:
        work.operations[place] = with_option(work.operations[place], new_shape=shape)


def _cut_depthwise(work: _Work, place: int) -> None:
    operation = work.operations[place]
    source, weights, result = (*operation.inputs[:2], operation.outputs[0])
    kept, tensor = work.kept(result), work.before.tensors[weights]
    assert tensor.data is not None
    work.put(place, 1, constant(tensor, tensor.data[..., kept], quantization=_scales(tensor.quantization, kept)))
    _cut_bias(work, place, kept, np.zeros(len(kept), np.int64))
    multiplier = len(kept) // len(work.kept(source))
    work.operations[place] = with_option(work.operations[place], depth_multiplier=multiplier)


def _cut_sum(work: _Work, place: int) -> None:
    """CONV_2D and FULLY_CONNECTED: constants go into the bias, duplicates' weights are added, then rows and columns go."""
    operation = work.operations[place]
    tensor = work.before.tensors[operation.inputs[1]]
    assert tensor.data is not None
    rows = work.kept(operation.outputs[0])
    channels = (
        column_channels(work.before, operation)
        if operation.opcode == "FULLY_CONNECTED"
        else np.arange(tensor.shape[-1])
    )
    stays = np.isin(channels, work.kept(operation.inputs[0]))
    values = tensor.data.astype(np.int64)
    more = np.zeros(tensor.shape[0], np.int64)
    service = work.decision.services.get(operation.index)
    if service is not None and not stays.all():
        more = _folded(work.before, operation, values, channels, service, ~stays)
        _merge(values, channels, service, ~stays)
    values = values[rows][..., stays]
    work.put(place, 1, constant(tensor, values, quantization=_scales(tensor.quantization, rows)))
    _cut_bias(work, place, rows, more[rows])


def _folded(
    graph: Graph, operation: Operation, values: np.ndarray, channels: np.ndarray, service: Service, gone: np.ndarray
) -> np.ndarray:
    """What the constant channels that go add to each output channel's sum; int64."""
    q = graph.tensors[operation.inputs[0]].quantization
    assert q
    offsets = np.where(service.folded, service.values - q.zero_point, 0)[channels]
    products = values * np.where(gone, offsets, 0)
    return products.reshape(len(values), -1).sum(1)


def _merge(values: np.ndarray, channels: np.ndarray, service: Service, gone: np.ndarray) -> None:
    """Adds the weights of channels that go to those of the channels that stand for them."""
    targets = service.merged[channels]
    for column in np.flatnonzero(gone & (targets >= 0)):
        values[..., column - channels[column] + targets[column]] += values[..., column]


def _cut_bias(work: _Work, place: int, rows: np.ndarray, more: np.ndarray) -> None:
    operation = work.operations[place]
    index = operation.inputs[2] if len(operation.inputs) > 2 else ABSENT
    if index == ABSENT and not more.any():
        return
    old = None if index == ABSENT else work.before.tensors[index]
    tensor = old or _new_bias(work.before, operation)
    values = bias_values(old, channels_of(work.before.tensors[operation.outputs[0]]))[rows] + more
    work.put(place, 2, constant(tensor, values, quantization=_scales(tensor.quantization, rows)))


def _new_bias(graph: Graph, operation: Operation) -> Tensor:
    """A bias for an operation that has none, in the scales that TFLite's specification asks for."""
    source, weights = (graph.tensors[i].quantization for i in operation.inputs[:2])
    assert source and weights
    scales = tuple(float(np.float32(source.scale * scale)) for scale in weights.scales)
    return Tensor(
        index=ABSENT,
        name=f"{graph.tensors[operation.inputs[1]].name}/bias",
        shape=(graph.tensors[operation.inputs[1]].shape[0],),
        dtype=np.dtype(np.int32),
        quantization=Quantization(scales, (0,) * len(scales)),
        type_name="INT32",
    )


def _scales(quantization: Quantization | None, kept: np.ndarray) -> Quantization | None:
    """Of the channels that stay; one scale for all stays as it is."""
    if quantization is None or not quantization.per_channel:
        return quantization
    scales, zeros = (tuple(values[i] for i in kept) for values in (quantization.scales, quantization.zero_points))
    return Quantization(scales, zeros, quantization.axis if len(scales) > 1 else 0)


CUTS: Mapping[str, Callable[[_Work, int], None]] = {
    "CONV_2D": _cut_sum,
    "DEPTHWISE_CONV_2D": _cut_depthwise,
    "FULLY_CONNECTED": _cut_sum,
    "RESHAPE": _cut_reshape,
}
"""Operators with more to change than the shapes of their activations and the lines of their constant operands."""
