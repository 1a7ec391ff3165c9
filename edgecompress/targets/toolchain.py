"""C sources and a target to a linked ELF: compiled in a private folder, the same bytes wherever and whenever."""

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from edgecompress.errors import DoesNotFitError, OutputError, ToolError
from edgecompress.targets import boot, linker
from edgecompress.targets import image as images
from edgecompress.targets.cache import store
from edgecompress.targets.compilers import Compiler, Name, find_compiler
from edgecompress.targets.image import Image
from edgecompress.targets.objects import UNITS, Compilation, Sources, as_bytes, compile_units
from edgecompress.targets.process import FailedRunError, run
from edgecompress.targets.silicon import c_table
from edgecompress.targets.target import Region, Target

_OVERFLOW = re.compile(r"region [`'](?P<region>\w+)'(?:: )?\s*overflowed by (?P<bytes>\d+) bytes")


@dataclass(frozen=True)
class _Build:
    folder: Path
    compiler: Compiler
    target: Target
    stack_bytes: int


def compile(  # the name that reads best at the call: toolchain.compile(...)
    sources: Sources,
    target: Target,
    output: Path | str,
    *,
    defines: Mapping[str, str] | None = None,
    optimization: str = "-O2",
    stack_bytes: int | None = None,
    compiler: Name = "zig",
) -> Image:
    """Compile and link a program that holds its own start-up code.

    Args:
        sources: file name to text; `.c` and `.S` are compiled, all others are there to be included. Names are
            relative, with `/`; the folder that holds them is on the include path.
        output: the ELF, written aside and renamed.
        defines: macro to value, for all files; "" defines it empty. `EC_CPU_FPU`, `EC_CPU_DWT`, `EC_CPU_VTOR` and
            `EC_CPU_CACHES` are defined as the target has them, `EC_STARTUP_WRITES` where it has such writes.
        optimization: one option of the compiler, "-O2" or "-O3" or "-Os".
        stack_bytes: instead of the target's own.

    Raises:
        MissingToolError: the compiler is not installed.
        ToolError: it refused a source (the command and its last 20 lines), or the program does not link.
        DoesNotFitError: flash or RAM overflowed: by how much, and the largest symbols.
    """
    output = Path(output)
    chosen = find_compiler(compiler)
    sources = {**sources, **boot.sources(target.boot)}
    with tempfile.TemporaryDirectory(prefix="edgecompress-") as name:
        build = _Build(Path(name), chosen, target, stack_bytes or target.stack_bytes)
        write_sources(sources, build.folder)
        command = (*chosen.compile_command(target.cpu, optimization), *_define_options(target, defines or {}))
        objects = _compile_units(sources, command, build)
        elf = _link_where_arena_fits(objects, build)
        _deliver(elf, output)
    return images.read(output)


def write_sources(sources: Sources, folder: Path) -> None:
    """Write all files below the folder; ToolError for a name that would leave it."""
    for name, text in sources.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.name:
            raise ToolError(f"the source name {name!r} leaves the build folder")
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(as_bytes(text))


def _define_options(target: Target, defines: Mapping[str, str]) -> tuple[str, ...]:
    cpu = target.cpu
    units = {"EC_CPU_FPU": cpu.fpu, "EC_CPU_DWT": cpu.dwt, "EC_CPU_VTOR": cpu.vtor, "EC_CPU_CACHES": target.caches}
    everything = {name: "1" for name, present in units.items() if present}
    if table := c_table(target.startup_writes, target.debug_unlock):
        everything["EC_STARTUP_WRITES"] = table
    everything |= defines
    return tuple(f"-D{name}={value}" for name, value in sorted(everything.items()))


def _compile_units(sources: Sources, command: tuple[str, ...], build: _Build) -> list[str]:
    """Object files in the order of their names."""
    compiler = build.compiler
    how = Compilation(compiler.identity, command, compiler.environment, build.folder)
    return compile_units(sorted(name for name in sources if name.endswith(UNITS)), sources, how)


def _link_where_arena_fits(objects: list[str], build: _Build) -> Path:
    """Link with the arena in the first RAM region that holds it."""
    failures: list[tuple[int, str, FailedRunError]] = []
    for region in build.target.ram:
        try:
            return _link(objects, build, region)
        except FailedRunError as failure:
            overflows = _overflows(failure.output)
            if not overflows:
                raise
            worst = max(overflows.items(), key=lambda item: item[1])
            failures.append((worst[1], worst[0], failure))
            if build.target.flash.name in overflows:
                break
    excess, name, cause = min(failures, key=lambda item: item[0])
    raise _does_not_fit(excess, name, objects, build) from cause


def _link(objects: list[str], build: _Build, arena: Region) -> Path:
    text = linker.script(build.target.memory, arena=arena, stack_bytes=build.stack_bytes)
    (build.folder / "link.ld").write_text(text, encoding="utf-8")
    command = build.compiler.link_command(build.target.cpu, "link.ld", objects, "program.elf")
    run(command, folder=build.folder, environment=build.compiler.environment)
    return build.folder / "program.elf"


def _overflows(output: str) -> dict[str, int]:
    """Region name to the most bytes that the linker says it overflowed by."""
    most: dict[str, int] = {}
    for match in _OVERFLOW.finditer(output):
        name = match["region"].lower()
        most[name] = max(most.get(name, 0), int(match["bytes"]))
    return most


def _does_not_fit(excess: int, name: str, objects: list[str], build: _Build) -> DoesNotFitError:
    """Link once more into boundless regions, to name the largest symbols of the region that overflowed."""
    memory = build.target.memory
    flash = name == memory.flash.name

    def boundless(region: Region) -> Region:
        return replace(region, bytes=0x1000_0000)

    roomy = replace(memory, flash=boundless(memory.flash), ram=tuple(boundless(region) for region in memory.ram))
    try:
        elf = _link(objects, replace(build, target=replace(build.target, memory=roomy)), roomy.ram[0])
        sections = (".text", ".rodata", ".weights", ".golden") if flash else (".arena", ".bss", ".data")
        largest = images.read(elf).largest(5, *sections)
        found = "largest: " + ", ".join(f"{symbol.name} {symbol.size:,} bytes" for symbol in largest)
    except ToolError:
        found = ""
    region = memory.flash if flash else next((ram for ram in memory.ram if ram.name == name), memory.ram[0])
    return DoesNotFitError(
        f"the program does not fit into the {'flash' if flash else 'RAM'} of {build.target.name}: "
        f"{excess:,} bytes more than the {region.bytes:,} of {name}",
        found=found,
        hint="a smaller model, stronger compression, or a target with more memory",
    )


def _deliver(elf: Path, output: Path) -> None:
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        store(output, elf.read_bytes())
    except (OSError, OutputError) as error:
        raise OutputError(f"{output} cannot be written", found=getattr(error, "found", "") or str(error)) from error
