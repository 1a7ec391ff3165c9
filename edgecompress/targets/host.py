"""Build C for this very computer: to test generated code fast, and under sanitizers."""

import functools
import platform
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from edgecompress.errors import MissingToolError
from edgecompress.targets.cache import store
from edgecompress.targets.compilers import WARNINGS, find_zig
from edgecompress.targets.objects import Compilation, Sources, compile_units
from edgecompress.targets.process import run
from edgecompress.targets.toolchain import write_sources

Kind = Literal["executable", "library"]
Sanitizer = Literal["none", "undefined", "address"]

LIBRARY_SUFFIX = ".dll" if sys.platform == "win32" else ".dylib" if sys.platform == "darwin" else ".so"


def build(
    sources: Sources,
    output: Path | str,
    *,
    kind: Kind = "executable",
    sanitizer: Sanitizer = "none",
    defines: Mapping[str, str] | None = None,
    optimization: str = "-O2",
) -> Path:
    """Compile and link for the host; returns `output`.

    Args:
        sources: as in `toolchain.compile`; `.c` files are compiled.
        kind: a program with `main`, or a shared library for ctypes.
        sanitizer: "undefined" traps (the program dies by a signal) on undefined behaviour; "address" also finds accesses
            outside of objects, and says what it found. That one needs gcc or clang on the host: Zig has none.
        defines: macro to value, for all files.

    Raises:
        MissingToolError: "address" was asked for and there is neither gcc nor clang.
        ToolError: the compiler refused something: the command and its last 20 lines.
    """
    output = Path(output)
    compiler, environment, identity = _compiler(sanitizer)
    options = [optimization, "-g", "-std=gnu11", *WARNINGS, *_sanitizer_options(sanitizer)]
    options += [f"-D{name}={value}" for name, value in sorted((defines or {}).items())]
    if kind == "library" or sanitizer == "address":
        options.append("-fPIC")
    with tempfile.TemporaryDirectory(prefix="edgecompress-") as name:
        folder = Path(name)
        write_sources(sources, folder)
        units = sorted(source for source in sources if source.endswith(".c"))

        objects = compile_units(units, sources, Compilation(identity, (*compiler, *options), environment, folder))
        link = [*compiler, *_sanitizer_options(sanitizer), *(("-shared",) if kind == "library" else ())]
        run((*link, *objects, "-lm", "-o", "program"), folder=folder, environment=environment)
        output.parent.mkdir(parents=True, exist_ok=True)
        store(output, (folder / "program").read_bytes())
    output.chmod(0o755)
    return output


def _compiler(sanitizer: Sanitizer) -> tuple[Sequence[str], Mapping[str, str], str]:
    """The command, its environment, and the compiler's identity."""
    if sanitizer == "address":
        program = shutil.which("gcc") or shutil.which("clang")
        if program is None:
            raise MissingToolError(
                "the address sanitizer needs gcc or clang on this computer", hint="install one of them"
            )
        return (program,), {}, _version(program)
    zig = find_zig()
    return (zig.program, "cc"), zig.environment, f"{zig.identity} for {platform.machine()}"


@functools.cache
def _version(program: str) -> str:
    return run((program, "--version"), timeout=30) + run((program, "-dumpmachine"), timeout=30)


def _sanitizer_options(sanitizer: Sanitizer) -> tuple[str, ...]:
    if sanitizer == "address":
        return ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")
    if sanitizer == "undefined":
        return ("-fsanitize=undefined", "-fsanitize-trap=undefined")
    return ("-fno-sanitize=all",)
