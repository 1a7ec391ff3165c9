"""The manners of every emitted file: licence, text, what objects call and hold."""

import re
from typing import get_args

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given
from hypothesis import strategies as st
from written import all_kernels, golden

from edgecompress.codegen import literals, runtime, writer
from edgecompress.codegen.program import BORDER_TYPES
from edgecompress.targets import find
from edgecompress.targets.compilers import find_compiler
from edgecompress.targets.process import run


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
    assert set(BORDER_TYPES) <= set(writer.C_TYPES)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_float_literals_hold_the_value(value):
    text = literals.c_number(value)
    assert text.endswith("f")
    assert np.float32(text[:-1]) == np.float32(value)
