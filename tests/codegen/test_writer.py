"""The generated C: the same bytes every time, harmless whatever the names of models and users."""

import ctypes
import os
import re
import subprocess
import sys
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from written import NETWORK, arena_of, code, golden, named

from edgecompress.codegen import runtime, writer
from edgecompress.errors import UsageError
from edgecompress.reference.inputs import random_inputs
from edgecompress.reference.integer import run_graph
from edgecompress.targets import host

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
