"""Ways to place buffers in one arena (offline dynamic storage allocation), from quick to exact; the best plan wins.

The greedy ones follow Pisarchyk & Lee, "Efficient Memory Management for Deep Neural Net Inference" (2020),
https://arxiv.org/abs/2001.03288. The hill climb reorders buffers and places them first-fit, as Arm's Vela does.
A planner is a function from buffers to offsets; it never looks at the graph.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from edgecompress.memory.bounds import align_up, bound_of_schedule, reachable_bound
from edgecompress.memory.exact import place_exactly
from edgecompress.memory.plan import Buffer, Plan

Offsets = dict[int, int]
Planner = Callable[[Sequence[Buffer]], Offsets]

HILL_CLIMB_ROUNDS = 400
SEED = 1
NODE_LIMIT = 20_000


def arena_size(buffers: Iterable[Buffer], offsets: Mapping[int, int]) -> int:
    """The end of the highest buffer, bytes."""
    return max((offsets[buffer.key] + buffer.size for buffer in buffers), default=0)


def place_in_order(order: Sequence[Buffer], *, best_fit: bool) -> Offsets:
    """Place one buffer after the other beside those already placed that are alive at the same time.

    Args:
        order: all buffers.
        best_fit: take the smallest gap that is large enough, else the lowest one.
    """
    offsets: Offsets = {}
    placed: list[tuple[int, Buffer]] = []
    for buffer in order:
        neighbours = sorted((offset, other.size) for offset, other in placed if other.meets(buffer))
        offset = _gap(buffer, neighbours, best_fit)
        offsets[buffer.key] = offset
        placed.append((offset, buffer))
    return offsets


def _gap(buffer: Buffer, neighbours: Sequence[tuple[int, int]], best_fit: bool) -> int:
    """The offset for `buffer` between `neighbours`, which are (offset, size) in ascending order."""
    best: tuple[int, int] | None = None
    end = 0
    for offset, size in neighbours:
        start = align_up(end, buffer.alignment)
        if start + buffer.size <= offset:
            if not best_fit:
                return start
            best = min(best, (offset - start, start)) if best else (offset - start, start)
        end = max(end, offset + size)
    return best[1] if best else align_up(end, buffer.alignment)


def by_size(buffers: Sequence[Buffer]) -> list[Buffer]:
    return sorted(buffers, key=lambda b: (-b.size, b.first, b.key))


def by_area(buffers: Sequence[Buffer]) -> list[Buffer]:
    """Bytes times steps, the largest first."""
    return sorted(buffers, key=lambda b: (-b.size * (b.last - b.first + 1), b.first, b.key))


def by_duration(buffers: Sequence[Buffer]) -> list[Buffer]:
    return sorted(buffers, key=lambda b: (b.first - b.last, -b.size, b.first, b.key))


def by_breadth(buffers: Sequence[Buffer]) -> list[Buffer]:
    """The steps with the most bytes alive first, the largest buffers of each step first."""
    steps = sorted({buffer.first for buffer in buffers})
    breadth = {step: sum(b.size for b in buffers if b.first <= step <= b.last) for step in steps}
    order: dict[int, Buffer] = {}
    for step in sorted(steps, key=lambda step: (-breadth[step], step)):
        for buffer in by_size([b for b in buffers if b.first <= step <= b.last]):
            order.setdefault(buffer.key, buffer)
    return list(order.values())


ORDERS = {"size": by_size, "breadth": by_breadth, "area": by_area, "duration": by_duration}


def _greedy(order: Callable[[Sequence[Buffer]], list[Buffer]], best_fit: bool) -> Planner:
    return lambda buffers: place_in_order(order(buffers), best_fit=best_fit)


GREEDY: Mapping[str, Planner] = MappingProxyType(
    {f"greedy by {name}": _greedy(order, False) for name, order in ORDERS.items()}
    | {f"best fit by {name}": _greedy(order, True) for name, order in ORDERS.items()}
)


def climb(buffers: Sequence[Buffer], *, seed: int = SEED, rounds: int = HILL_CLIMB_ROUNDS) -> Offsets:
    """First-fit over an order in which two buffers are swapped again and again, kept when the arena gets no larger.

    One of the two is always a buffer that reaches the arena's end: only moving such a one can help.
    """
    generator = random.Random(seed)
    order = by_breadth(buffers)
    best = place_in_order(order, best_fit=False)
    size, goal = arena_size(order, best), reachable_bound(buffers)
    for _ in range(rounds if len(order) > 1 else 0):
        if size <= goal:
            break
        tops = [i for i, buffer in enumerate(order) if best[buffer.key] + buffer.size == size]
        high, other = generator.choice(tops), generator.randrange(len(order))
        trial = list(order)
        trial[high], trial[other] = trial[other], trial[high]
        offsets = place_in_order(trial, best_fit=False)
        if arena_size(trial, offsets) <= size:
            order, best, size = trial, offsets, arena_size(trial, offsets)
    return best


def plan_buffers(
    buffers: Sequence[Buffer],
    *,
    bound_without_sharing: int | None = None,
    seed: int = SEED,
    node_limit: int = NODE_LIMIT,
) -> Plan:
    """The smallest plan that any planner finds; of equals the first one in the order tried.

    The greedy planners always run; the hill climb and the exact search only while the lower bound is not reached.

    Args:
        buffers: keys must differ.
        bound_without_sharing: goes into the plan as it is; None when nothing is shared.
        seed: of the hill climb.
        node_limit: of the exact search, in partial plans; it gives up there, so the result depends on no clock.
    """
    goal = reachable_bound(buffers)
    candidates = [(name, planner(buffers)) for name, planner in GREEDY.items()]
    sizes = [arena_size(buffers, offsets) for _, offsets in candidates]
    if min(sizes) > goal:
        candidates.append(("hill climb", climb(buffers, seed=seed)))
        sizes.append(arena_size(buffers, candidates[-1][1]))
    if min(sizes) > goal:
        exact = place_exactly(buffers, upper=min(sizes), node_limit=node_limit)
        if exact is not None:
            candidates.append(("branch and bound", exact))
            sizes.append(arena_size(buffers, exact))
    best = sizes.index(min(sizes))
    name, offsets = candidates[best]
    bound = bound_of_schedule(buffers)
    shared = {key: offsets[buffer.key] for buffer in buffers for key in buffer.shared_with}
    return Plan(
        buffers=tuple(buffers),
        offsets=MappingProxyType(dict(sorted((offsets | shared).items()))),
        arena_bytes=sizes[best],
        bound_without_sharing=bound if bound_without_sharing is None else bound_without_sharing,
        bound_of_schedule=bound,
        planner=name,
    )
