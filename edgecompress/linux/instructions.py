"""Instructions of one inference, counted where QEMU's user mode runs it on this computer.

Our C, layer by layer: from the entry of `<prefix>_invoke` to the entry of `ec_now`, which is called next: two or three
instructions too many. LiteRT: between two system calls that Python makes before and after, less what is between them
without an inference; the median of several. It needs QEMU with plugins, which Debian's static build lacks:
`qemu-aarch64` of the package qemu-user.
"""

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from elftools.elf.elffile import ELFFile

from edgecompress.codegen.program import Program
from edgecompress.emulate import host_library
from edgecompress.emulate.qemu_profile import plugin_version, read_counts
from edgecompress.errors import EdgecompressError
from edgecompress.linux import exchange, litert
from edgecompress.linux.computer import require
from edgecompress.linux.exchange import Effort
from edgecompress.linux.execution import Processor
from edgecompress.linux.here import Here
from edgecompress.linux.litert import Python
from edgecompress.targets.process import run

FINISH = "ec_now"
SECONDS = 600
MARKS = 5
GETPPID = {"aarch64": 173, "armv7": 64, "armv6": 64, "x86_64": 110}
"""The number of the system call on Linux, by architecture."""
THUMB = 1
"""The lowest bit of a function's address says that its code is Thumb's."""


@dataclass(frozen=True)
class Counts:
    """What was counted.

    Attributes:
        total: instructions of one inference; None where nothing counts them.
        layers: of each layer; the first one with what comes before it.
        notes: why nothing was counted.
    """

    total: int | None = None
    layers: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


def count(
    executable: Path, processor: Processor, program: Program, sample: dict[int, np.ndarray], prefix: str
) -> Counts:
    """Counts one inference; nothing where the processor is not emulated by this tool.

    Args:
        executable: what `program.build` made.
        sample: the input.
    """
    if not processor.launcher:
        return Counts()
    qemu = shutil.which(processor.architecture.qemu)
    if qemu is None:
        name = processor.architecture.qemu
        return Counts(notes=(f"instructions are not counted: {name} with plugins is missing (Debian: qemu-user)",))
    try:
        numbers = _count((qemu, *processor.launcher[1:]), executable, program, sample, prefix)
    except EdgecompressError as error:
        return Counts(notes=(f"instructions are not counted: {error.what}",))
    layers = (numbers[0] + numbers[1], *numbers[2:])
    return Counts(sum(numbers), layers)


def count_litert(processor: Processor, python: Python, model: bytes, sample: dict[int, np.ndarray]) -> int | None:
    """Of one inference of LiteRT with one thread; None where nothing counts them."""
    qemu = shutil.which(processor.architecture.qemu)
    if not processor.python or qemu is None:
        return None
    version, call = str(plugin_version(qemu)), GETPPID[processor.architecture.name]
    plugin = host_library.build("qemu_marks.c", {"EC_PLUGIN_VERSION": version}, undefined_symbols=True)
    emulator = (qemu, *processor.launcher[1:])
    computer = Here()
    try:
        arguments = litert.prepare(computer, model, [sample], Effort(), threads=1, timeout=SECONDS, marks=MARKS)
        log = Path(computer.folder) / "plugin.log"
        options = ("-plugin", f"{plugin},call={call}", "-d", "plugin", "-D", str(log))
        done = computer.run((*emulator, *options, *processor.python, *arguments), timeout=SECONDS)
        require(done, "LiteRT", computer)
        return between_marks(log.read_text("utf-8", "replace"))
    except EdgecompressError:
        return None
    finally:
        computer.close()


def between_marks(text: str) -> int | None:
    """Instructions of an inference, from what the plugin wrote; None where it did not see all marks."""
    match = re.search(r"^between ([\d ]+)$", text, re.MULTILINE)
    counts = [int(number) for number in match[1].split()] if match else []
    if len(counts) != 4 * MARKS - 1:
        return None
    inside = counts[::2]
    return int(np.median(inside[MARKS:]) - np.median(inside[:MARKS]))


def _count(
    qemu: tuple[str, ...], executable: Path, program: Program, sample: dict[int, np.ndarray], prefix: str
) -> list[int]:
    wanted = [f"{prefix}_invoke", FINISH, *(f"{prefix}_layer_{layer.index}" for layer in program.layers)]
    start, finish, *layers = _addresses(executable, wanted)
    defines = {"EC_PLUGIN_VERSION": str(plugin_version(qemu[0]))}
    plugin = host_library.build("qemu_plugin.c", defines, undefined_symbols=True)
    arguments = [f"start={start}", f"finish={finish}", *(f"layer={address}" for address in layers)]
    with tempfile.TemporaryDirectory(prefix="edgecompress-qemu-") as name:
        folder = Path(name)
        effort = Effort(runs=1, limit=SECONDS)
        (folder / "job").write_bytes(exchange.write_job(program, [sample], exchange.model_outputs(program), effort))
        log, files = folder / "plugin.log", (str(folder / "job"), str(folder / "answer"))
        options = ("-plugin", ",".join([str(plugin), *arguments]), "-d", "plugin", "-D", str(log))
        run((*qemu, *options, str(executable), *files), timeout=SECONDS)
        return read_counts(log, len(layers))


def _addresses(executable: Path, names: list[str]) -> list[int]:
    with executable.open("rb") as stream:
        elf = ELFFile(stream)
        table: Any = elf.get_section_by_name(".symtab")
        arm = elf["e_machine"] == "EM_ARM"
        found = {s.name: s["st_value"] for s in table.iter_symbols() if s.name in names} if table else {}
    missing = [name for name in names if name not in found]
    if missing:
        raise EdgecompressError(f"the program has no symbol {missing[0]}")
    return [found[name] & ~THUMB if arm else found[name] for name in names]
