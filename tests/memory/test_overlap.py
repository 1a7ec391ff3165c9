"""Outputs over dying inputs: distances worked out by hand, the planners' formula against the verifier's clocks, and plans."""

from itertools import permutations

import numpy as np
import pytest
from arranging import arrange
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecompress.codegen.ops.sweeps import by_rows
from edgecompress.memory import Sweep, lifetimes, verify
from edgecompress.memory.bounds import bound_of_schedule, reachable_bound
from edgecompress.memory.clocks import UNREAD, clocks
from edgecompress.memory.exact import place_exactly
from edgecompress.memory.overlap import Overlap, Rules, least_distance, overlaps
from edgecompress.memory.plan import Buffer, Plan
from edgecompress.memory.planners import GREEDY, climb, place_in_order, plan_buffers
from edgecompress.memory.sweep import Window
from edgecompress.memory.verify import PlanError

LINE = by_rows(10, 1, 1)
"""Ten elements, one after the other."""


def _image(height, width, taps=1, stride=1, pad=0):
    """A square window over an image, with outputs as far as it reaches."""
    outs = [(size + 2 * pad - taps) // stride + 1 for size in (height, width)]
    return Window(1, height, width, *outs, taps, taps, stride, stride, 1, 1, pad, pad)


BY_HAND = {
    "an element at a time": (LINE, 0),
    "again and again, so that nothing may be overwritten": (Sweep(_image(4, 5), 8, 3, apart=True), 4 * 5 * 3),
    "floats to bytes": (Sweep(_image(1, 10), 4, 1), 0),
    # byte 4 · 8 is written last but four; the ninth byte has not been read then
    "bytes to floats": (Sweep(_image(1, 10), 1, 4), 4 * 9 - 9),
    "1x1, all channels at once": (Sweep(_image(4, 5), 8, 8), 0),
    "1x1, channel by channel from all channels": (Sweep(_image(4, 5), 8, 8, part=1), 7),
    "1x1, channel by channel from itself": (Sweep(_image(4, 5), 8, 8, part=1, own_channels=True), 0),
    # when pixel 18 of 20 is written, pixel 19 has not been read: 19 · 16 - 19 · 8
    "1x1, twice the channels": (Sweep(_image(4, 5), 8, 16), 19 * 8),
    # four at a time: 16 pixels are written when the 17th is still to be read
    "1x1, twice the channels, four pixels": (Sweep(_image(4, 5), 8, 16, positions=4), 16 * 8),
    # row y is complete, and row y + 1 begins with pixel (y, 0): a row; one more where pixel (y, 1) needs (y - 1, 0) again
    "3x3 same": (Sweep(_image(6, 5, 3, pad=1), 2, 2), (5 + 1) * 2),
    "3x3 same, rows kept elsewhere": (Sweep(_image(6, 5, 3, pad=1), 2, 2, positions=5, reads_once=True), 0),
    "2x2 stride 2": (Sweep(_image(6, 6, 2, 2), 3, 3), 0),
    "3x3 same, channels outermost, rows kept": (
        Sweep(_image(6, 5, 3, pad=1), 4, 4, positions=5, part=2, own_channels=True, channels_first=True, reads_once=True),
        0,
    ),
    "all read before anything is written": (by_rows(1, 9, 4, at_once=4), 0),
    "a row of outputs, four at a time": (by_rows(1, 9, 10, at_once=4), 8),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_the_distance_is_the_one_worked_out_by_hand(name):
    sweep, distance = BY_HAND[name]
    assert least_distance(sweep) == distance


def _lost(sweep, distance):
    """Bytes overwritten too early with the input `distance` above the output, byte by byte."""
    read, written = clocks(sweep)
    both = range(max(0, distance), min(written.size, distance + read.size))
    return sum(read[i - distance] > written[i] for i in both)


def _brute(sweep):
    """The least distance from which on no byte is lost."""
    step = sweep.in_bytes if sweep.channels_first else 1
    top = sweep.window.out_height * sweep.window.out_width * sweep.out_bytes
    distances = list(range(0, top + step, step))
    lossy = [distance for distance in distances if _lost(sweep, distance)]
    return distances[distances.index(lossy[-1]) + 1] if lossy else 0


@st.composite
def sweeps(draw):
    taps, stride, dilation, pad = (st.integers(*limits) for limits in ((1, 3), (1, 3), (1, 2), (0, 2)))
    height, width = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    fh, fw, sh, sw, dh, dw = (draw(s) for s in (taps, taps, stride, stride, dilation, dilation))
    pt, pl = draw(pad), draw(pad)
    out_height, out_width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    window = Window(1, height, width, out_height, out_width, fh, fw, sh, sw, dh, dw, pt, pl)
    kind = draw(st.sampled_from(["whole", "parts", "own", "channels first", "apart"]))
    once = draw(st.booleans())
    in_bytes = draw(st.integers(1, 4))
    if kind == "whole":
        return Sweep(window, in_bytes, draw(st.integers(1, 6)), draw(st.integers(1, 5)), reads_once=once)
    if kind == "apart":
        return Sweep(window, in_bytes, draw(st.integers(1, 6)), apart=True)
    if kind == "parts":
        return Sweep(window, in_bytes, draw(st.integers(1, 6)), part=draw(st.integers(1, 3)))
    if kind == "own":
        out_bytes = in_bytes * draw(st.integers(1, 3))
        return Sweep(window, in_bytes, out_bytes, part=draw(st.integers(1, 3)), own_channels=True)
    part, positions = draw(st.integers(1, 3)), draw(st.integers(1, 5))
    return Sweep(window, in_bytes, in_bytes, positions, part, own_channels=True, channels_first=True, reads_once=once)


@given(sweeps())
@settings(deadline=None, max_examples=300)
def test_the_distance_is_the_least_one_that_loses_no_byte(sweep):
    distance = least_distance(sweep)
    step = sweep.in_bytes if sweep.channels_first else 1
    assert distance == _brute(sweep)
    assert not any(_lost(sweep, more) for more in range(distance, distance + 40 * step, step))


def test_the_clocks_of_a_small_window_are_those_of_a_simulation():
    """Every step of a 2x2 window over a 2x3 image, two channels, tap by tap."""
    window = Window(1, 2, 3, 2, 3, 2, 2, 1, 1, 1, 1, 0, 0)
    read, written = clocks(Sweep(window, 2, 1))
    last = {}
    for step, (y, x) in enumerate((y, x) for y in range(2) for x in range(3)):
        last |= {(y + ky, x + kx): step for ky in range(2) for kx in range(2)}
    expected = [last[y, x] for y in range(2) for x in range(3)]
    assert read.tolist() == np.repeat(expected, 2).tolist()
    assert written.tolist() == [0, 1, 2, 3, 4, 5]
    beyond = clocks(Sweep(Window(1, 1, 3, 1, 1, 1, 1, 2, 2, 1, 1, 0, 0), 1, 1))[0]
    assert beyond.tolist() == [0, UNREAD, UNREAD]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"channels_first": True}, "needs its own"),
        ({"own_channels": True, "out_bytes": 5}, "same number"),
        ({"part": 1, "reads_once": True}, "whole positions"),
        ({"window": Window(2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0)}, "one batch"),
    ],
)
def test_a_sweep_that_contradicts_itself_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Sweep(**{"window": _image(2, 2), "in_bytes": 2, "out_bytes": 2, **fields})


def test_an_output_lies_on_its_dying_input_and_the_bound_says_so(chain):
    sweep = Sweep(_image(4, 5, 3, pad=1), 2, 2)
    plan = arrange(chain(40, 40), sweeps={0: {0: sweep}})
    assert plan.offsets[0] - plan.offsets[1] == 12
    assert (plan.arena_bytes, plan.bound_of_schedule, plan.bound_without_sharing) == (52, 52, 80)


def test_an_addition_lies_on_the_operand_that_is_not_needed_any_more(residual):
    sweep = by_rows(100, 1, 1)
    plan = arrange(residual, sweeps={2: {0: sweep, 2: sweep}})
    assert plan.offsets[3] in (plan.offsets[0], plan.offsets[2])
    assert (plan.arena_bytes, plan.overhead) == (260, 0)


@pytest.mark.parametrize("outputs", [[2], [1, 2]])
def test_an_input_that_is_needed_later_keeps_its_bytes(make_graph, outputs):
    operations = [("RELU", [0], [1]), ("ADD", [1, 0], [2])]
    graph = make_graph(dict.fromkeys(range(3), 10), operations, [0], outputs)
    permitted = overlaps(graph, lifetimes(graph), {0: {0: LINE}, 1: {0: LINE, 1: LINE}})
    assert [(p.output, p.source) for p in permitted] == [(2, 1), (2, 0)][len(outputs) - 1 :]


def test_a_tensor_read_twice_is_overwritten_only_where_both_readings_allow_it(make_graph):
    graph = make_graph({0: 10, 1: 10, 2: 10}, [("RESHAPE", [0], [1]), ("ADD", [0, 1], [2])], [0], [2])
    buffers = lifetimes(graph, {1: 0})
    assert overlaps(graph, buffers, {1: {0: LINE}}) == ()
    assert overlaps(graph, buffers, {1: {0: LINE, 1: LINE}}) == (Overlap(2, 0, 0),)


def _two(distance, sizes=(40, 40)):
    buffers = tuple(Buffer(key, f"t{key}", size, 0, 0, 1) for key, size in enumerate(sizes))
    offsets = {0: max(distance, 0), 1: max(-distance, 0)}
    end = max(offsets[key] + size for key, size in enumerate(sizes))
    return Plan(buffers, offsets, end, 0, 0, "by hand")


def test_one_byte_less_than_the_distance_is_refused(chain):
    sweep = Sweep(_image(4, 5, 3, pad=1), 2, 2)
    verify(chain(40, 40), _two(12), sweeps={0: {0: sweep}})
    with pytest.raises(PlanError, match=r'\d+ bytes of tensor 0 "t0" are overwritten by tensor 1 "t1" before'):
        verify(chain(40, 40), _two(11), sweeps={0: {0: sweep}})
    with pytest.raises(PlanError, match="before they have been read"):
        verify(chain(40, 40), _two(-2), sweeps={0: {0: sweep}})


def test_a_sweep_over_tensors_of_other_sizes_is_refused(chain):
    with pytest.raises(PlanError, match="other sizes"):
        verify(chain(40, 44), _two(12, (40, 44)), sweeps={0: {0: Sweep(_image(4, 5, 3, pad=1), 2, 2)}})


def test_channels_outermost_need_distances_in_whole_positions(chain):
    sweep = Sweep(_image(4, 5), 4, 4, part=2, own_channels=True, channels_first=True)
    verify(chain(80, 80), _two(4, (80, 80)), sweeps={0: {0: sweep}})
    with pytest.raises(PlanError, match="before they have been read"):
        verify(chain(80, 80), _two(2, (80, 80)), sweeps={0: {0: sweep}})
    assert overlaps(chain(80, 80), lifetimes(chain(80, 80)), {0: {0: sweep}}) == (Overlap(1, 0, 0, 4),)


@st.composite
def _chains(draw):
    """Buffers of a chain, some of which wait longer, with random permissions between neighbours."""
    sizes = draw(st.lists(st.integers(1, 30), min_size=2, max_size=6))
    ends = [i + 1 + draw(st.sampled_from([0, 0, 0, 1, 2])) for i in range(len(sizes))]
    steps = len(sizes) - 1
    buffers = [
        Buffer(i, f"b{i}", size, max(i - 1, 0), min(end - 1, steps), 1)
        for i, (size, end) in enumerate(zip(sizes, ends, strict=True))
    ]
    permitted = [
        Overlap(i + 1, i, draw(st.integers(0, 12)))
        for i in range(steps)
        if buffers[i].last == buffers[i + 1].first and draw(st.booleans())
    ]
    return buffers, permitted


def _collides(buffers, permitted, offsets):
    rules = Rules(buffers, permitted)
    pairs = [(a, b) for i, a in enumerate(buffers) for b in buffers[i + 1 :] if a.meets(b)]
    return [(a, b) for a, b in pairs if not rules.fit(a, offsets[a.key], b, offsets[b.key])]


@given(_chains())
@settings(deadline=None, max_examples=150)
def test_every_planner_keeps_the_distances_and_stays_above_the_bound(case):
    buffers, permitted = case
    results = [planner(buffers, permitted) for planner in GREEDY.values()]
    plan = plan_buffers(buffers, permitted)
    results += [climb(buffers, permitted, rounds=30), plan.offsets]
    for offsets in results:
        assert not _collides(buffers, permitted, offsets)
    assert plan.arena_bytes >= bound_of_schedule(buffers, permitted)
    assert plan.arena_bytes >= reachable_bound(buffers, permitted)


def _smallest(buffers, permitted):
    """By brute force: every way to stack the buffers, each as low as those below it allow."""
    best = sum(buffer.size for buffer in buffers)
    rules = Rules(buffers, permitted)
    for order in permutations(buffers):
        offsets = {}
        for buffer in order:
            below = [other for other in order[: len(offsets)] if other.meets(buffer)]
            offsets[buffer.key] = max((offsets[o.key] + rules.rise(o, buffer) for o in below), default=0)
        if not _collides(buffers, permitted, offsets):
            best = min(best, max(offsets[b.key] + b.size for b in buffers))
    return best


@given(_chains())
@settings(deadline=None, max_examples=80)
def test_the_exact_search_finds_the_smallest_plan_with_overlaps(case):
    buffers, permitted = case
    best = _smallest(buffers, permitted)
    found = place_exactly(buffers, permitted, upper=best + 1, node_limit=200_000)
    assert found is not None
    assert max(found[b.key] + b.size for b in buffers) == best
    assert plan_buffers(buffers, permitted).arena_bytes == best


def test_first_fit_puts_an_output_below_its_input():
    buffers = [Buffer(0, "in", 20, 0, 0, 1), Buffer(1, "out", 20, 0, 0, 1)]
    assert place_in_order(buffers[::-1], best_fit=False, permitted=[Overlap(1, 0, 6)]) == {1: 0, 0: 6}
