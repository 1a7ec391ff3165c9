"""Rolling rows: buffers and moves worked out by hand, groups that are refused, and a verifier that sees every spoilt visit."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecompress.codegen.ops.sweeps import by_rows
from edgecompress.errors import DoesNotFitError
from edgecompress.memory import PlanError, Sweep, lifetimes, verify
from edgecompress.memory.choice import BALANCED, SPEED, Task, Wish, choose, cost_of
from edgecompress.memory.rolling import roll
from edgecompress.memory.sweep import Window
from edgecompress.memory.visits import Move, Rows, Tiling
from edgecompress.tflite.graph import Graph, Operation, Tensor

WIDTH, CHANNELS = 3, 4
ROW = WIDTH * CHANNELS


def _image(index, height, width=WIDTH, channels=CHANNELS):
    return Tensor(index, f"t{index}", (1, height, width, channels), np.dtype(np.int8))


def _window(height, taps=3, stride=1, pad=1, dilation=1):
    out = (height + 2 * pad - (taps - 1) * dilation - 1) // stride + 1
    return Window(1, height, WIDTH, out, WIDTH, taps, 1, stride, 1, dilation, 1, pad, 0)


def _network(height, layers):
    """(graph, sweeps) of a chain: each layer is a window's (taps, stride, pad, dilation), or "relu"."""
    tensors, operations, sweeps = [_image(0, height)], [], {}
    for step, layer in enumerate(layers):
        if layer == "relu":
            tensors.append(_image(step + 1, tensors[-1].shape[1]))
            sweep = by_rows(tensors[-1].elements, 1, 1)
        else:
            window = _window(tensors[-1].shape[1], *layer)
            tensors.append(_image(step + 1, window.out_height))
            sweep = Sweep(window, CHANNELS, CHANNELS)
        operations.append(Operation(step, "LAYER", (step,), (step + 1,)))
        sweeps[step] = {step: sweep}
    graph = Graph(dict(enumerate(tensors)), tuple(operations), (0,), (len(layers),), "0" * 64)
    return graph, sweeps


def _bands(sweeps, scratch=0):
    return dict.fromkeys(sweeps, lambda _: scratch)


def _roll(graph, sweeps, rows=1, steps=None, scratch=0):
    return roll(graph, steps or range(len(graph.operations)), sweeps, _bands(sweeps, scratch), Tiling(rows))


THREE = (3, 1, 1, 1)
"""Three rows, stride 1, padded: as many rows out as in."""


def _residual(height):
    """x -> CONV -> CONV -> + x."""
    graph, sweeps = _network(height, [THREE, THREE])
    tensors = {**graph.tensors, 3: _image(3, height)}
    add = Operation(2, "ADD", (2, 0), (3,))
    line = by_rows(tensors[3].elements, 1, 1)
    return Graph(tensors, (*graph.operations, add), (0,), (3,), "0" * 64), {**sweeps, 2: {2: line, 0: line}}


def test_a_3x3_layer_keeps_three_rows_of_its_input():
    """Row y of the second layer needs the rows y - 1 to y + 1 of the first one's output: two of them are needed again."""
    graph, sweeps = _network(8, [THREE, THREE])
    group = _roll(graph, sweeps)
    assert group.sizes == {1: 3 * ROW}
    assert [[v and (v.write.first // ROW, v.write.bytes // ROW) for v in turn] for turn in group.rounds] == [
        [(0, 2), (0, 1)],
        *[[(y + 1, 1), (y, 1)] for y in range(1, 7)],
        [None, (7, 1)],
    ]
    moves = [visit.move for visit in group.visits if visit.write.tensor == 1]
    assert moves == [None, None, *[Move(ROW, 2 * ROW)] * 5]
    assert group.moved_bytes == 5 * 2 * ROW


def test_rows_of_larger_values_take_as_many_times_the_bytes_up_to_a_word():
    graph, sweeps = _network(8, [THREE, THREE])
    for dtype in (np.int16, np.float32, np.int64):
        wide = {key: replace(tensor, dtype=np.dtype(dtype)) for key, tensor in graph.tensors.items()}
        size = np.dtype(dtype).itemsize
        wider = {
            step: {key: replace(s, in_bytes=size * CHANNELS, out_bytes=size * CHANNELS) for key, s in of_step.items()}
            for step, of_step in sweeps.items()
        }
        group = _roll(replace(graph, tensors=wide), wider)
        assert (group and group.sizes) == (None if size > 4 else {1: size * 3 * ROW})


def test_a_layer_of_stride_two_keeps_one_row_and_gets_two_new_ones():
    graph, sweeps = _network(8, [(1, 1, 0, 1), (3, 2, 0, 1)])
    group = _roll(graph, sweeps)
    assert group.sizes == {1: 4 * ROW}, "three, and in the end one that nobody needs"
    firsts = [(v.write.first // ROW, v.write.bytes // ROW) for v in group.visits if v.write.tensor == 1]
    assert firsts == [(0, 3), (3, 2), (5, 3)]


def test_a_shortcut_is_overwritten_row_by_row():
    """The sum lies exactly on x: row y of x is not needed any more when row y of the sum is written."""
    graph, sweeps = _residual(8)
    group = _roll(graph, sweeps)
    assert group.sizes == {1: 3 * ROW, 2: ROW}
    task = Task(graph, {}, {}, sweeps, {}, _bands(sweeps))
    plan = task.plan((group,), node_limit=1000)
    verify(graph, plan, {}, {}, sweeps, (group,))
    assert plan.offsets[3] == plan.offsets[0]
    assert plan.arena_bytes == (8 + 3 + 1) * ROW


def test_more_rows_in_a_round_are_fewer_calls_and_larger_buffers():
    graph, sweeps = _residual(8)
    groups = [_roll(graph, sweeps, rows) for rows in (1, 2, 4)]
    assert [len(group.rounds) for group in groups] == [8, 4, 2]
    assert [group.sizes[1] // ROW for group in groups] == [3, 4, 5]
    task = Task(graph, {}, {}, sweeps, {}, _bands(sweeps))
    costs = [cost_of(task, group) for group in groups]
    assert costs[0] > costs[1] > costs[2]


def test_every_row_of_every_tensor_is_computed_once():
    graph, sweeps = _network(9, [THREE, (2, 2, 0, 1), "relu", (3, 1, 1, 2), THREE])
    for rows in (1, 2, 3):
        seen = {}
        for visit in _roll(graph, sweeps, rows).visits:
            seen.setdefault(visit.write.tensor, []).append((visit.write.first, visit.write.bytes))
        for tensor, parts in seen.items():
            ends = [0, *(first + size for first, size in parts)]
            assert [first for first, _ in parts] == ends[:-1]
            assert ends[-1] == graph.tensors[tensor].nbytes


def test_layers_that_cannot_take_turns_are_refused():
    graph, sweeps = _network(8, [THREE, THREE, THREE])
    steps = range(3)
    assert roll(graph, steps, sweeps, _bands({0: 0, 2: 0}), Tiling(1)) is None, "a kernel that only runs whole"
    assert roll(graph, steps, {**sweeps, 1: {}}, _bands(sweeps), Tiling(1)) is None, "a kernel that states no sweep"
    assert roll(replace(graph, outputs=(1, 3)), steps, sweeps, _bands(sweeps), Tiling(1)) is None, (
        "an inner tensor is an output"
    )
    late = replace(graph, operations=(*graph.operations, Operation(3, "LAYER", (1,), (4,))))
    assert roll(late, steps, sweeps, _bands(sweeps), Tiling(1)) is None, "an inner tensor is read later"
    odd = {key: replace(t, shape=(1, 8, WIDTH, 3)) for key, t in graph.tensors.items()}
    thin = {s: {k: replace(w, in_bytes=3, out_bytes=3) for k, w in sweep.items()} for s, sweep in sweeps.items()}
    assert roll(replace(graph, tensors=odd), steps, thin, _bands(sweeps), Tiling(1)) is None, (
        "rows that are no whole words"
    )


LAYERS = st.one_of(
    st.just("relu"), st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(0, 1), st.integers(1, 2))
)


@given(st.integers(6, 14), st.lists(LAYERS, min_size=2, max_size=5), st.integers(1, 4))
@settings(deadline=None, max_examples=150)
def test_every_group_is_proven_and_every_spoilt_visit_is_found(height, layers, rows):
    try:
        graph, sweeps = _network(height, layers)
        if min(tensor.shape[1] for tensor in graph.tensors.values()) < 1:
            return
        group = _roll(graph, sweeps, rows, scratch=8)
    except ValueError:
        return
    if group is None:
        return
    task = Task(graph, {}, {}, sweeps, {}, _bands(sweeps, 8))
    plan = task.plan((group,), node_limit=0)
    verify(graph, plan, {}, {}, sweeps, (group,))
    for spoilt in _spoilt(group):
        with pytest.raises(PlanError):
            verify(graph, plan, {}, {}, sweeps, (spoilt,))


def _spoilt(group):
    """The group with its last visit that reads an inner tensor reading a row higher, or seeing other padding; without its
    last move; and without its last round."""
    inner = [(i, j) for i, turn in enumerate(group.rounds) for j, v in enumerate(turn) if v and j > 0]
    i, j = inner[-1]
    visit = group.rounds[i][j]
    (rows,) = visit.reads
    if rows.at >= ROW:
        yield _with(group, i, j, replace(visit, reads=(replace(rows, at=rows.at - ROW),)))
    window = visit.windows[rows.tensor]
    if window.in_height != 1 or window.filter_height != 1:
        moved = {rows.tensor: replace(window, pad_top=window.pad_top + 1)}
        yield _with(group, i, j, replace(visit, windows=moved))
    yield replace(group, rounds=group.rounds[:-1])
    moves = [(i, j) for i, turn in enumerate(group.rounds) for j, v in enumerate(turn) if v and v.move]
    for i, j in moves[-1:]:
        yield _with(group, i, j, replace(group.rounds[i][j], move=None))


def _with(group, i, j, visit):
    turn = (*group.rounds[i][:j], visit, *group.rounds[i][j + 1 :])
    return replace(group, rounds=(*group.rounds[:i], turn, *group.rounds[i + 1 :]))


def test_a_visit_outside_its_buffer_is_refused():
    graph, sweeps = _residual(8)
    group = _roll(graph, sweeps)
    task = Task(graph, {}, {}, sweeps, {}, _bands(sweeps))
    plan = task.plan((group,), node_limit=0)
    visit = group.rounds[3][0]
    beyond = replace(visit, write=Rows(1, visit.write.first, ROW, 3 * ROW))
    with pytest.raises(PlanError, match="are not its own"):
        verify(graph, plan, {}, {}, sweeps, (_with(group, 3, 0, beyond),))


def test_what_lives_in_a_group_lives_in_all_of_its_steps():
    graph, sweeps = _residual(8)
    group = _roll(graph, sweeps, scratch=20)
    spans = {
        b.key: (b.first, b.last, b.size, b.shared_with) for b in lifetimes(graph, {}, {0: 99, 1: 99}, groups=(group,))
    }
    assert spans == {
        0: (0, 2, 8 * ROW, ()), 1: (0, 2, 3 * ROW, ()), 2: (0, 2, ROW, ()), 3: (0, 2, 8 * ROW, ()),
        -2: (0, 2, 20, (-3, -4)),
    }  # fmt: skip


# --- the choice


def _task(height=32, work=10**6):
    graph, sweeps = _residual(height)
    return Task(graph, {}, {}, sweeps, dict.fromkeys(range(3), work), _bands(sweeps))


def test_balanced_takes_turns_where_they_are_nearly_free_only():
    assert choose(_task()).groups
    assert not choose(_task(work=100)).groups, "a few MACs: the calls would be felt"
    assert choose(_task(work=100), Wish("ram")).groups


def test_speed_runs_every_layer_whole():
    choice = choose(_task(), SPEED)
    assert choice.groups == ()
    assert choice.plan.arena_bytes == choice.whole_bytes


def test_a_given_size_of_ram_gets_the_cheapest_schedule_that_fits():
    task = _task()
    whole, least = choose(task, SPEED).plan.arena_bytes, choose(task, Wish("ram")).plan.arena_bytes
    costs = []
    for size in (least, (least + whole) // 2, whole):
        choice = choose(task, Wish(ram_bytes=size))
        assert choice.plan.arena_bytes <= size
        costs.append(sum(cost_of(task, group) for group in choice.groups))
    assert costs[0] > costs[1] > costs[2] == 0


def test_too_little_ram_is_an_error_that_says_what_the_least_is():
    least = choose(_task(), Wish("ram")).plan.arena_bytes
    with pytest.raises(DoesNotFitError) as caught:
        choose(_task(), Wish(ram_bytes=least - 1))
    assert f"{least:,} bytes" in caught.value.found


def test_the_choice_is_as_good_as_trying_every_pair_of_groups():
    """Two residual blocks, one after the other: every way to put the steps into groups, by brute force."""
    first, sweeps = _residual(12)
    tensors = {**first.tensors, **{key: _image(key, 12) for key in (4, 5, 6)}}
    more = [Operation(3, "LAYER", (3,), (4,)), Operation(4, "LAYER", (4,), (5,)), Operation(5, "ADD", (5, 3), (6,))]
    graph = Graph(tensors, (*first.operations, *more), (0,), (6,), "0" * 64)
    window, line = sweeps[0][0], sweeps[2][0]
    sweeps = {**sweeps, 3: {3: window}, 4: {4: window}, 5: {5: line, 3: line}}
    task = Task(graph, {}, {}, sweeps, dict.fromkeys(range(6), 10**6), _bands(sweeps))
    spans = [range(a, b) for a in range(6) for b in range(a + 2, 7)]
    groups = [group for span in spans if (group := roll(graph, span, sweeps, _bands(sweeps), Tiling(1)))]
    ways = [(), *((g,) for g in groups), *((g, h) for g in groups for h in groups if g.steps[-1] < h.steps[0])]
    best = min(task.plan(way, node_limit=2000).arena_bytes for way in ways)
    assert choose(task, Wish("ram")).plan.arena_bytes <= best
    assert choose(task, BALANCED).plan.arena_bytes <= best
