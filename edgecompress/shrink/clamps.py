"""Clamps that never act: a fused activation whose bounds the values never reach. Kernels without a clamp are faster."""

from edgecompress.codegen.ops.activation import activation_range
from edgecompress.shrink.base import Facts, Outcome, Rewrite, item
from edgecompress.shrink.ranges import BYTES, full, range_after
from edgecompress.shrink.surgery import with_operations, with_option
from edgecompress.tflite.graph import Operation

FUSED = "fused_activation_function"
OPCODES = ("ADD", "AVERAGE_POOL_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MAX_POOL_2D")
"""The operators that clamp by a fused activation."""


class Clamps(Rewrite):
    name = "clamps that never act"

    def apply(self, facts: Facts) -> Outcome:
        idle = [operation for operation in facts.graph.operations if is_idle(facts, operation)]
        changed = {operation.index: with_option(operation, **{FUSED: "NONE"}) for operation in idle}
        graph = with_operations(facts.graph, changed) if changed else facts.graph
        done = tuple(item(facts.graph, operation, 1, f"{operation.options[FUSED]} is none") for operation in idle)
        return Outcome(graph, done=done)


def is_idle(facts: Facts, operation: Operation) -> bool:
    """Whether the operation clamps more narrowly than its type, to a range that holds every value without the clamp."""
    graph = facts.graph
    if operation.opcode not in OPCODES or operation.options.get(FUSED, "NONE") == "NONE":
        return False
    (result,) = graph.results(operation)
    if result.dtype not in BYTES or result.quantization is None or result.quantization.per_channel:
        return False
    free = range_after(graph, with_option(operation, **{FUSED: "NONE"}), facts.ranges)
    if free is None:
        return False
    low, high = activation_range(operation, result)
    limits = full(result)
    if low <= limits.low.min() and high >= limits.high.max():
        return False  # the type's own limits: nothing to gain
    return bool(free.low.min() >= low and free.high.max() <= high)
