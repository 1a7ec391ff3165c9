"""Every rule of every operator refuses what it says it refuses; a rule without a case here fails the suite."""

from dataclasses import replace

import numpy as np
import pytest
from model_cases import model_of
from rule_changes import (
    absent_operand,
    changed,
    control,
    fewer_operands,
    more_results,
    operand,
    scale,
    sound,
    without_options,
    wrong_type,
)
from violations_of_layers import LAYERS
from violations_of_places import JOINING, MOVEMENTS, PLACES
from violations_of_state import STATE
from violations_of_values import VALUES

from edgecompress.codegen import ops
from edgecompress.errors import UnsupportedError
from edgecompress.tflite import reader

VIOLATIONS = {**LAYERS, **VALUES, **PLACES, **STATE}
"""What breaks a rule and, of the rules before it, none."""

UNBREAKABLE = {(opcode, "rule_places") for opcode, place in MOVEMENTS.items() if place is None}
"""Of operators that have one operand only."""


def rules():
    """(operator, rule) of all operators; those that every operator has come with their own tests."""
    for opcode in sorted(ops.OPERATORS):
        for _, method in ops.find(opcode).rules():
            if method.__name__ not in ("rule_operands", "rule_options"):
                yield opcode, method.__name__


def refusal(opcode, change):
    graph, operation = change(*sound(opcode))
    with pytest.raises(UnsupportedError) as caught:
        ops.check(graph, operation)
    return caught.value


def sentence(opcode, name):
    return next(text for text, method in ops.find(opcode).rules() if method.__name__ == name)


@pytest.mark.parametrize("opcode", (*MOVEMENTS, *JOINING))
def test_a_claim_of_more_than_memory_holds_is_refused_before_anything_is_made_of_it(opcode):
    claim = (1, 2**20, 2**20, 2**20)
    graph, operation = sound(opcode)
    for index in (*operation.inputs, *operation.outputs):
        if not graph.tensors[index].is_constant:
            graph = changed(graph, index, shape=claim)
    with pytest.raises(UnsupportedError):
        ops.check(graph, operation)


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("rule_types", operand(0, dtype=np.dtype(np.int8))),
        ("rule_types", operand(0, quantization=scale(0.1, 1))),
        ("rule_states", operand(18, dtype=np.dtype(np.int8))),
        ("rule_states", operand(18, quantization=scale(0.1, 1))),
        ("rule_weights", operand(12, dtype=np.dtype(np.int32))),
        ("rule_weights", operand(15, data=np.full(5, -(2**46)))),
        ("rule_factors", operand(0, quantization=scale(4.0))),
        ("rule_factors", operand(18, quantization=scale(4.0))),
    ],
)
def test_lstm_of_16_bits_is_refused_where_64_bits_do_not_hold_its_sums_or_its_tensors_do_not_fit(rule, change):
    graph = reader.read_bytes(model_of("unidirectional_sequence_lstm-int16_batch_first"))
    (operation,) = graph.operations
    ops.check(graph, operation)
    with pytest.raises(UnsupportedError) as caught:
        ops.check(*change(graph, operation))
    assert caught.value.what.endswith(": " + sentence("UNIDIRECTIONAL_SEQUENCE_LSTM", rule))
    assert caught.value.found


@pytest.mark.parametrize(
    ("opcode", "place"), [("TILE", 1), ("RESIZE_NEAREST_NEIGHBOR", 1), ("BROADCAST_TO", 1), ("FILL", 0)]
)
def test_operands_that_ask_for_more_than_memory_holds_are_refused(opcode, place):
    error = refusal(opcode, control(place, 2**30))
    assert error.what.endswith(sentence(opcode, "rule_result"))


@pytest.mark.parametrize("opcode", sorted(ops.OPERATORS))
def test_sound_case_keeps_all_rules(opcode):
    ops.check(*sound(opcode))


def test_every_rule_has_a_violation_and_every_violation_a_rule():
    assert set(rules()) - UNBREAKABLE == set(VIOLATIONS)


@pytest.mark.parametrize(
    ("opcode", "rule", "number"),
    [(opcode, rule, number) for (opcode, rule), changes in VIOLATIONS.items() for number in range(len(changes))],
)
def test_rule_refuses_with_its_own_sentence_and_what_was_found(opcode, rule, number):
    error = refusal(opcode, VIOLATIONS[opcode, rule][number])
    assert error.what.endswith(": " + sentence(opcode, rule))
    assert error.what.startswith("operator ")
    assert opcode in error.what
    assert error.found


@pytest.mark.parametrize("opcode", sorted(ops.OPERATORS))
@pytest.mark.parametrize("change", [fewer_operands, absent_operand, more_results], ids=lambda change: change.__name__)
def test_missing_operands_and_second_results_are_refused(opcode, change):
    assert refusal(opcode, change).what.endswith(sentence(opcode, "rule_operands"))


@pytest.mark.parametrize("opcode", [opcode for opcode in sorted(ops.OPERATORS) if ops.find(opcode).options])
def test_missing_options_are_refused_by_name(opcode):
    error = refusal(opcode, without_options)
    assert error.what.endswith(sentence(opcode, "rule_options"))
    assert all(name in error.found for name in ops.find(opcode).options)


@pytest.mark.parametrize("opcode", sorted(ops.OPERATORS))
def test_every_rule_says_what_must_hold(opcode):
    for text, method in ops.find(opcode).rules():
        assert len(text) > 20, method.__name__
        assert not text.endswith(".")


def test_unknown_operator_is_refused_with_its_name():
    graph, operation = sound("ADD")
    with pytest.raises(UnsupportedError, match=r"operator 1 CUSTOM:ethos-u .*no kernel") as caught:
        ops.check(graph, replace(operation, opcode="CUSTOM:ethos-u"))
    assert "other runtimes" in caught.value.hint


def test_unsupported_activation_is_refused():
    graph, operation = sound("ADD")
    with pytest.raises(UnsupportedError, match="TANH"):
        ops.find("ADD").lower(graph, replace(operation, options={"fused_activation_function": "TANH"}))


def test_all_problems_of_a_model_are_listed_at_once():
    graph, operation = sound("ADD")
    graph, _ = wrong_type(graph, operation)
    problems = ops.missing(graph)
    assert any("operator 1 ADD" in problem and "int8" in problem for problem in problems)
    assert all("found" in problem for problem in problems)
