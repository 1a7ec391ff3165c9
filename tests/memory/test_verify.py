"""The verifier passes every plan of the planners and refuses plans that were spoilt on purpose."""

from dataclasses import replace

import numpy as np
import pytest
from arranging import arrange
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecompress.memory.lifetimes import lifetimes
from edgecompress.memory.plan import Buffer, Plan
from edgecompress.memory.planners import plan_buffers
from edgecompress.memory.verify import PlanError, verify
from edgecompress.tflite.graph import Graph, Operation, Tensor


def _plan(offsets, sizes, alignment=4):
    """A plan by hand; the spans in its buffers are nonsense on purpose: the verifier must not believe them."""
    buffers = tuple(Buffer(key, f"t{key}", size, 0, 0, alignment) for key, size in sizes.items())
    end = max(offsets[key] + size for key, size in sizes.items())
    return Plan(buffers, offsets, end, 0, 0, "by hand")


def test_a_plan_by_hand_that_reuses_the_first_tensors_bytes_is_proven(chain):
    verify(chain(8, 8, 8), _plan({0: 0, 1: 8, 2: 0}, {0: 8, 1: 8, 2: 8}))


def test_an_output_over_its_input_is_refused(chain):
    with pytest.raises(PlanError, match=r'step 1 RELU: tensor 2 "t2" and tensor 1 "t1" overlap'):
        verify(chain(8, 8, 8), _plan({0: 0, 1: 8, 2: 12}, {0: 8, 1: 8, 2: 8}))


def test_overwriting_one_byte_of_a_shortcut_is_refused_where_it_is_read(residual):
    plan = _plan({0: 0, 1: 100, 2: 96, 3: 200}, {0: 100, 1: 60, 2: 100, 3: 100})
    with pytest.raises(PlanError, match=r'step 1 CONV_2D: tensor 2 "t2" and tensor 1 "t1" overlap'):
        verify(residual, plan)
    plan = _plan({0: 0, 1: 196, 2: 96, 3: 256}, {0: 100, 1: 60, 2: 100, 3: 100})
    with pytest.raises(PlanError, match=r'step 2 ADD: 4 bytes of tensor 0 "t0" are overwritten: .*"t2" by step 1'):
        verify(residual, plan)


def test_spoiling_an_early_graph_output_is_refused(make_graph):
    operations = [("RELU", [0], [1]), ("RELU", [0], [2]), ("RELU", [2], [3])]
    graph = make_graph(dict.fromkeys(range(4), 8), operations, [0], [1, 3])
    with pytest.raises(PlanError, match=r"the graph's end: 8 bytes of tensor 1"):
        verify(graph, _plan({0: 0, 1: 8, 2: 16, 3: 8}, dict.fromkeys(range(4), 8)))


def test_two_inputs_at_one_place_are_refused(make_graph):
    graph = make_graph({0: 8, 1: 8, 2: 8}, [("ADD", [0, 1], [2])], [0, 1], [2])
    with pytest.raises(PlanError, match=r'8 bytes of tensor 0 "t0" are overwritten: tensor 1 "t1"'):
        verify(graph, _plan({0: 0, 1: 0, 2: 8}, dict.fromkeys(range(3), 8)))


@pytest.mark.parametrize(("offset", "victim"), [(0, "t0"), (8, "t1")])
def test_scratch_over_an_operand_or_a_result_is_refused(chain, offset, victim):
    plan = _plan({0: 0, 1: 8, -2: offset}, {0: 8, 1: 8, -2: 8})
    with pytest.raises(
        PlanError, match=rf'the scratch of step 0 and .*"{victim}"|"{victim}" and the scratch of step 0'
    ):
        verify(chain(8, 8), plan, scratch={0: 8})


def test_scratch_over_a_tensor_that_waits_is_refused(residual):
    plan = _plan({0: 0, 1: 100, 2: 160, 3: 260, -3: 0}, {0: 100, 1: 60, 2: 100, 3: 100, -3: 4})
    with pytest.raises(PlanError, match=r"overwritten: the scratch of step 1 by step 1 CONV_2D"):
        verify(residual, plan, scratch={1: 4})


def test_an_offset_that_is_not_aligned_is_refused(chain):
    with pytest.raises(PlanError, match="tensor 1 at offset 9 is not aligned to 4"):
        verify(chain(8, 8), _plan({0: 0, 1: 9}, {0: 8, 1: 8}))


@pytest.mark.parametrize(("arena", "message"), [(15, "outside the arena of 15"), (17, "highest tensor ends at 16")])
def test_an_arena_of_the_wrong_size_is_refused(chain, arena, message):
    plan = replace(_plan({0: 0, 1: 8}, {0: 8, 1: 8}), arena_bytes=arena)
    with pytest.raises(PlanError, match=message):
        verify(chain(8, 8), plan)


def test_a_negative_offset_is_refused(chain):
    with pytest.raises(PlanError, match="outside the arena"):
        verify(chain(8, 8), _plan({0: -4, 1: 4}, {0: 8, 1: 8}))


def test_a_plan_that_believes_a_tensor_to_be_smaller_is_refused(chain):
    with pytest.raises(PlanError, match=r"overlap|outside"):
        verify(chain(8, 8), _plan({0: 0, 1: 4}, {0: 4, 1: 8}))


def test_a_plan_that_forgets_a_tensor_or_places_a_foreign_one_is_refused(chain):
    with pytest.raises(PlanError, match=r"other tensors than the graph needs: \[1\]"):
        verify(chain(8, 8), _plan({0: 0}, {0: 8}))
    with pytest.raises(PlanError, match=r"other tensors than the graph needs: \[7\]"):
        verify(chain(8, 8), _plan({0: 0, 1: 8, 7: 16}, {0: 8, 1: 8, 7: 8}))


def test_a_bound_above_the_arena_is_refused(chain):
    plan = _plan({0: 0, 1: 8}, {0: 8, 1: 8})
    with pytest.raises(PlanError, match="below the bound"):
        verify(chain(8, 8), replace(plan, bound_of_schedule=17, bound_without_sharing=17))
    with pytest.raises(PlanError, match="bound of the schedule"):
        verify(chain(8, 8), replace(plan, bound_of_schedule=16, bound_without_sharing=15))


def test_an_alias_at_another_place_is_refused_because_nobody_copies_its_bytes(chain):
    with pytest.raises(PlanError, match="the end of step 0"):
        verify(chain(8, 8), _plan({0: 0, 1: 8}, {0: 8, 1: 8}), aliases={1: 0})


def test_sharing_without_an_alias_is_refused(chain):
    plan = _plan({0: 0, 1: 0}, {0: 8, 1: 8})
    verify(chain(8, 8), plan, aliases={1: 0})
    with pytest.raises(PlanError, match="overlap"):
        verify(chain(8, 8), plan)


@st.composite
def _graphs(draw):
    """Graphs with shortcuts, several inputs and outputs, reshapes, operations in place, and scratch."""
    count = draw(st.integers(1, 9))
    inputs = list(range(draw(st.integers(1, 2))))
    sizes = [draw(st.integers(1, 40)) for _ in inputs]
    operations, aliases, scratch = [], {}, {}
    for step in range(count):
        reads = draw(st.lists(st.integers(0, len(sizes) - 1), min_size=1, max_size=3, unique=True))
        key = len(sizes)
        if draw(st.booleans()):
            aliases[key] = reads[0]
            sizes.append(sizes[reads[0]])
        else:
            sizes.append(draw(st.integers(1, 40)))
        if draw(st.booleans()):
            scratch[step] = draw(st.integers(0, 30))
        operations.append(Operation(step, "RESHAPE" if key in aliases else "ADD", tuple(reads), (key,)))
    tensors = {i: Tensor(i, f"t{i}", (size,), np.dtype(np.int8)) for i, size in enumerate(sizes)}
    early = draw(st.integers(0, len(sizes) - 1))
    outputs = tuple(dict.fromkeys((early, len(sizes) - 1)))
    return Graph(tensors, tuple(operations), tuple(inputs), outputs, "0" * 64), aliases, scratch


@given(_graphs(), st.sampled_from([1, 4, 16]))
@settings(deadline=None, max_examples=150)
def test_every_plan_of_the_planners_is_proven(case, alignment):
    graph, aliases, scratch = case
    plan = arrange(graph, aliases, scratch, alignment=alignment, node_limit=200)
    assert plan.arena_bytes >= plan.bound_of_schedule
    assert plan.bound_without_sharing >= plan.bound_of_schedule


@given(_graphs(), st.data())
@settings(deadline=None, max_examples=150)
def test_moving_a_buffer_onto_another_one_alive_with_it_is_always_found(case, data):
    graph, aliases, scratch = case
    buffers = lifetimes(graph, aliases, scratch, alignment=1)
    plan = plan_buffers(buffers, bound_without_sharing=10**6, node_limit=200)
    read = {key for operation in graph.operations for key in operation.inputs} | set(graph.outputs)
    pairs = [
        (a, b)
        for a in buffers
        for b in buffers
        if a.key != b.key and a.meets(b) and a.first < b.first and read & {a.key, *a.shared_with}
    ]
    if not pairs:
        return
    one, other = data.draw(st.sampled_from(pairs))
    moved = dict(plan.offsets) | dict.fromkeys((other.key, *other.shared_with), plan.offsets[one.key])
    end = max(moved[b.key] + b.size for b in buffers)
    with pytest.raises(PlanError):
        verify(graph, replace(plan, offsets=moved, arena_bytes=end, bound_of_schedule=0), aliases, scratch)
