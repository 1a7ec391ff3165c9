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
    for key in (*graph.inputs, *(state.first for state in graph.states)):
        if key in sizes:
            shadow.begin("the graph's inputs and states", key)
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
    ends = (*graph.outputs, *(state.last for state in graph.states))
    shadow.read("the graph's end", [shadow.whole(key) for key in ends if key in sizes])
    for state in graph.states:
        if plan.offsets[state.first] != plan.offsets[state.last]:
            raise PlanError(f"a state begins as tensor {state.first} and ends as tensor {state.last}, somewhere else")


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
        _check_staging(group, visit, where)
        _check_windows(graph, visit, sweeps[visit.step], where)
        shadow.read(where, visit.reads)
        own_scratch = [key for key in [-(visit.step + 2)] if key in sizes]
        for key in own_scratch:
            shadow.begin(where, key)
        scratch = [shadow.whole(key) for key in own_scratch]
        shadow.refuse_overlaps(where, [*visit.reads, visit.write], scratch, {})
        if visit.write.tensor not in visit.staged:
            waiting = [rows for rows in visit.reads if rows.tensor not in visit.staged]
            shadow.refuse_overlaps(where, waiting, [visit.write], visit.sweeps)
        for rows in (*scratch, visit.write):
            shadow.write(rows)
        shadow.read(f"the end of {where}", [visit.write])


def _check_buffer(group: Group, visit: Visit, where: str) -> None:
    """A visit stays inside the buffers of inner tensors, and keeps whole tensors at their places."""
    for rows in visit.rows:
        size = group.sizes.get(rows.tensor)
        at_home = rows.at == rows.first and rows.pitch == rows.stride
        inside = at_home if size is None else rows.at >= 0 and rows.at + rows.extent <= size
        if not inside or rows.bytes % rows.runs or rows.pitch < (rows.runs > 1) * rows.run:
            raise PlanError(
                f"{where}: bytes {rows.at} to {rows.at + rows.extent} of tensor {rows.tensor} are not its own"
            )
    if visit.move and visit.move.source + visit.move.bytes > group.sizes.get(visit.write.tensor, 0):
        raise PlanError(f"{where}: moves bytes beyond the buffer of tensor {visit.write.tensor}")


def _check_staging(group: Group, visit: Visit, where: str) -> None:
    """What is no image in its buffer is staged, apart from all else in the step's scratch."""
    marks = np.zeros(group.scratch.get(visit.step, 0), dtype=int)
    marks[: group.kernel_scratch.get(visit.step, 0)] += 1
    for rows in visit.rows:
        at = visit.staged.get(rows.tensor)
        if at is None and rows.is_contiguous:
            continue
        if at is None or at < 0 or at + rows.bytes > marks.size:
            raise PlanError(f"{where}: tensor {rows.tensor} is not staged inside the scratch of {marks.size} bytes")
        marks[at : at + rows.bytes] += 1
    if marks.max(initial=0) > 1:
        raise PlanError(f"{where}: what is staged overlaps the kernel's scratch, or something else that is staged")


def _check_windows(graph: Graph, visit: Visit, sweeps: Mapping[int, Sweep], where: str) -> None:
    """Tap by tap: the visit's windows see the rows that the whole layer's windows see, and nothing else."""
    read = set(graph.operations[visit.step].inputs) - {ABSENT}
    if {rows.tensor for rows in visit.reads} != {key for key in read if not graph.tensors[key].is_constant}:
        raise PlanError(f"{where}: the visit reads other tensors than the layer")
    for rows in visit.reads:
        whole, part = sweeps[rows.tensor], visit.windows[rows.tensor]
        same = _same_elements if _is_line(whole.window) else _same_pixels
        allowed = visit.sweeps.get(rows.tensor, replace(whole, window=part))
        if not same(whole, part, rows, visit.write) or allowed != replace(whole, window=part):
            raise PlanError(f"{where}: its windows over tensor {rows.tensor} are not those of the whole layer")


def _is_line(w: Window) -> bool:
    return (w.in_height, w.out_height, w.filter_height, w.filter_width) == (1, 1, 1, 1) and w.in_width == w.out_width


def _same_elements(whole: Sweep, part: Window, rows: Rows, write: Rows) -> bool:
    """The n-th element read is the n-th element written, counted in the whole tensors."""
    lengths = (rows.bytes, write.bytes) == (part.in_width * whole.in_bytes, part.out_width * whole.out_bytes)
    read, written = _bytes_of(rows)[:: whole.in_bytes], _bytes_of(write)[:: whole.out_bytes]
    same = read.size == written.size and (read * whole.out_bytes == written * whole.in_bytes).all()
    return _is_line(part) and lengths and bool(same)


def _bytes_of(rows: Rows) -> np.ndarray:
    """The tensor's bytes in the order in which a kernel meets them."""
    return np.concatenate([np.arange(first, first + rows.run) for first, _ in rows.places()])


def _same_pixels(whole: Sweep, part: Window, rows: Rows, write: Rows) -> bool:
    """Tap by tap and in both directions: what is seen inside the patch is what the whole window sees there."""
    w = whole.window
    corner_in = _corner(rows, w.in_width * whole.in_bytes, whole.in_bytes, part.in_height, part.in_width)
    corner_out = _corner(write, w.out_width * whole.out_bytes, whole.out_bytes, part.out_height, part.out_width)
    sizes = {name: getattr(w, name) for name in ("in_height", "in_width", "out_height", "out_width")}
    if corner_in is None or corner_out is None or replace(part, **sizes, pad_top=w.pad_top, pad_left=w.pad_left) != w:
        return False
    (first_in, left_in), (first_out, left_out) = corner_in, corner_out
    below = _taps(first_out, part.out_height, w.stride_height, w.pad_top, w.filter_height, w.dilation_height)
    beside = _taps(left_out, part.out_width, w.stride_width, w.pad_left, w.filter_width, w.dilation_width)
    seen_below = _taps(0, part.out_height, w.stride_height, part.pad_top, w.filter_height, w.dilation_height)
    seen_beside = _taps(0, part.out_width, w.stride_width, part.pad_left, w.filter_width, w.dilation_width)
    rows_agree = _agree(below, seen_below + first_in, w.in_height, range(first_in, first_in + part.in_height))
    return rows_agree and _agree(beside, seen_beside + left_in, w.in_width, range(left_in, left_in + part.in_width))


def _taps(first: int, outputs: int, stride: int, pad: int, taps: int, dilation: int) -> np.ndarray:
    """Along one axis: where every tap of every output looks."""
    return (first + np.arange(outputs))[:, None] * stride - pad + np.arange(taps) * dilation


def _agree(there: np.ndarray, here: np.ndarray, size: int, patch: range) -> bool:
    """Taps are inside the patch where they are inside the whole, at the same places, and outside with it."""
    inside = (there >= 0) & (there < size)
    inside_here = (here >= patch.start) & (here < patch.stop)
    return bool((inside == inside_here).all() and (~inside | (there == here)).all())


def _corner(rows: Rows, row: int, pixel: int, height: int, width: int) -> tuple[int, int] | None:
    """(first row, first column) of the patch that these bytes are; None where they are none of this size."""
    top, rest = divmod(rows.first, row)
    expected = [np.arange((top + y) * row + rest, (top + y) * row + rest + width * pixel) for y in range(height)]
    is_patch = rest % pixel == 0 and rest + width * pixel <= row and height > 0
    same = (
        is_patch and rows.bytes == height * width * pixel and np.array_equal(np.concatenate(expected), _bytes_of(rows))
    )
    return (top, rest // pixel) if same else None


def _sizes(graph: Graph, scratch: Mapping[int, int]) -> dict[int, int]:
    """Bytes of all that needs a place, by key."""
    ends = {*graph.inputs, *graph.outputs, *(key for state in graph.states for key in (state.first, state.last))}
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
