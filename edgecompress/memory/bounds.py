"""Lower bounds on the arena: what no planner can beat, so that a report can say how good a plan is."""

from collections.abc import Iterable, Mapping

from edgecompress.memory.lifetimes import NONE, tensor_spans
from edgecompress.memory.plan import Buffer
from edgecompress.tflite.graph import Graph


def align_up(value: int, alignment: int) -> int:
    return (value + alignment - 1) // alignment * alignment


def bound_of_schedule(buffers: Iterable[Buffer]) -> int:
    """The largest sum of bytes alive at once: the plan's buffers as they are, shared ones counted once."""
    return _largest_sum((buffer.first, buffer.last, buffer.size) for buffer in buffers)


def bound_without_sharing(graph: Graph, scratch: Mapping[int, int] = NONE) -> int:
    """The largest sum of bytes alive at once when every tensor has bytes of its own (no alias, nothing in place)."""
    spans = [(first, last, graph.tensors[key].nbytes) for key, (first, last) in tensor_spans(graph).items()]
    return _largest_sum(spans + [(step, step, size) for step, size in scratch.items()])


def reachable_bound(buffers: Iterable[Buffer]) -> int:
    """As `bound_of_schedule`, with padding: of the buffers alive at once all but the topmost are rounded up.

    A plan that reaches it is optimal, so planners may stop there. Holds for buffers of different alignment too,
    because each is rounded to the smallest of them only.
    """
    buffers = tuple(buffers)
    alignment = min((buffer.alignment for buffer in buffers), default=1)
    bound = 0
    for step in {buffer.first for buffer in buffers}:
        alive = [buffer.size for buffer in buffers if buffer.first <= step <= buffer.last]
        padding = [align_up(size, alignment) - size for size in alive]
        bound = max(bound, sum(alive) + sum(padding) - max(padding))
    return bound


def _largest_sum(spans: Iterable[tuple[int, int, int]]) -> int:
    """The peak is reached when something begins, so only those steps are looked at."""
    spans = tuple(spans)
    return max(
        (sum(size for first, last, size in spans if first <= step <= last) for step in {span[0] for span in spans}),
        default=0,
    )
