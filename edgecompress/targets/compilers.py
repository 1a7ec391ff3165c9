"""The C compilers behind one small interface: how each is called to compile a file and to link a program."""

import functools
import importlib.metadata
import importlib.util
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from edgecompress.errors import MissingToolError
from edgecompress.targets.cache import cache_folder
from edgecompress.targets.process import run
from edgecompress.targets.target import Cpu

Name = Literal["zig", "gcc"]

WARNINGS = ("-Wall", "-Wextra", "-Werror")
_CODE = ("-std=gnu11", "-g0", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables", "-fno-common")
_SECTIONS = ("-ffunction-sections", "-fdata-sections")


class Compiler(Protocol):
    """`identity` changes when the compiler would produce other code; `environment` is added to the process's own."""

    @property
    def identity(self) -> str: ...

    @property
    def environment(self) -> Mapping[str, str]: ...

    def compile_command(self, cpu: Cpu, optimization: str) -> tuple[str, ...]:
        """The command without defines, `-c`, source and output."""
        ...

    def link_command(self, cpu: Cpu, script: str, objects: Sequence[str], output: str) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Zig:
    """clang and lld from the `ziglang` wheel, with their own compiler support library."""

    program: str
    version: str

    @property
    def identity(self) -> str:
        return f"zig {self.version}"

    @property
    def environment(self) -> Mapping[str, str]:
        folder = str(cache_folder("zig"))
        return {"ZIG_GLOBAL_CACHE_DIR": folder, "ZIG_LOCAL_CACHE_DIR": folder}

    def _machine(self, cpu: Cpu) -> tuple[str, ...]:
        return (self.program, "cc", "-target", f"thumb-freestanding-{cpu.zig.abi}", f"-mcpu={cpu.zig.cpu}")

    def compile_command(self, cpu: Cpu, optimization: str) -> tuple[str, ...]:
        # Where unrolling pays, kernels do it themselves; elsewhere it costs a fifth of the code and gains half a percent.
        return (*self._machine(cpu), optimization, "-fno-unroll-loops", *_CODE, *_SECTIONS, *WARNINGS)

    def link_command(self, cpu: Cpu, script: str, objects: Sequence[str], output: str) -> tuple[str, ...]:
        # Without max-page-size a 4 KB image becomes a 132 KB file. -O2 here keeps the symbol table, -Os drops it.
        options = ("-T", script, "--gc-sections", "-e", "Reset_Handler", "-z", "max-page-size=4", "--build-id=none")
        return (*self._machine(cpu), "-O2", "-g0", "-Wl," + ",".join(options), *objects, "-o", output)


@dataclass(frozen=True)
class Gcc:
    """GNU Arm Embedded (`arm-none-eabi-gcc`), without its C library."""

    program: str
    version: str

    @property
    def identity(self) -> str:
        return f"gcc {self.version}"

    @property
    def environment(self) -> Mapping[str, str]:
        return {}

    def compile_command(self, cpu: Cpu, optimization: str) -> tuple[str, ...]:
        return (self.program, "-mthumb", *cpu.gcc, optimization, *_CODE, *_SECTIONS, *WARNINGS)

    def link_command(self, cpu: Cpu, script: str, objects: Sequence[str], output: str) -> tuple[str, ...]:
        options = ("-T", script, "--gc-sections", "-e", "Reset_Handler", "-z", "max-page-size=4", "--build-id=none")
        machine = (self.program, "-mthumb", *cpu.gcc, "-nostdlib", "-nostartfiles")
        return (*machine, "-Wl,--no-warn-rwx-segments," + ",".join(options), *objects, "-lgcc", "-o", output)


def find_compiler(name: Name = "zig") -> Compiler:
    """The compiler of this name; MissingToolError says how to get it."""
    return find_zig() if name == "zig" else _find_gcc()


@functools.cache
def find_zig() -> Zig:
    """Zig from the `ziglang` package, called directly: its Python front door costs 50 ms per file."""
    spec = importlib.util.find_spec("ziglang")
    folder = Path(spec.origin).parent if spec and spec.origin else None
    program = folder / ("zig.exe" if os.name == "nt" else "zig") if folder else None
    if program is None or not program.is_file():
        raise MissingToolError(
            "the C compiler is not installed", found="no package ziglang", hint="pip install ziglang"
        )
    return Zig(str(program), importlib.metadata.version("ziglang"))


@functools.cache
def _find_gcc() -> Gcc:
    program = shutil.which("arm-none-eabi-gcc")
    if program is None:
        raise MissingToolError(
            "arm-none-eabi-gcc is not installed",
            hint="install gcc-arm-none-eabi (Debian) or Arm's GNU toolchain, or use the default compiler, zig",
        )
    return Gcc(program, run((program, "-dumpfullversion"), timeout=30).strip())
