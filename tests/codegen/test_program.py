"""From a graph to a program: what is refused, and what is counted."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
from model_cases import CASES
from model_cases.network import Network

from edgecompress.codegen.program import MOST_ELEMENTS, lower
from edgecompress.errors import UnsupportedError
from edgecompress.tflite import reader


@pytest.fixture
def graph():
    return reader.read_bytes(next(case for case in CASES if case.id == "add-two_residuals").build())


def changed(graph, index, **fields):
    return replace(graph, tensors=MappingProxyType({**graph.tensors, index: replace(graph.tensors[index], **fields)}))


def test_layers_are_in_order_and_know_their_step(graph):
    program = lower(graph)
    assert [layer.index for layer in program.layers] == [0, 1, 2, 3]
    assert [layer.step for layer in program.layers] == [0, 1, 2, 3]
    assert [layer.call.kernel for layer in program.layers] == ["conv_2d", "add", "conv_2d", "add"]


def test_multiply_accumulates_are_counted_with_padding(graph):
    assert lower(graph).macs == 2 * (6 * 5 * 4) * (3 * 3 * 4)


@pytest.mark.parametrize("name", ["fully_connected-plain", "depthwise_conv_2d-same"])
def test_multiply_accumulates_are_results_times_taps(program, name):
    made = program(name)
    operation = made.layers[0].operation
    weights, result = made.graph.tensors[operation.inputs[1]], made.graph.results(operation)[0]
    assert made.macs == result.elements * (
        weights.shape[1] if len(weights.shape) == 2 else weights.shape[1] * weights.shape[2]
    )


@pytest.mark.parametrize("name", ["softmax-ten", "mean-height_width", "add-diamond"])
def test_operators_without_weights_add_no_multiply_accumulates(program, name):
    made = program(name)
    weighted = [layer for layer in made.layers if layer.operation.opcode == "CONV_2D"]
    assert made.macs == len(weighted) * (6 * 5 * 4) * (3 * 3 * 4)


def test_aliases_are_steps_but_no_layers(program):
    made = program("reshape-and_original")
    steps = {layer.step for layer in made.layers}
    assert {o.opcode for step, o in enumerate(made.graph.operations) if step not in steps} == {"RESHAPE"}


def test_every_activation_has_a_place_that_fits_its_alignment(program):
    made = program("add-two_residuals")
    for operation in made.graph.operations:
        for index in operation.outputs:
            assert made.plan.offsets[index] % 4 == 0
            assert made.plan.offsets[index] + made.graph.tensors[index].nbytes <= made.plan.arena_bytes


def test_model_without_inputs_or_outputs_is_refused(graph):
    for broken in (replace(graph, inputs=()), replace(graph, outputs=())):
        with pytest.raises(UnsupportedError, match="no input or no output"):
            lower(broken)


def test_output_that_is_an_input_is_refused(graph):
    with pytest.raises(UnsupportedError, match="does not depend on the model"):
        lower(replace(graph, outputs=(*graph.outputs, graph.inputs[0])))


def test_border_listed_twice_is_refused(graph):
    with pytest.raises(UnsupportedError, match="output is listed twice"):
        lower(replace(graph, outputs=graph.outputs * 2))
    with pytest.raises(UnsupportedError, match="input is listed twice"):
        lower(replace(graph, inputs=graph.inputs * 2))


def test_constant_input_is_refused(graph):
    data = np.zeros(graph.tensors[graph.inputs[0]].shape, np.int8)
    with pytest.raises(UnsupportedError, match="is a constant"):
        lower(changed(graph, graph.inputs[0], data=data))


def test_border_of_a_type_without_c_type_is_refused(graph):
    with pytest.raises(UnsupportedError, match="type that is not supported") as caught:
        lower(changed(graph, graph.inputs[0], dtype=np.dtype(np.int64), type_name="INT64"))
    assert caught.value.found == "INT64"


@pytest.mark.parametrize("shape", [(1, 0, 5, 4), (1, MOST_ELEMENTS, 5, 4)])
def test_activation_without_elements_or_with_too_many_is_refused_by_name(graph, shape):
    with pytest.raises(UnsupportedError, match='tensor "t0": activations must have 1 to 8,388,608'):
        lower(changed(graph, graph.inputs[0], shape=shape))


def test_first_unsupported_operator_is_named():
    network = Network()
    source, result = network.tensor((1, 8), 0.1, 0), network.tensor((1, 8), 16 / 256, 127)
    network.operator("LOCAL_RESPONSE_NORMALIZATION", [source], [result], "LocalResponseNormalization")
    with pytest.raises(UnsupportedError, match='operator 0 LOCAL_RESPONSE_NORMALIZATION "t1": there is no kernel'):
        lower(reader.read_bytes(network.file([source], [result])))


@pytest.mark.parametrize(
    ("name", "advice"),
    [("ethos-u", "before it is compiled for them"), ("SignalWindow", "audio features are computed before the model")],
)
def test_custom_operators_are_named_with_what_to_do(name, advice):
    network = Network()
    source, result = network.tensor([1, 8], 0.1), network.tensor([1, 8], 0.1)
    network.operator("RELU", [source], [result])
    made = reader.read_bytes(network.file([source], [result]))
    custom = replace(made.operations[0], opcode=f"CUSTOM:{name}")
    with pytest.raises(UnsupportedError, match=f"operator 0 CUSTOM:{name}") as caught:
        lower(replace(made, operations=(custom,)))
    assert advice in caught.value.hint
