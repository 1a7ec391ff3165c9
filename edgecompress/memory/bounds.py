"""Lower bounds on the arena: what no planner can beat, so that a report can say how good a plan is."""

from collections.abc import Iterable, Mapping, Sequence

from edgecompress.memory.lifetimes import NONE, tensor_spans
from edgecompress.memory.overlap import Overlap, Rules
from edgecompress.memory.plan import Buffer, align_up
from edgecompress.tflite.graph import Graph


def bound_of_schedule(buffers: Sequence[Buffer], permitted: Iterable[Overlap] = ()) -> int:
    """The largest sum of bytes alive at once, less what the overlaps permitted in that step can save at most."""
    spans = [(buffer.first, buffer.last, buffer.size) for buffer in buffers]
    return _largest_sum(spans, Rules(buffers, permitted).savings())


def bound_without_sharing(graph: Graph, scratch: Mapping[int, int] = NONE) -> int:
    """The largest sum of bytes alive at once when every tensor has bytes of its own (no alias, nothing in place)."""
    spans = [(first, last, graph.tensors[key].nbytes) for key, (first, last) in tensor_spans(graph).items()]
    return _largest_sum(spans + [(step, step, size) for step, size in scratch.items()])


def reachable_bound(buffers: Sequence[Buffer], permitted: Iterable[Overlap] = ()) -> int:
    """As `bound_of_schedule`, with padding: of the buffers alive at once all but the topmost are rounded up.

    A plan that reaches it is optimal, so planners may stop there. Holds for buffers of different alignment too,
    because each is rounded to the smallest of them only. Steps with overlaps count without padding.
    """
    alignment = min((buffer.alignment for buffer in buffers), default=1)
    savings = Rules(buffers, permitted).savings()
    bound = 0
    for step in {buffer.first for buffer in buffers}:
        alive = [buffer.size for buffer in buffers if buffer.first <= step <= buffer.last]
        padding = [align_up(size, alignment) - size for size in alive]
        saved = savings.get(step, 0)
        bound = max(bound, sum(alive) - saved if saved else sum(alive) + sum(padding) - max(padding))
    return bound


def _largest_sum(spans: Iterable[tuple[int, int, int]], savings: Mapping[int, int] = NONE) -> int:
    """The peak is reached when something begins, so only those steps are looked at."""
    spans = tuple(spans)
    return max(
        (
            sum(size for first, last, size in spans if first <= step <= last) - savings.get(step, 0)
            for step in {span[0] for span in spans}
        ),
        default=0,
    )
