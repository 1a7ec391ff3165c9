"""Operators that pass on the bytes of their input: the same shape, the same quantization, and no value changed that can occur."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from edgecompress.codegen import ops
from edgecompress.codegen.ops.activation import activation_range
from edgecompress.codegen.ops.lookup import Lookup
from edgecompress.codegen.ops.pool_2d import filter_size
from edgecompress.shrink.base import Facts, Item, Outcome, Rewrite, item
from edgecompress.shrink.flow import concatenates_bytes
from edgecompress.shrink.ranges import BYTES
from edgecompress.shrink.surgery import bypass, may_bypass, readers, swept, with_operations
from edgecompress.tflite.graph import Graph, Operation


class Identities(Rewrite):
    name = "operators without effect"

    def apply(self, facts: Facts) -> Outcome:
        graph, done, left = facts.graph, [], []
        for operation in facts.graph.operations:
            current = next((one for one in graph.operations if one.index == operation.index), None)
            if current is None or not passes_on(facts, operation):
                continue
            if may_bypass(graph, current):
                graph = bypass(graph, current)
                done.append(item(facts.graph, operation, 1, "its output is its input"))
            elif _differs_in_type(graph, current):
                left.append(item(facts.graph, operation, 1, "its output is read with another scale or shape"))
            else:
                left.append(item(facts.graph, operation, 1, "it joins an input and an output of the model"))
        graph, joined = _joined_reshapes(graph)
        return Outcome(swept(graph) if done or joined else facts.graph, done=(*done, *joined), left=tuple(left))


def passes_on(facts: Facts, operation: Operation) -> bool:
    """Whether every byte of the output is that of the input."""
    graph = facts.graph
    if operation.opcode not in IDENTITIES or len(operation.outputs) != 1:
        return False
    source, (result,) = graph.tensors[operation.inputs[0]], graph.results(operation)
    if (source.shape, source.dtype) != (result.shape, result.dtype):
        return False
    if operation.opcode in ops.OPERATORS and not ops.is_supported(graph, operation):
        return False
    return IDENTITIES[operation.opcode](facts, operation)


def _differs_in_type(graph: Graph, operation: Operation) -> bool:
    source, (result,) = graph.tensors[operation.inputs[0]], graph.results(operation)
    return source.quantization != result.quantization


def _always(facts: Facts, operation: Operation) -> bool:
    return True


def _is_identity_table(facts: Facts, operation: Operation) -> bool:
    """A table that changes none of the codes that occur."""
    operator, source = ops.find(operation.opcode), facts.graph.tensors[operation.inputs[0]]
    if not isinstance(operator, Lookup) or source.dtype not in BYTES:
        return False
    codes = np.arange(np.iinfo(source.dtype).min, np.iinfo(source.dtype).max + 1)
    same = operator.table(facts.graph, operation).astype(np.int64) == codes
    known = facts.ranges[source.index]
    occurring = (codes >= known.low.min()) & (codes <= known.high.max())
    return bool(same[occurring].all())


def _is_single_tap(facts: Facts, operation: Operation) -> bool:
    if filter_size(operation) != (1, 1):
        return False
    known, (result,) = facts.ranges[operation.inputs[0]], facts.graph.results(operation)
    low, high = activation_range(operation, result)
    return bool(known.low.min() >= low and known.high.max() <= high)


def _is_single_part(facts: Facts, operation: Operation) -> bool:
    return len(operation.inputs) == 1 and concatenates_bytes(facts.graph, operation)


def _is_in_order(facts: Facts, operation: Operation) -> bool:
    order = facts.graph.tensors[operation.inputs[1]].data
    return order is not None and order.reshape(-1).tolist() == list(range(order.size))


IDENTITIES: Mapping[str, Callable[[Facts, Operation], bool]] = {
    "AVERAGE_POOL_2D": _is_single_tap,
    "CONCATENATION": _is_single_part,
    "MAX_POOL_2D": _is_single_tap,
    "PAD": _always,
    "QUANTIZE": _is_identity_table,
    "RELU": _is_identity_table,
    "RELU6": _is_identity_table,
    "RESHAPE": _always,
    "TRANSPOSE": _is_in_order,
}
"""Operators that may pass on their input, and when they do, input and output having one shape and type."""


def _joined_reshapes(graph: Graph) -> tuple[Graph, list[Item]]:
    """Of two RESHAPEs in a row the second alone, where nobody else reads between them."""
    done: list[Item] = []
    for first in graph.operations:
        result = first.outputs[0] if first.outputs else None
        if first.opcode != "RESHAPE" or result is None or result in graph.outputs or first not in graph.operations:
            continue  # or it has become part of another by now
        following = readers(graph).get(result, [])
        if len(following) == 1 and following[0].opcode == "RESHAPE" and following[0].inputs[0] == result:
            (second,) = following
            shorter = replace(second, inputs=(first.inputs[0], *second.inputs[1:]))
            graph = with_operations(graph, {first.index: None, second.index: shorter})
            done.append(item(graph, first, 1, "two shapes in a row are one"))
    return graph, done
