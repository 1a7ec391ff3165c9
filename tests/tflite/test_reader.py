"""The reader trusts nothing: whatever the file, a Graph or an error that names what is wrong, quickly and in little memory."""

import io
import time
import tracemalloc
import zipfile

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from fuzzing import damage
from model_cases.network import Network

from edgecompress.errors import EdgecompressError, ModelFileError, UnsupportedError
from edgecompress.tflite import reader, writer
from edgecompress.tflite.graph import ABSENT

FLIPS, CHANGED = 3000, 1500


def outcome(content):
    """The Graph, or the error; any other exception fails the test, and so do seconds of thinking."""
    start = time.process_time()
    try:
        result = reader.read_bytes(content)
    except EdgecompressError as error:
        assert error.what
        assert len(str(error)) < 1000
        result = error
    assert time.process_time() - start < 5
    return result


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model.tflite", b"TFL3" * 100)
    return file.getvalue()


FOREIGN = {
    "empty": b"",
    "one_byte": b"\x1c",
    "eight_zeros": bytes(8),
    "png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "html": b"<!DOCTYPE html><html><body>404: Not Found</body></html>",
    "zip": zipped(),
    "git_lfs_pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d7a" * 16 + b"\nsize 12345\n",
    "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(100),
    "elf": b"\x7fELF" + bytes(100),
    "another_flatbuffer": b"\x10\x00\x00\x00ABCD" + bytes(100),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_file_is_no_tflite_file(name, tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(FOREIGN[name])
    with pytest.raises(ModelFileError, match=r"not a \.tflite file") as caught:
        reader.read(path)
    assert str(path) in caught.value.what
    assert "TFL3" in caught.value.found


@pytest.mark.parametrize("rest", [b"", bytes(100), b"\xff" * 100], ids=["nothing", "zeros", "ones"])
def test_identifier_alone_does_not_make_a_model(rest):
    assert isinstance(outcome(b"\x1c\x00\x00\x00TFL3" + rest), ModelFileError)


def test_missing_file_and_folder_are_named(tmp_path):
    for path in (tmp_path / "none.tflite", tmp_path):
        with pytest.raises(ModelFileError, match="cannot be read") as caught:
            reader.read(path)
        assert str(path) in caught.value.what


def test_every_truncation_is_refused_or_harmless(residual):
    whole = reader.read_bytes(residual)
    for end in range(0, len(residual), 64):
        result = outcome(residual[:end])
        if not isinstance(result, ModelFileError):  # what was cut off was padding
            assert len(result.operations) == len(whole.operations)
    assert isinstance(outcome(residual[: len(residual) // 2]), ModelFileError)


def test_flipped_bits_never_escape_as_another_exception(models):
    generator = np.random.default_rng(1)
    results = [outcome(damage.flip_bits(damage.pick(models, generator), generator)) for _ in range(FLIPS)]
    refused = sum(isinstance(result, EdgecompressError) for result in results)
    assert FLIPS // 10 < refused < FLIPS


def test_changed_fields_never_escape_as_another_exception(models):
    generator = np.random.default_rng(2)
    made = [damage.change_fields(damage.pick(models, generator), generator) for _ in range(CHANGED)]
    results = [outcome(content) for content in made if content is not None]
    refused = sum(isinstance(result, EdgecompressError) for result in results)
    assert CHANGED // 10 < refused < len(results)


def first_tensor(graph, name="t0"):
    return next(tensor for tensor in graph.tensors if tensor.name in (name, name.encode()))


def set_version(model, graph):
    model.version = 2


def no_subgraph(model, graph):
    model.subgraphs = []


def tensor_out_of_range(model, graph):
    graph.operators[1].inputs = [99, 1, 2]


def negative_operand(model, graph):
    graph.operators[1].inputs = [-2, 1, 2]


def result_out_of_range(model, graph):
    graph.operators[0].outputs = [99]


def absent_result(model, graph):
    graph.operators[0].outputs = [ABSENT]


def output_out_of_range(model, graph):
    graph.outputs = [1000]


def opcode_out_of_range(model, graph):
    graph.operators[0].opcodeIndex = 7


def buffer_out_of_range(model, graph):
    graph.tensors[1].buffer = 1000


def missing_buffers(model, graph):
    model.buffers = []


def cycle(model, graph):
    graph.operators[0].inputs = [int(graph.outputs[0]), *[int(i) for i in graph.operators[0].inputs[1:]]]


def written_twice(model, graph):
    graph.operators[-1].outputs = graph.operators[0].outputs


def constant_written(model, graph):
    graph.operators[0].outputs = [1]


def never_computed(model, graph):
    graph.operators = graph.operators[:-1]


def negative_dimension(model, graph):
    graph.tensors[0].shape = [1, -6, 5, 4]


def huge_dimensions(model, graph):
    graph.tensors[0].shape = [2**31 - 1] * 4


def nine_dimensions(model, graph):
    graph.tensors[0].shape = [1] * 9


def constant_of_another_shape(model, graph):
    graph.tensors[1].shape = [4, 3, 3, 5]


def zero_scale(model, graph):
    graph.tensors[0].quantization.scale = [0.0]


def nan_scale(model, graph):
    graph.tensors[0].quantization.scale = [float("nan")]


def negative_scale(model, graph):
    graph.tensors[0].quantization.scale = [-0.5]


def infinite_scale(model, graph):
    graph.tensors[0].quantization.scale = [float("inf")]


def subnormal_scale(model, graph):
    graph.tensors[0].quantization.scale = [1e-45]


def zero_point_out_of_range(model, graph):
    graph.tensors[0].quantization.zeroPoint = [2**40]


def axis_out_of_range(model, graph):
    graph.tensors[1].quantization.quantizedDimension = 4


def negative_axis(model, graph):
    graph.tensors[1].quantization.quantizedDimension = -1


def another_axis(model, graph):
    graph.tensors[1].quantization.quantizedDimension = 1


def two_scales_for_four_channels(model, graph):
    graph.tensors[1].quantization.scale = [0.1, 0.2]
    graph.tensors[1].quantization.zeroPoint = [0, 0]


def scales_and_zero_points_of_other_number(model, graph):
    graph.tensors[1].quantization.zeroPoint = [0, 0, 0]


WRONG = {
    set_version: ("schema version", "2"),
    no_subgraph: ("no subgraph", "0"),
    tensor_out_of_range: ("operator 1 ADD: tensor out of range", "99"),
    negative_operand: ("operator 1 ADD: tensor out of range", "-2"),
    result_out_of_range: ("the outputs of operator 0 CONV_2D: tensor out of range", "99"),
    absent_result: ("the outputs of operator 0 CONV_2D: tensor out of range", "-1"),
    output_out_of_range: ("the graph's outputs: tensor out of range", "1000"),
    opcode_out_of_range: ("operator 0: operator code out of range", "7"),
    buffer_out_of_range: ('tensor 1 "t1": buffer out of range', "1000"),
    missing_buffers: ('tensor 0 "t0": buffer out of range', "0 of 0"),
    cycle: ("operator 0 CONV_2D: an input is used before it is computed", "tensor"),
    written_twice: ("operator 3 ADD: an output is written twice", "tensor"),
    constant_written: ("operator 0 CONV_2D: an output is written twice or is no activation", "tensor 1"),
    never_computed: ("an output of the graph is never computed", "tensor"),
    negative_dimension: ('tensor 0 "t0": impossible shape', "-6"),
    huge_dimensions: ('tensor 0 "t0": impossible shape', "2147483647"),
    nine_dimensions: ('tensor 0 "t0": impossible shape', "9 dimensions"),
    constant_of_another_shape: ('tensor 1 "t1": the data do not fill the shape', "144 bytes instead of 180"),
    zero_scale: ('tensor 0 "t0": a scale must be finite and positive', "0.0"),
    nan_scale: ('tensor 0 "t0": a scale must be finite and positive', "nan"),
    negative_scale: ('tensor 0 "t0": a scale must be finite and positive', "-0.5"),
    infinite_scale: ('tensor 0 "t0": a scale must be finite and positive', "inf"),
    subnormal_scale: ('tensor 0 "t0": a scale must be finite and positive', "e-45"),
    zero_point_out_of_range: ('tensor 0 "t0": zero point out of range', str(2**40)),
    axis_out_of_range: ('tensor 1 "t1": quantized_dimension out of range', "4"),
    negative_axis: ('tensor 1 "t1": quantized_dimension out of range', "-1"),
    another_axis: ('tensor 1 "t1": one scale per channel', "4 scales for dimension 1"),
    two_scales_for_four_channels: ('tensor 1 "t1": one scale per channel', "2 scales"),
    scales_and_zero_points_of_other_number: ('tensor 1 "t1": as many zero points as scales', "3 and 4"),
}


@pytest.mark.parametrize("change", WRONG, ids=lambda change: change.__name__)
def test_each_inconsistency_is_named(change, residual):
    model = damage.unpack(residual)
    change(model, model.subgraphs[0])
    what, found = WRONG[change]
    error = outcome(damage.pack(model))
    assert isinstance(error, ModelFileError)
    assert what in error.what
    assert found in error.found


@pytest.mark.parametrize(("tensor", "axis"), [(0, 99), (0, -5), (2, 3), (2, -1)])
def test_axis_that_means_nothing_is_passed_over(tensor, axis, residual):
    """Of one scale for all, and of a bias, which may carry that of its weights: TensorFlow Lite Micro does not look at it."""
    model = damage.unpack(residual)
    model.subgraphs[0].tensors[tensor].quantization.quantizedDimension = axis
    read = outcome(damage.pack(model)).tensors[tensor].quantization
    assert read == reader.read_bytes(residual).tensors[tensor].quantization
    assert read.axis == 0


def test_sparse_weights_are_unsupported_not_damaged(residual):
    model = damage.unpack(residual)
    model.subgraphs[0].tensors[1].sparsity = schema.SparsityParametersT()
    assert isinstance(outcome(damage.pack(model)), UnsupportedError)


def test_external_buffers_out_of_the_file_are_refused(residual):
    model = damage.unpack(residual)
    buffer = model.buffers[model.subgraphs[0].tensors[1].buffer]
    buffer.data, buffer.offset, buffer.size = None, 10**9, 144
    error = outcome(damage.pack(model))
    assert isinstance(error, ModelFileError)
    assert "data out of range" in error.what


def test_names_that_are_no_text_are_read(residual):
    model = damage.unpack(residual)
    model.subgraphs[0].tensors[0].name = b"\xff\xfe*/\n"
    assert outcome(damage.pack(model)).tensors[0].name.endswith("*/\n")


def test_message_about_a_tensor_with_a_long_name_is_short(residual):
    model = damage.unpack(residual)
    model.subgraphs[0].tensors[0].name = "n" * 10_000
    model.subgraphs[0].tensors[0].quantization.scale = [0.0]
    assert len(outcome(damage.pack(model)).what) < 200


def shared_bytes(kind, times=2000, length=100_000):
    """A small file in which many table entries point to the same long vector."""
    builder = flatbuffers.Builder(1024)
    name = builder.CreateString("n" * length if kind == "names" else "n")
    data = builder.CreateByteVector(bytes(length))
    operands, shape = vector(builder, [0] * length), vector(builder, [length if kind == "data" else 1])
    buffers = tables(builder, [buffer(builder, None), buffer(builder, data)])
    schema.TensorStart(builder)
    schema.TensorAddShape(builder, shape)
    schema.TensorAddName(builder, name)
    schema.TensorAddType(builder, schema.TensorType.INT8)
    schema.TensorAddBuffer(builder, 1 if kind == "data" else 0)
    tensor = schema.TensorEnd(builder)
    tensors = tables(builder, [tensor] * (1 if kind == "operands" else times))
    schema.OperatorStart(builder)
    schema.OperatorAddInputs(builder, operands)
    operator = schema.OperatorEnd(builder)
    operators = tables(builder, [operator] * (times if kind == "operands" else 0))
    schema.SubGraphStart(builder)
    schema.SubGraphAddTensors(builder, tensors)
    schema.SubGraphAddOperators(builder, operators)
    subgraphs = tables(builder, [schema.SubGraphEnd(builder)])
    schema.OperatorCodeStart(builder)
    codes = tables(builder, [schema.OperatorCodeEnd(builder)])
    schema.ModelStart(builder)
    schema.ModelAddVersion(builder, 3)
    schema.ModelAddSubgraphs(builder, subgraphs)
    schema.ModelAddBuffers(builder, buffers)
    schema.ModelAddOperatorCodes(builder, codes)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    return bytes(builder.Output())


def buffer(builder, data):
    schema.BufferStart(builder)
    if data is not None:
        schema.BufferAddData(builder, data)
    return schema.BufferEnd(builder)


def vector(builder, numbers):
    builder.StartVector(4, len(numbers), 4)
    for number in numbers:
        builder.PrependInt32(number)
    return builder.EndVector()


def tables(builder, offsets):
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


@pytest.mark.parametrize("kind", ["operands", "names"])
def test_small_file_cannot_unfold_to_hours(kind):
    assert "impossible size" in outcome(shared_bytes(kind)).what


def test_small_file_cannot_unfold_to_gigabytes():
    content = shared_bytes("data")
    tracemalloc.start()
    try:
        assert len(outcome(content).tensors) == 2000
        assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    finally:
        tracemalloc.stop()


def test_what_was_written_is_read_back(residual):
    graph = reader.read_bytes(residual)
    assert [operation.opcode for operation in graph.operations] == ["CONV_2D", "ADD", "CONV_2D", "ADD"]
    weights = graph.tensors[graph.operations[0].inputs[1]]
    stored = damage.unpack(residual).buffers[damage.unpack(residual).subgraphs[0].tensors[weights.index].buffer].data
    assert weights.data.tobytes() == bytes(stored)
    assert weights.shape == (4, 3, 3, 4)
    assert weights.quantization.axis == 0
    assert weights.quantization.scales == tuple(float(s) for s in np.linspace(0.004, 0.009, 4, dtype=np.float32))
    assert graph.operations[0].options["padding"] == "SAME"
    assert not weights.data.flags.writeable


@pytest.mark.parametrize("count", [1, 2, 7, 8])
def test_constants_of_four_bits_are_read_as_int8_the_lower_half_first(count):
    values = np.arange(-8, 8)[::-1][:count]
    network = Network()
    source, result = network.tensor((1, count), 0.1), network.tensor((1, 1), 0.1)
    weights = network.four_bits((1, count), 0.1, values)
    network.operator("FULLY_CONNECTED", [source, weights], [result], "FullyConnected", 4, keepNumDims=False)
    tensor = reader.read_bytes(network.file([source], [result])).tensors[weights]
    assert tensor.data.tolist() == [values.tolist()]
    assert (tensor.dtype, tensor.type_name) == (np.int8, "INT4")
    again = reader.read_bytes(writer.write(reader.read_bytes(network.file([source], [result])))).tensors[weights]
    assert again.data.tolist() == [values.tolist()]
