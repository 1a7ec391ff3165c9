"""Branch and bound over buffer placements: proves a plan optimal, or finds a better one, while the graph is small.

Every plan can be pushed down until, taken in ascending order of offset, each buffer rests on the highest earlier one
that is alive with it. So it is enough to search the orders with ascending offsets.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from edgecompress.memory.bounds import align_up, reachable_bound
from edgecompress.memory.plan import Buffer

BUFFER_LIMIT = 200
"""More buffers are not searched: hopeless, and the recursion is as deep as there are buffers."""


@dataclass
class _Search:
    """The state of one search: heights are what is occupied so far, by step; waiting what is still to come."""

    buffers: Sequence[Buffer]
    upper: int
    goal: int
    nodes_left: int
    heights: list[int]
    waiting: list[int]
    offsets: dict[int, int] = field(default_factory=dict)
    best: dict[int, int] | None = None


def place_exactly(buffers: Sequence[Buffer], *, upper: int, node_limit: int) -> dict[int, int] | None:
    """Offsets with an arena smaller than `upper` bytes: the smallest one, if `node_limit` partial plans suffice.

    Returns:
        The best offsets found, None when there is nothing below `upper`, or a limit came first.
    """
    empty = {buffer.key: 0 for buffer in buffers if not buffer.size}
    buffers = [buffer for buffer in buffers if buffer.size]
    if len(buffers) > BUFFER_LIMIT:
        return None
    steps = {step: i for i, step in enumerate(sorted({buffer.first for buffer in buffers}))}
    spans = [[i for step, i in steps.items() if b.first <= step <= b.last] for b in buffers]
    waiting = [0] * len(steps)
    for buffer, span in zip(buffers, spans, strict=True):
        for i in span:
            waiting[i] += buffer.size
    search = _Search(buffers, upper, reachable_bound(buffers), node_limit, [0] * len(steps), waiting)
    order = sorted(range(len(buffers)), key=lambda i: (-buffers[i].size, buffers[i].first, buffers[i].key))
    _extend(search, spans, order, (0, -1))
    return None if search.best is None else empty | search.best


def _extend(search: _Search, spans: Sequence[Sequence[int]], left: list[int], floor: tuple[int, int]) -> None:
    """Try every buffer of `left` as the next one; `floor` is the (offset, index) that came before."""
    if not left:
        search.best, search.upper = dict(search.offsets), max(search.heights, default=0)
        return
    for index in left:
        if search.nodes_left <= 0 or search.upper <= search.goal:
            return
        search.nodes_left -= 1
        buffer, span = search.buffers[index], spans[index]
        offset = align_up(max(search.heights[i] for i in span), buffer.alignment)
        if (offset, index) < floor:
            continue
        saved = [search.heights[i] for i in span]
        for i in span:
            search.heights[i] = offset + buffer.size
            search.waiting[i] -= buffer.size
        rest = [other for other in left if other != index]
        if _least_arena(search, spans, rest, offset) < search.upper:
            search.offsets[buffer.key] = offset
            _extend(search, spans, rest, (offset, index))
            del search.offsets[buffer.key]
        for i, height in zip(span, saved, strict=True):
            search.heights[i] = height
            search.waiting[i] += buffer.size


def _least_arena(search: _Search, spans: Sequence[Sequence[int]], left: Sequence[int], floor: int) -> int:
    """No completion can be smaller: what waits for a step goes on top of what is there, and not below `floor`."""
    stacked = max(
        max(height, floor) + wait if wait else height
        for height, wait in zip(search.heights, search.waiting, strict=True)
    )
    single = (max(floor, *(search.heights[i] for i in spans[index])) + search.buffers[index].size for index in left)
    return max(stacked, max(single, default=0))
