"""Two operators in a row that map codes to codes, as one: where all 256 codes agree.

An element-wise operator after another becomes a single one of either kind; a RELU after an operator that can clamp becomes its
fused activation.
"""

from dataclasses import replace

import numpy as np

from edgecompress.codegen import ops
from edgecompress.codegen.ops.activation import ACTIVATIONS, activation_range
from edgecompress.codegen.ops.lookup import Lookup
from edgecompress.shrink.base import Facts, Outcome, Rewrite, item
from edgecompress.shrink.clamps import FUSED, OPCODES
from edgecompress.shrink.ranges import BYTES
from edgecompress.shrink.surgery import readers, swept, with_operations, with_option
from edgecompress.tflite.graph import Graph, Operation


class Requantizations(Rewrite):
    name = "requantizations in a row"

    def apply(self, facts: Facts) -> Outcome:
        graph, done, left = facts.graph, [], []
        for second in facts.graph.operations:
            first = _before(graph, second)
            if first is None:
                continue
            joined = _fused(graph, first, second) or _one_table(graph, first, second)
            if joined is None:
                left.append(
                    item(facts.graph, second, 1, f"no single operator does what {first.opcode} and it do to all codes")
                )
                continue
            graph = with_operations(graph, {first.index: None, second.index: joined})
            done.append(item(facts.graph, second, 1, f"one with {first.opcode} before it"))
        return Outcome(swept(graph) if done else facts.graph, done=tuple(done), left=tuple(left))


def _before(graph: Graph, second: Operation) -> Operation | None:
    """The operation that makes the input of an element-wise one, for it alone."""
    if not _is_table(graph, second):
        return None
    source = second.inputs[0]
    first = next((one for one in graph.operations if source in one.outputs), None)
    alone = len(readers(graph).get(source, [])) == 1 and source not in graph.outputs
    if first is None or not alone:
        return None
    if _is_table(graph, first):
        return first
    mergeable = first.opcode in OPCODES and second.opcode in ACTIVATION_OF
    return first if mergeable and ops.is_supported(graph, first) else None


def _is_table(graph: Graph, operation: Operation) -> bool:
    """Whether the operation maps 8-bit codes to 8-bit codes, element by element."""
    if operation.opcode not in ops.OPERATORS or not isinstance(ops.find(operation.opcode), Lookup):
        return False
    tensors = [graph.tensors[i] for i in (operation.inputs[:1] + operation.outputs)]
    return all(tensor.dtype in BYTES for tensor in tensors) and ops.is_supported(graph, operation)


def _table(graph: Graph, operation: Operation) -> np.ndarray:
    operator = ops.find(operation.opcode)
    assert isinstance(operator, Lookup)
    return operator.table(graph, operation).astype(np.int64)


ACTIVATION_OF = {"RELU": "RELU", "RELU6": "RELU6"}


def _fused(graph: Graph, first: Operation, second: Operation) -> Operation | None:
    """The first with the clamp of the second."""
    if first.opcode not in OPCODES:
        return None
    (middle,), (result,) = graph.results(first), graph.results(second)
    if (middle.quantization, middle.dtype, middle.shape) != (result.quantization, result.dtype, result.shape):
        return None
    codes = np.arange(-128, 128)
    wanted = _table(graph, second)[np.clip(codes, *activation_range(first, middle)) + 128]
    for name in ACTIVATIONS:
        joined = replace(with_option(first, **{FUSED: name}), index=second.index, outputs=second.outputs)
        if FUSED in first.options and np.array_equal(np.clip(codes, *activation_range(joined, result)), wanted):
            return joined if ops.is_supported(graph, joined) else None
    return None


def _one_table(graph: Graph, first: Operation, second: Operation) -> Operation | None:
    """An operator of either kind from the first one's input to the second one's output."""
    if not _is_table(graph, first):
        return None
    middle = graph.tensors[second.inputs[0]]
    both = _table(graph, second)[_table(graph, first) - np.iinfo(middle.dtype).min]
    for kind in (first, second):
        joined = replace(kind, index=second.index, inputs=first.inputs, outputs=second.outputs)
        if _is_table(graph, joined) and np.array_equal(_table(graph, joined), both):
            return joined
    return None
