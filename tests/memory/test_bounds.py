"""The two lower bounds, worked out by hand."""

from edgecompress.memory.bounds import bound_of_schedule, bound_without_sharing, reachable_bound
from edgecompress.memory.lifetimes import lifetimes
from edgecompress.memory.plan import Buffer
from edgecompress.memory.planners import plan_buffers


def test_the_bound_of_a_chain_is_its_widest_neighbouring_pair(chain):
    assert bound_without_sharing(chain(10, 20, 30, 5)) == 50


def test_the_bound_of_a_residual_block_counts_the_shortcut(residual):
    assert bound_without_sharing(residual) == 100 + 100 + 100


def test_scratch_counts_in_its_step(chain):
    assert bound_without_sharing(chain(10, 20, 30, 5), {0: 100}) == 130


def test_a_reshape_counts_twice_without_sharing_and_once_in_the_schedule(chain):
    graph = chain(10, 30, 30, 5)
    assert bound_without_sharing(graph) == 60
    assert bound_of_schedule(lifetimes(graph, {2: 1})) == 40


def test_overhead_is_what_the_plan_needs_above_the_bound_of_the_schedule():
    plan = plan_buffers([Buffer(0, "a", 5, 0, 0, 4), Buffer(1, "b", 6, 0, 0, 4)])
    assert (plan.arena_bytes, plan.bound_of_schedule, plan.overhead) == (13, 11, 2)


def test_the_reachable_bound_pads_all_buffers_but_the_most_wasteful():
    assert reachable_bound([Buffer(0, "a", 5, 0, 0, 4), Buffer(1, "b", 6, 0, 0, 4)]) == 8 + 5
    assert reachable_bound([Buffer(0, "a", 5, 0, 0, 4), Buffer(1, "b", 6, 1, 1, 4)]) == 6
    assert reachable_bound([]) == 0
