"""Interval analysis: the lowest and highest value that every channel of every 8-bit tensor can take, whatever the input.

The intervals follow the integer arithmetic exactly, clamps and both roundings included. Where 32 bits may overflow, nothing is
concluded. A channel is an index of the last dimension.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from edgecompress.codegen import ops
from edgecompress.codegen.arithmetic import INT32_MAX, quantize_multiplier
from edgecompress.codegen.ops.lookup import Lookup
from edgecompress.codegen.ops.movement import Movement
from edgecompress.codegen.ops.pairs import Pairwise
from edgecompress.codegen.ops.reductions import Sums
from edgecompress.codegen.ops.requantization import requantize
from edgecompress.codegen.ops.weighted import Weighted
from edgecompress.shrink.flow import concatenates_bytes
from edgecompress.shrink.sums import bounds
from edgecompress.shrink.surgery import channels_of
from edgecompress.tflite.graph import Graph, Operation, Tensor

BYTES = (np.dtype(np.int8), np.dtype(np.uint8))


@dataclass(frozen=True, eq=False)
class Range:
    """Of each channel of a tensor: every value at every position is in low..high (int64 [channels])."""

    low: np.ndarray
    high: np.ndarray

    @property
    def is_constant(self) -> np.ndarray:
        """Which channels have one value only; bool [channels]."""
        return self.low == self.high


Ranges = Mapping[int, Range]


def ranges(graph: Graph) -> dict[int, Range]:
    """Tensor -> its range, of all 8-bit tensors that are constants, inputs or computed."""
    known = {i: _given(tensor) for i, tensor in graph.tensors.items() if tensor.dtype in BYTES and tensor.is_constant}
    known |= {i: full(graph.tensors[i]) for i in graph.inputs if graph.tensors[i].dtype in BYTES}
    for operation in graph.operations:
        found = range_after(graph, operation, known)
        if found is not None:
            known[operation.outputs[0]] = found
        known |= {
            i: full(graph.tensors[i]) for i in operation.outputs if graph.tensors[i].dtype in BYTES and i not in known
        }
    return known


def range_after(graph: Graph, operation: Operation, known: Ranges) -> Range | None:
    """The range of the operation's output; None where nothing but its type is known."""
    if any(graph.tensors[i].dtype not in BYTES for i in operation.outputs):
        return None
    if operation.opcode == "CONCATENATION" and concatenates_bytes(graph, operation):
        return _concatenated(graph, operation, known)
    if not ops.is_supported(graph, operation):
        return None
    operator = ops.find(operation.opcode)
    if isinstance(operator, Weighted):
        return _weighted(operator, graph, operation, known)
    if isinstance(operator, Lookup):
        return _lookup(operator, graph, operation, known)
    if isinstance(operator, Pairwise):
        return _pairwise(operator, graph, operation, known)
    if isinstance(operator, Movement) and len(operation.outputs) == 1 and not _looks_up(graph, operation):
        return _corners(operator, graph, operation, known)
    if operation.opcode in MONOTONE and MONOTONE[operation.opcode](graph, operation):
        return _corners(operator, graph, operation, known)
    return None


def _looks_up(graph: Graph, operation: Operation) -> bool:
    """Whether it takes rows by indices that come in."""
    return operation.opcode == "GATHER" and not graph.tensors[operation.inputs[1]].is_constant


def full(tensor: Tensor) -> Range:
    """All that the type can hold."""
    limits, count = np.iinfo(tensor.dtype), channels_of(tensor)
    return Range(np.full(count, limits.min, np.int64), np.full(count, limits.max, np.int64))


def _given(tensor: Tensor) -> Range:
    assert tensor.data is not None
    rows = tensor.data.astype(np.int64).reshape(-1, channels_of(tensor))
    return Range(rows.min(0), rows.max(0)) if rows.size else full(tensor)


def _weighted(operator: Weighted, graph: Graph, operation: Operation, known: Ranges) -> Range | None:
    """Requantization never decreases, so the ends of a sum's interval give the ends of the output's."""
    source = known[operation.inputs[0]]
    found = bounds(operator, graph, operation, source.low, source.high)
    if found is None:
        return None
    parts = operator.parts(graph, operation)
    shifts = np.array([quantize_multiplier(scale)[1] for scale in parts.scales])
    worst = np.maximum(np.abs(found.low), np.abs(found.high)).astype(np.float64) * 2.0 ** np.maximum(shifts, 0)
    ends = np.stack([found.low, found.high])
    low, high = requantize(ends, parts.scales, operation, parts.result).astype(np.int64)
    safe, anything = worst <= INT32_MAX, full(parts.result)
    return Range(np.where(safe, low, anything.low), np.where(safe, high, anything.high))


def _lookup(operator: Lookup, graph: Graph, operation: Operation, known: Ranges) -> Range | None:
    """Over all codes that the input can be: a table need not be monotone."""
    if operation.inputs[0] not in known:
        return None
    source, (result,) = graph.tensors[operation.inputs[0]], graph.results(operation)
    table, first = operator.table(graph, operation).astype(np.int64), np.iinfo(source.dtype).min
    pairs = np.stack([known[source.index].low, known[source.index].high], -1) - first
    distinct, places = np.unique(pairs, axis=0, return_inverse=True)
    ends = np.array([(table[a : b + 1].min(), table[a : b + 1].max()) for a, b in distinct])
    assert channels_of(result) == len(pairs)
    return Range(*ends[places.reshape(-1)].T)


def _pairwise(operator: Pairwise, graph: Graph, operation: Operation, known: Ranges) -> Range | None:
    """Over all pairs of codes that the inputs can be."""
    if any(i not in known for i in operation.inputs):
        return None
    (result,), codes = graph.results(operation), np.arange(-128, 128).astype(np.int8)
    (table,) = operator.reference(graph, operation, [codes[:, None], codes[None, :]])
    ends = [end for i in operation.inputs for end in (known[i].low, known[i].high)]
    boxes = np.stack([np.broadcast_to(end, channels_of(result)) for end in ends], -1) + 128
    distinct, places = np.unique(boxes, axis=0, return_inverse=True)
    parts = [table[a : b + 1, c : d + 1] for a, b, c, d in distinct]
    found = np.array([(part.min(), part.max()) for part in parts], np.int64)
    return Range(*found[places.reshape(-1)].T)


def _corners(operator: ops.base.Operator, graph: Graph, operation: Operation, known: Ranges) -> Range:
    """Of an operator that never decreases in any input: what it makes of all lowest and of all highest inputs."""
    (result,) = graph.results(operation)
    ends = []
    for end in ("low", "high"):
        inputs: list[np.ndarray | None] = []
        for tensor in graph.operands(operation):
            if tensor is None or tensor.index not in known:
                inputs.append(None if tensor is None else tensor.data)
                continue
            line = getattr(known[tensor.index], end).astype(tensor.dtype)
            inputs.append(np.broadcast_to(line if tensor.shape else line[0], tensor.shape))
        values = operator.reference(graph, operation, inputs)[0].astype(np.int64).reshape(-1, channels_of(result))
        ends.append(values.min(0) if end == "low" else values.max(0))
    return Range(*ends)


def _concatenated(graph: Graph, operation: Operation, known: Ranges) -> Range | None:
    axis, (result,) = int(operation.options["axis"]), graph.results(operation)  # type: ignore[call-overload]
    if any(i not in known for i in operation.inputs):
        return None
    lows, highs = ([getattr(known[i], end) for i in operation.inputs] for end in ("low", "high"))
    if axis % len(result.shape) == len(result.shape) - 1:
        return Range(np.concatenate(lows), np.concatenate(highs))
    return Range(np.min(lows, 0), np.max(highs, 0))


def _always(graph: Graph, operation: Operation) -> bool:
    return True


def _sum_is_monotone(graph: Graph, operation: Operation) -> bool:
    """Unless the sum, shifted left, may leave 32 bits."""
    operator = ops.find(operation.opcode)
    assert isinstance(operator, Sums)
    source, (result,) = graph.tensors[operation.inputs[0]], graph.results(operation)
    _, shift = operator.factor(graph, operation)
    return 255 * source.elements // max(result.elements, 1) * 2 ** max(shift, 0) <= INT32_MAX


MONOTONE: Mapping[str, Callable[[Graph, Operation], bool]] = {
    "AVERAGE_POOL_2D": _always,
    "MAX_POOL_2D": _always,
    "MEAN": _sum_is_monotone,
    "PAD": _always,
    "PADV2": _always,
    "REDUCE_MAX": _always,
    "REDUCE_MIN": _always,
    "RESHAPE": _always,
    "RESIZE_BILINEAR": _always,
    "SUM": _sum_is_monotone,
}
"""Operators that never decrease when an input grows, and the check that 32 bits do not spoil that."""
