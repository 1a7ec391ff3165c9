"""From a program to ELF files: does it fit, which sources, which defines."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgecompress.codegen import runtime, writer
from edgecompress.codegen.ops.base import Array, printable
from edgecompress.codegen.program import Layer, Program
from edgecompress.device.places import Place
from edgecompress.errors import DoesNotFitError, UnsupportedError, UsageError
from edgecompress.report.schema import read_report
from edgecompress.targets import Target, toolchain, uart
from edgecompress.targets import image as images
from edgecompress.targets.compilers import Name, find_compiler
from edgecompress.targets.image import Image

OPTIMIZATION = "-O2"
ROOMY = 2**24
"""Bytes of flash that any model is linked into to see how many it takes."""
Golden = tuple[Mapping[int, np.ndarray], Mapping[int, np.ndarray]]
"""Inputs and expected outputs, by tensor index."""
PROGRAMS: tuple[runtime.Program, ...] = ("firmware", "standalone")


@dataclass(frozen=True)
class Firmware:
    """The programs of a model.

    Attributes:
        sources: the model's own C by file name: header, layers, kernels, golden vectors.
        mailbox: waits for a host and does what it is told (`firmware.elf`).
        standalone: one inference on the golden input from reset, then exits (`standalone.elf`).
        prefix: of the C.
        serial: like `mailbox`, behind the board's UART (`serial.elf`); None where the board's data names no UART.
        compiler: with its version; None where it was not made just now.
    """

    sources: Mapping[str, str]
    mailbox: Image
    standalone: Image
    prefix: str = "model"
    serial: Image | None = None
    compiler: str | None = None

    def image_for(self, place: Place, target: Target) -> Image:
        """The program that runs there; UnsupportedError where the board's data lacks the UART that it needs."""
        if place.kind != "serial":
            return self.mailbox
        if self.serial is None:
            raise UnsupportedError(
                f"{target.name} has no UART in its board data",
                hint="a [serial] table in the board's TOML file, see `edgecompress targets -v`; or --on probe",
            )
        return self.serial


def build(
    program: Program,
    target: Target,
    folder: Path,
    golden: Golden,
    *,
    prefix: str = "model",
    compiler: Name = "zig",
) -> Firmware:
    """Writes the C and compiles both programs into `folder`.

    Args:
        golden: the inputs and the expected outputs, by tensor index.

    Raises:
        DoesNotFitError: arena, weights or image are larger than the target's memory.
        MissingToolError, ToolError: the compiler is missing, or failed.
    """
    check_fits(program, target)
    model = writer.write(program, prefix)
    golden_files = writer.write_golden(program, *golden, prefix=prefix)
    defines = {**runtime.program_defines(prefix), "EC_SECTIONS": "1"}
    images: dict[str, Image] = {}
    programs: tuple[runtime.Program, ...] = (*PROGRAMS, "serial") if target.serial else PROGRAMS
    for name in programs:
        extra = golden_files if name == "standalone" else {}
        serial = {"EC_SERIAL": "1"} if name == "serial" else {}
        if serial:
            extra = uart.sources(target.serial, target.name, target.register_writes)
        sources = {**model, **extra, **runtime.program_sources(name)}
        images[name] = _compile(sources, target, folder / f"{name}.elf", {**defines, **serial}, compiler)
    return Firmware(
        {**model, **golden_files},
        images["firmware"],
        images["standalone"],
        prefix,
        images.get("serial"),
        find_compiler(compiler).identity,
    )


def build_standalone(program: Program, target: Target, folder: Path, golden: Golden, compiler: Name = "zig") -> Image:
    """Only the program that runs one inference from reset: what is counted."""
    sources = {
        **writer.write(program, "model"),
        **writer.write_golden(program, *golden, prefix="model"),
        **runtime.program_sources("standalone"),
    }
    defines = {**runtime.program_defines("model"), "EC_SECTIONS": "1"}
    return _compile(sources, target, folder / "standalone.elf", defines, compiler)


def flash_bytes(program: Program, target: Target, compiler: Name = "zig", prefix: str = "model") -> int:
    """Of the program that a host drives, `firmware.elf`, whether the target has as many or not: what reports call flash in all.

    Raises:
        MissingToolError, ToolError: the compiler is missing, or failed.
    """
    flash = replace(target.memory.flash, bytes=max(ROOMY, target.memory.flash.bytes))
    roomy = replace(target, memory=replace(target.memory, flash=flash))
    sources = {**writer.write(program, prefix), **runtime.program_sources("firmware")}
    defines = {**runtime.program_defines(prefix), "EC_SECTIONS": "1"}
    with tempfile.TemporaryDirectory(prefix="edgecompress-") as folder:
        return _compile(sources, roomy, Path(folder) / "firmware.elf", defines, compiler).flash.total


def _compile(
    sources: Mapping[str, str], target: Target, path: Path, defines: Mapping[str, str], compiler: Name
) -> Image:
    return toolchain.compile(sources, target, path, defines=defines, optimization=OPTIMIZATION, compiler=compiler)


def load(folder: Path, program: Program, target: Target) -> Firmware | None:
    """The firmware that a build left in its run directory: what was flashed; None where `folder` is none.

    Raises:
        UsageError: it was built for another target, from another model, or by another version.
    """
    if not (folder / "firmware.elf").is_file():
        return None
    again = f"edgecompress build … --target {target.name} --out {folder}, then flash it again"
    built_for = read_report(folder).target
    if built_for != target.name:
        raise UsageError(
            f"{folder} was built for another target", found=str(built_for), hint=f"--target {built_for}, or {again}"
        )
    sources = {path.name: path.read_text(encoding="utf-8") for path in sorted((folder / "c").glob("*.[ch]"))}
    prefix = next((n[:-2] for n in sources if n.endswith(".h") and not n.startswith(("ec_", "golden"))), "")
    expected = writer.write(program, prefix) if prefix else {}
    different = sorted(name for name, text in expected.items() if sources.get(name) != text)
    if not prefix or different:
        raise UsageError(
            f"the firmware in {folder} is not what this version makes of its model",
            found=f"other C in {', '.join(different[:3])}" if different else "no C",
            hint=again,
        )
    serial = folder / "serial.elf"
    return Firmware(
        sources,
        images.read(folder / "firmware.elf"),
        images.read(folder / "standalone.elf"),
        prefix,
        images.read(serial) if serial.is_file() else None,
    )


def weight_bytes(program: Program) -> list[int]:
    """Bytes of weights in flash, layer by layer; codebooks and other tables of codes included."""
    return [layer_weight_bytes(layer) for layer in program.layers]


def layer_weight_bytes(layer: Layer) -> int:
    arrays = [v for v in layer.call.parameters.values() if isinstance(v, Array) and v.is_weights]
    arrays += layer.call.code.arrays.values() if layer.call.code else ()
    return sum(v.values.nbytes for v in arrays) + sum(t.nbytes for t in layer.call.operands if t.is_constant)


def int8_bytes(program: Program, layer: Layer) -> int:
    """Of a layer's weights in the model."""
    operands = program.graph.operands(layer.operation)
    return sum(t.nbytes for t in operands if t is not None and t.is_constant and t.dtype.itemsize == 1)


def codec_of(layer: Layer) -> str:
    """How its weights lie in flash: in a code that is decoded, as lists of those that are not zero, or "dense"."""
    if layer.call.code:
        return layer.call.code.name
    return "lists" if "lists" in layer.call.parameters else "dense"


def check_fits(program: Program, target: Target) -> None:
    """Refuses, before anything is compiled, what cannot fit: the arena in one RAM region, the weights in flash."""
    check_ram(program, target)
    weights = sum(weight_bytes(program))
    if weights > target.flash.bytes:
        raise DoesNotFitError(
            f"the weights do not fit the flash of {target.name}: {_excess(weights, target.flash.bytes)}",
            found=f"largest: {largest_weights(program)}",
            hint="prune filters, cluster, or a board with more flash",
        )


def check_ram(program: Program, target: Target) -> None:
    """Refuses an arena that no RAM region of the target holds."""
    largest = max(target.ram, key=lambda region: region.bytes)
    if program.plan.arena_bytes > largest.bytes:
        raise DoesNotFitError(
            f"the arena does not fit the RAM of {target.name}: {_excess(program.plan.arena_bytes, largest.bytes)}",
            found=f"largest at once: {largest_live(program)}",
            hint="a board with more RAM, smaller inputs or fewer channels in the first layers",
        )


def largest_weights(program: Program) -> str:
    """The layers with the most bytes of weights, by name."""
    weights = weight_bytes(program)
    order = sorted(range(len(weights)), key=lambda i: -weights[i])[:3]
    return ", ".join(f'"{printable(_name(program, i))}" {weights[i]:,}' for i in order)


def _excess(needed: int, there: int) -> str:
    return f"{needed:,} bytes are needed, {there:,} are there, {needed - there:,} too few"


def _name(program: Program, layer: int) -> str:
    return program.graph.results(program.layers[layer].operation)[0].name


def largest_live(program: Program) -> str:
    """The buffers alive at the step that needs most, by name, largest first."""
    steps = range(len(program.graph.operations))
    worst = max(steps, key=lambda step: sum(b.size for b in program.plan.buffers if b.first <= step <= b.last))
    alive = sorted((b for b in program.plan.buffers if b.first <= worst <= b.last), key=lambda b: -b.size)[:3]
    return ", ".join(f'"{printable(b.name)}" {b.size:,}' for b in alive)
