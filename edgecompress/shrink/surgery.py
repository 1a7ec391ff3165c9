"""Small operations on a Graph, each of which returns another Graph: what all rewrites are made of."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from edgecompress.tflite.graph import ABSENT, Graph, Operation, Tensor


def channels_of(tensor: Tensor) -> int:
    """The size of the last dimension; 1 for a scalar."""
    return tensor.shape[-1] if tensor.shape else 1


def readers(graph: Graph) -> dict[int, list[Operation]]:
    """Tensor -> the operations that read it, once for every operand."""
    found: dict[int, list[Operation]] = {}
    for operation in graph.operations:
        for index in operation.inputs:
            if index != ABSENT:
                found.setdefault(index, []).append(operation)
    return found


def with_operations(graph: Graph, changed: Mapping[int, Operation | None]) -> Graph:
    """Other operations in the place of some, by the index that these have; None takes an operation away."""
    kept = (changed.get(operation.index, operation) for operation in graph.operations)
    return replace(graph, operations=tuple(operation for operation in kept if operation is not None))


def with_tensors(graph: Graph, changed: Iterable[Tensor]) -> Graph:
    """Other tensors in the place of those with their index, or beside them."""
    return replace(graph, tensors=MappingProxyType({**graph.tensors, **{tensor.index: tensor for tensor in changed}}))


def with_option(operation: Operation, **options: object) -> Operation:
    return replace(operation, options=MappingProxyType({**operation.options, **options}))


def constant(tensor: Tensor, values: np.ndarray, **more: object) -> Tensor:
    """The tensor with these values, in its own dtype."""
    data = np.array(values, tensor.dtype, order="C")
    data.flags.writeable = False
    return replace(tensor, shape=data.shape, data=data, **more)  # type: ignore[arg-type]


def own_index(graph: Graph, index: int, taken: Iterable[int] = ()) -> int:
    """The tensor's index where one operand alone reads it and nobody else sees it, else one that is free."""
    uses = sum(i == index for operation in graph.operations for i in operation.inputs)
    if uses <= 1 and index not in (*graph.inputs, *graph.outputs):
        return index
    return free_index(graph, taken)


def free_index(graph: Graph, taken: Iterable[int] = ()) -> int:
    return max((*graph.tensors, *taken), default=-1) + 1


def may_bypass(graph: Graph, operation: Operation) -> bool:
    """Whether `bypass` can take the operation out, given that its output has the bytes of its first input."""
    source, result = operation.inputs[0], operation.outputs[0]
    if not _is_same(graph.tensors[source], graph.tensors[result]):
        return False
    return result not in graph.outputs or not (
        source in graph.inputs or source in graph.outputs or graph.tensors[source].is_constant
    )


def bypass(graph: Graph, operation: Operation) -> Graph:
    """The graph without an operation whose output has the bytes, shape and quantization of its first input.

    The tensor that stays is the input, or the output where that is the graph's.
    """
    source, result = operation.inputs[0], operation.outputs[0]
    gone, stays = (source, result) if result in graph.outputs else (result, source)

    def renamed(indices: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(stays if index == gone else index for index in indices)

    kept = [one for one in graph.operations if one is not operation]
    changed = [replace(one, inputs=renamed(one.inputs), outputs=renamed(one.outputs)) for one in kept]
    return replace(graph, operations=tuple(changed))


def _is_same(a: Tensor, b: Tensor) -> bool:
    return (a.shape, a.dtype, a.quantization) == (b.shape, b.dtype, b.quantization)


def swept(graph: Graph) -> Graph:
    """The graph without operations that nobody reads, and without tensors that nobody names."""
    needed = set(graph.outputs)
    kept: list[Operation] = []
    for operation in reversed(graph.operations):
        if needed.intersection(operation.outputs):
            kept.append(operation)
            needed.update(operation.inputs)
    named = {*graph.inputs, *graph.outputs}
    named.update(i for operation in kept for i in (*operation.inputs, *operation.outputs))
    tensors = {index: tensor for index, tensor in graph.tensors.items() if index in named}
    return replace(graph, tensors=MappingProxyType(tensors), operations=tuple(reversed(kept)))
