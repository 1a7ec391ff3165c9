"""Proves a plan by running the graph on a shadow arena that remembers, byte by byte, whose value it holds.

Independent of the planners, the lifetimes and the distances: nothing here compares intervals. A byte that is read must still hold
the value that was written for it, whatever the plan says about first and last steps.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from edgecompress.memory.clocks import clocks
from edgecompress.memory.plan import Plan
from edgecompress.memory.sweep import Sweep
from edgecompress.tflite.graph import ABSENT, Graph

FREE = -1


class PlanError(Exception):
    """The plan would corrupt a tensor. Never the user's fault: a defect of a planner, an alias or a scratch size."""


def verify(
    graph: Graph,
    plan: Plan,
    aliases: Mapping[int, int] | None = None,
    scratch: Mapping[int, int] | None = None,
    sweeps: Mapping[int, Mapping[int, Sweep]] | None = None,
) -> None:
    """Check offsets, alignment, arena size, bounds and every byte that the graph reads.

    Args:
        graph: as executed: operation after operation.
        plan: to be proven.
        aliases: output tensor → input tensor with the same bytes, which the generated code does not copy.
        scratch: step → bytes that the step's operation may write at any time.
        sweeps: step → input tensor → the order in which the step's kernel reads it and writes its output.

    Raises:
        PlanError: naming the step and both tensors.
    """
    aliases, sweeps = aliases or {}, sweeps or {}
    sizes = _sizes(graph, scratch or {})
    _check_places(plan, sizes)
    shadow = _Shadow(graph, plan, sizes)
    shadow.write("the graph's inputs", [key for key in graph.inputs if key in sizes])
    for step, operation in enumerate(graph.operations):
        where = f"step {step} {operation.opcode}"
        read = [key for key in dict.fromkeys(operation.inputs) if key in sizes]
        shadow.read(where, read)
        own_scratch = [-(step + 2)] if -(step + 2) in sizes else []
        written = [*own_scratch, *(key for key in operation.outputs if key not in aliases)]
        shadow.refuse_overlaps(where, read, written, sweeps.get(step, {}))
        shadow.write(where, written)
        shadow.pass_on(where, {key: aliases[key] for key in operation.outputs if key in aliases})
        shadow.read(f"the end of {where}", operation.outputs)
    shadow.read("the graph's end", [key for key in graph.outputs if key in sizes])


def _sizes(graph: Graph, scratch: Mapping[int, int]) -> dict[int, int]:
    """Bytes of all that needs a place, by key."""
    ends = {*graph.inputs, *graph.outputs}
    used = ends.union(*((*operation.inputs, *operation.outputs) for operation in graph.operations))
    needed = {key for key in used if key != ABSENT and graph.tensors[key].data is None}
    sizes = {}
    for key in sorted(needed):
        tensor = graph.tensors[key]
        sizes[key] = int(np.prod(tensor.shape, dtype=np.int64)) * tensor.dtype.itemsize
    return sizes | {-(step + 2): size for step, size in scratch.items() if size > 0}


def _check_places(plan: Plan, sizes: Mapping[int, int]) -> None:
    if set(plan.offsets) != set(sizes):
        odd = sorted(set(plan.offsets) ^ set(sizes))
        raise PlanError(f"the plan places other tensors than the graph needs: {odd}")
    alignments = {key: b.alignment for b in plan.buffers for key in (b.key, *b.shared_with)}
    for key, offset in plan.offsets.items():
        if key not in alignments:
            raise PlanError(f"tensor {key} has an offset but belongs to no buffer")
        if offset % alignments[key]:
            raise PlanError(f"tensor {key} at offset {offset} is not aligned to {alignments[key]} bytes")
        if offset < 0 or offset + sizes[key] > plan.arena_bytes:
            end = offset + sizes[key]
            raise PlanError(f"tensor {key} at bytes {offset} to {end} is outside the arena of {plan.arena_bytes} bytes")
    highest = max((offset + sizes[key] for key, offset in plan.offsets.items()), default=0)
    if plan.arena_bytes != highest:
        raise PlanError(f"the arena has {plan.arena_bytes} bytes but its highest tensor ends at {highest}")
    if not plan.bound_of_schedule <= plan.arena_bytes:
        raise PlanError(f"{plan.arena_bytes} bytes of arena are below the bound of {plan.bound_of_schedule}")
    if not plan.bound_of_schedule <= plan.bound_without_sharing:
        raise PlanError(f"the bound of the schedule {plan.bound_of_schedule} is above {plan.bound_without_sharing}")


class _Shadow:
    """The arena, each byte holding the number of the value that was last written there."""

    def __init__(self, graph: Graph, plan: Plan, sizes: Mapping[int, int]) -> None:
        self._graph = graph
        self._offsets = plan.offsets
        self._sizes = sizes
        self._bytes = np.full(plan.arena_bytes, FREE, dtype=np.int64)
        self._values: dict[int, int] = {}
        self._writers: list[str] = []

    def write(self, where: str, keys: Iterable[int]) -> None:
        for key in keys:
            self._values[key] = len(self._writers)
            self._writers.append(f"{self._name(key)} by {where}")
            self._bytes[self._span(key)] = self._values[key]

    def pass_on(self, where: str, aliases: Mapping[int, int]) -> None:
        """Outputs that are their input: no byte is written."""
        for key, source in aliases.items():
            if source not in self._values:
                raise PlanError(f"{where} passes on {self._name(source)}, which nothing has written")
            self._values[key] = self._values[source]

    def read(self, where: str, keys: Iterable[int]) -> None:
        for key in keys:
            if key not in self._values:
                raise PlanError(f"{where} reads {self._name(key)}, which nothing has written")
            found = self._bytes[self._span(key)]
            wrong = np.flatnonzero(found != self._values[key])
            if wrong.size:
                culprit = self._writers[found[wrong[0]]] if found[wrong[0]] != FREE else "nothing"
                raise PlanError(f"{where}: {wrong.size} bytes of {self._name(key)} are overwritten: {culprit}")

    def refuse_overlaps(
        self, where: str, read: Iterable[int], written: Iterable[int], sweeps: Mapping[int, Sweep]
    ) -> None:
        """What an operation writes lies apart from all that it reads and writes, except where it has been read by then."""
        written = list(written)
        for i, one in enumerate(written):
            for other in (*read, *written[i + 1 :]):
                if not self._overlap(one, other):
                    continue
                if one < 0 or other in written or other not in sweeps:
                    raise PlanError(f"{where}: {self._name(one)} and {self._name(other)} overlap")
                lost = self._lost(sweeps[other], one, other)
                if lost:
                    raise PlanError(
                        f"{where}: {lost} bytes of {self._name(other)} are overwritten by {self._name(one)} "
                        "before they have been read"
                    )

    def _lost(self, sweep: Sweep, output: int, source: int) -> int:
        """How many bytes of the input are still to be read when the output is written over them."""
        last_read, written = clocks(sweep)
        if (last_read.size, written.size) != (self._sizes[source], self._sizes[output]):
            raise PlanError(f"the sweep over {self._name(source)} is about tensors of other sizes")
        begin = max(self._offsets[source], self._offsets[output])
        end = min(self._offsets[source] + last_read.size, self._offsets[output] + written.size)
        still_needed = last_read[begin - self._offsets[source] : end - self._offsets[source]]
        overwritten = written[begin - self._offsets[output] : end - self._offsets[output]]
        return int((still_needed > overwritten).sum())

    def _overlap(self, one: int, other: int) -> bool:
        mark = np.zeros(self._bytes.size, dtype=bool)
        mark[self._span(one)] = True
        return bool(mark[self._span(other)].any())

    def _span(self, key: int) -> slice:
        return slice(self._offsets[key], self._offsets[key] + self._sizes[key])

    def _name(self, key: int) -> str:
        return f'tensor {key} "{self._graph.tensors[key].name}"' if key >= 0 else f"the scratch of step {-key - 2}"
