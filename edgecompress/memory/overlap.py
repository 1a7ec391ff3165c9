"""Which buffers may overlap in the one step in which they meet: an output, and an input that is not needed any more.

A kernel that goes over its data in ascending order may write where it will not read any more. So its output may begin at
any offset that is at least a certain distance below the input's: the planners work with that distance alone.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np

from edgecompress.memory.plan import Buffer
from edgecompress.memory.sweep import Sweep
from edgecompress.memory.visits import Group, Visit, whole_visit
from edgecompress.tflite.graph import Graph

Sweeps = Mapping[int, Mapping[int, Sweep]]
"""Step → input tensor → how the step's kernel goes over it; what is not stated does not overlap."""

NO_SWEEPS: Sweeps = MappingProxyType({})

NEVER = np.iinfo(np.int64).max // 4


@dataclass(frozen=True)
class Overlap:
    """Permission for two buffers: the source's offset minus the output's is at least `distance`, and a multiple.

    Attributes:
        output, source: keys of buffers.
        distance: bytes, at least 0.
        multiple: bytes.
    """

    output: int
    source: int
    distance: int
    multiple: int = 1

    def aligned(self, output: Buffer, source: Buffer) -> int:
        """The least distance that two aligned offsets can have."""
        step = int(np.lcm(self.multiple, min(output.alignment, source.alignment)))
        return -(-self.distance // step) * step


def overlaps(
    graph: Graph, buffers: Iterable[Buffer], sweeps: Sweeps, groups: Sequence[Group] = ()
) -> tuple[Overlap, ...]:
    """Every permission that the kernels' sweeps give.

    Args:
        graph: as executed.
        buffers: of this graph, from `lifetimes`.
        groups: of steps that take turns: what dies in one makes room for the output of its last layer.
    """
    owners = {key: buffer for buffer in buffers for key in (buffer.key, *buffer.shared_with)}
    inner = {key for group in groups for key in group.sizes}
    states = {state.first for state in graph.states}
    kept = {owners[key].key for key in graph.outputs if key in owners} | inner | states
    grouped = {step for group in groups for step in group.steps}
    single = [step for step in sorted(sweeps) if step not in grouped]
    found = []
    for steps in (*(range(step, step + 1) for step in single), *(group.steps for group in groups)):
        output = owners[graph.operations[steps[-1]].outputs[0]]
        if output.key in states:
            continue
        for source, keys in _read(graph, steps, owners).items():
            spans = (owners[source].last, output.first) == (steps[-1], steps[0])
            stated = all(key in sweeps.get(step, {}) for step, key in keys)
            if spans and stated and source not in kept and source != output.key:
                visits = _visits(graph, steps, sweeps, groups)
                tensors = {key for _, key in keys}
                distance, multiple = _distance(visits, graph.operations[steps[-1]].outputs[0], tensors)
                found.append(Overlap(output.key, source, distance, multiple))
    return tuple(found)


def _read(graph: Graph, steps: range, owners: Mapping[int, Buffer]) -> dict[int, list[tuple[int, int]]]:
    """Buffer -> (step, tensor) of every reading of it."""
    read: dict[int, list[tuple[int, int]]] = {}
    for step in steps:
        for key in graph.operations[step].inputs:
            if key in owners:
                read.setdefault(owners[key].key, []).append((step, key))
    return read


def _visits(graph: Graph, steps: range, sweeps: Sweeps, groups: Sequence[Group]) -> list[Visit]:
    for group in groups:
        if group.steps == steps:
            return list(group.visits)
    return [whole_visit(graph, steps[0], sweeps.get(steps[0], {}))]


def _distance(visits: Sequence[Visit], output: int, sources: Set[int]) -> tuple[int, int]:
    """(least distance, multiple) of an output from the sources, which are tensors at one place, over all visits."""
    distance, multiple, waiting = 0, 1, NEVER
    for visit in reversed(visits):
        read = [rows for rows in visit.reads if rows.tensor in sources]
        if visit.write.tensor == output:
            distance = max(distance, visit.write.end - waiting)
            # what is staged has been read before anything is written
            for rows in [rows for rows in read if not {rows.tensor, output} & visit.staged.keys()]:
                if rows.tensor not in visit.sweeps:
                    # nothing that this visit reads is overwritten by it
                    distance = max(distance, visit.write.end - rows.first)
                    continue
                sweep = visit.sweeps[rows.tensor]
                distance = max(distance, least_distance(sweep) + visit.write.first - rows.first)
                multiple = int(np.lcm(multiple, sweep.in_bytes if sweep.channels_first else 1))
        waiting = min([waiting, *(rows.first for rows in read)])
    return distance, multiple


@cache
def least_distance(sweep: Sweep) -> int:
    """How far, at least, the input must lie above the output so that no byte is overwritten before its last reading.

    After every step: where the writing has come to, less the lowest byte that is still to be read; the largest of these.
    """
    if sweep.apart:
        return sweep.window.out_height * sweep.window.out_width * sweep.out_bytes
    first = _first_newly_needed(sweep) if sweep.reads_once else _first_needed(sweep)
    count = first.size
    # the lowest position that an output position, or a later one, needs
    waiting = np.minimum.accumulate(np.append(first, NEVER)[::-1])[::-1]
    ends = np.minimum(np.arange(sweep.positions, count + sweep.positions, sweep.positions), count)
    needed = np.where(waiting[ends] == NEVER, NEVER, waiting[ends] * sweep.in_bytes)
    distance = int((ends * sweep.out_bytes - needed).max())
    last_part = (sweep.out_bytes - 1) // sweep.part_bytes * sweep.part_bytes
    if last_part and not sweep.channels_first:
        # the last part of these positions is computed when their others have been written
        own = last_part * sweep.in_bytes // sweep.out_bytes if sweep.own_channels else 0
        starts = np.arange(0, count, sweep.positions)
        same = np.minimum.reduceat(first, starts)
        same = np.where(same == NEVER, NEVER, same * sweep.in_bytes + own)
        written = (ends - 1) * sweep.out_bytes + last_part
        distance = max(distance, int((written - np.minimum(same, needed)).max()))
    return max(distance, 0)


def _first_needed(sweep: Sweep) -> np.ndarray:
    """The lowest input position under the window of every output position; NEVER where all taps are outside."""
    w = sweep.window
    rows = _first_inside(w.out_height, w.stride_height, w.pad_top, w.filter_height, w.dilation_height, w.in_height)
    columns = _first_inside(w.out_width, w.stride_width, w.pad_left, w.filter_width, w.dilation_width, w.in_width)
    positions = rows[:, None] * w.in_width + columns
    return np.where((rows[:, None] == NEVER) | (columns == NEVER), NEVER, positions).reshape(-1)


def _first_inside(outputs: int, stride: int, pad: int, taps: int, dilation: int, size: int) -> np.ndarray:
    """Along one axis: the first tap inside the input, for every output."""
    origin = np.arange(outputs, dtype=np.int64) * stride - pad
    skipped = np.maximum(0, -(origin // dilation))
    first = origin + skipped * dilation
    return np.where((skipped < taps) & (first < size), first, NEVER)


def _first_newly_needed(sweep: Sweep) -> np.ndarray:
    """The lowest input position that an output position needs and none before it did; NEVER where there is none."""
    w = sweep.window
    rows = _first_users(w.out_height, w.stride_height, w.pad_top, w.filter_height, w.dilation_height, w.in_height)
    columns = _first_users(w.out_width, w.stride_width, w.pad_left, w.filter_width, w.dilation_width, w.in_width)
    users = np.where((rows[:, None] == NEVER) | (columns == NEVER), NEVER, rows[:, None] * w.out_width + columns)
    lowest = np.full(w.out_height * w.out_width, NEVER)
    used = np.flatnonzero(users.reshape(-1) != NEVER)
    np.minimum.at(lowest, users.reshape(-1)[used], used)
    return lowest


def _first_users(outputs: int, stride: int, pad: int, taps: int, dilation: int, size: int) -> np.ndarray:
    """Along one axis: the first output that needs an input, for every input."""
    users = np.full(size, NEVER)
    for tap in range(taps):
        at = np.arange(outputs) * stride - pad + tap * dilation
        inside = np.flatnonzero((at >= 0) & (at < size))
        np.minimum.at(users, at[inside], inside)
    return users


class Rules:
    """What the planners ask of two buffers that are alive together.

    Args:
        buffers: all of them.
        permitted: which of them may overlap.
    """

    def __init__(self, buffers: Sequence[Buffer], permitted: Iterable[Overlap]) -> None:
        self._permitted = {(overlap.output, overlap.source): overlap for overlap in permitted}
        self._by_key = {buffer.key: buffer for buffer in buffers}

    def rise(self, lower: Buffer, upper: Buffer) -> int:
        """How far above `lower` another buffer must begin at least, when it does begin above or with it."""
        overlap = self._permitted.get((lower.key, upper.key))
        return lower.size if overlap is None else min(lower.size, overlap.aligned(lower, upper))

    def fit(self, one: Buffer, at: int, other: Buffer, there: int) -> bool:
        """Whether the two may begin at these offsets."""
        if at + one.size <= there or there + other.size <= at:
            return True
        return self._may(one, other, there - at) or self._may(other, one, at - there)

    def savings(self) -> dict[int, int]:
        """Step → the most bytes that the overlaps permitted in it can save, whatever the plan."""
        saved: dict[int, int] = {}
        for overlap in self._permitted.values():
            output, source = self._by_key[overlap.output], self._by_key[overlap.source]
            common = max(0, min(output.size - overlap.aligned(output, source), source.size))
            saved[output.first] = min(output.size, saved.get(output.first, 0) + common)
        return saved

    def _may(self, output: Buffer, source: Buffer, distance: int) -> bool:
        overlap = self._permitted.get((output.key, source.key))
        return overlap is not None and distance >= overlap.distance and distance % overlap.multiple == 0
