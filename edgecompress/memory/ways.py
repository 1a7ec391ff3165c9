"""The ways in which a layer can run, and what each of them leaves of a limit of RAM to the scratch of its kernel."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edgecompress.memory.choice import DECODINGS, Task, bytes_at, cost_of
from edgecompress.memory.rolling import roll
from edgecompress.memory.visits import Group, Tiling


@dataclass(frozen=True)
class Way:
    """A layer whole, in bands of its own, or as it takes turns with others.

    Attributes:
        bytes: alive meanwhile, at least, without the scratch of kernels.
        staged: bytes of its own scratch that are not its kernel's.
        others: bytes of scratch that the other layers of its group need.
        calls: of its kernel.
        kinds: of calls, which differ in their windows.
        cost: cycles that this adds to the layer run whole, roughly.
    """

    bytes: int
    staged: int
    others: int
    calls: int
    kinds: int
    cost: int

    def bytes_with(self, scratch: int) -> int:
        """With a kernel that needs so many bytes of scratch."""
        return self.bytes + max(self.others, self.staged + scratch)


def ways(task: Task, step: int, groups: Sequence[Group] = ()) -> list[Way]:
    """Those of a step, that with the fewest calls first: with the layers that it takes turns with in `groups`, more or fewer rows at
    a time; else whole, or in bands where these help."""
    task = replace(task, scratch={**task.scratch, step: 0}, again={})
    if step in task.bands:
        task = replace(task, bands={**task.bands, step: lambda _: 0})
    for group in groups:
        if step in group.steps:
            rows = sorted({group.tiling.rows, *_rows(task, group.steps[-1])}, reverse=True)
            tilings = [replace(group.tiling, rows=count) for count in rows]
            return [_in_turns(task, step, made) for tiling in tilings if (made := _rolled(task, group.steps, tiling))]
    found = [Way(bytes_at(task, step, ()), 0, 0, 1, 1, 0)]
    if any(sweep.apart for sweep in task.sweeps.get(step, {}).values()):
        bands = (_rolled(task, range(step, step + 1), Tiling(count)) for count in _rows(task, step))
        found += [_in_turns(task, step, band, cost_of(task, band)) for band in bands if band]
    return found


def _rows(task: Task, step: int) -> list[int]:
    shape = task.graph.tensors[task.graph.operations[step].outputs[0]].shape
    height = shape[1] if len(shape) == 4 else 1
    return sorted({-(-height // rounds) for rounds in DECODINGS if rounds <= height}, reverse=True)


def _rolled(task: Task, steps: range, tiling: Tiling) -> Group | None:
    return roll(task.graph, steps, task.sweeps, task.bands, tiling)


def _in_turns(task: Task, step: int, group: Group, cost: int = 0) -> Way:
    others = max((size for other, size in group.scratch.items() if other != step), default=0)
    alive = bytes_at(task, group.steps[0], (group,)) - max(group.scratch.values(), default=0)
    windows = [tuple(visit.windows.values()) for visit in group.visits if visit.step == step]
    return Way(alive, group.scratch[step], others, len(windows), len(set(windows)), cost)
