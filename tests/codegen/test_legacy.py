"""Legacy uint8 becomes int8 inside, stays uint8 outside, and is declined by name where int8 computes otherwise."""

from dataclasses import replace

import numpy as np
import pytest
from model_cases import model_of
from model_cases.legacy import unsigned
from model_cases.single import Operand, Single

from edgecompress.codegen import ops
from edgecompress.codegen.legacy import as_signed, is_legacy, signed
from edgecompress.codegen.program import lower
from edgecompress.errors import UnsupportedError
from edgecompress.inspection import inspect
from edgecompress.linux import bench_on_linux, require_exact
from edgecompress.pipeline.bench import bench
from edgecompress.reference.inputs import random_inputs
from edgecompress.reference.integer import run_graph
from edgecompress.tflite import reader

CONV = "conv_2d-legacy_zero_point_low"


@pytest.mark.parametrize("name", ["add-same_shape", "quantize-int8_to_uint8", "slice-uint8", "cast-uint8_to_int8"])
def test_graph_that_computes_nothing_in_uint8_stays_as_it_is(name):
    graph = reader.read_bytes(model_of(name))
    assert not is_legacy(graph)
    assert signed(graph) is graph


def test_inputs_and_outputs_stay_uint8_and_everything_between_is_int8():
    graph = signed(reader.read_bytes(model_of(CONV)))
    assert [operation.opcode for operation in graph.operations] == ["QUANTIZE", "CONV_2D", "QUANTIZE"]
    assert {graph.tensors[i].dtype.name for i in (*graph.inputs, *graph.outputs)} == {"uint8"}
    convolution = graph.operations[1]
    assert {graph.tensors[i].dtype.name for i in (convolution.inputs[0], *convolution.outputs)} == {"int8"}
    assert len({operation.index for operation in graph.operations}) == 3
    program = lower(graph)
    assert [program.graph.tensors[i].dtype.name for i in (*graph.inputs, *graph.outputs)] == ["uint8", "uint8"]


def test_making_it_int8_twice_changes_nothing_more():
    once = signed(reader.read_bytes(model_of(CONV)))
    assert signed(once) is once


def test_weights_that_fit_int8_around_their_zero_point_get_the_fast_kernels_others_the_plain_one():
    wide = signed(reader.read_bytes(model_of(CONV)))
    assert wide.tensors[wide.operations[1].inputs[1]].dtype == np.int16
    narrow = signed(reader.read_bytes(model_of("conv_2d-legacy_zero_point_middle")))
    weights = narrow.tensors[narrow.operations[1].inputs[1]]
    assert weights.dtype == np.int8
    assert weights.quantization.zero_points == (0,)


def test_int16_weights_of_a_file_are_no_wide_ones():
    graph = signed(reader.read_bytes(model_of(CONV)))
    index = graph.operations[1].inputs[1]
    other = {**graph.tensors, index: replace(graph.tensors[index], type_name="INT16")}
    with pytest.raises(UnsupportedError, match="symmetric int8"):
        ops.check(replace(graph, tensors=other), graph.operations[1])


def test_what_an_interpreter_shows_is_read_as_the_tensors_of_the_int8_graph():
    graph = signed(reader.read_bytes(model_of(CONV)))
    sample = random_inputs(graph, 1)[0]
    ours = run_graph(graph, sample)
    result = graph.outputs[0]
    (found,) = as_signed(graph, [{result: ours[result]}], [sample])
    assert {i: x.dtype.name for i, x in found.items()} == {i: x.dtype.name for i, x in ours.items()}
    assert all(np.array_equal(found[i], ours[i]) for i in ours)


def resized():
    return reader.read_bytes(unsigned(model_of("resize_bilinear-twice_plain")))


def test_operator_that_uint8_computes_otherwise_is_declined_by_name_and_with_the_reason():
    with pytest.raises(UnsupportedError, match="UINT8:RESIZE_BILINEAR") as caught:
        lower(resized())
    assert "otherwise for uint8" in caught.value.hint


def test_cast_of_values_that_become_lower_is_declined():
    a = Operand((1, 5), 0.1, 128, "UINT8")
    network = Single("MUL", (a, a), (a,), "Mul", {"fusedActivationFunction": "NONE"}, 1)
    graph = reader.read_bytes(network())
    assert is_legacy(graph)
    cast = replace(graph.operations[0], opcode="CAST", inputs=graph.operations[0].inputs[:1])
    later = replace(graph, operations=(*graph.operations, replace(cast, index=1)))
    assert signed(later).operations[-2].opcode == "UINT8:CAST"


def test_inspect_names_what_cannot_be_built(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(unsigned(model_of("resize_bilinear-twice_plain")))
    problems = [layer.problem for layer in inspect(path).layers if layer.problem]
    assert len(problems) == 1
    assert "no kernel" in problems[0]


@pytest.mark.slow
def test_a_linux_computer_runs_it_beside_litert_which_gives_the_same_bytes(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(model_of(CONV))
    report = bench_on_linux(path, "host", inputs=2, runs=1)
    require_exact(report)
    assert "LiteRT" in report.bit_exact.reference
    assert "uint8" in report.bit_exact.reference


@pytest.mark.slow
def test_the_emulator_runs_it_and_litert_is_the_reference(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(model_of(CONV))
    result = bench(path, inputs=1, target="cortex-m0plus")
    result.require_exact()
    assert "LiteRT" in result.report.bit_exact.reference
