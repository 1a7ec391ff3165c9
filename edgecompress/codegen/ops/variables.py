"""CALL_ONCE, VAR_HANDLE, READ_VARIABLE and ASSIGN_VARIABLE: named variables that are kept from one inference to the next.

In a file they pass handles (type RESOURCE) around. `codegen.state.functional` replaces handles by values: then READ_VARIABLE
and ASSIGN_VARIABLE have one input, the value, and their result is the value.
"""

from collections.abc import Iterator

import numpy as np

from edgecompress.codegen.ops.base import KernelCall, Operator
from edgecompress.codegen.ops.movement import copying
from edgecompress.tflite.graph import ABSENT, Graph, Operation, Tensor

Name = tuple[str, str]
"""Container and shared name: the same variable wherever they are the same."""
TYPES = ("INT8", "UINT8", "INT16", "INT32", "FLOAT32", "BOOL")


def name_of(operation: Operation) -> Name:
    """Of the variable that a VAR_HANDLE stands for."""
    return str(operation.options.get("container") or ""), str(operation.options.get("shared_name") or "")


def handles(graph: Graph) -> dict[int, Name]:
    """Tensor -> the variable that it is a handle of."""
    return {o.outputs[0]: name_of(o) for o in graph.operations if o.opcode == "VAR_HANDLE" and o.outputs}


def assignments(graph: Graph) -> Iterator[tuple[Name, Tensor]]:
    """(variable, value) of every ASSIGN_VARIABLE of a handle, in order."""
    names = handles(graph)
    for operation in graph.operations:
        is_whole = len(operation.inputs) == 2 and ABSENT not in operation.inputs
        if operation.opcode == "ASSIGN_VARIABLE" and is_whole and operation.inputs[0] in names:
            yield names[operation.inputs[0]], graph.tensors[operation.inputs[1]]


def _assigned(graph: Graph, name: Name) -> list[Tensor]:
    """All values that a variable is given, from the beginning on."""
    graphs = (graph, *graph.subgraphs.values())
    return [tensor for one in graphs for assigned, tensor in assignments(one) if assigned == name]


def initial_values(graph: Graph) -> dict[Name, np.ndarray]:
    """What the variables hold before the first inference.

    TFLM fills those that CALL_ONCE does not assign with the byte of their zero point.
    """
    values: dict[Name, np.ndarray] = {}
    for name, tensor in assignments(graph):
        zero_point = tensor.quantization.zero_points[0] if tensor.quantization else 0
        value = np.full(tensor.dtype.itemsize, zero_point & 0xFF, np.uint8).view(tensor.dtype)
        values.setdefault(name, np.broadcast_to(value, tensor.shape))
    for operation in graph.operations:
        if operation.opcode == "CALL_ONCE":
            once = graph.subgraphs[int(operation.options["init_subgraph_index"])]  # type: ignore[call-overload]
            values |= {name: tensor.data for name, tensor in assignments(once) if tensor.data is not None}
    return values


class CallOnce(Operator):
    """What its subgraph assigns becomes what variables begin with; nothing of it is left to do on the device."""

    opcode = "CALL_ONCE"
    operands = (0, 0)
    options = ("init_subgraph_index",)
    is_alias = True

    def result_count(self, operation: Operation) -> int:
        return 0

    def rule_subgraph(self, graph: Graph, operation: Operation) -> str:
        """its subgraph must assign constants to variables, and do nothing else"""
        once = graph.subgraphs.get(int(operation.options["init_subgraph_index"]))  # type: ignore[call-overload]
        if once is None:
            return "no such subgraph"
        others = [o.opcode for o in once.operations if o.opcode not in ("VAR_HANDLE", "ASSIGN_VARIABLE")]
        assigned = list(assignments(once))
        if len(others) + len(assigned) != sum(o.opcode != "VAR_HANDLE" for o in once.operations):
            return "an assignment without a handle"
        computed = [tensor.name for _, tensor in assigned if tensor.data is None]
        return ", ".join((*others, *computed))

    def rule_order(self, graph: Graph, operation: Operation) -> str:
        """it must come before every operator that reads or assigns a variable"""
        using = [o.index for o in graph.operations if o.opcode in ("READ_VARIABLE", "ASSIGN_VARIABLE")]
        return f"operator {using[0]} comes first" if using and using[0] < operation.index else ""

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        return []

    def lower(self, graph: Graph, operation: Operation) -> None:
        return None


class VarHandle(Operator):
    """A handle is its variable's name; nothing of it is left to do on the device."""

    opcode = "VAR_HANDLE"
    operands = (0, 0)
    options = ("shared_name",)
    is_alias = True

    def rule_result(self, graph: Graph, operation: Operation) -> str:
        """the result must be a handle"""
        (result,) = graph.results(operation)
        return "" if result.type_name == "RESOURCE" else f"type {result.type_name}"

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        raise NotImplementedError("handles have no values: see codegen.state.functional")

    def lower(self, graph: Graph, operation: Operation) -> None:
        return None


class _Access(Operator):
    """What reads or assigns a variable: its result is its last input, in the same bytes unless it has to be copied.

    Options of its own: `value`: there are no handles any more; `copies`.
    """

    is_alias = True

    def rule_handle(self, graph: Graph, operation: Operation) -> str:
        """the variable must be one that the model has a handle of, and assigns"""
        if operation.options.get("value"):
            return ""
        if len(operation.inputs) < self.operands[1] or ABSENT in operation.inputs:
            return "no value"
        name = handles(graph).get(operation.inputs[0])
        if name is None:
            return f"tensor {operation.inputs[0]} is no handle"
        return "" if _assigned(graph, name) else f'nothing assigns "{name[1]}"'

    def rule_values(self, graph: Graph, operation: Operation) -> str:
        """all values of the variable must have one type, of at least a byte, and one shape"""
        if operation.options.get("value"):
            return ""
        names = handles(graph)
        found = _assigned(graph, names[operation.inputs[0]])
        found += [
            graph.tensors[o.outputs[0]]
            for o in graph.operations
            if o.opcode == "READ_VARIABLE"
            and o.outputs
            and [names.get(i) for i in o.inputs] == [names[operation.inputs[0]]]
        ]
        kinds = sorted({f"{tensor.type_name} {list(tensor.shape)}" for tensor in found})
        known = all(tensor.type_name in TYPES and tensor.elements for tensor in found)
        return "" if known and len(kinds) == 1 else ", ".join(kinds)

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        assert inputs[-1] is not None
        return [np.array(inputs[-1])]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall | None:
        if not operation.options.get("copies"):
            return None
        source, (result,) = graph.tensors[operation.inputs[-1]], graph.results(operation)
        return copying(np.arange(source.elements, dtype=np.int32), source, result)


class ReadVariable(_Access):
    opcode = "READ_VARIABLE"


class AssignVariable(_Access):
    opcode = "ASSIGN_VARIABLE"
    operands = (1, 2)

    def result_count(self, operation: Operation) -> int:
        return int(bool(operation.options.get("value")))
