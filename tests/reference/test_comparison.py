"""Comparison of two executors' outputs."""

import json

import numpy as np
import pytest

from edgecompress.errors import ToolError
from edgecompress.reference.compare import compare
from edgecompress.reference.inputs import random_inputs
from edgecompress.reference.integer import Integer
from edgecompress.tflite import reader


@pytest.fixture
def ran(model):
    """A graph of five operators and its outputs for three inputs."""
    path = model("add-two_residuals")
    graph = reader.read(path)
    return graph, Integer().run(path, random_inputs(graph, 3))


def copied(outputs):
    return [{index: value.copy() for index, value in sample.items()} for sample in outputs]


def test_equal_outputs_are_exact_and_every_byte_is_counted(ran):
    graph, outputs = ran
    found = compare(graph, outputs, copied(outputs))
    assert found.exact
    assert found.differing_bytes == 0
    assert found.compared_bytes == sum(value.nbytes for sample in outputs for value in sample.values())
    assert [t.operator for t in found.tensors] == [o.index for o in graph.operations]


def test_one_changed_value_is_placed_to_sample_operator_and_element(ran):
    graph, outputs = ran
    other = copied(outputs)
    last = graph.operations[2].outputs[0]
    other[1][last][0, 4, 3, 2] ^= 8
    found = compare(graph, outputs, other)
    assert not found.exact
    assert found.differing_bytes == 1
    assert found.max_lsb == 8
    assert found.first.operator == 2
    assert (found.first.first.sample, found.first.first.element) == (1, (0, 4, 3, 2))
    assert (found.first.first.a, found.first.first.b) == (outputs[1][last][0, 4, 3, 2], other[1][last][0, 4, 3, 2])


def test_difference_of_extremes_is_255_and_does_not_wrap(ran):
    graph, outputs = ran
    other = copied(outputs)
    first = graph.operations[0].outputs[0]
    outputs[0][first][0, 0, 0, 0], other[0][first][0, 0, 0, 0] = -128, 127
    assert compare(graph, outputs, other).max_lsb == 255


def test_tensor_that_one_side_lacks_is_reported_and_not_exact(ran):
    graph, outputs = ran
    other = copied(outputs)
    del other[2][graph.operations[1].outputs[0]]
    found = compare(graph, outputs, other)
    assert found.missing == ((1, graph.operations[1].outputs[0]),)
    assert found.differing_bytes == 0
    assert not found.exact


def test_other_number_of_samples_is_an_error(ran):
    graph, outputs = ran
    with pytest.raises(ToolError, match="numbers of samples"):
        compare(graph, outputs, outputs[:2])


def test_other_shape_is_an_error_that_names_the_operator(ran):
    graph, outputs = ran
    other = copied(outputs)
    index = graph.operations[3].outputs[0]
    other[0][index] = other[0][index].reshape(-1)
    with pytest.raises(ToolError, match=f"operator 3 {graph.operations[3].opcode}"):
        compare(graph, outputs, other)


def test_values_are_plain_and_go_through_json(ran):
    graph, outputs = ran
    other = copied(outputs)
    other[0][graph.operations[0].outputs[0]] += 1
    values = compare(graph, outputs, other).as_values()
    assert json.loads(json.dumps(values))["tensors"][0]["largest"] == values["tensors"][0]["largest"]
    assert values["differing_bytes"] == other[0][graph.operations[0].outputs[0]].nbytes


@pytest.fixture
def real(model):
    """A graph with float output, and its outputs."""
    path = model("dequantize-int8")
    graph = reader.read(path)
    return graph, Integer().run(path, random_inputs(graph, 1))


def test_floats_are_compared_bit_by_bit_and_measured_in_real_units(real):
    graph, outputs = real
    other = copied(outputs)
    index = graph.outputs[0]
    other[0][index].reshape(-1)[5] += 0.25
    found = compare(graph, outputs, other)
    assert found.tensors[0].unit == "real"
    assert found.tensors[0].largest == pytest.approx(0.25)
    assert found.max_lsb == 0
    assert not found.exact


def test_nan_in_one_side_only_is_a_difference_without_a_size(real):
    graph, outputs = real
    other = copied(outputs)
    other[0][graph.outputs[0]].reshape(-1)[0] = np.nan
    found = compare(graph, outputs, other)
    assert found.differing_bytes > 0
    assert found.tensors[0].largest is None


def test_the_same_nan_on_both_sides_is_equal(real):
    graph, outputs = real
    outputs[0][graph.outputs[0]].reshape(-1)[0] = np.nan
    assert compare(graph, outputs, copied(outputs)).exact


def test_minus_zero_differs_from_zero(real):
    graph, outputs = real
    outputs[0][graph.outputs[0]].reshape(-1)[0] = 0.0
    other = copied(outputs)
    other[0][graph.outputs[0]].reshape(-1)[0] = -0.0
    assert compare(graph, outputs, other).differing_bytes == 1
