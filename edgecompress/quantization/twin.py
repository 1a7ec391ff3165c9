"""A full-integer file beside its float twin: which tensor is which, which scales are free, and that they are one network."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from edgecompress.convert.evaluate import input_order
from edgecompress.convert.layer_errors import align
from edgecompress.convert.proof import BIASES, WEIGHTS
from edgecompress.errors import UnsupportedError
from edgecompress.tflite.graph import ABSENT, Graph, Operation, Quantization

CLOSE = 0.75
"""Steps by which the converter's weight may differ from the float one: half a step, and float32's rounding."""
_FIXED_RESULTS = ("SOFTMAX", "LOGISTIC", "TANH", "LOG_SOFTMAX", "L2_NORMALIZATION")
"""Operators whose results have a scale that TFLite's specification fixes."""


@dataclass(frozen=True)
class Layer:
    """An operator with weights, in both files.

    Attributes:
        name: of its output, the first of the names that the converter strung together.
        operation, twin: in the integer graph and in the float graph.
        axis: the output channels' dimension of the weights.
    """

    name: str
    operation: Operation
    twin: Operation
    axis: int

    @property
    def opcode(self) -> str:
        return self.operation.opcode

    @property
    def weights(self) -> int:
        """Index of the weights in the integer graph."""
        return self.operation.inputs[WEIGHTS[self.opcode]]

    @property
    def float_weights(self) -> int:
        return self.twin.inputs[WEIGHTS[self.opcode]]

    @property
    def bias(self) -> int:
        """Index of the bias in the integer graph; ABSENT without one."""
        return _operand(self.operation, BIASES[self.opcode])

    @property
    def float_bias(self) -> int:
        return _operand(self.twin, BIASES[self.opcode])

    @property
    def activation(self) -> int:
        """Index of what the weights are multiplied with, in the integer graph."""
        return self.operation.inputs[2 if self.opcode == "TRANSPOSE_CONV" else 0]

    @property
    def float_activation(self) -> int:
        return self.twin.inputs[2 if self.opcode == "TRANSPOSE_CONV" else 0]


@dataclass(frozen=True, eq=False)
class Twins:
    """Both graphs and how they correspond.

    Attributes:
        integer: as the converter wrote it.
        floating: of the same network; its constants may have been changed since, its operators not.
        layers: the operators with weights, in order of execution.
        names: activation of the integer graph → that of the float graph.
        groups: activations that must have one scale together and are free to have another; each in order.
    """

    integer: Graph
    floating: Graph
    layers: tuple[Layer, ...]
    names: Mapping[int, int]
    groups: tuple[tuple[int, ...], ...]

    def float_bias(self, layer: Layer) -> np.ndarray:
        """(channels,) float64; zeros for a layer without bias."""
        if layer.float_bias == ABSENT:
            return np.zeros(self.floating.tensors[layer.float_weights].shape[layer.axis])
        return constant(self.floating, layer.float_bias).astype(np.float64)

    def float_rows(self, layer: Layer) -> np.ndarray:
        """(channels, weights of each), float64."""
        return to_rows(constant(self.floating, layer.float_weights), layer.axis).astype(np.float64)


def find_twins(integer: Graph, floating: Graph) -> Twins:
    """Which tensor of one graph is which of the other, proven by wiring and weights.

    Raises:
        UnsupportedError: they are not the same network; names the first operator where they part.
    """
    names = dict(zip(input_order(integer), input_order(floating), strict=False))
    pairs = {one.index: two for one, two in align(integer, floating)}
    layers = []
    for operation in integer.operations:
        twin = pairs.get(operation.index)
        if twin is None:
            _pass_on(integer, operation, names)
            continue
        for mine, other in zip(operation.inputs, twin.inputs, strict=False):
            if mine in names and names[mine] != other:
                raise _apart(operation, "the float file's operator reads another tensor")
        names.update(zip(operation.outputs, twin.outputs, strict=True))
        if operation.opcode in WEIGHTS:
            layers.append(_layer(integer, floating, operation, twin))
    return Twins(integer, floating, tuple(layers), MappingProxyType(names), _groups(integer, names))


def constant(graph: Graph, index: int) -> np.ndarray:
    """A constant's values."""
    data = graph.tensors[index].data
    assert data is not None, "only constants are asked for"
    return data


def with_constants(graph: Graph, values: Mapping[int, np.ndarray]) -> Graph:
    """The graph with these tensors' data."""
    changed = {index: replace(graph.tensors[index], data=data) for index, data in values.items()}
    return replace(graph, tensors=MappingProxyType({**graph.tensors, **changed}))


def to_rows(values: np.ndarray, axis: int) -> np.ndarray:
    """(channels, weights of each) from a weight tensor whose channels lie along `axis`."""
    moved = np.moveaxis(values, axis, 0)
    return moved.reshape(len(moved), -1)


def from_rows(rows: np.ndarray, axis: int, shape: tuple[int, ...]) -> np.ndarray:
    """The inverse of `to_rows`."""
    moved = (shape[axis], *shape[:axis], *shape[axis + 1 :])
    return np.ascontiguousarray(np.moveaxis(rows.reshape(moved), 0, axis))


def _operand(operation: Operation, position: int) -> int:
    return operation.inputs[position] if position < len(operation.inputs) else ABSENT


def _pass_on(graph: Graph, operation: Operation, names: dict[int, int]) -> None:
    """QUANTIZE between two int8 scales has no counterpart: both sides are the same float tensor."""
    if operation.opcode == "QUANTIZE" and operation.inputs[0] in names:
        names[operation.outputs[0]] = names[operation.inputs[0]]
    elif operation.opcode in WEIGHTS:
        raise _apart(operation, "an operator without counterpart in the float file")


def _layer(integer: Graph, floating: Graph, operation: Operation, twin: Operation) -> Layer:
    axis = len(integer.tensors[operation.inputs[1]].shape) - 1 if operation.opcode == "DEPTHWISE_CONV_2D" else 0
    name = integer.tensors[operation.outputs[0]].name.split(";")[0]
    layer = Layer(name, operation, twin, axis)
    weights = integer.tensors[layer.weights]
    if not floating.tensors[layer.float_weights].is_constant or weights.quantization is None:
        raise _apart(operation, "weights that are no constants")
    steps = np.resize(np.asarray(weights.quantization.scales), weights.shape[axis])[:, None]
    rows = to_rows(constant(integer, layer.weights), axis).astype(np.float64) * steps
    wanted = to_rows(constant(floating, layer.float_weights), axis)
    if rows.shape != wanted.shape or np.abs((rows - wanted) / steps).max(initial=0) > CLOSE:
        raise _apart(operation, "other weights than the float file's")
    return layer


def _groups(graph: Graph, names: Mapping[int, int]) -> tuple[tuple[int, ...], ...]:
    """Activations tied together, those left out whose scale is fixed.

    Operators that move or select values need one scale on both sides, and so the converter gave them one. Where it did so
    by chance they are tied as well, which is always allowed.
    """
    parent = {index: index for index in names}

    def root(index: int) -> int:
        while parent[index] != index:
            index = parent[index]
        return index

    fixed: set[int] = set()
    for operation in graph.operations:
        tied = [i for i in (*operation.inputs, *operation.outputs) if i in names]
        if operation.opcode in _FIXED_RESULTS:
            fixed.update(operation.outputs)
        if operation.opcode in WEIGHTS:
            continue
        for one in operation.outputs:
            for other in tied:
                if one in names and _same(graph.tensors[one].quantization, graph.tensors[other].quantization):
                    parent[root(other)] = root(one)
    held = {root(index) for index in fixed if index in names}
    held |= {root(index) for index in names if graph.tensors[index].quantization is None}
    members: dict[int, list[int]] = {}
    for index in sorted(names):
        members.setdefault(root(index), []).append(index)
    return tuple(tuple(indices) for one, indices in members.items() if one not in held)


def _same(one: Quantization | None, other: Quantization | None) -> bool:
    return one is not None and other is not None and (one.scales, one.zero_points) == (other.scales, other.zero_points)


def _apart(operation: Operation, found: str) -> UnsupportedError:
    return UnsupportedError(
        f"operator {operation.index} {operation.opcode} is not the same in the integer file and in its float twin",
        found=found,
        hint="leave out [quantization], which needs both; the converter's own file is then taken as it is",
    )
