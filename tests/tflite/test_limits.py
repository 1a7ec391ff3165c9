"""Files that ask for more than there is: thousands of operators, gigabytes in a kilobyte, versions that nobody has heard of."""

import os
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from fuzzing import damage
from model_cases import model_of
from model_cases.network import Network

from edgecompress.codegen import ops, writer
from edgecompress.codegen.program import MOST_OPERATORS, lower
from edgecompress.errors import EdgecompressError, ModelFileError, UnsupportedError
from edgecompress.inspection import inspect
from edgecompress.reference.litert import interpreter_module
from edgecompress.shrink import proof
from edgecompress.shrink.driver import shrink
from edgecompress.tflite import reader
from edgecompress.tflite.versions import LATEST, latest

HUGE = 2**30
SECONDS, MEGABYTES = 60, 256


def chain(count):
    """RELU after RELU."""
    net = Network()
    first = last = net.tensor([1, 8], 0.05)
    for _ in range(count):
        before, last = last, net.tensor([1, 8], 0.05)
        net.operator("RELU", [before], [last])
    return net.file([first], [last])


def side_by_side(count):
    """As many RELUs of one input, all of which are added up only afterwards."""
    net = Network()
    source = net.tensor([1, 8], 0.05)
    results = [net.tensor([1, 8], 0.05) for _ in range(count)]
    for result in results:
        net.operator("RELU", [source], [result])
    total = results[0]
    for result in results[1:]:
        before, total = total, net.tensor([1, 8], 0.05)
        net.operator("ADD", [before, result], [total], "Add")
    return net.file([source], [total])


def filled():
    """A constant of a gigabyte, made by FILL, of which eight values are added to the input."""
    net = Network()
    source, value = net.tensor([8], 0.05), net.tensor([], 0.05, data=np.array(3, np.int8))
    big, part, result = net.tensor([HUGE], 0.05), net.tensor([8], 0.05), net.tensor([8], 0.05)
    net.operator("FILL", [net.integers([HUGE]), value], [big], "Fill")
    net.operator("SLICE", [big, net.integers([0]), net.integers([8])], [part], "Slice")
    net.operator("ADD", [source, part], [result], "Add")
    return net.file([source], [result])


def padded():
    """An input of eight bytes padded to a gigabyte, and its largest value."""
    net = Network()
    source, wide, result = net.tensor([1, 8], 0.05), net.tensor([1, 8 + HUGE], 0.05), net.tensor([1, 1], 0.05)
    paddings = net.tensor([2, 2], dtype="INT32", data=np.array([[0, 0], [0, HUGE]]))
    net.operator("PAD", [source, paddings], [wide], "Pad")
    net.operator("REDUCE_MAX", [wide, net.integers([1])], [result], "Reducer", keepDims=True)
    return net.file([source], [result])


def tiled():
    net = Network()
    source, wide, result = net.tensor([1, 8], 0.05), net.tensor([1, HUGE], 0.05), net.tensor([1, 1], 0.05)
    net.operator("TILE", [source, net.integers([1, HUGE // 8])], [wide], "Tile")
    net.operator("REDUCE_MAX", [wide, net.integers([1])], [result], "Reducer", keepDims=True)
    return net.file([source], [result])


def convolved():
    """A convolution of one tap over an image of a gigabyte."""
    net = Network()
    source, result = net.tensor([1, 2**15, 2**15, 1], 0.05), net.tensor([1, 2**15, 2**15, 1], 0.05)
    filters = net.tensor([1, 1, 1, 1], 0.01, data=np.ones(1))
    strides = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    net.operator("CONV_2D", [source, filters, -1], [result], "Conv2D", padding="SAME", **strides)
    return net.file([source], [result])


def of_one_constant():
    """A constant whose shape says a gigabyte, of four bytes."""
    net = Network()
    source, result = net.tensor([1, 4], 0.05), net.tensor([1, 4], 0.05)
    net.operator("ADD", [source, net.tensor([1, 4], 0.05, data=np.ones(4))], [result], "Add")
    model = damage.unpack(net.file([source], [result]))
    model.subgraphs[0].tensors[2].shape = [HUGE, 4]
    return damage.pack(model)


CLAIMS = (filled, padded, tiled, convolved, of_one_constant)


@pytest.mark.parametrize("make", CLAIMS, ids=lambda make: make.__name__)
def test_gigabytes_in_a_small_file_are_refused_in_little_memory(make):
    content = make()
    assert len(content) < 2000
    tracemalloc.start()
    try:
        with pytest.raises(EdgecompressError, match=r"elements|shape"):
            lower(reader.read_bytes(content))
        assert tracemalloc.get_traced_memory()[1] < MEGABYTES * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("make", CLAIMS[:-1], ids=lambda make: make.__name__)
def test_gigabytes_in_a_small_file_can_be_inspected(make, tmp_path):
    path = tmp_path / "claim.tflite"
    path.write_bytes(make())
    tracemalloc.start()
    try:
        found = inspect(path)
        assert found.warnings or any(layer.problem for layer in found.layers)
        assert tracemalloc.get_traced_memory()[1] < MEGABYTES * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize("content", [chain(MOST_OPERATORS), side_by_side(60)], ids=["chain", "side_by_side"])
def test_as_many_operators_as_there_may_be_take_seconds(content):
    started = time.process_time()
    program = lower(reader.read_bytes(content))
    writer.write(program)
    assert time.process_time() - started < SECONDS
    assert program.plan.arena_bytes >= program.plan.bound_of_schedule


@pytest.mark.parametrize(
    ("content", "found"),
    [(chain(20_000), "20,000 operators"), (side_by_side(500), "alive at once")],
    ids=["chain", "side_by_side"],
)
def test_more_operators_or_tensors_at_once_are_refused_at_once(content, found):
    started = time.process_time()
    with pytest.raises(UnsupportedError) as caught:
        lower(reader.read_bytes(content))
    assert found in caught.value.found
    assert time.process_time() - started < SECONDS


def test_thousands_of_operators_can_be_inspected(tmp_path):
    path = tmp_path / "chain.tflite"
    path.write_bytes(chain(20_000))
    started = time.process_time()
    found = inspect(path)
    assert len(found.layers) == 20_000
    assert any("20,000 operators" in text or "2,000 operators" in text for text in found.warnings)
    assert time.process_time() - started < SECONDS


def with_version(version):
    model = damage.unpack(model_of("conv_2d-same"))
    for code in model.operatorCodes:
        code.version = version
    return reader.read_bytes(damage.pack(model))


def test_versions_that_are_known_are_taken_alike():
    assert {writer.write(lower(with_version(v)))["model.c"].partition("*/")[2] for v in (1, 3, LATEST["CONV_2D"])} == {
        writer.write(lower(with_version(2)))["model.c"].partition("*/")[2]
    }


@pytest.mark.parametrize("version", [LATEST["CONV_2D"] + 1, 99, 2**31 - 1, -1])
def test_unknown_version_is_refused_with_the_operator(version):
    with pytest.raises(UnsupportedError, match=f"operator 0 CONV_2D .*version {version} of this operator") as caught:
        lower(with_version(version))
    assert f"{LATEST['CONV_2D']} is the newest known" in caught.value.found


def test_litert_knows_every_version_that_is_taken():
    """Its resolver looks at all operator codes of a file, used or not."""
    module = interpreter_module()
    kinds = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    for opcode in sorted(ops.OPERATORS):
        model = damage.unpack(model_of("relu-same_quantization"))
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, opcode)
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), latest(opcode)
        model.operatorCodes.append(code)
        module.Interpreter(model_content=damage.pack(model), experimental_op_resolver_type=kinds)


def test_a_file_larger_than_any_model_is_not_read(tmp_path):
    path = tmp_path / "large.tflite"
    with path.open("wb") as file:
        file.write(b"\x1c\x00\x00\x00TFL3")
        file.truncate(reader.MAX_BYTES + 1)
    with pytest.raises(ModelFileError, match="too large") as caught:
        reader.read(path)
    assert str(path) in caught.value.what


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes and devices among the files")
def test_pipes_and_devices_are_no_files(tmp_path):
    pipe = tmp_path / "pipe.tflite"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(ModelFileError, match="no file"):
            reader.read(path)


def test_an_interpreter_that_never_ends_does_not_keep_shrinking_waiting(monkeypatch):
    """A depthwise convolution without options of an input of two dimensions: tflite-micro reads the others out of nothing, and
    sometimes loops over them for hours."""
    if reason := proof.Tflm().available():
        pytest.skip(reason)
    monkeypatch.setattr(proof, "MOST_SECONDS", 0.05)
    content = (Path(__file__).parent / "corpus" / "interpreter_hangs.tflite").read_bytes()
    assert "was stopped after 0.05 s" in shrink(reader.read_bytes(content)).reason
