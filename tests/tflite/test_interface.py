"""Inputs and outputs of a file are changed as asked, and what it computes stays."""

import numpy as np
import pytest
from click.testing import CliRunner
from model_cases.network import Network
from model_cases.networks import SHAPE, Q, convolve

from edgecompress.cli.main import cli
from edgecompress.codegen import ops
from edgecompress.errors import ModelFileError, UnsupportedError, UsageError
from edgecompress.pipeline.benching import bench_anywhere
from edgecompress.reference.inputs import random_inputs
from edgecompress.reference.integer import run_graph
from edgecompress.reference.tflm import Tflm
from edgecompress.tflite import reader
from edgecompress.tflite.interface import Interface, read_interface


def with_floats(twice: bool = False, relu: bool = False) -> bytes:
    """QUANTIZE, a convolution, DEQUANTIZE; the float input read twice, or a float operator at the end."""
    network = Network()
    source, inner = network.tensor(SHAPE, dtype="FLOAT32"), network.tensor(SHAPE, *Q)
    network.operator("QUANTIZE", [source], [inner], "Quantize")
    hidden = convolve(network, inner, SHAPE, 1)
    result = network.tensor(SHAPE, dtype="FLOAT32")
    network.operator("DEQUANTIZE", [hidden], [result], "Dequantize")
    outputs = [result]
    if twice:
        outputs.append(network.tensor(SHAPE, *Q))
        network.operator("QUANTIZE", [source], outputs[1:], "Quantize")
    if relu:
        outputs = [network.tensor(SHAPE, dtype="FLOAT32")]
        network.operator("RELU", [result], outputs)
    return network.file([source], outputs)


def flattened() -> bytes:
    """An image of any size, as a file says it: 1 x 1, then pooled and flattened by its own shape."""
    network = Network()
    source, pooled = network.tensor((1, 1, 1, 3), *Q), network.tensor((1, 1, 1, 3), *Q)
    window = {"strideW": 2, "strideH": 2, "filterWidth": 2, "filterHeight": 2}
    network.operator(
        "MAX_POOL_2D", [source], [pooled], "Pool2D", padding="SAME", fusedActivationFunction="NONE", **window
    )
    shape, batch, target = (network.tensor(size, dtype="INT32") for size in ((4,), (), (2,)))
    bounds = [network.integers([0]), network.integers([1]), network.integers([1])]
    network.operator("SHAPE", [pooled], [shape], "Shape", outType=2)
    network.operator("STRIDED_SLICE", [shape, *bounds], [batch], "StridedSlice", shrinkAxisMask=1)
    rest = network.tensor((), dtype="INT32", data=np.array(-1))
    network.operator("PACK", [batch, rest], [target], "Pack", valuesCount=2, axis=0)
    result = network.tensor((1, 3), *Q)
    network.operator("RESHAPE", [pooled, target], [result], "Reshape")
    return network.file([source], [result])


def test_integers_take_the_place_of_floats_and_every_value_stays():
    before = reader.read_bytes(with_floats())
    after = reader.read_bytes(Interface(integer_io=True).apply(with_floats()))
    assert [operation.opcode for operation in after.operations] == ["CONV_2D"]
    assert {after.tensors[i].dtype.name for i in (*after.inputs, *after.outputs)} == {"int8"}
    sample = random_inputs(after, 1)[0]
    codes = sample[after.inputs[0]]
    q, result = (
        before.tensors[before.operations[0].outputs[0]].quantization,
        after.tensors[after.outputs[0]].quantization,
    )
    real = ((codes.astype(np.int32) - q.zero_point) * np.float32(q.scale)).astype(np.float32)
    theirs = run_graph(before, {before.inputs[0]: real})[before.outputs[0]]
    ours = run_graph(after, sample)[after.outputs[0]].astype(np.int32)
    assert np.array_equal(theirs, (ours - result.zero_point).astype(np.float32) * np.float32(result.scale))


@pytest.mark.parametrize(
    ("made", "found"), [(with_floats(twice=True), "QUANTIZE, QUANTIZE"), (with_floats(relu=True), "RELU")]
)
def test_floats_that_are_not_quantized_at_once_are_refused(made, found):
    with pytest.raises(UnsupportedError, match="--integer-io") as caught:
        Interface(integer_io=True).apply(made)
    assert caught.value.found == found


def test_file_without_floats_at_its_borders_stays_what_it_is():
    before = reader.read_bytes(flattened())
    after = reader.read_bytes(Interface(integer_io=True).apply(flattened()))
    assert [o.opcode for o in after.operations] == [o.opcode for o in before.operations]


def test_shapes_of_all_tensors_follow_those_of_the_inputs(tmp_path):
    content = Interface(input_shapes=((2, 5, 6, 3),)).apply(flattened())
    graph = reader.read_bytes(content)
    assert graph.tensors[graph.inputs[0]].shape == (2, 5, 6, 3)
    assert graph.tensors[graph.outputs[0]].shape == (2, 3 * 3 * 3)
    assert not ops.missing(graph.__class__(**{**vars(graph), "operations": graph.operations[:1]}))
    path, samples = tmp_path / "model.tflite", random_inputs(graph, 2)
    path.write_bytes(content)
    theirs, ours = Tflm().run(path, samples), [run_graph(graph, sample) for sample in samples]
    assert all(np.array_equal(a[i], b[i]) for a, b in zip(theirs, ours, strict=True) for i in graph.outputs)


@pytest.mark.parametrize("shapes", [((2, 5, 6, 3), (1,)), ((2, 5),), ((1, 2**30, 2**30, 3),)])
def test_shapes_that_the_operators_refuse_are_an_error(shapes):
    with pytest.raises(UnsupportedError):
        Interface(input_shapes=shapes).apply(flattened())


def test_file_that_is_none_is_refused_before_anything_runs_it():
    with pytest.raises(ModelFileError):
        Interface(input_shapes=((1, 2),)).apply(b"no such thing at all")


@pytest.mark.parametrize("text", ["", "1,-2", "1,a", "1,,3", "0,3"])
def test_what_is_no_shape_is_refused(text):
    with pytest.raises(UsageError, match="--input-shape"):
        read_interface(False, (text,))


@pytest.mark.slow
def test_bench_takes_both_options(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(with_floats())
    shape = ",".join(map(str, SHAPE))
    options = ["--integer-io", "--input-shape", shape, "--inputs", "1", "--save", str(tmp_path / "run")]
    done = CliRunner().invoke(cli, ["bench", str(path), *options], catch_exceptions=False)
    assert "bit-exact" in done.output
    assert "QUANTIZE" not in done.output
    graph = reader.read(tmp_path / "run" / "model.tflite")
    assert graph.tensors[graph.inputs[0]].dtype == np.int8
    with pytest.raises(UsageError, match="built already"):
        bench_anywhere(tmp_path / "run", integer_io=True)
