"""Which channels go so that a budget is met: the least important first, in steps that leave counts the kernels like."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgecompress.compress.base import Kind
from edgecompress.compress.channels.graph import ChannelGraph, Slot
from edgecompress.compress.models.kernels import KernelVariable


@dataclass(frozen=True)
class Budget:
    """What may be left.

    Attributes:
        kind: MACS or PARAMETERS, counted as `promises.measure` counts them: kernels only; or what a device knows.
        bound: the largest number.
        scope: "global" compares the channels of all layers, "layer" takes about the same share of each.
        multiple: counts are rounded to it, except where all of a layer's channels stay.
        least: the fraction of a layer's channels that stays in any case.
        per_cost: with "global", rank channels by their score for each unit of cost that they save.
    """

    kind: Kind
    bound: int
    scope: str = "global"
    multiple: int = 4
    least: float = 0.1
    per_cost: bool = False


@dataclass(frozen=True, eq=False)
class Cost:
    """What kernels cost, whatever goes.

    Attributes:
        terms: one for each kernel: a factor, and the channels along each of its axes that channels lie on.
    """

    terms: tuple[tuple[int, tuple[np.ndarray, ...]], ...]

    def of(self, removed: np.ndarray) -> int:
        """Without these groups: (groups,) bool."""
        keeps = ~removed
        return sum(factor * int(np.prod([keeps[axis].sum() for axis in axes])) for factor, axes in self.terms)


def cost_of(kind: Kind, kernels: Sequence[KernelVariable], graph: ChannelGraph) -> Cost:
    """The multiply-accumulates or the weights of all kernels as a function of what goes."""
    slots: dict[tuple[str, str], list[Slot]] = defaultdict(list)
    for slot in graph.slots:
        slots[slot.layer, slot.attribute].append(slot)
    terms = []
    for kernel in kernels:
        mine = slots[kernel.layer.name, kernel.attribute]
        shape = kernel.variable.shape
        others = int(np.prod([n for axis, n in enumerate(shape) if axis not in {slot.axis for slot in mine}]))
        factor = others * (kernel.positions if kind is Kind.MACS else 1)
        terms.append((factor, tuple(graph.groups[slot.numbers] for slot in mine)))
    return Cost(tuple(terms))


@dataclass(frozen=True)
class Step:
    """Some channels of one set that go together, after all earlier steps of the set."""

    rank: float
    which_set: int
    number: int
    groups: tuple[int, ...]


def choose(graph: ChannelGraph, scores: np.ndarray, cost: Cost, budget: Budget) -> np.ndarray:
    """The groups that go.

    Args:
        graph: the channels.
        scores: (groups,) importance; NaN for a group that stays.
        cost: of what `budget` counts.
        budget: what may be left.

    Returns:
        (groups,) bool. The budget is not met where all that may go is not enough.
    """
    steps = ranked_steps(graph, scores, cost, budget)
    low, high = 0, len(steps)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if cost.of(gone(steps[:middle], graph)) <= budget.bound else (middle + 1, high)
    return gone(_without_needless(steps[:low], graph, cost, budget), graph)


def ranked_steps(graph: ChannelGraph, scores: np.ndarray, cost: Cost, budget: Budget) -> list[Step]:
    """All steps that may be taken, the least important first.

    Groups that the same layers give are one set: their least important go first, as many as leave a multiple.
    """
    whole = cost.of(np.zeros(graph.count, bool))
    sets: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for group in np.argsort(scores, kind="stable"):
        if not np.isnan(scores[group]) and group not in graph.staying and graph.makers[group]:
            sets[graph.makers[group]].append(int(group))
    steps = []
    for which, (makers, groups) in enumerate(sorted(sets.items())):
        staying = sum(found == makers for found in graph.makers) - len(groups)
        start, number = 0, 0
        saving = max(whole - cost.of(np.arange(graph.count) == groups[0]), 1) if budget.per_cost else 1
        for stop in _stops(len(groups), staying, budget):
            chosen = groups[start:stop]
            rank = (
                float(np.mean(scores[chosen])) / saving if budget.scope == "global" else stop / (len(groups) + staying)
            )
            steps.append(Step(rank, which, number, tuple(chosen)))
            start, number = stop, number + 1
    return sorted(steps, key=lambda step: (step.rank, step.which_set, step.number))


def _stops(count: int, staying: int, budget: Budget) -> list[int]:
    """After how many channels that went a set of `count` that may go and some that stay has a count to its liking."""
    total = count + staying
    least = max(int(np.ceil(budget.least * total)), 1)
    wanted = range(budget.multiple, total, budget.multiple)
    return [total - kept for kept in reversed(wanted) if kept >= max(least, staying)]


def _without_needless(steps: list[Step], graph: ChannelGraph, cost: Cost, budget: Budget) -> list[Step]:
    """Give back what the budget does not need, since the last step may have saved more than was missing.

    Where all layers are to lose the same share, each gets back one step at most.
    """
    kept = list(steps)
    last = {step.which_set: step.number for step in steps}
    given_back: set[int] = set()
    for step in reversed(steps):
        fewer = [one for one in kept if one is not step]
        barred = budget.scope == "layer" and step.which_set in given_back
        if barred or last[step.which_set] != step.number or cost.of(gone(fewer, graph)) > budget.bound:
            continue
        kept = fewer
        last[step.which_set] -= 1
        given_back.add(step.which_set)
    return kept


def gone(steps: Sequence[Step], graph: ChannelGraph) -> np.ndarray:
    """(groups,) bool: what these steps take out."""
    removed = np.zeros(graph.count, bool)
    removed[[group for step in steps for group in step.groups]] = True
    return removed
