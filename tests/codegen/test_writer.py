"""The generated C as a product: the same bytes every time, harmless whatever the model's names, small manners everywhere."""

import ctypes
import os
import re
import subprocess
import sys
from dataclasses import replace
from types import MappingProxyType
from typing import get_args

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given
from hypothesis import strategies as st

from edgecompress.codegen import literals, runtime, writer
from edgecompress.codegen.program import BORDER_TYPES
from edgecompress.errors import UsageError
from edgecompress.reference.inputs import quantize, random_inputs
from edgecompress.reference.integer import run_graph
from edgecompress.targets import find, host
from edgecompress.targets.compilers import find_compiler, find_zig
from edgecompress.targets.process import run
from edgecompress.tflite.graph import Quantization

NETWORK = "add-two_residuals"
HOSTILE_NAMES = (
    "*/ #error",
    "*\\ #error",
    "*/*/",
    "/*/",
    "/\\* x",
    "??/\n#error",
    "???/",
    "?\\\n?/",
    "\\",
    "line\nline\r\n#error",
    "// \\",
    "Faltung\u200b\u2028\U0001f600 \udc80",
    "\x00\x1b[31m\x7f",
    "n" * 10_000,
    "*/" * 5_000,
    '"; int main(void) { return 1; } //',
    "@prefix@ @BORDERS@ \\g<0>",
    "",
)


@pytest.fixture(scope="module")
def network(program):
    return program(NETWORK)


def golden(program, prefix="model"):
    sample = random_inputs(program.graph, 1)[0]
    return writer.write_golden(program, sample, run_graph(program.graph, sample), prefix)


def named(program, names):
    """The program with other tensor names."""
    tensors = {i: replace(t, name=names[i % len(names)]) for i, t in program.graph.tensors.items()}
    graph = replace(program.graph, tensors=MappingProxyType(tensors))
    layers = tuple(
        replace(layer, call=replace(layer.call, operands=tuple(tensors[t.index] for t in layer.call.operands)))
        for layer in program.layers
    )
    return replace(program, graph=graph, layers=layers)


def code(text):
    """C without its comments."""
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


# --- the same bytes


def test_writing_twice_gives_the_same_bytes(network):
    assert writer.write(network) == writer.write(network)
    assert golden(network) == golden(network)


def test_another_process_writes_the_same_bytes(network, tmp_path):
    from model_cases import CASES

    path = tmp_path / "model.tflite"
    path.write_bytes(next(case for case in CASES if case.id == NETWORK).build())
    script = (
        "import sys, pathlib; from edgecompress.codegen import writer; from edgecompress.codegen.program import lower\n"
        "from edgecompress.tflite import reader\n"
        "sys.stdout.write(''.join(writer.write(lower(reader.read(sys.argv[1]))).values()))"
    )
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", script, path], capture_output=True, env=environment, check=True, timeout=60
        )
        assert done.stdout.decode() == "".join(writer.write(network).values())


def test_no_path_time_or_machine_is_in_the_text(network):
    text = "".join({**writer.write(network), **golden(network)}.values())
    assert not re.search(r"/home|/tmp|/root|/usr|[12]\d{3}-\d\d-\d\d|\d\d:\d\d:\d\d", text)
    assert network.graph.sha256 in text


# --- names from the model's file


@pytest.mark.parametrize("sanitizer", ["none", pytest.param("address", marks=pytest.mark.needs("gcc"))])
def test_hostile_names_stay_in_their_comments_and_compile(network, tmp_path, sanitizer):
    hostile = {**writer.write(named(network, HOSTILE_NAMES)), **golden(named(network, HOSTILE_NAMES))}
    harmless = {**writer.write(named(network, ["x"])), **golden(named(network, ["x"]))}
    assert {name: code(text) for name, text in hostile.items()} == {name: code(text) for name, text in harmless.items()}
    host.build(hostile, tmp_path / "model.so", kind="library", sanitizer=sanitizer)


@given(st.one_of(st.text(max_size=200), st.text(alphabet="*/\\?\n =(!", max_size=30)))
def test_comment_holds_nothing_that_ends_it(text):
    clean = writer.comment(text)
    assert re.fullmatch(r"[ -~]{0,90}", clean)
    assert not re.search(r"\*/|/\*|//|\\|\?\?", f" {clean} ")


@given(st.text(max_size=100))
def test_string_literal_holds_the_text(text):
    text = text.encode("utf-8", "ignore").decode()
    literal = writer.string_literal(text)
    assert re.fullmatch(r'"[ -~]*"', literal)
    assert "??" not in literal
    values = re.findall(r"\\(\d{3})|(.)", literal[1:-1])
    assert bytes(int(octal, 8) if octal else ord(plain) for octal, plain in values).decode() == text


# --- prefixes


@pytest.mark.parametrize("prefix", ["model", "kws", "a", "model_b", "x1_y2", "n" * 40])
def test_good_prefix_is_taken(prefix):
    assert writer.check_prefix(prefix) == prefix


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "1a",
        "A",
        "Model",
        "a-b",
        "a b",
        "_a",
        "a_",
        "ä",
        "a\n",
        "n" * 41,
        "ec",
        "ec_add",
        "int",
        "main",
        "class",
        "stdint",
        "string",
        "a;b",
        "../x",
    ],
)
def test_bad_prefix_is_refused_with_what_was_found(prefix, network):
    with pytest.raises(UsageError, match="prefix") as caught:
        writer.write(network, prefix)
    assert caught.value.found == repr(prefix)


def test_names_of_the_files_around_a_model_are_no_prefixes():
    for kind in get_args(runtime.Program):
        for name in runtime.program_sources(kind):
            with pytest.raises(UsageError):
                writer.check_prefix(name.partition(".")[0])


def test_two_models_link_into_one_program_and_share_their_kernels(program, tmp_path):
    first, second = program(NETWORK), program("conv_2d-stride_2_same")
    one = {**writer.write(first, "first"), **golden(first, "first")}
    two = {**writer.write(second, "second"), **golden(second, "second")}
    shared = set(one) & set(two)
    assert {"ec_conv_2d.c", "ec_conv_2d.h", "ec_fixed_point.h"} <= shared
    assert all(one[name] == two[name] for name in shared)
    main = """
    #include "first.h"
    #include "second.h"
    static uint8_t a[FIRST_ARENA_BYTES] __attribute__((aligned(4))), b[SECOND_ARENA_BYTES] __attribute__((aligned(4)));
    int main(void) { return first_selftest(a) * 3 + second_selftest(b) * 5 + first_selftest(a) + second_selftest(b); }
    """
    built = host.build({**one, **two, "main.c": main}, tmp_path / "both")
    assert subprocess.run([built], timeout=30, check=False).returncode == 0


def test_selftest_counts_the_bytes_that_differ(network, tmp_path):
    sample = random_inputs(network.graph, 1)[0]
    outputs = run_graph(network.graph, sample)
    index = network.graph.outputs[0]
    wrong = outputs[index].copy()
    wrong.reshape(-1)[:3] ^= 1
    text = writer.write_golden(network, sample, {**outputs, index: wrong})
    library = host.build({**writer.write(network), **text}, tmp_path / "model.so", kind="library")
    assert ctypes.CDLL(str(library)).model_selftest(arena_of(network)) == 3


# --- the API


def arena_of(program):
    return (ctypes.c_uint64 * (program.plan.arena_bytes // 8 + 2))()


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


# --- manners of every emitted file


def all_kernels():
    folder = runtime.resources.files("edgecompress.codegen.runtime") / "kernels"
    return writer.kernel_sources(sorted(f.name[:-2] for f in folder.iterdir() if f.name.endswith(".c")))


def emitted(network):
    programs = {
        name: text for kind in get_args(runtime.Program) for name, text in runtime.program_sources(kind).items()
    }
    return {**writer.write(network), **golden(network), **all_kernels(), **programs}


def test_every_emitted_file_begins_with_its_licence(network):
    for name, text in emitted(network).items():
        assert text.startswith("/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */\n"), name


def test_every_emitted_file_is_ascii_without_tabs_or_trailing_blanks(network):
    for name, text in emitted(network).items():
        assert text.isascii(), name
        assert not re.search(r"\t|[ \t]+$|\r", text, re.MULTILINE), name
        assert text.endswith("\n"), name
        assert not text.endswith("\n\n"), name


def test_only_the_kernels_that_are_used_are_emitted(network, program):
    assert {name for name in writer.write(network) if name.endswith(".c")} == {"model.c", "ec_add.c", "ec_conv_2d.c"}
    assert {name for name in writer.write(program("softmax-ten")) if name.endswith(".c")} == {"model.c", "ec_softmax.c"}


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m0plus"])
def test_objects_call_nothing_but_one_another_and_the_compilers_own_helpers(network, core, tmp_path):
    sources = {**writer.write(network), **golden(network), **all_kernels()}
    for name, text in sources.items():
        (tmp_path / name).write_text(text)
    compiler, target = find_compiler("zig"), find(core)
    command = compiler.compile_command(target.cpu, "-O2")
    units = sorted(name for name in sources if name.endswith(".c"))
    defined, wanted = set(), set()
    for unit in units:
        run((*command, "-I.", "-c", unit, "-o", f"{unit}.o"), folder=tmp_path, environment=compiler.environment)
        with (tmp_path / f"{unit}.o").open("rb") as stream:
            for symbol in ELFFile(stream).get_section_by_name(".symtab").iter_symbols():
                if symbol["st_info"]["bind"] == "STB_GLOBAL":
                    (wanted if symbol["st_shndx"] == "SHN_UNDEF" else defined).add(symbol.name)
    foreign = {name for name in wanted - defined if not name.startswith("__aeabi_")}
    assert foreign <= {"memcpy", "memset", "memmove"}
    assert all(name.startswith(("ec_", "model_")) for name in defined)


@pytest.mark.parametrize("core", ["cortex-m4"])
def test_objects_have_no_writable_data(network, core, tmp_path):
    compiler = find_compiler("zig")
    sources = {**writer.write(network), **all_kernels()}
    for name, text in sources.items():
        (tmp_path / name).write_text(text)
    for unit in sorted(name for name in sources if name.endswith(".c")):
        command = compiler.compile_command(find(core).cpu, "-O2")
        run((*command, "-I.", "-c", unit, "-o", "unit.o"), folder=tmp_path, environment=compiler.environment)
        with (tmp_path / "unit.o").open("rb") as stream:
            writable = [s.name for s in ELFFile(stream).iter_sections() if s["sh_flags"] & 1 and s["sh_size"]]
        assert not writable, unit


def test_every_border_type_has_a_c_type():
    assert set(BORDER_TYPES) == set(writer.C_TYPES)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_float_literals_hold_the_value(value):
    text = literals.c_number(value)
    assert text.endswith("f")
    assert np.float32(text[:-1]) == np.float32(value)
