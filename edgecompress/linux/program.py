"""The generated C as one static Linux program that needs nothing on the computer it runs on."""

import tempfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from edgecompress.codegen.runtime import program_defines
from edgecompress.linux.architectures import Architecture
from edgecompress.targets.cache import store
from edgecompress.targets.compilers import WARNINGS, find_zig
from edgecompress.targets.process import run
from edgecompress.targets.toolchain import write_sources

OPTIMIZATION = "-O3"
# Without contraction a multiplication and an addition stay two roundings on every processor: the bytes must be the same.
_OPTIONS = ("-std=gnu11", "-g0", "-static", "-ffp-contract=off", "-fno-sanitize=all", *WARNINGS)
FILES = ("ec_linux.h", "linux_main.c")
COMPILE_SECONDS = 600.0
"""The first program for an architecture compiles the C library as well: half a minute, once."""


def program_sources(model: Mapping[str, str]) -> dict[str, str]:
    """The model's C with the main program around it, by file name."""
    folder = resources.files("edgecompress.linux.runtime")
    return {**model, **{name: (folder / name).read_text(encoding="utf-8") for name in FILES}}


def flags(architecture: Architecture) -> tuple[str, ...]:
    """The compiler's options, without defines and files."""
    return ("-target", architecture.triple, f"-mcpu={architecture.cpu}", OPTIMIZATION, *_OPTIONS)


def build(model: Mapping[str, str], architecture: Architecture, output: Path, *, prefix: str = "model") -> Path:
    """Compiles and links the model's C for the architecture; returns `output`.

    Args:
        model: what `codegen.writer.write` returns.
        prefix: of that C.

    Raises:
        MissingToolError, ToolError: the compiler is missing, or failed.
    """
    zig = find_zig()
    sources = program_sources(model)
    units = sorted(name for name in sources if name.endswith(".c"))
    defines = [f"-D{name}={value}" for name, value in sorted(program_defines(prefix).items())]
    with tempfile.TemporaryDirectory(prefix="edgecompress-") as name:
        folder = Path(name)
        write_sources(sources, folder)
        command = (zig.program, "cc", *flags(architecture), *defines, "-I.", *units, "-o", "program")
        run(command, folder=folder, environment=zig.environment, timeout=COMPILE_SECONDS)
        output.parent.mkdir(parents=True, exist_ok=True)
        store(output, (folder / "program").read_bytes())
    output.chmod(0o755)
    return output
