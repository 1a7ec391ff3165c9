"""Compiling: the same bytes anywhere, honest sizes, and failures that say what to do."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from edgecompress import targets
from edgecompress.errors import DoesNotFitError, MissingToolError, OutputError, ToolError
from edgecompress.targets import compilers, image, objects, toolchain
from edgecompress.targets.compilers import Name
from edgecompress.targets.target import Region

CPUS = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55")
COMPILERS = ("zig", pytest.param("gcc", marks=pytest.mark.needs("arm-none-eabi-gcc")))
Toy = tuple[dict[str, str], dict[str, str]]


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("cpu", CPUS)
def test_toy_model_compiles_without_warnings_for_every_cpu(
    toy_standalone: Toy, tmp_path: Path, cpu: str, compiler: Name
) -> None:
    sources, defines = toy_standalone
    built = toolchain.compile(sources, targets.find(cpu), tmp_path / "a.elf", defines=defines, compiler=compiler)
    assert built.flash.weights == 64
    assert built.flash.golden == 64
    assert built.flash.constants >= 4  # the initial value of `factor`
    assert built.flash.total == built.flash.code + built.flash.constants + built.flash.weights
    assert built.ram.arena == 192
    assert built.ram.stack == targets.find(cpu).stack_bytes
    assert built.symbol("model_layer_2").section == ".text"


@pytest.mark.parametrize("compiler", COMPILERS)
def test_same_sources_give_the_same_bytes_in_different_folders(
    toy_standalone: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiler: Name
) -> None:
    sources, defines = toy_standalone
    built = []
    for name in ("one", "another place"):
        monkeypatch.setattr(objects, "cache_folder", lambda _, folder=tmp_path / name: folder)  # nothing is reused
        (tmp_path / name / "tmp").mkdir(parents=True)
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / name / "tmp"))
        output = tmp_path / name / "a.elf"
        toolchain.compile(sources, targets.find("cortex-m4"), output, defines=defines, compiler=compiler)
        built.append(output.read_bytes())
    assert built[0] == built[1]
    assert str(tmp_path).encode() not in built[0]


def test_what_was_compiled_before_is_linked_only(
    toy_standalone: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources, defines = toy_standalone
    toolchain.compile(sources, targets.find("cortex-m4"), tmp_path / "a.elf", defines=defines)
    commands, run = [], toolchain.run
    for module in (toolchain, objects):
        monkeypatch.setattr(
            module, "run", lambda command, **given: (commands.append(command), run(command, **given))[1]
        )
    toolchain.compile(sources, targets.find("cortex-m4"), tmp_path / "b.elf", defines=defines)
    assert ["-c" in command for command in commands] == [False]
    assert (tmp_path / "a.elf").read_bytes() == (tmp_path / "b.elf").read_bytes()


def test_object_that_another_process_deletes_while_it_is_read_leaves_no_empty_one(
    toy_standalone: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources, defines = toy_standalone
    cache = tmp_path / "objects"
    cache.mkdir()
    monkeypatch.setattr(objects, "cache_folder", lambda _: cache)
    toolchain.compile(sources, targets.find("cortex-m4"), tmp_path / "a.elf", defines=defines)
    read = Path.read_bytes

    def read_and_lose(path: Path) -> bytes:
        data = read(path)
        if path.parent == cache:
            path.unlink()
        return data

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", read_and_lose)
        toolchain.compile(sources, targets.find("cortex-m4"), tmp_path / "b.elf", defines=defines)
    assert all(path.stat().st_size for path in cache.iterdir())
    assert (tmp_path / "a.elf").read_bytes() == (tmp_path / "b.elf").read_bytes()


def test_changed_header_and_changed_define_are_seen(toy_standalone: Toy, tmp_path: Path) -> None:
    sources, defines = toy_standalone
    target, output = targets.find("cortex-m4"), tmp_path / "a.elf"
    assert toolchain.compile(sources, target, output, defines=defines).ram.arena == 192
    header = sources["model.h"].replace("ARENA_BYTES 192", "ARENA_BYTES 400")
    assert toolchain.compile({**sources, "model.h": header}, target, output, defines=defines).ram.arena == 400
    first = output.read_bytes()
    toolchain.compile({**sources, "model.h": header}, target, output, defines={**defines, "TOY_FIRST_OUTPUT": "1"})
    assert output.read_bytes() != first


def test_flash_counts_agree_with_the_file_that_a_flasher_would_write(toy_standalone: Toy, tmp_path: Path) -> None:
    sources, defines = toy_standalone
    built = toolchain.compile(sources, targets.find("cortex-m4"), tmp_path / "a.elf", defines=defines)
    loaded = sum(len(segment.data) for segment in built.segments)
    padding = loaded - built.flash.total - built.flash.golden
    assert 0 <= padding < 32
    stack = built.symbols["ec_stack_high"].address - built.symbols["ec_stack_low"].address
    assert stack == built.ram.stack


def test_refused_source_is_reported_with_command_and_last_lines(toy_standalone: Toy, tmp_path: Path) -> None:
    sources, defines = toy_standalone
    bad = {**sources, "model.c": sources["model.c"] + "\nint unused_thing(void) { int x; return 0; }\n"}
    with pytest.raises(ToolError, match="unused variable") as raised:
        toolchain.compile(bad, targets.find("cortex-m4"), tmp_path / "a.elf", defines=defines)
    assert "-Werror" in raised.value.hint
    assert "model.c" in raised.value.hint
    assert len(raised.value.found.splitlines()) <= 20
    assert list(tmp_path.iterdir()) == []


def test_missing_function_is_a_tool_error(toy_standalone: Toy, tmp_path: Path) -> None:
    sources, defines = toy_standalone
    lacking = {name: text for name, text in sources.items() if name != "golden.c"}
    with pytest.raises(ToolError, match="model_selftest"):
        toolchain.compile(lacking, targets.find("cortex-m4"), tmp_path / "a.elf", defines=defines)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_too_little_flash_says_by_how_much_and_names_the_largest(
    toy_standalone: Toy, tmp_path: Path, compiler: Name
) -> None:
    sources, defines = toy_standalone
    big = {**sources, "big.c": '__attribute__((used, section(".weights.big"))) const char big_weights[70000] = {1};\n'
           "extern const char big_weights[70000]; const char *keep_big(void) { return big_weights; }\n"}  # fmt: skip
    big["model.c"] = (
        sources["model.c"]
        .replace("runs += 1;", "runs += (uint32_t)(uintptr_t)keep_big();")
        .replace("#define LAYER", "const char *keep_big(void);\n#define LAYER")
    )
    with pytest.raises(DoesNotFitError, match="does not fit into the flash of bluepill") as raised:
        toolchain.compile(big, targets.find("bluepill"), tmp_path / "a.elf", defines=defines, compiler=compiler)
    assert "big_weights 70,000 bytes" in raised.value.found
    excess = int(raised.value.what.split(": ")[1].split(" bytes")[0].replace(",", ""))
    assert 70_000 - 65_536 < excess < 70_000 - 65_536 + 4096


@pytest.mark.parametrize("compiler", COMPILERS)
def test_too_little_ram_names_the_arena(toy_standalone: Toy, tmp_path: Path, compiler: Name) -> None:
    sources, defines = toy_standalone
    header = sources["model.h"].replace("ARENA_BYTES 192", "ARENA_BYTES 300000")
    with pytest.raises(DoesNotFitError, match="does not fit into the RAM of nrf52840-dk") as raised:
        toolchain.compile(
            {**sources, "model.h": header},
            targets.find("nrf52840-dk"),
            tmp_path / "a.elf",
            defines=defines,
            compiler=compiler,
        )
    assert "largest: ec_arena 300,000 bytes" in raised.value.found


@pytest.mark.parametrize("compiler", COMPILERS)
def test_arena_goes_into_the_first_region_that_holds_it(toy_standalone: Toy, tmp_path: Path, compiler: Name) -> None:
    sources, defines = toy_standalone
    board = targets.find("nucleo-h743zi")
    for size, region in ((100_000, "dtcm"), (130_000, "axi_sram"), (520_000, "axi_sram")):
        header = sources["model.h"].replace("ARENA_BYTES 192", f"ARENA_BYTES {size}")
        built = toolchain.compile(
            {**sources, "model.h": header}, board, tmp_path / "a.elf", defines=defines, compiler=compiler
        )
        home = next(ram for ram in board.ram if ram.name == region)
        assert home.holds(built.symbol("ec_arena").address, size)
        assert board.ram[0].holds(built.symbol("ec_stack_low").address)
    header = sources["model.h"].replace("ARENA_BYTES 192", "ARENA_BYTES 530000")
    with pytest.raises(DoesNotFitError, match="axi_sram"):
        toolchain.compile({**sources, "model.h": header}, board, tmp_path / "a.elf", defines=defines, compiler=compiler)


def test_optimization_for_size_keeps_the_symbols(toy_standalone: Toy, tmp_path: Path) -> None:
    sources, defines = toy_standalone
    built = toolchain.compile(
        sources, targets.find("cortex-m4"), tmp_path / "a.elf", defines=defines, optimization="-Os"
    )
    assert built.symbol("model_layer_0").size > 0


@pytest.mark.parametrize("name", ["../escape.c", "/etc/x.c", "a/../../x.h"])
def test_source_names_cannot_leave_the_build_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ToolError, match="leaves the build folder"):
        toolchain.compile({name: ""}, targets.find("cortex-m4"), tmp_path / "a.elf")


def test_missing_compilers_are_named_with_a_way_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(compilers.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingToolError, match="gcc-arm-none-eabi"):
        compilers._find_gcc.__wrapped__()
    with pytest.raises(MissingToolError, match="pip install ziglang"):
        compilers.find_zig.__wrapped__()


def test_unwritable_cache_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy_standalone: Toy) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("EDGECOMPRESS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(OutputError, match="EDGECOMPRESS_CACHE"):
        toolchain.compile(toy_standalone[0], targets.find("cortex-m4"), tmp_path / "a.elf")


def test_output_in_the_place_of_a_folder_is_an_output_error(toy_standalone: Toy, tmp_path: Path) -> None:
    sources, defines = toy_standalone
    (tmp_path / "a.elf" / "inside").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"a\.elf cannot be written"):
        toolchain.compile(sources, targets.find("cortex-m4"), tmp_path / "a.elf", defines=defines)


def test_image_refuses_what_is_no_program(toy_standalone: Toy, tmp_path: Path) -> None:
    sources, defines = toy_standalone
    whole = toolchain.compile(sources, targets.find("cortex-m4"), tmp_path / "a.elf", defines=defines).path.read_bytes()
    file = tmp_path / "b.elf"
    foreign = bytearray(whole)
    foreign[18] = 62  # e_machine: x86-64
    hostile = [b"", b"\x7fELF", b"hello" * 100, bytes(foreign), whole[:4] + b"\x02" + whole[5:]]
    hostile += [whole[:length] for length in range(1, len(whole), 97)]
    for data in hostile:
        file.write_bytes(data)
        with pytest.raises(ToolError):
            image.read(file)
    with pytest.raises(ToolError, match="cannot be read"):
        image.read(tmp_path / "none.elf")


def test_overflow_lines_of_both_linkers_are_understood() -> None:
    lld = "ld.lld: error: section '.bss' will not fit in region 'SRAM': overflowed by 24 bytes"
    gnu = "ld: region `SRAM' overflowed by 24 bytes"
    assert toolchain._overflows(lld) == toolchain._overflows(gnu) == {"sram": 24}


def test_apart_vectors_go_where_the_map_says(toy_standalone: Toy, tmp_path: Path) -> None:
    sources, defines = toy_standalone
    target = targets.find("cortex-m4")
    vectors = Region(name="boot", origin=0x1000, bytes=0x400)
    flash = replace(target.flash, origin=0x10000, bytes=0x10000)
    memory = replace(target.memory, vectors=vectors, flash=flash)
    built = toolchain.compile(sources, replace(target, memory=memory), tmp_path / "a.elf", defines=defines)
    assert built.vectors == 0x1000
    assert flash.holds(built.symbol("main").address)


@pytest.mark.needs("arm-none-eabi-size")
def test_sizes_agree_with_the_gnu_tools(toy_standalone: Toy, tmp_path: Path) -> None:
    sources, defines = toy_standalone
    built = toolchain.compile(sources, targets.find("cortex-m4"), tmp_path / "a.elf", defines=defines)
    lines = subprocess.run(
        ["arm-none-eabi-size", "-A", built.path], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    sizes = {fields[0]: int(fields[1]) for fields in map(str.split, lines) if len(fields) == 3 and fields[1].isdigit()}
    assert built.flash.code == sizes[".vectors"] + sizes[".text"]
    assert built.flash.constants == sizes.get(".rodata", 0) + sizes[".data"]
    assert built.flash.weights == sizes[".weights"]
    assert built.ram.static == sizes[".data"] + sizes[".bss"]
