"""The generated C as its callers see it: status codes, hooks, header, helpers."""

import ctypes
import re

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given
from hypothesis import strategies as st
from written import all_kernels, arena_of, golden

from edgecompress.codegen import writer
from edgecompress.reference.inputs import quantize, random_inputs
from edgecompress.reference.integer import run_graph
from edgecompress.targets import host
from edgecompress.targets.compilers import find_zig
from edgecompress.targets.process import run
from edgecompress.tflite.graph import Quantization


@pytest.fixture(scope="module")
def library(network, tmp_path_factory):
    sources = {**writer.write(network), **golden(network)}
    return ctypes.CDLL(str(host.build(sources, tmp_path_factory.mktemp("library") / "model.so", kind="library")))


def test_arena_that_is_null_or_misaligned_is_a_status(library, network):
    arena = arena_of(network)
    for bad in (None, *(ctypes.addressof(arena) + offset for offset in (1, 2, 3))):
        assert library.model_invoke(ctypes.c_void_p(bad)) == -1
        assert library.model_run_layers(ctypes.c_void_p(bad), 0, 1) == -1
        assert library.model_selftest(ctypes.c_void_p(bad)) == -1


@pytest.mark.parametrize(
    ("first", "count"), [(-1, 1), (0, -1), (5, 0), (4, 1), (0, 5), (3, 2), (2**31 - 1, 1), (1, 2**31 - 1)]
)
def test_layers_that_are_not_there_are_a_status(library, network, first, count):
    assert library.model_run_layers(arena_of(network), first, count) == -2


@pytest.mark.parametrize(("first", "count"), [(0, 0), (4, 0), (0, 4), (3, 1)])
def test_layers_that_are_there_run(library, network, first, count):
    assert library.model_run_layers(arena_of(network), first, count) == 0


def test_selftest_holds_and_runs_twice(library, network):
    arena = arena_of(network)
    assert [library.model_selftest(arena), library.model_selftest(arena)] == [0, 0]


def test_layer_hook_is_called_once_after_every_layer(network, tmp_path):
    hooked = """
    static int calls[16], count;
    void hook(int layer) { calls[count++ & 15] = layer; }
    int hook_count(void) { return count; }
    int hook_call(int i) { return calls[i]; }
    """
    sources = {**writer.write(network), "hook.c": "void hook(int layer);\n" + hooked}
    sources["model.c"] = "void hook(int layer);\n" + sources["model.c"]
    built = host.build(
        sources, tmp_path / "model.so", kind="library", defines={"MODEL_LAYER_HOOK(layer)": "hook(layer)"}
    )
    library = ctypes.CDLL(str(built))
    assert library.model_invoke(arena_of(network)) == 0
    assert [library.hook_call(i) for i in range(library.hook_count())] == [0, 1, 2, 3]


def test_arena_may_be_anything_before_a_run_and_holds_nothing_between_runs(library, network):
    sample = random_inputs(network.graph, 1)[0]
    expected = run_graph(network.graph, sample)[network.graph.outputs[0]].tobytes()
    for fill in (0x00, 0xFF, 0xA5):
        arena = arena_of(network)
        ctypes.memset(arena, fill, ctypes.sizeof(arena))
        data = sample[network.graph.inputs[0]].tobytes()
        ctypes.memmove(ctypes.addressof(arena) + network.plan.offsets[network.graph.inputs[0]], data, len(data))
        assert library.model_invoke(arena) == 0
        place = network.plan.offsets[network.graph.outputs[0]]
        assert bytes(memoryview(arena).cast("B"))[place : place + len(expected)] == expected


def test_header_says_what_the_model_says(network):
    header = writer.write(network)["model.h"]
    macros = dict(re.findall(r"#define (\w+) (.*?)(?: /\*.*)?$", header, re.MULTILINE))
    tensor = network.graph.tensors[network.graph.inputs[0]]
    assert macros["MODEL_TFLITE_SHA256"] == f'"{network.graph.sha256}"'
    assert int(macros["MODEL_ARENA_BYTES"]) == network.plan.arena_bytes
    assert (macros["MODEL_LAYERS"], macros["MODEL_INPUTS"], macros["MODEL_OUTPUTS"]) == ("4", "1", "1")
    assert int(macros["MODEL_MACS"]) == network.macs
    assert macros["MODEL_INPUT_0_SHAPE"] == "{1, 6, 5, 4}"
    assert (macros["MODEL_INPUT_0_RANK"], macros["MODEL_INPUT_0_ELEMENTS"]) == ("4", "120")
    assert macros["MODEL_INPUT_0_BYTES"] == "120"
    assert macros["MODEL_INPUT_0_TYPE"] == "int8_t"
    assert np.float32(macros["MODEL_INPUT_0_SCALE"].rstrip("f")) == np.float32(tensor.quantization.scale)
    assert macros["MODEL_INPUT_0_ZERO_POINT"] == "(-7)"


# --- helpers

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
REALS = np.array(
    [
        0.0,
        -0.0,
        1e-45,
        0.025,
        -0.025,
        0.075,
        0.0749999,
        1e10,
        -1e10,
        3.4e38,
        -3.4e38,
        6.0,
        -6.75,
        6.7,
        6.725,
        np.inf,
        -np.inf,
        np.nan,
    ],
    np.float32,
)


@pytest.fixture(scope="module")
def helpers(network, tmp_path_factory):
    """quantize and dequantize of the header, compiled with several scales, zero points and limits."""
    wrappers = """
    #include "model.h"
    int32_t quantize(float x, float scale, int32_t zero_point, int32_t low, int32_t high) {
        return model_quantize(x, scale, zero_point, low, high);
    }
    int8_t input_quantize(float x) { return model_input_0_quantize(x); }
    float input_dequantize(int8_t x) { return model_input_0_dequantize(x); }
    """
    sources = {"model.h": writer.write(network)["model.h"], "wrappers.c": wrappers}
    output = tmp_path_factory.mktemp("helpers") / "helpers.so"
    library = ctypes.CDLL(str(host.build(sources, output, kind="library", sanitizer="undefined")))
    library.quantize.argtypes = [ctypes.c_float, ctypes.c_float, *[ctypes.c_int32] * 3]
    library.input_quantize.argtypes, library.input_quantize.restype = [ctypes.c_float], ctypes.c_int8
    library.input_dequantize.argtypes, library.input_dequantize.restype = [ctypes.c_int8], ctypes.c_float
    return library


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16])
@given(x=FLOATS, scale=st.floats(2.0**-30, 2.0**30, width=32), zero=st.integers(0, 255))
def test_quantize_helper_equals_pythons(helpers, dtype, x, scale, zero):
    limits = np.iinfo(dtype)
    zero_point = {np.int8: zero - 128, np.uint8: zero, np.int16: 0}[dtype]
    with np.errstate(over="ignore"):
        finite = np.isfinite(np.float32(x) / np.float32(scale))
    if finite:
        expected = int(quantize(np.array(x, np.float32), Quantization((scale,), (zero_point,)), np.dtype(dtype)))
    else:
        expected = limits.max if x > 0 else limits.min
    assert helpers.quantize(x, scale, zero_point, limits.min, limits.max) == expected


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_quantize_helper_saturates_and_sends_nan_to_the_lowest(helpers, network):
    quantization = network.graph.tensors[network.graph.inputs[0]].quantization
    for x in REALS[np.isfinite(REALS)]:
        assert helpers.input_quantize(x) == int(quantize(x, quantization, np.dtype(np.int8)))
    assert [helpers.input_quantize(x) for x in REALS[-3:]] == [127, -128, -128]


def test_dequantize_helper_is_the_quantizers_inverse(helpers, network):
    quantization = network.graph.tensors[network.graph.inputs[0]].quantization
    for value in range(-128, 128):
        real = helpers.input_dequantize(value)
        assert real == np.float32(quantization.scale) * np.float32(value - quantization.zero_point)
        assert helpers.input_quantize(real) == value


@pytest.mark.parametrize("standard", ["c++11", "c++20"])
def test_header_and_every_kernel_header_compile_as_cpp(network, program, tmp_path, standard):
    sources = {**writer.write(network), **all_kernels()}
    for name, text in sources.items():
        (tmp_path / name).write_text(text)
    includes = "".join(f'#include "{name}"\n' for name in sorted(sources) if name.endswith(".h"))
    (tmp_path / "use.cpp").write_text(
        f"{includes}\n"
        'static_assert(MODEL_INPUT_0_BYTES == 120, "");\n'
        "static const int shape[MODEL_INPUT_0_RANK] = MODEL_INPUT_0_SHAPE;\n"
        "int use(void *arena) {\n"
        "    model_input_0(arena)[0] = model_input_0_quantize(1.5f);\n"
        "    const float real = model_output_0_dequantize(model_output_0(arena)[0]);\n"
        "    return model_invoke(arena) + model_run_layers(arena, 0, shape[0]) + int(real);\n"
        "}\n"
    )
    zig = find_zig()
    command = (
        zig.program,
        "c++",
        f"-std={standard}",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-Wold-style-cast",
        "-Wno-old-style-cast",
    )
    run((*command, "-c", "use.cpp", "-o", "use.o"), folder=tmp_path, environment=zig.environment)
    with (tmp_path / "use.o").open("rb") as stream:
        names = {symbol.name for symbol in ELFFile(stream).get_section_by_name(".symtab").iter_symbols()}
    assert {"model_invoke", "model_run_layers"} <= names  # unmangled
