"""Branch and bound over buffer placements: proves a plan optimal, or finds a better one, while the graph is small.

Every plan can be pushed down until, taken in ascending order of offset, each buffer rests on an earlier one that is alive
with it: on its end, or, where the two may overlap, at their distance. So it is enough to search the orders with ascending
offsets. (Where overlaps must keep to a multiple this finds good plans, not surely the best.)
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from edgecompress.memory.bounds import align_up, reachable_bound
from edgecompress.memory.overlap import Overlap, Rules
from edgecompress.memory.plan import Buffer

BUFFER_LIMIT = 200
"""More buffers are not searched: hopeless, and the recursion is as deep as there are buffers."""


@dataclass
class _Search:
    """The state of one search: heights are what is occupied so far, by step; waiting what must still come, at least.

    Attributes:
        spans: the steps in which each buffer is alive.
        neighbours: the buffers that each one meets.
    """

    buffers: Sequence[Buffer]
    rules: Rules
    spans: Sequence[Sequence[int]]
    neighbours: Sequence[Sequence[int]]
    upper: int
    goal: int
    nodes_left: int
    heights: list[int]
    waiting: list[int]
    savings: Sequence[int]
    offsets: dict[int, int] = field(default_factory=dict)
    best: dict[int, int] | None = None


def place_exactly(
    buffers: Sequence[Buffer], permitted: Sequence[Overlap] = (), *, upper: int, node_limit: int
) -> dict[int, int] | None:
    """Offsets with an arena smaller than `upper` bytes: the smallest one, if `node_limit` partial plans suffice.

    Returns:
        The best offsets found, None when there is nothing below `upper`, or a limit came first.
    """
    empty = {buffer.key: 0 for buffer in buffers if not buffer.size}
    # of two at one offset the first in this order is below: outputs before the inputs that they may lie on
    sources = {overlap.source for overlap in permitted}
    buffers = sorted((b for b in buffers if b.size), key=lambda b: (-b.last, -b.first, b.key in sources, b.key))
    if len(buffers) > BUFFER_LIMIT:
        return None
    search = _begin(buffers, permitted, upper, node_limit)
    order = sorted(range(len(buffers)), key=lambda i: (-buffers[i].size, buffers[i].first, buffers[i].key))
    _extend(search, order, (0, -1))
    return None if search.best is None else empty | {buffers[i].key: at for i, at in search.best.items()}


def _begin(buffers: Sequence[Buffer], permitted: Sequence[Overlap], upper: int, node_limit: int) -> _Search:
    keys = {buffer.key for buffer in buffers}
    permitted = [overlap for overlap in permitted if {overlap.output, overlap.source} <= keys]
    rules, steps = Rules(buffers, permitted), sorted({buffer.first for buffer in buffers})
    saved = rules.savings()
    return _Search(
        buffers,
        rules,
        spans=[[i for i, step in enumerate(steps) if b.first <= step <= b.last] for b in buffers],
        neighbours=[[i for i, other in enumerate(buffers) if other is not b and other.meets(b)] for b in buffers],
        upper=upper,
        goal=reachable_bound(buffers, permitted),
        nodes_left=node_limit,
        heights=[0] * len(steps),
        waiting=[sum(b.size for b in buffers if b.first <= step <= b.last) for step in steps],
        savings=[saved.get(step, 0) for step in steps],
    )


def _extend(search: _Search, left: list[int], floor: tuple[int, int]) -> None:
    """Try every buffer of `left` as the next one; `floor` is the (offset, index) that came before."""
    if not left:
        search.best, search.upper = dict(search.offsets), max(search.heights, default=0)
        return
    for index in left:
        if search.nodes_left <= 0 or search.upper <= search.goal:
            return
        search.nodes_left -= 1
        buffer, span = search.buffers[index], search.spans[index]
        offset = _resting_place(search, index)
        if (offset, index) < floor or not _fits(search, index, offset):
            continue
        saved = [search.heights[i] for i in span]
        for i in span:
            search.heights[i] = max(search.heights[i], offset + buffer.size)
            search.waiting[i] -= buffer.size
        rest = [other for other in left if other != index]
        if _least_arena(search, rest, offset) < search.upper:
            search.offsets[index] = offset
            _extend(search, rest, (offset, index))
            del search.offsets[index]
        for i, height in zip(span, saved, strict=True):
            search.heights[i] = height
            search.waiting[i] += buffer.size


def _resting_place(search: _Search, index: int) -> int:
    """The lowest offset that what is placed leaves to a buffer above it."""
    buffer, offsets = search.buffers[index], search.offsets
    rests = [
        offsets[i] + search.rules.rise(search.buffers[i], buffer) for i in search.neighbours[index] if i in offsets
    ]
    return align_up(max(rests, default=0), buffer.alignment)


def _fits(search: _Search, index: int, offset: int) -> bool:
    """Whether it may lie there: it may not where its distance to another must be a multiple."""
    buffer, offsets = search.buffers[index], search.offsets
    below = [i for i in search.neighbours[index] if i in offsets]
    return all(search.rules.fit(buffer, offset, search.buffers[i], offsets[i]) for i in below)


def _least_arena(search: _Search, left: Sequence[int], floor: int) -> int:
    """No completion can be smaller: what waits for a step goes on top of what is there, and not below `floor`, except
    for what overlaps can save."""
    stacked = max(
        max(height, max(height, floor) + wait - saving) if wait else height
        for height, wait, saving in zip(search.heights, search.waiting, search.savings, strict=True)
    )
    single = (max(floor, _resting_place(search, index)) + search.buffers[index].size for index in left)
    return max(stacked, max(single, default=0))
