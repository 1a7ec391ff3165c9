"""Planners against tables of known optima and against brute force."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecompress.memory.bounds import bound_of_schedule, reachable_bound
from edgecompress.memory.exact import place_exactly
from edgecompress.memory.plan import Buffer
from edgecompress.memory.planners import GREEDY, arena_size, climb, place_in_order, plan_buffers

# Worked out by hand: (first, last, size) of every buffer, alignment, the smallest arena.
KNOWN = {
    "nothing": ([], 1, 0),
    "one": ([(0, 5, 7)], 4, 7),
    "empty buffers": ([(0, 1, 0), (0, 1, 8), (1, 2, 0)], 4, 8),
    "never together": ([(0, 0, 10), (1, 1, 30), (2, 2, 20)], 1, 30),
    "all together": ([(0, 3, 10), (0, 3, 30), (1, 2, 20)], 1, 60),
    "a chain": ([(0, 0, 10), (0, 1, 20), (1, 2, 30), (2, 2, 40)], 1, 70),
    "the last one is not padded": ([(0, 1, 5), (0, 1, 6)], 4, 13),
    "padding cannot be avoided": ([(0, 0, 5), (0, 0, 5), (0, 0, 5)], 8, 21),
    "a residual block": ([(0, 2, 100), (0, 1, 60), (1, 2, 100), (2, 2, 100)], 4, 300),
    "only greedy by end finds 7": ([(3, 4, 3), (2, 3, 2), (3, 3, 1), (1, 2, 4), (4, 5, 4)], 1, 7),
    "greedy needs 8": ([(2, 2, 2), (4, 5, 3), (1, 1, 4), (0, 0, 2), (2, 4, 3), (0, 3, 2)], 1, 7),
    "greedy needs 14": (
        [(3, 3, 2), (4, 5, 4), (1, 2, 3), (4, 4, 2), (2, 2, 4), (2, 5, 3), (2, 3, 3), (3, 5, 4)], 1, 13,
    ),
}  # fmt: skip


def _buffers(spans, alignment):
    return [Buffer(i, f"b{i}", size, first, last, alignment) for i, (first, last, size) in enumerate(spans)]


def _collisions(buffers, offsets):
    """Pairs that are alive in the same step and share a byte, step by step and byte by byte."""
    steps = range(max((b.last for b in buffers), default=0) + 1)
    taken = {}
    return [
        (b.key, taken[cell])
        for b in buffers
        for step in steps
        if b.first <= step <= b.last
        for byte in range(offsets[b.key], offsets[b.key] + b.size)
        if taken.setdefault(cell := (step, byte), b.key) != b.key
    ]


@pytest.mark.parametrize("name", KNOWN)
def test_the_known_optimum_is_found(name):
    spans, alignment, optimum = KNOWN[name]
    buffers = _buffers(spans, alignment)
    plan = plan_buffers(buffers)
    assert plan.arena_bytes == optimum
    assert not _collisions(buffers, plan.offsets)


def test_the_table_holds_cases_that_no_greedy_planner_solves():
    spans, alignment, optimum = KNOWN["greedy needs 8"]
    buffers = _buffers(spans, alignment)
    assert min(arena_size(buffers, planner(buffers, ())) for planner in GREEDY.values()) > optimum
    exact = place_exactly(buffers, upper=100, node_limit=10_000)
    assert exact is not None
    assert arena_size(buffers, exact) == optimum


def test_best_fit_takes_the_gap_that_fits_and_not_the_first():
    walls = [Buffer(0, "low", 10, 0, 0), Buffer(1, "mid", 20, 0, 1), Buffer(2, "high", 4, 0, 0)]
    walls += [Buffer(3, "top", 4, 0, 1), Buffer(4, "small", 4, 1, 1)]
    lowest = place_in_order(walls, best_fit=False)
    tightest = place_in_order(walls, best_fit=True)
    assert lowest == {0: 0, 1: 12, 2: 32, 3: 36, 4: 0}
    assert tightest == {0: 0, 1: 12, 2: 32, 3: 36, 4: 32}


def test_the_exact_search_gives_up_at_its_limit_instead_of_guessing():
    spans, alignment, optimum = KNOWN["greedy needs 14"]
    assert place_exactly(_buffers(spans, alignment), upper=optimum + 1, node_limit=1) is None


def test_the_exact_search_finds_nothing_below_the_optimum():
    spans, alignment, optimum = KNOWN["greedy needs 14"]
    assert place_exactly(_buffers(spans, alignment), upper=optimum, node_limit=100_000) is None


def test_more_buffers_than_the_exact_search_takes_are_planned_all_the_same():
    buffers = [Buffer(i, "", 100 + i * 37 % 101, i, i + 3) for i in range(300)]
    plan = plan_buffers(buffers)
    assert not _collisions(buffers, plan.offsets)
    assert plan.overhead >= 0


def test_shared_tensors_get_the_offset_of_their_buffer():
    plan = plan_buffers([Buffer(0, "a", 8, 0, 1), Buffer(1, "b", 8, 1, 2, shared_with=(4, 5))])
    assert plan.offsets[4] == plan.offsets[5] == plan.offsets[1]


SPANS = st.tuples(st.integers(0, 6), st.integers(0, 3), st.integers(0, 40)).map(lambda s: (s[0], s[0] + s[1], s[2]))


@given(st.lists(SPANS, max_size=14), st.sampled_from([1, 2, 4, 8, 16]))
@settings(deadline=None, max_examples=150)
def test_every_planner_keeps_buffers_apart_aligned_and_above_the_bound(spans, alignment):
    buffers = _buffers(spans, alignment)
    results = [planner(buffers, ()) for planner in GREEDY.values()]
    results += [climb(buffers, rounds=30), plan_buffers(buffers, node_limit=300).offsets]
    for offsets in results:
        assert not _collisions(buffers, offsets)
        assert all(offset % alignment == 0 for offset in offsets.values())
        assert arena_size(buffers, offsets) >= reachable_bound(buffers) >= bound_of_schedule(buffers)


@given(st.lists(SPANS, max_size=5), st.sampled_from([1, 4]))
@settings(deadline=None, max_examples=60)
def test_the_plan_of_few_buffers_is_as_small_as_the_best_of_all_orders(spans, alignment):
    buffers = _buffers(spans, alignment)
    best = min(arena_size(buffers, place_in_order(order, best_fit=False)) for order in permutations(buffers))
    assert plan_buffers(buffers).arena_bytes == best
    exact = place_exactly(buffers, upper=best + 1, node_limit=100_000)
    assert exact is not None
    assert arena_size(buffers, exact) == best


@given(st.lists(SPANS, max_size=14))
@settings(deadline=None, max_examples=20)
def test_planning_twice_gives_the_same_plan(spans):
    buffers = _buffers(spans, 4)
    assert plan_buffers(buffers, node_limit=300) == plan_buffers(buffers, node_limit=300)
