"""What is known at build time is computed there, and the generated C goes on from it."""

import ctypes
import re

import numpy as np
import pytest
from model_cases.network import Network
from model_cases.networks import SHAPE, Q, convolve

from edgecompress.codegen import writer
from edgecompress.codegen.folding import fold_constants
from edgecompress.codegen.program import lower
from edgecompress.errors import UnsupportedError
from edgecompress.reference.inputs import random_inputs
from edgecompress.reference.integer import run_graph
from edgecompress.reference.litert import Litert
from edgecompress.targets import host
from edgecompress.tflite import reader


def flattened_by_its_shape(with_shape_as_output: bool = False) -> bytes:
    """A convolution whose result is reshaped as Keras writes it: [shape(x)[0], 120], computed in the graph."""
    network = Network()
    source = network.tensor(SHAPE, *Q)
    hidden = convolve(network, source, SHAPE, 1)
    shape = network.tensor([4], dtype="INT32")
    network.operator("SHAPE", [hidden], [shape], "Shape")
    batch = network.tensor([], dtype="INT32")
    bounds = [network.integers([0]), network.integers([1]), network.integers([1])]
    network.operator("STRIDED_SLICE", [shape, *bounds], [batch], "StridedSlice", shrinkAxisMask=1)
    rest = network.tensor([], dtype="INT32", data=np.array(120))
    wanted = network.tensor([2], dtype="INT32")
    network.operator("PACK", [batch, rest], [wanted], "Pack", valuesCount=2, axis=0)
    flat = network.tensor((1, 120), *Q)
    network.operator("RESHAPE", [hidden, wanted], [flat], "Reshape")
    return network.file([source], [flat, shape] if with_shape_as_output else [flat])


@pytest.fixture
def graph():
    return reader.read_bytes(flattened_by_its_shape())


def test_shape_computations_become_constants(graph):
    folded = fold_constants(graph)
    assert [operation.opcode for operation in folded.operations] == ["CONV_2D", "RESHAPE"]
    values = folded.tensors[folded.operations[1].inputs[1]].data
    assert values.tolist() == [1, 120]
    assert not values.flags.writeable


def test_operators_keep_the_indices_of_the_file(graph):
    assert [operation.index for operation in fold_constants(graph).operations] == [0, 4]


def test_folding_does_not_change_its_argument(graph):
    before = dict(graph.tensors)
    fold_constants(graph)
    assert dict(graph.tensors) == before


def test_folding_twice_changes_nothing_more(graph):
    once = fold_constants(graph)
    assert fold_constants(once).operations == once.operations


def test_graph_without_anything_to_fold_stays(program):
    graph = program("add-two_residuals").graph
    assert fold_constants(graph).operations == graph.operations


def test_operators_of_constants_are_computed_with_the_reference():
    network = Network()
    source = network.tensor((1, 4), *Q)
    constant = network.tensor((1, 4), 0.1, 3, data=np.array([-128, -1, 0, 127]))
    finer = network.tensor((1, 4), 0.2, -5)
    network.operator("QUANTIZE", [constant], [finer], "Quantize")
    total = network.tensor((1, 4), 0.3, 0)
    network.operator("ADD", [source, finer], [total], "Add")
    graph = reader.read_bytes(network.file([source], [total]))
    folded = fold_constants(graph)
    assert [operation.opcode for operation in folded.operations] == ["ADD"]
    assert folded.tensors[finer].data.tolist() == [[-70, -7, -6, 57]]  # (q - 3) / 2 - 5, halves up
    sample = random_inputs(graph, 1)[0]
    assert np.array_equal(run_graph(graph, sample)[total], run_graph(folded, sample)[total])


def test_shape_that_is_an_output_of_the_model_is_refused_by_name():
    graph = reader.read_bytes(flattened_by_its_shape(with_shape_as_output=True))
    assert "SHAPE" in [operation.opcode for operation in fold_constants(graph).operations]
    with pytest.raises(UnsupportedError, match=r"operator 1 SHAPE .*output of the model"):
        lower(graph)


def test_generated_c_gives_the_references_bytes(graph, tmp_path):
    program = lower(graph)
    library = host.build(writer.write(program), tmp_path / "model.so", kind="library")
    sample = random_inputs(graph, 1)[0]
    arena = (ctypes.c_int32 * (program.plan.arena_bytes // 4 + 1))()
    place = program.plan.offsets[graph.inputs[0]]
    data = sample[graph.inputs[0]].tobytes()
    ctypes.memmove(ctypes.addressof(arena) + place, data, len(data))
    assert ctypes.CDLL(str(library)).model_invoke(arena) == 0
    place = program.plan.offsets[graph.outputs[0]]
    assert bytes(arena)[place : place + 120] == run_graph(graph, sample)[graph.outputs[0]].tobytes()


def computed(opcode, operands, expected, options="", **fields):
    """A model that adds to its input a constant, picked by what the operator under test makes of integers."""
    network = Network()
    source = network.tensor((1, 6), *Q)
    places = [network.tensor(np.shape(x), dtype=kind_of(x), data=np.array(x)) for x in operands]
    found = network.tensor(np.shape(expected), dtype=kind_of(expected))
    flat = network.tensor((np.size(expected),), dtype="INT32")
    whole = network.tensor(np.shape(expected), dtype="INT32")
    table = network.tensor((100,), *Q, data=np.arange(-50, 50))
    picked, total = network.tensor((np.size(expected),), *Q), network.tensor((np.size(expected), 6), *Q)
    network.operator(opcode, places, [found], options, **fields)
    network.operator("CAST", [found], [whole], "Cast")
    network.operator("RESHAPE", [whole, network.integers([-1])], [flat], "Reshape")
    network.operator("GATHER", [table, flat], [picked], "Gather")
    column = network.tensor((np.size(expected), 1), *Q)
    network.operator("EXPAND_DIMS", [picked, network.integers([1])], [column], "ExpandDims")
    network.operator("ADD", [source, column], [total], "Add", 2, fusedActivationFunction="NONE")
    return network.file([source], [total])


def kind_of(values):
    return {"b": "BOOL", "i": "INT32"}[np.asarray(values).dtype.kind]


ARITHMETIC = {
    "add": ("ADD", ([3, 4], 5), [8, 9], "Add"),
    "sub": ("SUB", ([7, 8], [1, 2]), [6, 6], "Sub"),
    "mul": ("MUL", ([[1], [2]], [3, 4]), [[3, 4], [6, 8]], "Mul"),
    "div": ("DIV", ([7, 9], [2, 3]), [3, 3], "Div"),
    "floor_div": ("FLOOR_DIV", ([7, 9], [2, 4]), [3, 2], "FloorDiv"),
    "floor_mod": ("FLOOR_MOD", ([7, -9], [4, 4]), [3, 3], "FloorMod"),
    "maximum": ("MAXIMUM", ([7, 1], [4, 4]), [7, 4], "MaximumMinimum"),
    "minimum": ("MINIMUM", ([7, 1], [4, 4]), [4, 1], "MaximumMinimum"),
    "reduce_prod": ("REDUCE_PROD", ([2, 3, 4], [0]), 24, "Reducer"),
    "reduce_max": ("REDUCE_MAX", ([2, 9, 4], [0]), [9], "Reducer", {"keepDims": True}),
    "range": ("RANGE", (2, 9, 3), [2, 5, 8], "Range"),
    "abs": ("ABS", ([2, -5],), [2, 5], "Abs"),
    "less": ("LESS", ([2, 5], 3), [True, False], "Less"),
    "select": ("SELECT_V2", ([True, False], [1, 2], 30), [1, 30], "SelectV2"),
    "rank": ("RANK", ([[1, 2]],), 2, "Rank"),
}


@pytest.mark.parametrize("name", ARITHMETIC)
def test_integer_arithmetic_on_constants_is_done_at_build_time_as_litert_does_it(name, tmp_path):
    opcode, operands, expected, options, *fields = ARITHMETIC[name]
    path = tmp_path / "model.tflite"
    path.write_bytes(computed(opcode, operands, expected, options, **(fields[0] if fields else {})))
    graph = reader.read(path)
    folded = fold_constants(graph)
    assert [operation.opcode for operation in folded.operations] == ["ADD"]
    index = graph.operations[0].outputs[0]
    assert np.array_equal(folded.tensors[index].data, expected)
    sample = random_inputs(graph, 1)[0]
    (theirs,) = Litert().run(path, [sample])
    ours = run_graph(graph, sample)
    assert np.array_equal(theirs[index], ours[index])
    assert np.array_equal(theirs[graph.outputs[0]], ours[graph.outputs[0]])
    lower(graph)


@pytest.mark.parametrize(
    ("operator", "found"),
    [
        (("DIV", ([7, 9], [2, 0]), [3, 3], "Div"), "zero"),
        (("ADD", ([7, 9], [2, 0, 1]), [3, 3], "Add"), "broadcast"),
        (("RANGE", (0, 2**31 - 1, 1), [0], "Range"), "numbers"),
        (("RANGE", (0, 3, 1), [0, 1], "Range"), r"\[3\]"),
        (("REDUCE_PROD", ([7, 9], [4]), 3, "Reducer"), "axis"),
    ],
)
def test_constants_that_fit_nothing_are_refused(operator, found):
    with pytest.raises(UnsupportedError, match="fit one another") as caught:
        fold_constants(reader.read_bytes(computed(*operator)))
    assert re.search(found, caught.value.found)
