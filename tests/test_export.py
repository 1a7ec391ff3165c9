"""Exports are compiled and run as a firmware developer would: plain C, CMake, Arduino."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from model_cases import model_of

from edgecompress.codegen import writer
from edgecompress.codegen.program import lower
from edgecompress.errors import OutputError, UsageError
from edgecompress.export import FORMATS, export
from edgecompress.reference.inputs import random_inputs
from edgecompress.reference.integer import run_graph
from edgecompress.targets.compilers import find_zig
from edgecompress.targets.process import run
from edgecompress.tflite import reader

LICENCE = "SPDX-License-Identifier: Apache-2.0 OR 0BSD"
ARDUINO = """
#pragma once
#include <stdint.h>
struct Port { void begin(long); void print(unsigned long); void print(const char *); void println(const char *); };
extern Port Serial;
unsigned long micros();
void delay(unsigned long);
"""
SKETCH_MAIN = """
#include <Arduino.h>
#include <string.h>
static int good, lines;
void Port::begin(long) {}
void Port::print(unsigned long) {}
void Port::print(const char *) {}
void Port::println(const char *text) { ++lines; good += strcmp(text, "self-test: bit-exact") == 0; }
Port Serial;
unsigned long micros() { return 0; }
void delay(unsigned long) {}
void setup();
void loop();
int main() { setup(); loop(); return good == 1 && lines == 2 ? 0 : 1; }
"""


def write_run(folder, name="add-two_residuals", prefix="model"):
    """A run directory as `build` leaves it, as far as `export` looks at it."""
    graph = reader.read_bytes(model_of(name))
    program, sample = lower(graph), random_inputs(graph, 1)[0]
    sources = {
        **writer.write(program, prefix),
        **writer.write_golden(program, sample, run_graph(graph, sample), prefix),
    }
    (folder / "c").mkdir(parents=True)
    for file, text in sources.items():
        (folder / "c" / file).write_text(text)
    return folder


@pytest.fixture
def run_folder(tmp_path):
    return write_run(tmp_path / "run")


def zig(kind, *arguments, folder):
    compiler = find_zig()
    return run((compiler.program, kind, *arguments), folder=folder, environment=compiler.environment)


def status(program):
    return subprocess.run([program], timeout=30, check=False).returncode


@pytest.mark.parametrize("layout", FORMATS)
def test_every_file_is_licensed(run_folder, tmp_path, layout):
    files = export(run_folder, tmp_path / "out", layout)
    assert len(files) >= 8
    for file in files:
        assert LICENCE in (tmp_path / "out" / file).read_text().splitlines()[0], file


@pytest.mark.parametrize("layout", FORMATS)
def test_what_is_returned_is_what_is_there(run_folder, tmp_path, layout):
    files = export(run_folder, tmp_path / "out", layout)
    there = sorted(path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert list(files) == there == sorted(files)


@pytest.mark.parametrize("layout", FORMATS)
def test_exporting_twice_gives_the_same_bytes_and_no_complaint(run_folder, tmp_path, layout):
    files = export(run_folder, tmp_path / "out", layout)
    before = {file: (tmp_path / "out" / file).read_bytes() for file in files}
    assert export(run_folder, tmp_path / "out", layout) == files
    assert {file: (tmp_path / "out" / file).read_bytes() for file in files} == before


@pytest.mark.parametrize(
    "options",
    [("-std=c99", "-Wpedantic"), ("-std=c11", "-O2"), ("-std=gnu17", "-O3", "-Wshadow", "-Wstrict-prototypes")],
    ids=lambda options: options[0],
)
@pytest.mark.parametrize("compiler", ["zig", pytest.param("gcc", marks=pytest.mark.needs("gcc"))])
def test_plain_c_compiles_without_a_warning_and_its_example_holds(run_folder, tmp_path, compiler, options):
    out = tmp_path / "out"
    sources = [str(file) for file in export(run_folder, out, "c") if file.suffix == ".c"]
    command = (*options, "-Wall", "-Wextra", "-Werror", *sources, "-o", "example")
    if compiler == "zig":
        zig("cc", *command, folder=out)
    else:
        run(("gcc", *command), folder=out)
    assert status(out / "example") == 0


def test_example_fails_where_the_outputs_differ(run_folder, tmp_path):
    out = tmp_path / "out"
    sources = [str(file) for file in export(run_folder, out, "c") if file.suffix == ".c"]
    golden = out / "model_golden.c"
    head, brace, values = golden.read_text().rpartition("_golden_output_0[120]")
    first = values.index("{") + 1
    number = values[first:].split(",")[0].strip()
    golden.write_text(head + brace + values[:first] + values[first:].replace(number, str(int(number) ^ 1), 1))
    zig("cc", *sources, "-o", "example", folder=out)
    assert status(out / "example") == 1


@pytest.mark.needs("cmake", "make")
def test_cmake_project_builds_by_itself_and_its_example_holds(run_folder, tmp_path):
    out, built = tmp_path / "out", tmp_path / "built"
    export(run_folder, out, "cmake")
    run(("cmake", "-S", str(out), "-B", str(built)))
    run(("cmake", "--build", str(built)))
    assert status(built / "model_example") == 0


@pytest.mark.needs("cmake", "make")
def test_two_cmake_exports_build_within_a_firmware_project(tmp_path):
    for name, prefix in (("add-two_residuals", "first"), ("softmax-ten", "second")):
        export(write_run(tmp_path / f"run_{prefix}", name, prefix), tmp_path / prefix, "cmake")
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.13)\nproject(firmware C)\n"
        "add_subdirectory(first)\nadd_subdirectory(second)\nadd_executable(firmware main.c)\n"
        "target_link_libraries(firmware first second)\n"
    )
    (tmp_path / "main.c").write_text(
        '#include "first.h"\n#include "second.h"\nstatic uint32_t a[FIRST_ARENA_BYTES], b[SECOND_ARENA_BYTES];\n'
        "int main(void) { return first_selftest(a) + second_selftest(b); }\n"
    )
    run(("cmake", "-S", str(tmp_path), "-B", str(tmp_path / "built")))
    run(("cmake", "--build", str(tmp_path / "built")))
    assert status(tmp_path / "built" / "firmware") == 0


def test_cmake_project_lists_every_source(run_folder, tmp_path):
    files = export(run_folder, tmp_path / "out", "cmake")
    listed = (tmp_path / "out" / "CMakeLists.txt").read_text()
    for file in files:
        assert file.suffix != ".c" or file.as_posix() in listed


def test_arduino_library_compiles_with_its_sketch_and_the_sketch_holds(run_folder, tmp_path):
    out = tmp_path / "out"
    files = export(run_folder, out, "arduino")
    (out / "Arduino.h").write_text(ARDUINO)
    (out / "main.cpp").write_text(SKETCH_MAIN)
    sketch = (out / "examples/SelfTest/SelfTest.ino").read_text()
    (out / "sketch.cpp").write_text("#include <Arduino.h>\nvoid setup();\nvoid loop();\n" + sketch)  # as the IDE does
    flags = ("-Wall", "-Wextra", "-Werror", "-O1", "-I.", "-Isrc", "-c")
    units = [str(file) for file in files if file.suffix == ".c"]
    for unit in units:
        zig("cc", "-std=gnu11", *flags, unit, "-o", f"{Path(unit).stem}.o", folder=out)
    for unit in ("main", "sketch"):
        zig("c++", "-std=gnu++11", "-fno-exceptions", "-fno-rtti", *flags, f"{unit}.cpp", "-o", f"{unit}.o", folder=out)
    zig("cc", *(f"{Path(unit).stem}.o" for unit in units), "main.o", "sketch.o", "-o", "sketch", folder=out)
    assert status(out / "sketch") == 0


def test_arduino_library_is_described_as_the_ide_wants_it(tmp_path):
    out = tmp_path / "out"
    files = export(write_run(tmp_path / "run", prefix="kws"), out, "arduino")
    properties = dict(line.split("=", 1) for line in (out / "library.properties").read_text().splitlines()[1:])
    wanted = {
        "name",
        "version",
        "author",
        "maintainer",
        "sentence",
        "paragraph",
        "category",
        "url",
        "architectures",
        "includes",
    }
    assert wanted <= set(properties)
    assert properties["name"] == "kws_edgecompress"
    assert Path("src") / properties["includes"] in files
    assert all(part.isdigit() for part in properties["version"].split("."))


def test_unknown_format_names_the_known_ones(run_folder, tmp_path):
    with pytest.raises(UsageError, match="unknown format 'zephyr'") as caught:
        export(run_folder, tmp_path / "out", "zephyr")
    assert caught.value.hint == "one of c, cmake, arduino"


def test_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no run directory"):
        export(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("file", ["model_golden.c", "model.c", "model.h"])
def test_incomplete_run_is_refused(run_folder, tmp_path, file):
    (run_folder / "c" / file).unlink()
    with pytest.raises(UsageError, match="incomplete"):
        export(run_folder, tmp_path / "out")


def test_run_whose_files_are_no_c_is_refused(run_folder, tmp_path):
    (run_folder / "c" / "model.c").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError):
        export(run_folder, tmp_path / "out")


def test_foreign_folder_is_not_written_into(run_folder, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match="not empty") as caught:
        export(run_folder, tmp_path / "out")
    assert caught.value.found == "thesis.tex"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.tex"]


def test_file_in_the_way_is_an_output_error(run_folder, tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputError):
        export(run_folder, tmp_path / "out")
    with pytest.raises(OutputError):
        export(run_folder, tmp_path / "out" / "below")
    assert (tmp_path / "out").read_text() == "a file"


def test_layer_hook_is_used_as_the_readme_of_the_export_says(run_folder, tmp_path):
    out = tmp_path / "out"
    sources = [str(file) for file in export(run_folder, out, "c") if file.suffix == ".c" and file.name != "main.c"]
    (out / "watchdog.h").write_text("void feed_watchdog(void);\n")
    (out / "main.c").write_text(
        '#include "model.h"\n#include "watchdog.h"\nstatic uint32_t arena[MODEL_ARENA_BYTES];\nstatic int fed;\n'
        "void feed_watchdog(void) { ++fed; }\nint main(void) { return model_selftest(arena) + fed; }\n"
    )
    option = "-DMODEL_LAYER_HOOK(layer)=feed_watchdog()"
    readme = (out / "EDGECOMPRESS.txt").read_text()
    assert "-include watchdog.h -D'MODEL_LAYER_HOOK(layer)=feed_watchdog()'" in readme
    zig("cc", "-include", "watchdog.h", option, "-Wall", "-Werror", *sources, "main.c", "-o", "main", folder=out)
    assert status(out / "main") == 4


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_command_of_the_readme_builds_the_example(run_folder, tmp_path):
    out = tmp_path / "out"
    export(run_folder, out, "c")
    line = next(line for line in (out / "EDGECOMPRESS.txt").read_text().splitlines() if line.startswith("How: "))
    arguments = line.removeprefix("How: ").replace("*.c", " ".join(sorted(p.name for p in out.glob("*.c")))).split()
    run(("gcc", *arguments[1:]), folder=out)
    assert status(out / "example") == 0
