"""What the converter leaves in float: put in integers where TFLM has them, and near what the float operators gave."""

import numpy as np
import pytest

from edgecompress.convert.islands import with_integer_forms
from edgecompress.convert.proof import check_full_integer
from edgecompress.reference.integer import run_graph
from edgecompress.tflite.graph import Graph, Operation, Quantization, Tensor
from edgecompress.tflite.reader import read_bytes
from edgecompress.tflite.writer import write

BEFORE, AFTER = Quantization((0.03,), (-5,)), Quantization((0.02,), (-70,))
CODES = np.arange(-128, 128).astype(np.int8).reshape(1, 256)
REAL = 0.03 * (CODES.astype(float) + 5)


def tensor(index, dtype="int8", quantization=None, shape=(1, 256), data=None):
    return Tensor(index, f"model/layer/{index}", shape, np.dtype(dtype), quantization, data, dtype.upper())


def graph_of(tensors, operations, output):
    numbered = tuple(Operation(place, *one) for place, one in enumerate(operations))
    return Graph({one.index: one for one in tensors}, numbered, (0,), (output,), "")


def island(opcode, after=AFTER):
    """int8 -> DEQUANTIZE -> opcode -> QUANTIZE -> int8."""
    tensors = [
        tensor(0, quantization=BEFORE),
        tensor(1, "float32"),
        tensor(2, "float32"),
        tensor(3, quantization=after),
    ]
    return graph_of(tensors, [("DEQUANTIZE", (0,), (1,)), (opcode, (1,), (2,)), ("QUANTIZE", (2,), (3,))], 3)


def divided(after):
    """int8 -> DEQUANTIZE -> SPLIT into halves, of which the second alone -> QUANTIZE -> int8."""
    tensors = [
        tensor(0, quantization=BEFORE),
        tensor(1, "float32"),
        tensor(2, "float32", shape=(1, 128)),
        tensor(3, "float32", shape=(1, 128)),
        tensor(4, quantization=after, shape=(1, 128)),
        tensor(5, "int32", shape=(), data=np.array(1, np.int32)),
    ]
    options, between = {"num_splits": 2}, ("SPLIT", (5, 1), (2, 3))
    steps = [("DEQUANTIZE", (0,), (1,)), (*between, options, 1, "SplitOptions"), ("QUANTIZE", (3,), (4,))]
    return graph_of(tensors, steps, 4)


def outputs(graph):
    """In steps, of all inputs that there are, from the file that is written."""
    read = read_bytes(write(graph))
    check_full_integer(read)
    (output,) = read.outputs
    return run_graph(read, {read.inputs[0]: CODES})[output].astype(int)


@pytest.mark.parametrize(
    ("opcode", "function"),
    [("ELU", lambda x: np.where(x < 0, np.expm1(x), x)), ("SQUARE", np.square)],
)
def test_a_float_operator_between_integers_becomes_one_of_integers(opcode, function):
    after = Quantization((0.06,), (-100,))
    changed = with_integer_forms(island(opcode, after))
    assert len(changed.operations) == 1
    wanted = np.clip(np.round(function(REAL) / 0.06) - 100, -128, 127)
    assert np.abs(outputs(changed) - wanted).max() <= 1


def test_an_operator_without_integer_form_stays_where_it_is():
    graph = island("LOG")
    assert with_integer_forms(graph) is graph


def test_a_float_result_that_somebody_else_reads_stays():
    graph = island("ELU")
    both = Graph(graph.tensors, graph.operations, graph.inputs, (3, 2), "")
    assert with_integer_forms(both) is both


def test_parts_of_the_whole_keep_its_codes_where_one_is_read_by_nobody():
    changed = with_integer_forms(divided(BEFORE))
    assert [operation.opcode for operation in changed.operations] == ["SPLIT"]
    assert np.array_equal(outputs(changed), CODES[:, 128:])


def test_a_part_with_a_scale_of_its_own_is_rescaled_in_integers():
    changed = with_integer_forms(divided(AFTER))
    assert [operation.opcode for operation in changed.operations] == ["SPLIT", "QUANTIZE"]
    wanted = np.clip(np.round(REAL[:, 128:] / 0.02) - 70, -128, 127)
    assert np.abs(outputs(changed) - wanted).max() <= 1


def test_parts_of_which_one_is_an_output_in_float_stay():
    graph = divided(BEFORE)
    both = Graph(graph.tensors, graph.operations, graph.inputs, (4, 2), "")
    assert with_integer_forms(both) is both


def test_a_last_part_of_no_values_is_left_out():
    controls = [tensor(1, "int32", shape=(3,), data=np.array([128, 128, 0], np.int32))]
    controls.append(tensor(2, "int32", shape=(), data=np.array(1, np.int32)))
    parts = [tensor(3 + place, quantization=BEFORE, shape=(1, size)) for place, size in enumerate((128, 128, 0))]
    split = ("SPLIT_V", (0, 1, 2), (3, 4, 5), {"num_splits": 3}, 1, "SplitVOptions")
    changed = with_integer_forms(graph_of([tensor(0, quantization=BEFORE), *controls, *parts], [split], 4))
    assert [operation.outputs for operation in changed.operations] == [(3, 4)]
    assert np.array_equal(outputs(changed), CODES[:, 128:])


def test_relu6_between_two_scales_is_rescaled_first():
    tensors = [tensor(0, quantization=BEFORE), tensor(1, quantization=AFTER)]
    changed = with_integer_forms(graph_of(tensors, [("RELU6", (0,), (1,))], 1))
    assert [operation.opcode for operation in changed.operations] == ["QUANTIZE", "RELU6"]
    wanted = np.clip(np.round(np.clip(REAL, 0, 6) / 0.02) - 70, -128, 127)
    assert np.abs(outputs(changed) - wanted).max() <= 1


def test_a_relu6_that_keeps_the_scale_stays():
    graph = graph_of([tensor(0, quantization=BEFORE), tensor(1, quantization=BEFORE)], [("RELU6", (0,), (1,))], 1)
    assert with_integer_forms(graph) is graph


def test_a_decision_as_a_number_becomes_a_choice_between_two():
    zero = tensor(1, quantization=BEFORE, shape=(), data=np.array(-5, np.int8))
    tensors = [tensor(0, quantization=BEFORE), zero, tensor(2, "bool"), tensor(3, "float32")]
    tensors.append(tensor(4, quantization=Quantization((1 / 255,), (-128,))))
    steps = [("GREATER", (0, 1), (2,)), ("CAST", (2,), (3,)), ("QUANTIZE", (3,), (4,))]
    changed = with_integer_forms(graph_of(tensors, steps, 4))
    assert [operation.opcode for operation in changed.operations] == ["GREATER", "SELECT_V2"]
    assert np.array_equal(outputs(changed), np.where(REAL > 0, 127, -128))
