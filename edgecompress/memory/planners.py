"""Ways to place buffers in one arena (offline dynamic storage allocation), from quick to exact; the best plan wins.

The greedy ones follow Pisarchyk & Lee, "Efficient Memory Management for Deep Neural Net Inference" (2020),
https://arxiv.org/abs/2001.03288. The hill climb reorders buffers and places them first-fit, as Arm's Vela does.
A planner is a function from buffers to offsets; it never looks at the graph.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from edgecompress.memory.bounds import align_up, bound_of_schedule, reachable_bound
from edgecompress.memory.exact import place_exactly
from edgecompress.memory.overlap import Overlap, Rules
from edgecompress.memory.plan import Buffer, Plan

Offsets = dict[int, int]
Planner = Callable[[Sequence[Buffer], Sequence[Overlap]], Offsets]

HILL_CLIMB_ROUNDS = 400
CLIMB_STEPS = 2**26
"""Of all rounds together, roughly: a graph of thousands of tensors gets fewer rounds."""
SEED = 1
NODE_LIMIT = 20_000


def arena_size(buffers: Iterable[Buffer], offsets: Mapping[int, int]) -> int:
    """The end of the highest buffer, bytes."""
    return max((offsets[buffer.key] + buffer.size for buffer in buffers), default=0)


def place_in_order(order: Sequence[Buffer], *, best_fit: bool, permitted: Iterable[Overlap] = ()) -> Offsets:
    """Place one buffer after the other beside those already placed that are alive at the same time.

    Args:
        order: all buffers.
        best_fit: take the smallest gap that is large enough, else the lowest one.
        permitted: which buffers may overlap.
    """
    rules = Rules(order, permitted)
    offsets: Offsets = {}
    alive: dict[int, list[Buffer]] = {}  # those already placed, by step
    for buffer in order:
        steps = range(buffer.first, buffer.last + 1)
        met = {other.key: other for step in steps for other in alive.get(step, ())}
        offsets[buffer.key] = _gap(buffer, [(offsets[key], other) for key, other in met.items()], rules, best_fit)
        for step in steps:
            alive.setdefault(step, []).append(buffer)
    return offsets


def _gap(buffer: Buffer, neighbours: Sequence[tuple[int, Buffer]], rules: Rules, best_fit: bool) -> int:
    """The offset for `buffer` between `neighbours`, which are (offset, buffer)."""
    tops = [align_up(offset + other.size, buffer.alignment) for offset, other in neighbours]
    rests = [align_up(offset + rules.rise(other, buffer), buffer.alignment) for offset, other in neighbours]
    free = [
        start
        for start in sorted({0, *tops, *rests})
        if all(rules.fit(buffer, start, other, offset) for offset, other in neighbours)
    ]
    if best_fit:
        above = [offset - rules.rise(buffer, other) for offset, other in neighbours]
        gaps = [
            (min(end for end in above if end >= start) - start, start)
            for start in free
            if start <= max(above, default=-1)
        ]
        if gaps:
            return min(gaps)[1]
    return free[-1] if best_fit else free[0]


def placing_steps(buffers: Sequence[Buffer]) -> int:
    """About how many steps placing all buffers takes: in every step that one lives, all others there twice over."""
    breadth = Counter(step for buffer in buffers for step in range(buffer.first, buffer.last + 1))
    return sum(count * count for count in breadth.values())


def by_size(buffers: Sequence[Buffer]) -> list[Buffer]:
    return sorted(buffers, key=lambda b: (-b.size, b.first, b.key))


def by_area(buffers: Sequence[Buffer]) -> list[Buffer]:
    """Bytes times steps, the largest first."""
    return sorted(buffers, key=lambda b: (-b.size * (b.last - b.first + 1), b.first, b.key))


def by_duration(buffers: Sequence[Buffer]) -> list[Buffer]:
    return sorted(buffers, key=lambda b: (b.first - b.last, -b.size, b.first, b.key))


def by_end(buffers: Sequence[Buffer]) -> list[Buffer]:
    """The last ones first, scratch after them: in a chain that works on its own bytes, every output lies below its input."""
    return sorted(buffers, key=lambda b: (b.key < 0, -b.last, -b.first, -b.size, b.key))


def by_breadth(buffers: Sequence[Buffer]) -> list[Buffer]:
    """The steps with the most bytes alive first, the largest buffers of each step first."""
    steps = sorted({buffer.first for buffer in buffers})
    breadth = {step: sum(b.size for b in buffers if b.first <= step <= b.last) for step in steps}
    order: dict[int, Buffer] = {}
    for step in sorted(steps, key=lambda step: (-breadth[step], step)):
        for buffer in by_size([b for b in buffers if b.first <= step <= b.last]):
            order.setdefault(buffer.key, buffer)
    return list(order.values())


ORDERS = {"size": by_size, "breadth": by_breadth, "area": by_area, "duration": by_duration, "end": by_end}


def _greedy(order: Callable[[Sequence[Buffer]], list[Buffer]], best_fit: bool) -> Planner:
    return lambda buffers, permitted: place_in_order(order(buffers), best_fit=best_fit, permitted=permitted)


GREEDY: Mapping[str, Planner] = MappingProxyType(
    {f"greedy by {name}": _greedy(order, False) for name, order in ORDERS.items()}
    | {f"best fit by {name}": _greedy(order, True) for name, order in ORDERS.items()}
)


def climb(
    buffers: Sequence[Buffer], permitted: Sequence[Overlap] = (), *, seed: int = SEED, rounds: int = HILL_CLIMB_ROUNDS
) -> Offsets:
    """First-fit over an order in which two buffers are swapped again and again, kept when the arena gets no larger.

    One of the two is always a buffer that reaches the arena's end: only moving such a one can help. It begins with the
    order that first-fit does best with.
    """

    def place(order: Sequence[Buffer]) -> tuple[int, Offsets]:
        offsets = place_in_order(order, best_fit=False, permitted=permitted)
        return arena_size(order, offsets), offsets

    rounds = min(rounds, CLIMB_STEPS // max(1, placing_steps(buffers)))
    generator = random.Random(seed)
    orders = [list(sort(buffers)) for sort in ORDERS.values()]
    order = min(orders, key=lambda order: place(order)[0])
    (size, best), goal = place(order), reachable_bound(buffers, permitted)
    for _ in range(rounds if len(order) > 1 else 0):
        if size <= goal:
            break
        tops = [i for i, buffer in enumerate(order) if best[buffer.key] + buffer.size == size]
        high, other = generator.choice(tops), generator.randrange(len(order))
        trial = list(order)
        trial[high], trial[other] = trial[other], trial[high]
        trial_size, offsets = place(trial)
        if trial_size <= size:
            order, best, size = trial, offsets, trial_size
    return best


def plan_buffers(
    buffers: Sequence[Buffer],
    permitted: Sequence[Overlap] = (),
    *,
    bound_without_sharing: int | None = None,
    seed: int = SEED,
    node_limit: int = NODE_LIMIT,
) -> Plan:
    """The smallest plan that any planner finds; of equals the first one in the order tried.

    The greedy planners always run; the hill climb and the exact search only while the lower bound is not reached.

    Args:
        buffers: keys must differ.
        permitted: which of them may overlap in the step in which they meet.
        bound_without_sharing: goes into the plan as it is; None when nothing is shared.
        seed: of the hill climb.
        node_limit: of the exact search, in partial plans; it gives up there, so the result depends on no clock.
    """
    goal = reachable_bound(buffers, permitted)
    candidates = [(name, planner(buffers, permitted)) for name, planner in GREEDY.items()]
    sizes = [arena_size(buffers, offsets) for _, offsets in candidates]
    if min(sizes) > goal:
        candidates.append(("hill climb", climb(buffers, permitted, seed=seed)))
        sizes.append(arena_size(buffers, candidates[-1][1]))
    if min(sizes) > goal:
        exact = place_exactly(buffers, permitted, upper=min(sizes), node_limit=node_limit)
        if exact is not None:
            candidates.append(("branch and bound", exact))
            sizes.append(arena_size(buffers, exact))
    best = sizes.index(min(sizes))
    name, offsets = candidates[best]
    bound = bound_of_schedule(buffers, permitted)
    shared = {key: offsets[buffer.key] for buffer in buffers for key in buffer.shared_with}
    return Plan(
        buffers=tuple(buffers),
        offsets=MappingProxyType(dict(sorted((offsets | shared).items()))),
        arena_bytes=sizes[best],
        bound_without_sharing=bound if bound_without_sharing is None else bound_without_sharing,
        bound_of_schedule=bound,
        planner=name,
    )
