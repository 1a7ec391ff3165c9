"""Proves a plan by running the graph on a shadow arena that remembers, byte by byte, whose value it holds.

Independent of the planners, the lifetimes and the distances: nothing here compares intervals. A byte that is read must still hold
the value that was written for it, whatever the plan says about first and last steps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from edgecompress.memory.plan import Plan
from edgecompress.memory.shadow import PlanError, Shadow
from edgecompress.memory.sweep import Sweep, Window
from edgecompress.memory.visits import Group, Rows, Visit
from edgecompress.tflite.graph import ABSENT, Graph

__all__ = ["PlanError", "verify"]


def verify(
    graph: Graph,
    plan: Plan,
    aliases: Mapping[int, int] | None = None,
    scratch: Mapping[int, int] | None = None,
    sweeps: Mapping[int, Mapping[int, Sweep]] | None = None,
    groups: Sequence[Group] = (),
) -> None:
    """Check offsets, alignment, arena size, bounds and every byte that the graph reads.

    Args:
        graph: as executed: operation after operation.
        plan: to be proven.
        aliases: output tensor → input tensor with the same bytes, which the generated code does not copy.
        scratch: step → bytes that the step's operation may write at any time.
        sweeps: step → input tensor → the order in which the step's kernel reads it and writes its output.
        groups: steps that take turns: their visits are made one by one, and held against the whole layers.

    Raises:
        PlanError: naming the step and both tensors.
    """
    aliases, sweeps = aliases or {}, sweeps or {}
    turned = {step: size for group in groups for step, size in group.scratch.items()}
    sizes = _sizes(graph, {**(scratch or {}), **turned})
    kept = {key: size for group in groups for key, size in group.sizes.items()}
    _check_places(plan, sizes | kept, is_whole=not groups)
    shadow = Shadow(graph, plan, sizes)
    for key in graph.inputs:
        if key in sizes:
            shadow.begin("the graph's inputs", key)
            shadow.write(shadow.whole(key))
    grouped = {step: group for group in groups for step in group.steps}
    for step, operation in enumerate(graph.operations):
        where = f"step {step} {operation.opcode}"
        if step in grouped:
            if step == grouped[step].steps[0]:
                _run_group(graph, shadow, grouped[step], sizes, sweeps)
            continue
        read = [shadow.whole(key) for key in dict.fromkeys(operation.inputs) if key in sizes]
        shadow.read(where, read)
        own_scratch = [-(step + 2)] if -(step + 2) in sizes else []
        for key in (*own_scratch, *operation.outputs):
            if key not in aliases:
                shadow.begin(where, key)
        written = [shadow.whole(key) for key in (*own_scratch, *operation.outputs) if key not in aliases]
        shadow.refuse_overlaps(where, read, written, sweeps.get(step, {}))
        for rows in written:
            shadow.write(rows)
        shadow.pass_on(where, {key: aliases[key] for key in operation.outputs if key in aliases})
        shadow.read(f"the end of {where}", [shadow.whole(key) for key in operation.outputs])
    shadow.read("the graph's end", [shadow.whole(key) for key in graph.outputs if key in sizes])


def _run_group(
    graph: Graph,
    shadow: Shadow,
    group: Group,
    sizes: Mapping[int, int],
    sweeps: Mapping[int, Mapping[int, Sweep]],
) -> None:
    """Visit after visit; a tensor is one value from the group's beginning on, however many visits write it."""
    for step in group.steps:
        for key in graph.operations[step].outputs:
            shadow.begin(f"step {step} {graph.operations[step].opcode}", key)
    for visit in group.visits:
        where = f"step {visit.step} {graph.operations[visit.step].opcode}, bytes from {visit.write.first} on"
        if visit.move:
            shadow.move(visit.write.tensor, visit.move)
        _check_buffer(group, visit, where)
        _check_windows(graph, visit, sweeps[visit.step], where)
        shadow.read(where, visit.reads)
        own_scratch = [key for key in [-(visit.step + 2)] if key in sizes]
        for key in own_scratch:
            shadow.begin(where, key)
        written = [*(shadow.whole(key) for key in own_scratch), visit.write]
        shadow.refuse_overlaps(where, visit.reads, written, visit.sweeps)
        for rows in written:
            shadow.write(rows)
        shadow.read(f"the end of {where}", [visit.write])


def _check_buffer(group: Group, visit: Visit, where: str) -> None:
    """A visit stays inside the buffers of inner tensors, and keeps whole tensors at their places."""
    for rows in (*visit.reads, visit.write):
        size = group.sizes.get(rows.tensor)
        inside = rows.at == rows.first if size is None else rows.at >= 0 and rows.at + rows.bytes <= size
        if not inside:
            raise PlanError(
                f"{where}: bytes {rows.at} to {rows.at + rows.bytes} of tensor {rows.tensor} are not its own"
            )
    if visit.move and visit.move.source + visit.move.bytes > group.sizes.get(visit.write.tensor, 0):
        raise PlanError(f"{where}: moves bytes beyond the buffer of tensor {visit.write.tensor}")


def _check_windows(graph: Graph, visit: Visit, sweeps: Mapping[int, Sweep], where: str) -> None:
    """Tap by tap: the visit's windows see the rows that the whole layer's windows see, and nothing else."""
    read = set(graph.operations[visit.step].inputs) - {ABSENT}
    if {rows.tensor for rows in visit.reads} != {key for key in read if not graph.tensors[key].is_constant}:
        raise PlanError(f"{where}: the visit reads other tensors than the layer")
    for rows in visit.reads:
        whole, part = sweeps[rows.tensor], visit.windows[rows.tensor]
        same = _same_elements if _is_line(whole.window) else _same_rows
        allowed = visit.sweeps.get(rows.tensor, replace(whole, window=part))
        if not same(whole, part, rows, visit.write) or allowed != replace(whole, window=part):
            raise PlanError(f"{where}: its windows over tensor {rows.tensor} are not those of the whole layer")


def _is_line(w: Window) -> bool:
    return (w.in_height, w.out_height, w.filter_height, w.filter_width) == (1, 1, 1, 1) and w.in_width == w.out_width


def _same_elements(whole: Sweep, part: Window, rows: Rows, write: Rows) -> bool:
    firsts = rows.first * whole.out_bytes == write.first * whole.in_bytes
    lengths = (rows.bytes, write.bytes) == (part.in_width * whole.in_bytes, part.out_width * whole.out_bytes)
    return _is_line(part) and firsts and lengths


def _same_rows(whole: Sweep, part: Window, rows: Rows, write: Rows) -> bool:
    w = whole.window
    row_in, row_out = w.in_width * whole.in_bytes, w.out_width * whole.out_bytes
    if replace(part, in_height=w.in_height, out_height=w.out_height, pad_top=w.pad_top) != w or (
        (rows.bytes, write.bytes) != (part.in_height * row_in, part.out_height * row_out)
    ):
        return False
    first_in, first_out = rows.first // row_in, write.first // row_out
    for y in range(part.out_height):
        for tap in range(part.filter_height):
            there = (first_out + y) * w.stride_height - w.pad_top + tap * w.dilation_height
            here = y * part.stride_height - part.pad_top + tap * part.dilation_height
            inside = 0 <= there < w.in_height
            if inside != (0 <= here < part.in_height) or (inside and there != first_in + here):
                return False
    return rows.first % row_in == write.first % row_out == 0


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


def _check_places(plan: Plan, sizes: Mapping[int, int], *, is_whole: bool) -> None:
    """`is_whole`: every layer runs whole; those that take turns live longer than they need, and can cost more."""
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
    if is_whole and not plan.bound_of_schedule <= plan.bound_without_sharing:
        raise PlanError(f"the bound of the schedule {plan.bound_of_schedule} is above {plan.bound_without_sharing}")
