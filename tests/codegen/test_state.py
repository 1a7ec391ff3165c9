"""Variables become tensors in bytes that are kept, and are copied only where their old value is still needed."""

from dataclasses import replace

import numpy as np
import pytest
from model_cases import CASES, model_of, state

from edgecompress.codegen import writer
from edgecompress.codegen.program import lower
from edgecompress.codegen.state import functional
from edgecompress.errors import ModelFileError
from edgecompress.memory import PlanError, verify
from edgecompress.reference.inputs import random_inputs
from edgecompress.reference.integer import run_graph, run_sequences
from edgecompress.reference.tflm import Tflm
from edgecompress.tflite import reader

HANDLES = ("CALL_ONCE", "VAR_HANDLE")
COPIES = {
    "read_variable-delay_line": [],
    "read_variable-read_again": ["READ_VARIABLE"],
    "assign_variable-accumulator": ["ASSIGN_VARIABLE"],
    "assign_variable-exchanged": ["ASSIGN_VARIABLE", "READ_VARIABLE", "READ_VARIABLE"],
    "assign_variable-chained": [*["ASSIGN_VARIABLE"] * 3, "READ_VARIABLE", "READ_VARIABLE"],
    "assign_variable-output_is_state": ["ASSIGN_VARIABLE", "READ_VARIABLE"],
}
"""Which reads and assignments of a case copy, worked out by hand."""


def program_of(name):
    return lower(reader.read_bytes(model_of(name)))


@pytest.mark.parametrize("name", COPIES)
def test_only_what_is_still_needed_is_copied(name):
    operations = program_of(name).graph.operations
    assert sorted(o.opcode for o in operations if o.options.get("copies")) == sorted(COPIES[name])


def test_a_variable_that_is_only_read_is_a_constant_and_takes_no_ram():
    program = program_of("call_once-constant")
    assert [kept.initial.nbytes for kept in program.graph.states] == [program.plan.state_bytes] == [12]


@pytest.mark.parametrize("case", state.CASES, ids=lambda case: case.id)
def test_nothing_else_ever_lies_where_the_state_does(case):
    program = lower(reader.read_bytes(case.build()))
    plan, ends = program.plan, {key for kept in program.graph.states for key in (kept.first, kept.last)}
    for buffer in plan.buffers:
        is_state = plan.offsets[buffer.key] + buffer.size > plan.arena_bytes - plan.state_bytes
        assert is_state == bool(ends & {buffer.key, *buffer.shared_with})
    for kept in program.graph.states:
        assert plan.offsets[kept.first] == plan.offsets[kept.last]


def accumulator():
    """(program, aliases): what is read lies in the state's place, what is assigned is copied there."""
    program = program_of("assign_variable-accumulator")
    return program, {o.outputs[0]: o.inputs[0] for o in program.graph.operations if o.opcode == "READ_VARIABLE"}


def test_the_verifier_sees_a_state_that_is_overwritten_too_early():
    program, aliases = accumulator()
    verify(program.graph, program.plan, aliases)
    (sum_,) = (o.outputs[0] for o in program.graph.operations if o.opcode == "ADD")
    offsets = {**program.plan.offsets, sum_: program.plan.offsets[program.graph.states[0].first]}
    with pytest.raises(PlanError, match="overlap"):
        verify(program.graph, replace(program.plan, offsets=offsets), aliases)


def test_the_verifier_sees_a_state_that_ends_somewhere_else():
    program, aliases = accumulator()
    end, (kept,) = program.plan.arena_bytes, program.graph.states
    plan = replace(program.plan, arena_bytes=end + 12, offsets={**program.plan.offsets, kept.last: end})
    with pytest.raises(PlanError, match="somewhere else"):
        verify(program.graph, plan, aliases)


def test_running_from_a_state_that_is_given_is_running_on():
    graph = functional(reader.read_bytes(model_of("assign_variable-exchanged")))
    first, second = random_inputs(graph, 2)
    both = run_sequences(graph, [first, second], 2)
    after = {kept.first: both[0][kept.last] for kept in graph.states}
    again = run_graph(graph, second, after)
    assert all(np.array_equal(again[index], both[1][index]) for index in graph.outputs)
    fresh = run_graph(graph, second)
    assert not all(np.array_equal(fresh[index], both[1][index]) for index in graph.outputs)


def test_the_header_says_what_is_kept_and_models_without_state_can_be_reset_too():
    stateful, stateless = (
        writer.write(program_of(name)) for name in ("assign_variable-exchanged", "add-two_residuals")
    )
    assert "#define MODEL_STATE_BYTES 24 " in stateful["model.h"] and "call model_reset once" in stateful["model.h"]
    assert "#define MODEL_STATE_BYTES 0 " in stateless["model.h"] and "model_reset once" not in stateless["model.h"]
    assert "int model_reset(void *arena)" in stateless["model.c"]


def test_no_handles_are_left():
    for case in (case for case in CASES if case.operator in HANDLES):
        graph = functional(reader.read_bytes(case.build()))
        assert graph.states
        assert not [operation for operation in graph.operations if operation.opcode in HANDLES]


def test_a_subgraph_that_is_not_there_is_a_damaged_file():
    model = state.Streaming()
    x = model.value()
    model.operator("CALL_ONCE", [], [], "CallOnce", initSubgraphIndex=5)
    with pytest.raises(ModelFileError, match="operator 0 CALL_ONCE: subgraph out of range"):
        reader.read_bytes(model.file([x], [model.added(x, x)]))


def test_tflms_own_reset_gives_the_same_where_variables_begin_with_their_zero_points(shared_data, tmp_path):
    if reason := Tflm().available():
        pytest.skip(reason)
    from edgecompress.reference.tflm import TflmSession

    for path in sorted((shared_data / "models" / "mww").glob("*.tflite")):
        graph, session = reader.read(path), TflmSession(path.read_bytes())
        inputs = random_inputs(graph, 6)
        session._begins_once = False  # reset() then, no new interpreter
        shown = [session.run(dict(sample), fresh=number % 3 == 0) for number, sample in enumerate(inputs)]
        for ours, theirs in zip(run_sequences(graph, inputs, 3), shown, strict=True):
            assert all(np.array_equal(ours[index], theirs[index]) for index in theirs)
