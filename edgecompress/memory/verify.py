"""Proves a plan by running the graph on a shadow arena that remembers, byte by byte, whose value it holds.

Independent of the planners and of the lifetimes: nothing here compares intervals. A byte that is read must still hold
the value that was written for it, whatever the plan says about first and last steps.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from edgecompress.memory.plan import Plan
from edgecompress.tflite.graph import ABSENT, Graph

FREE = -1


class PlanError(Exception):
    """The plan would corrupt a tensor. Never the user's fault: a defect of a planner, an alias or a scratch size."""


def verify(
    graph: Graph,
    plan: Plan,
    aliases: Mapping[int, int] | None = None,
    scratch: Mapping[int, int] | None = None,
    *,
    in_place: Mapping[int, int] | None = None,
) -> None:
    """Check offsets, alignment, arena size, bounds and every byte that the graph reads.

    Args:
        graph: as executed: operation after operation.
        plan: to be proven.
        aliases: output tensor → input tensor with the same bytes, which the generated code does not copy.
        scratch: step → bytes that the step's operation may write at any time.
        in_place: output tensor → input tensor that the operation is able to overwrite while it reads it.

    Raises:
        PlanError: naming the step and both tensors.
    """
    aliases, in_place = aliases or {}, in_place or {}
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
        shadow.refuse_overlaps(where, read, written, in_place)
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
        self, where: str, read: Iterable[int], written: Iterable[int], in_place: Mapping[int, int]
    ) -> None:
        """What an operation writes lies apart from all that it reads and writes, except where it works in place."""
        written = list(written)
        for i, one in enumerate(written):
            for other in (*read, *written[i + 1 :]):
                if self._overlap(one, other) and not self._in_place(one, other, in_place):
                    raise PlanError(f"{where}: {self._name(one)} and {self._name(other)} overlap")

    def _in_place(self, output: int, source: int, in_place: Mapping[int, int]) -> bool:
        """Whether `source` is the input that `output` may replace, or holds the very same bytes as that one."""
        declared = self._values.get(in_place.get(output, FREE))
        return (
            declared is not None and declared == self._values.get(source) and self._span(output) == self._span(source)
        )

    def _overlap(self, one: int, other: int) -> bool:
        mark = np.zeros(self._bytes.size, dtype=bool)
        mark[self._span(one)] = True
        return bool(mark[self._span(other)].any())

    def _span(self, key: int) -> slice:
        return slice(self._offsets[key], self._offsets[key] + self._sizes[key])

    def _name(self, key: int) -> str:
        return f'tensor {key} "{self._graph.tensors[key].name}"' if key >= 0 else f"the scratch of step {-key - 2}"
