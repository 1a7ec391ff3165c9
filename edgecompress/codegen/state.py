"""Variables as values: what an inference begins with and what it ends with are tensors of the graph, in bytes that are kept.

A graph without side effects is what folding, planning and the references understand. What remains of assigning is that the two
tensors of a variable must be one place in memory: which reads and assignments have to copy for that is decided here.
"""

import dataclasses
from collections.abc import Iterable
from types import MappingProxyType

import numpy as np

from edgecompress.codegen import ops
from edgecompress.codegen.ops.variables import Name, assignments, handles, initial_values
from edgecompress.tflite.graph import ABSENT, Graph, Operation, State, Tensor

ACCESSES = ("READ_VARIABLE", "ASSIGN_VARIABLE")
HANDLING = ("CALL_ONCE", "VAR_HANDLE")


def functional(graph: Graph) -> Graph:
    """The graph as a function of its inputs and states: no handles, every assignment gives a new tensor.

    Operations and tensors keep their indices; a variable begins as the tensor that was its first handle.

    Raises:
        UnsupportedError: variables are used in a way that is not supported.
    """
    read = {index for operation in graph.operations for index in operation.inputs} - {ABSENT, *graph.inputs}
    kept = [graph.tensors[index] for index in sorted(read) if graph.tensors[index].is_variable]
    kept = [tensor for tensor in kept if tensor.data is None and tensor.dtype.kind in "iuf"]
    if graph.states or (not kept and not any(operation.opcode in HANDLING for operation in graph.operations)):
        return graph
    for operation in graph.operations:
        if operation.opcode in (*HANDLING, *ACCESSES):
            ops.check(graph, operation)
    return _without_handles(graph, [_in_place(tensor) for tensor in kept])


def _in_place(tensor: Tensor) -> State:
    """A variable tensor: TFLM fills int8 with the zero point, all others with zeros."""
    zero_point = tensor.quantization.zero_points[0] if tensor.quantization and tensor.dtype == np.int8 else 0
    return State(tensor.index, tensor.index, np.broadcast_to(np.array(zero_point, tensor.dtype), tensor.shape))


def _without_handles(graph: Graph, states: list[State]) -> Graph:
    names, initial, tensors = handles(graph), initial_values(graph), dict(graph.tensors)
    first = {name: key for key, name in reversed(names.items()) if name in initial}
    for name, key in first.items():
        tensors[key] = _holder(graph, name, key)
    current = dict(first)
    operations: list[Operation] = []
    for operation in graph.operations:
        options = MappingProxyType({**operation.options, "value": True})
        if operation.opcode == "READ_VARIABLE":
            name = names[operation.inputs[0]]
            operation = dataclasses.replace(operation, inputs=(current[name],), options=options)
        elif operation.opcode == "ASSIGN_VARIABLE":
            name, new = names[operation.inputs[0]], max(tensors) + 1
            tensors[new] = _holder(graph, name, new)
            current[name] = new
            operation = dataclasses.replace(operation, inputs=operation.inputs[1:], outputs=(new,), options=options)
        if operation.opcode not in HANDLING:
            operations.append(operation)
    for name in [name for name in first if current[name] == first[name]]:  # nothing changes it
        tensors[first[name]] = dataclasses.replace(tensors[first[name]], data=initial[name], is_variable=False)
    states = [
        *states,
        *(State(key, current[name], initial[name]) for name, key in first.items() if current[name] != key),
    ]
    changed = dataclasses.replace(graph, tensors=MappingProxyType(tensors), operations=tuple(operations))
    return dataclasses.replace(changed, states=tuple(states))


def _holder(graph: Graph, name: Name, index: int) -> Tensor:
    """A tensor of the type of the variable's values."""
    like = next(tensor for one in (graph, *graph.subgraphs.values()) for n, tensor in assignments(one) if n == name)
    return dataclasses.replace(like, index=index, name=name[1], data=None, is_variable=True)


def with_copies(graph: Graph) -> Graph:
    """The graph with the option `copies` on those reads and assignments that need it.

    None does where the old value is not read any more when the operator that makes the new one begins: then that writes it to
    its place. Else the assignment copies; else what was read does, as TFLM always does.
    """
    for state in graph.states:
        for opcodes in ((), ACCESSES[1:], ACCESSES[:1], ACCESSES):
            trial = _copying(graph, state, opcodes)
            if _is_sound(trial, state):
                graph = trial
                break
        else:
            raise AssertionError(f"tensor {state.first}: copying at every read and assignment is not sound")
    return graph


def kept_tensors(graph: Graph) -> dict[int, int]:
    """Tensor -> the first tensor of the state in whose bytes it lies, once `with_copies` has decided."""
    roots = _roots(graph)
    homes = {roots[key]: state.first for state in graph.states for key in (state.last, state.first)}
    return {key: homes[root] for key, root in roots.items() if root in homes}


def _copying(graph: Graph, state: State, opcodes: Iterable[str]) -> Graph:
    """With copies at the reads of what the inference begins with, at the assignment of what it ends with, or both."""

    def changed(operation: Operation) -> Operation:
        reads = operation.opcode == "READ_VARIABLE" and operation.inputs == (state.first,)
        assigns = operation.opcode == "ASSIGN_VARIABLE" and operation.outputs == (state.last,)
        if operation.opcode not in opcodes or not (reads or assigns):
            return operation
        return dataclasses.replace(operation, options=MappingProxyType({**operation.options, "copies": True}))

    return dataclasses.replace(graph, operations=tuple(changed(operation) for operation in graph.operations))


def _is_sound(graph: Graph, state: State) -> bool:
    """Whether what the inference begins with and what it ends with can lie in one place."""
    roots = _roots(graph)
    old, new = ({key for key, root in roots.items() if root == roots[end]} for end in (state.first, state.last))
    others = {end for other in graph.states if other is not state for end in (other.first, other.last)}
    if old & {*graph.outputs, *others}:
        return False
    if state.last in old:
        return True
    writers = {key: step for step, operation in enumerate(graph.operations) for key in operation.outputs}
    if roots[state.last] not in writers or new & {*graph.outputs, *others}:
        return False
    readers = [s for s, o in enumerate(graph.operations) if old & set(o.inputs) and not _is_alias(o)]
    return max(readers, default=-1) < writers[roots[state.last]]


def _roots(graph: Graph) -> dict[int, int]:
    """Activation -> the tensor in whose bytes it lies: itself, or what it is an alias of."""
    roots = {key: key for key in (*graph.inputs, *(state.first for state in graph.states))}
    for operation in graph.operations:
        source = operation.inputs[0] if operation.inputs else ABSENT
        for key in operation.outputs:
            roots[key] = roots.get(source, source) if _is_alias(operation) else key
    return roots


def _is_alias(operation: Operation) -> bool:
    known = operation.opcode in ops.OPERATORS and ops.find(operation.opcode).is_alias
    return known and not operation.options.get("copies")
