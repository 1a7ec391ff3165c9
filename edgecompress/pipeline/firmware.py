"""From a program to ELF files: does it fit, which sources, which defines."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgecompress.codegen import runtime, writer
from edgecompress.codegen.ops.base import Array, printable
from edgecompress.codegen.program import Program
from edgecompress.errors import DoesNotFitError
from edgecompress.targets import Target, toolchain
from edgecompress.targets.compilers import Name
from edgecompress.targets.image import Image

OPTIMIZATION = "-O2"
PROGRAMS: tuple[runtime.Program, ...] = ("firmware", "standalone")


@dataclass(frozen=True)
class Firmware:
    """The two programs of a model.

    Attributes:
        sources: the model's own C by file name: header, layers, kernels, golden vectors.
        mailbox: waits for a host and does what it is told (`firmware.elf`).
        standalone: one inference on the golden input from reset, then exits (`standalone.elf`).
    """

    sources: Mapping[str, str]
    mailbox: Image
    standalone: Image


def build(
    program: Program,
    target: Target,
    folder: Path,
    golden: tuple[Mapping[int, np.ndarray], Mapping[int, np.ndarray]],
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
    for name in PROGRAMS:
        extra = golden_files if name == "standalone" else {}
        sources = {**model, **extra, **runtime.program_sources(name)}
        images[name] = toolchain.compile(
            sources, target, folder / f"{name}.elf", defines=defines, optimization=OPTIMIZATION, compiler=compiler
        )
    return Firmware({**model, **golden_files}, images["firmware"], images["standalone"])


def weight_bytes(program: Program) -> list[int]:
    """Bytes of weights in flash, layer by layer."""
    counts = []
    for layer in program.layers:
        arrays = [v.values.nbytes for v in layer.call.parameters.values() if isinstance(v, Array) and v.is_weights]
        counts.append(sum(arrays) + sum(t.nbytes for t in layer.call.operands if t.is_constant))
    return counts


def check_fits(program: Program, target: Target) -> None:
    """Refuses, before anything is compiled, what cannot fit: the arena in one RAM region, the weights in flash."""
    largest = max(target.ram, key=lambda region: region.bytes)
    if program.plan.arena_bytes > largest.bytes:
        raise DoesNotFitError(
            f"the arena does not fit the RAM of {target.name}: {_excess(program.plan.arena_bytes, largest.bytes)}",
            found=f"largest at once: {_largest_live(program)}",
            hint="a board with more RAM, smaller inputs or fewer channels in the first layers",
        )
    weights = weight_bytes(program)
    if sum(weights) > target.flash.bytes:
        order = sorted(range(len(weights)), key=lambda i: -weights[i])[:3]
        names = ", ".join(f'"{printable(_name(program, i))}" {weights[i]:,}' for i in order)
        raise DoesNotFitError(
            f"the weights do not fit the flash of {target.name}: {_excess(sum(weights), target.flash.bytes)}",
            found=f"largest: {names}",
            hint="prune filters, cluster, or a board with more flash",
        )


def _excess(needed: int, there: int) -> str:
    return f"{needed:,} bytes are needed, {there:,} are there, {needed - there:,} too few"


def _name(program: Program, layer: int) -> str:
    return program.graph.results(program.layers[layer].operation)[0].name


def _largest_live(program: Program) -> str:
    """The buffers alive at the step that needs most, largest first."""
    steps = range(len(program.graph.operations))
    worst = max(steps, key=lambda step: sum(b.size for b in program.plan.buffers if b.first <= step <= b.last))
    alive = sorted((b for b in program.plan.buffers if b.first <= worst <= b.last), key=lambda b: -b.size)[:3]
    return ", ".join(f'"{printable(b.name)}" {b.size:,}' for b in alive)
