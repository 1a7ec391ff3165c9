"""Patches: what they compute again and keep, worked out by hand; and a verifier that sees every spoilt visit."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edgecompress.codegen.ops.sweeps import by_rows
from edgecompress.memory import PlanError, Sweep, verify
from edgecompress.memory.choice import BALANCED, Task, Wish, choose, computed_again
from edgecompress.memory.rolling import roll
from edgecompress.memory.sweep import Window
from edgecompress.memory.visits import Rows, Tiling
from edgecompress.tflite.graph import Graph, Operation, Tensor

CHANNELS = 4
THREE = (3, 1, 1, 1)
"""Three by three, stride 1, padded, no dilation: as many pixels out as in."""


def _image(index, height, width, channels=CHANNELS):
    return Tensor(index, f"t{index}", (1, height, width, channels), np.dtype(np.int8))


def _network(height, width, layers, *, shortcut=False):
    """(graph, sweeps) of a chain of square windows (taps, stride, pad, dilation) or "relu"; `shortcut`: the input is added."""
    tensors, operations, sweeps = [_image(0, height, width)], [], {}
    for step, layer in enumerate(layers):
        _, rows, columns, _ = tensors[-1].shape
        if layer == "relu":
            tensors.append(_image(step + 1, rows, columns))
            sweep = by_rows(tensors[-1].elements, 1, 1)
        else:
            taps, stride, pad, dilation = layer
            sizes = [(size + 2 * pad - (taps - 1) * dilation - 1) // stride + 1 for size in (rows, columns)]
            if min(sizes) < 1:
                raise ValueError("no output")
            window = Window(1, rows, columns, *sizes, taps, taps, stride, stride, dilation, dilation, pad, pad)
            tensors.append(_image(step + 1, *sizes))
            sweep = Sweep(window, CHANNELS, CHANNELS)
        operations.append(Operation(step, "LAYER", (step,), (step + 1,)))
        sweeps[step] = {step: sweep}
    last = len(layers)
    if shortcut:
        line = by_rows(tensors[last].elements, 1, 1)
        tensors.append(_image(last + 1, *tensors[last].shape[1:3]))
        operations.append(Operation(last, "ADD", (last, 0), (last + 1,)))
        sweeps[last] = {last: line, 0: line}
        last += 1
    return Graph(dict(enumerate(tensors)), tuple(operations), (0,), (last,), "0" * 64), sweeps


def _task(graph, sweeps, scratch=0, macs=0):
    steps = range(len(graph.operations))
    return Task(graph, {}, {}, sweeps, dict.fromkeys(steps, macs), dict.fromkeys(sweeps, lambda _: scratch))


def _roll(graph, sweeps, tiling, scratch=0):
    task = _task(graph, sweeps, scratch)
    return roll(graph, range(len(graph.operations)), sweeps, task.bands, tiling)


def _proven(graph, sweeps, group, scratch=0):
    plan = _task(graph, sweeps, scratch).plan((group,), node_limit=0)
    verify(graph, plan, {}, {}, sweeps, (group,))
    return plan


def _written(group, tensor):
    """(first row, rows, first column, columns) of every visit that writes an 8 x 8 image."""
    found = []
    for visit in group.visits:
        w = visit.write
        if w.tensor == tensor:
            top, left = divmod(w.first // CHANNELS, 8)
            width = w.run // CHANNELS if w.runs > 1 or w.bytes < 8 * CHANNELS else 8
            found.append((top, w.bytes // CHANNELS // width, left, width))
    return found


def test_a_strip_goes_on_with_the_rows_above_and_computes_again_what_its_windows_share_with_the_next_one():
    """Columns 0 to 3 of the second layer need 0 to 4 of the first, 4 to 7 need 3 to 7: one column on either side, twice."""
    graph, sweeps = _network(8, 8, [THREE, THREE])
    group = _roll(graph, sweeps, Tiling(2, 4))
    assert _written(group, 2) == [(y, 2, x, 4) for x in (0, 4) for y in (0, 2, 4, 6)]
    assert _written(group, 1) == [(y, rows, x, 5) for x in (0, 3) for y, rows in ((0, 3), (3, 2), (5, 2), (7, 1))]
    assert group.computed() == {0: 2 * 8 * 5 * CHANNELS, 1: 8 * 8 * CHANNELS}
    assert group.sizes == {1: 4 * 5 * CHANNELS}
    assert computed_again(graph, {0: 64 * 36 * CHANNELS}, group) == 2 * 8 * 36 * CHANNELS
    _proven(graph, sweeps, group)


def test_patches_side_by_side_compute_again_what_they_share_in_both_directions():
    graph, sweeps = _network(8, 8, [THREE, THREE])
    group = _roll(graph, sweeps, Tiling(4, 4, downwards=False))
    assert _written(group, 2) == [(y, 4, x, 4) for y in (0, 4) for x in (0, 4)]
    assert _written(group, 1) == [(y, 5, x, 5) for y in (0, 3) for x in (0, 3)]
    assert group.computed()[0] == 4 * 25 * CHANNELS
    assert group.moved_bytes == 0
    assert group.sizes == {1: 25 * CHANNELS}
    _proven(graph, sweeps, group)


def test_what_is_read_of_a_whole_image_and_written_into_one_is_staged_in_the_scratch():
    """The first layer's 5 x 5 patch needs 6 x 6 pixels of the input; the second one's 4 x 4 go into the output."""
    graph, sweeps = _network(8, 8, [THREE, THREE])
    group = _roll(graph, sweeps, Tiling(4, 4, downwards=False), scratch=10)
    assert dict(group.kernel_scratch) == {0: 10, 1: 10}
    assert dict(group.scratch) == {0: 12 + 36 * CHANNELS, 1: 12 + 16 * CHANNELS}
    first, second = group.rounds[0]
    assert first.reads == (Rows(0, 0, 36 * CHANNELS, 0, 6, 8 * CHANNELS, 8 * CHANNELS),)
    assert (dict(first.staged), dict(second.staged)) == ({0: 12}, {2: 12})
    assert second.reads == (Rows(1, 0, 25 * CHANNELS, 0, 5, 8 * CHANNELS, 5 * CHANNELS),)
    assert first.windows[0] == replace(
        sweeps[0][0].window, in_height=6, in_width=6, out_height=5, out_width=5, pad_top=1, pad_left=1
    )
    last = group.rounds[3][0]
    assert last.windows[0] == replace(first.windows[0], pad_top=0, pad_left=0)
    assert group.staged_bytes == (4 * 36 + 4 * 16) * CHANNELS


def test_a_shortcut_reads_the_middle_of_a_larger_patch():
    """x -> RELU -> CONV -> + RELU's output: of the 6 x 6 patch of RELU that CONV needs, ADD needs 4 x 4."""
    graph, sweeps = _network(12, 12, ["relu", THREE])
    line = by_rows(graph.tensors[2].elements, 1, 1)
    add = Operation(2, "ADD", (2, 1), (3,))
    graph = Graph({**graph.tensors, 3: _image(3, 12, 12)}, (*graph.operations, add), (0,), (3,), "0" * 64)
    sweeps = {**sweeps, 2: {2: line, 1: line}}
    group = _roll(graph, sweeps, Tiling(4, 4, downwards=False))
    visit = group.rounds[4][2]
    assert group.sizes[1] == 36 * CHANNELS
    assert set(visit.staged) == {1, 3}
    assert {rows.tensor: rows.at for rows in visit.reads} == {2: 0, 1: (6 + 1) * CHANNELS}
    _proven(graph, sweeps, group)


def test_patches_lie_on_an_input_that_dies_line_by_line():
    """Side by side: the patch that ends at row y, column x is written while (row y - 5, column x - 2) is still to be read for
    the next one. In strips: while (row 0, column x - 2) is, and the last row is written."""
    graph, sweeps = _network(16, 16, [THREE, THREE])
    row = 16 * CHANNELS
    plan = _proven(graph, sweeps, _roll(graph, sweeps, Tiling(4, 4, downwards=False)))
    assert plan.offsets[0] - plan.offsets[2] == 5 * row + 2 * CHANNELS
    plan = _proven(graph, sweeps, _roll(graph, sweeps, Tiling(4, 4)))
    assert plan.offsets[0] - plan.offsets[2] == 15 * row + 2 * CHANNELS


LAYERS = st.one_of(
    st.just("relu"), st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(0, 1), st.integers(1, 2))
)
TILINGS = st.builds(Tiling, st.integers(1, 4), st.integers(1, 5), st.booleans())


@given(st.integers(5, 11), st.integers(4, 11), st.lists(LAYERS, min_size=2, max_size=4), TILINGS, st.booleans())
@settings(deadline=None, max_examples=150)
def test_every_tiling_is_proven_computes_every_byte_and_every_spoilt_visit_is_found(h, w, layers, tiling, shortcut):
    try:
        graph, sweeps = _network(h, w, layers)
        if shortcut and graph.tensors[len(layers)].shape == graph.tensors[0].shape:
            graph, sweeps = _network(h, w, layers, shortcut=True)
        group = _roll(graph, sweeps, tiling, scratch=8)
    except ValueError:
        group = None
    assume(group is not None)
    plan = _proven(graph, sweeps, group, 8)
    for operation in graph.operations:
        seen = np.zeros(graph.tensors[operation.outputs[0]].nbytes, bool)
        for visit in group.visits:
            if visit.write.tensor == operation.outputs[0]:
                for first, _ in visit.write.places():
                    seen[first : first + visit.write.run] = True
        assert seen.all()
    for spoilt in _spoilt(group):
        with pytest.raises(PlanError):
            verify(graph, plan, {}, {}, sweeps, (spoilt,))


def _spoilt(group):
    """Another pixel read, another pixel written, other padding, nothing staged, staged in the kernel's scratch, a round less."""
    i = len(group.rounds) - 1
    j = next(j for j in reversed(range(len(group.steps))) if group.rounds[i][j])
    visit = group.rounds[i][j]
    rows = visit.reads[0]
    if rows.first >= CHANNELS:
        moved = replace(rows, first=rows.first - CHANNELS, at=rows.at - CHANNELS)
        yield _with(group, i, j, replace(visit, reads=(moved, *visit.reads[1:])))
    if visit.write.first >= CHANNELS:
        moved = replace(visit.write, first=visit.write.first - CHANNELS, at=visit.write.at - CHANNELS)
        yield _with(group, i, j, replace(visit, write=moved))
    for name in ("pad_left", "pad_top"):
        window = visit.windows[rows.tensor]
        if window.filter_height > 1 or window.in_height > 1:
            other = {**visit.windows, rows.tensor: replace(window, **{name: getattr(window, name) + 1})}
            yield _with(group, i, j, replace(visit, windows=other))
    if visit.staged and not all(rows.is_contiguous for rows in visit.rows if rows.tensor in visit.staged):
        yield _with(group, i, j, replace(visit, staged={}))
    if visit.staged:
        yield _with(group, i, j, replace(visit, staged=dict.fromkeys(visit.staged, 4)))
    yield replace(group, rounds=group.rounds[:-1])


def _with(group, i, j, visit):
    turn = (*group.rounds[i][:j], visit, *group.rounds[i][j + 1 :])
    return replace(group, rounds=(*group.rounds[:i], turn, *group.rounds[i + 1 :]))


# --- the choice


def _wide():
    """A wide image becomes one of many channels, then a small one: rows of it are much, patches little."""
    first = Window(1, 16, 64, 16, 64, 3, 3, 1, 1, 1, 1, 1, 1)
    second = Window(1, 16, 64, 5, 21, 3, 3, 3, 3, 1, 1, 0, 0)
    tensors = {0: _image(0, 16, 64), 1: _image(1, 16, 64, 32), 2: _image(2, 5, 21)}
    operations = (Operation(0, "LAYER", (0,), (1,)), Operation(1, "LAYER", (1,), (2,)))
    sweeps = {0: {0: Sweep(first, CHANNELS, 32)}, 1: {1: Sweep(second, 32, CHANNELS)}}
    return _task(Graph(tensors, operations, (0,), (2,), "0" * 64), sweeps, macs=10**7)


def test_patches_are_taken_for_the_smallest_arena_and_for_a_given_size_where_rows_do_not_fit():
    task = _wide()
    balanced, least = choose(task, BALANCED), choose(task, Wish("ram"))
    assert [group.tiling.columns for group in balanced.groups] == [0]
    assert all(group.tiling.columns for group in least.groups)
    assert least.plan.arena_bytes < balanced.plan.arena_bytes
    fits = choose(task, Wish(ram_bytes=balanced.plan.arena_bytes))
    assert [group.tiling.columns for group in fits.groups] == [0], "nothing is computed twice where rows fit"
    between = choose(task, Wish(ram_bytes=balanced.plan.arena_bytes - 4))
    assert all(group.tiling.columns for group in between.groups)
