"""Which layers take turns: the schedule that the user's wish asks for, chosen by the plan that it leads to."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from types import MappingProxyType
from typing import Literal, get_args

from edgecompress.errors import DoesNotFitError
from edgecompress.memory.bounds import bound_without_sharing
from edgecompress.memory.lifetimes import lifetimes
from edgecompress.memory.overlap import Rules, Sweeps, overlaps
from edgecompress.memory.plan import Plan, with_states
from edgecompress.memory.planners import NODE_LIMIT, plan_buffers
from edgecompress.memory.rolling import Bands, roll
from edgecompress.memory.verify import verify
from edgecompress.memory.visits import Group, Tiling
from edgecompress.tflite.graph import Graph

Optimize = Literal["ram", "balanced", "speed", "size"]
OPTIMIZE: tuple[Optimize, ...] = get_args(Optimize)

LONGEST = 8
"""Layers in a group."""
MOST_STEPS = 500
"""Of a graph whose layers may take turns: every trial looks at all of them."""
ROWS = (1, 2, 4, 8)
"""Rows of a group's output in one round, to choose from."""
DECODINGS = (2, 3, 4, 6, 8)
"""Rounds of a group with coded weights, to choose from as well."""
PARTS = (2, 3, 4, 6)
"""Into how many patches side by side its width may be divided."""
CYCLES_A_VISIT, CYCLES_A_MAC = 300, 2
"""Rough: only to tell what is nearly free. What a schedule really costs is counted and modelled with the whole program."""
TRIES = 4
"""Schedules that are planned for the smallest arena: of those with the fewest bytes at once."""
RAM_SLACK = 0.03
"""`ram` takes the cheapest schedule that needs at most this much more than the smallest arena found."""
AFFORDABLE: Mapping[str, float] = MappingProxyType({"balanced": 0.02, "size": 0.02})
"""The wishes that let layers take turns where all of them add at most this share of the cycles."""
LEAST_SAVING = 0.05
"""Of the arena: what turns must save then."""


@dataclass(frozen=True)
class Wish:
    """What the user asks of the schedule.

    Attributes:
        optimize: "ram": the smallest arena; "speed": every layer runs whole, and kernels may spend flash; "balanced": turns
            where they are nearly free; "size": the fewest bytes of flash for weights, with plain ones the same as "balanced".
        ram_bytes: the arena must not be larger; then the cheapest schedule that fits is taken.
        flash_bytes: nor the firmware; then the fastest kernels and codes of weights that fit are taken.
    """

    optimize: Optimize = "balanced"
    ram_bytes: int | None = None
    flash_bytes: int | None = None

    @property
    def spends_flash(self) -> bool:
        return self.optimize == "speed"

    @property
    def codes_weights(self) -> bool:
        return self.optimize == "size"

    @property
    def affordable(self) -> float | None:
        """Share of the cycles that turns may add; None: whatever it takes."""
        return AFFORDABLE.get(self.optimize) if self.ram_bytes is None else None


BALANCED = Wish()
SPEED = Wish("speed")


@dataclass(frozen=True, eq=False)
class Task:
    """All that decides on a schedule; arguments as of `lifetimes` and `overlaps`, and:

    macs: of every step.
    bands: see `rolling.Bands`.
    again: step -> cycles that every further call of its kernel costs, because it decodes its weights.
    """

    graph: Graph
    aliases: Mapping[int, int]
    scratch: Mapping[int, int]
    sweeps: Sweeps
    macs: Mapping[int, int]
    bands: Bands
    again: Mapping[int, int] = field(default_factory=dict)

    @property
    def cycles(self) -> int:
        return max(1, CYCLES_A_MAC * sum(self.macs.values()))

    def plan(self, groups: Sequence[Group], *, node_limit: int) -> Plan:
        buffers = lifetimes(self.graph, self.aliases, self.scratch, groups=groups)
        permitted = overlaps(self.graph, buffers, self.sweeps, groups)
        bound = bound_without_sharing(self.graph, self.scratch)
        states = {state.first for state in self.graph.states}
        passing = [buffer for buffer in buffers if buffer.key not in states]
        plan = plan_buffers(passing, permitted, bound_without_sharing=bound, node_limit=node_limit)
        return with_states(plan, [buffer for buffer in buffers if buffer.key in states])


@dataclass(frozen=True, eq=False)
class Choice:
    """A schedule with its proven plan.

    Attributes:
        groups: of layers that take turns, in order.
        plan: of the arena.
        whole_bytes: the arena with every layer run whole.
        reason: why this schedule.
    """

    groups: tuple[Group, ...]
    plan: Plan
    whole_bytes: int
    reason: str


@dataclass(frozen=True, eq=False)
class _Stage:
    """A layer that runs whole, or a group, as a part of some schedule.

    Attributes:
        bytes: alive in it at once, at least.
        cost: cycles that it adds to its layers run whole, roughly.
    """

    steps: range
    group: Group | None
    bytes: int
    cost: int


def choose(task: Task, wish: Wish = BALANCED, *, node_limit: int = NODE_LIMIT) -> Choice:
    """The schedule for a wish, by the least bytes that its stages need, and proven by its plan.

    Raises:
        DoesNotFitError: no schedule needs as little as `ram_bytes`; says what the least is.
        PlanError: a defect of edgecompress.
    """
    whole = task.plan((), node_limit=node_limit)
    stages, steps = _whole(task), len(task.graph.operations)
    best = Choice((), whole, whole.arena_bytes, _why_whole(wish, steps))
    for more in (_in_turns, _in_patches):
        if steps > MOST_STEPS or _is_enough(best.plan, wish) or (wish.affordable and more is _in_patches):
            break
        stages += more(task, stages, best.plan.arena_bytes)
        best = _best(task, wish, stages, best, node_limit)
    if wish.optimize == "ram" and wish.ram_bytes is None:
        best = _cheaper(task, stages, best, node_limit)
    verify(task.graph, best.plan, task.aliases, task.scratch, task.sweeps, best.groups)
    if wish.ram_bytes is not None and best.plan.arena_bytes > wish.ram_bytes:
        raise DoesNotFitError(
            f"no schedule of this model keeps its arena within {wish.ram_bytes:,} bytes",
            found=f"the least found is {best.plan.arena_bytes:,} bytes, {whole.arena_bytes:,} with every layer run whole",
            hint=f"--ram {best.plan.arena_bytes}, a smaller input, or fewer channels in the first layers",
        )
    return best


def _best(task: Task, wish: Wish, stages: Sequence[_Stage], best: Choice, node_limit: int) -> Choice:
    """The best schedule of these stages, if it is better than what there is."""
    for groups in _schedules(task, wish, stages, best.plan.arena_bytes):
        plan = task.plan(groups, node_limit=node_limit)
        if plan.arena_bytes < (1 - LEAST_SAVING * bool(wish.affordable)) * best.plan.arena_bytes:
            best = Choice(groups, plan, best.whole_bytes, _why_turns(wish))
        if wish.ram_bytes is not None and plan.arena_bytes <= wish.ram_bytes:
            break
    return best


def _cheaper(task: Task, stages: Sequence[_Stage], best: Choice, node_limit: int) -> Choice:
    """The cheapest schedule whose arena is about as small: the last bytes can cost more cycles than all others."""
    limit = int(best.plan.arena_bytes * (1 + RAM_SLACK))
    schedule = _cheapest(len(task.graph.operations), stages, limit)
    groups = tuple(stage.group for stage in schedule or () if stage.group)
    if sum(cost_of(task, group) for group in groups) >= sum(cost_of(task, group) for group in best.groups):
        return best
    plan = task.plan(groups, node_limit=node_limit)
    return replace(best, groups=groups, plan=plan) if plan.arena_bytes <= limit else best


def _why_whole(wish: Wish, steps: int) -> str:
    if steps > MOST_STEPS:
        return f"turns are only tried with up to {MOST_STEPS} layers"
    if wish.ram_bytes is not None:
        return f"every layer run whole fits {wish.ram_bytes:,} bytes"
    if wish.affordable:
        return f"turns would save less than {100 * LEAST_SAVING:g} % of the arena, or are not nearly free"
    return "asked for speed" if wish.optimize == "speed" else "no turns make the arena smaller"


def _why_turns(wish: Wish) -> str:
    if wish.ram_bytes is not None:
        return f"the cheapest schedule found that fits {wish.ram_bytes:,} bytes"
    if wish.affordable:
        return f"the smallest arena for an estimated {100 * wish.affordable:g} % of the cycles at most"
    return f"the cheapest schedule found within {100 * RAM_SLACK:g} % of the smallest arena"


def _is_enough(plan: Plan, wish: Wish) -> bool:
    if wish.ram_bytes is not None:
        return plan.arena_bytes <= wish.ram_bytes
    return wish.optimize == "speed"


def _schedules(task: Task, wish: Wish, stages: Sequence[_Stage], most_bytes: int) -> Iterator[tuple[Group, ...]]:
    """Schedules in the order in which they answer the wish: the cheapest for every limit of the stages' bytes.

    From the least limit upwards; for a given size of RAM first downwards from that, because plans can need more than their
    stages.
    """
    limits = sorted({stage.bytes for stage in stages if stage.bytes <= most_bytes})
    most = wish.affordable * task.cycles if wish.affordable else float("inf")
    if wish.ram_bytes is not None:
        limits = [limit for limit in limits[::-1] if limit <= wish.ram_bytes] + limits
    left = TRIES if wish.optimize == "ram" else 1
    for limit in limits:
        schedule = _cheapest(len(task.graph.operations), stages, limit)
        if schedule is not None and sum(stage.cost for stage in schedule) <= most:
            yield tuple(stage.group for stage in schedule if stage.group)
            left -= wish.ram_bytes is None or limit > wish.ram_bytes
        if not left:
            return


def _cheapest(steps: int, stages: Sequence[_Stage], limit: int) -> list[_Stage] | None:
    """The cheapest sequence of stages over all steps with none above `limit` bytes; of equals the one of fewest bytes."""
    best: list[tuple[int, int, list[_Stage]] | None] = [(0, 0, []), *[None] * steps]
    for end in range(1, steps + 1):
        for stage in stages:
            before = best[stage.steps[0]] if stage.steps[-1] + 1 == end and stage.bytes <= limit else None
            if before is not None:
                trial = (before[0] + stage.cost, max(before[1], stage.bytes), [*before[2], stage])
                known = best[end]
                best[end] = trial if known is None or trial[:2] < known[:2] else known
    return best[steps][2] if best[steps] else None  # type: ignore[index]


def _whole(task: Task) -> list[_Stage]:
    """Every layer on its own."""
    buffers = lifetimes(task.graph, task.aliases, task.scratch)
    savings = Rules(buffers, overlaps(task.graph, buffers, task.sweeps)).savings()
    alive = Counter[int]()
    for buffer in buffers:
        alive.update(dict.fromkeys(range(buffer.first, buffer.last + 1), buffer.size))
    steps = range(len(task.graph.operations))
    return [_Stage(range(step, step + 1), None, alive[step] - savings.get(step, 0), 0) for step in steps]


def _in_turns(task: Task, stages: Sequence[_Stage], _: int) -> list[_Stage]:
    """Every group that could help: those with a layer that needs more than any schedule must."""
    ends = {*task.graph.inputs, *task.graph.outputs}
    least = max(task.graph.tensors[key].nbytes for key in ends)
    found = []
    for first in range(len(stages)):
        # a layer by itself gains from bands only where each of them overwrites what whole it may not
        shortest = first if first in task.again else first + 1
        for last in range(shortest, min(first + LONGEST, len(stages))):
            if any(stage.bytes > least for stage in stages[first : last + 1]):
                span = range(first, last + 1)
                rolled = (_stage(task, span, Tiling(rows)) for rows in _rows_for(task, span))
                found += [stage for stage in takewhile(bool, rolled) if stage]
    return found


def _rows_for(task: Task, span: range) -> list[int]:
    """Rows of a round; few rounds where each of them decodes weights."""
    if not task.again.keys() & set(span):
        return list(ROWS)
    height = (1, *task.graph.tensors[task.graph.operations[span[-1]].outputs[0]].shape)[-3:][0]
    return sorted({*ROWS, *(-(-height // parts) for parts in DECODINGS)})


def _in_patches(task: Task, stages: Sequence[_Stage], limit: int) -> list[_Stage]:
    """Those groups in patches that need less than `limit` bytes, where rows do not."""
    found = []
    for group in (stage.group for stage in stages if stage.group and stage.group.tiling == Tiling(1)):
        width = task.graph.tensors[task.graph.operations[group.steps[-1]].outputs[0]].shape[2]
        columns = dict.fromkeys(-(-width // parts) for parts in PARTS if parts <= width)
        for downwards in (True, False) if _bytes_outside(task, group) < limit else ():
            for count in columns:
                tilings = (Tiling(rows, count, downwards) for rows in ROWS)
                patched = (_stage(task, group.steps, tiling) for tiling in tilings)
                found += [stage for stage in takewhile(lambda s: s and s.bytes < limit, patched) if stage]
    return found


def _stage(task: Task, steps: range, tiling: Tiling) -> _Stage | None:
    """These layers in turns; None where they cannot take them."""
    group = roll(task.graph, steps, task.sweeps, task.bands, tiling)
    return _Stage(steps, group, bytes_at(task, steps[0], (group,)), cost_of(task, group)) if group else None


def _bytes_outside(task: Task, group: Group) -> int:
    """What is alive while a group takes its turns, without what lies between its layers."""
    return bytes_at(task, group.steps[0], (group,)) - sum(group.sizes.values()) - max(group.scratch.values())


def bytes_at(task: Task, step: int, groups: tuple[Group, ...]) -> int:
    """What is alive at once in a step, or in the group that begins with it, less what overlaps save at most."""
    buffers = lifetimes(task.graph, task.aliases, task.scratch, groups=groups)
    steps = groups[0].steps if groups else (step,)
    stated = {s: task.sweeps[s] for s in steps if s in task.sweeps}
    permitted = overlaps(task.graph, buffers, stated, groups)
    alive = sum(buffer.size for buffer in buffers if buffer.first <= step <= buffer.last)
    return alive - Rules(buffers, permitted).savings().get(step, 0)


def cost_of(task: Task, group: Group) -> int:
    """Cycles that taking turns adds, roughly: bytes moved and staged, calls, and what is computed again."""
    calls = sum(1 for _ in group.visits) - len(group.steps)
    copied = group.moved_bytes + group.staged_bytes
    decoded = sum(task.again.get(visit.step, 0) for visit in group.visits)
    decoded -= sum(task.again.get(step, 0) for step in group.steps)
    return copied + decoded + CYCLES_A_VISIT * calls + CYCLES_A_MAC * computed_again(task.graph, task.macs, group)


def computed_again(graph: Graph, macs: Mapping[int, int], group: Group) -> int:
    """MACs of the group beyond `macs`, those of its layers run whole; element-wise layers count as one a byte."""
    sizes = {step: graph.tensors[graph.operations[step].outputs[0]].nbytes for step in group.steps}
    again = {step: computed - sizes[step] for step, computed in group.computed().items()}
    return sum(again[step] * max(1, macs.get(step, 0) // sizes[step]) for step in group.steps)
