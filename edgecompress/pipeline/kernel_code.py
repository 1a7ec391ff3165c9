"""What a kernel takes of the flash by itself, found out by linking it alone."""

import functools
import tempfile
from collections.abc import Mapping
from pathlib import Path

from edgecompress.codegen import runtime
from edgecompress.codegen.ops.base import KernelCall
from edgecompress.codegen.writer import kernel_sources
from edgecompress.targets import toolchain
from edgecompress.targets.compilers import Name
from edgecompress.targets.target import Target

_MAIN = """\
{include}
void *volatile ec_used;

int main(void) {{
    ec_used = (void *){kernel};
    return 0;
}}
"""


def functions_of(call: KernelCall, target: Target, compiler: Name = "zig") -> Mapping[str, int]:
    """Bytes of each function that a call of the kernel needs, by name; kernels may share some.

    Raises:
        MissingToolError, ToolError: the compiler is missing, or failed.
    """
    others = _linked("", "0", target, compiler)
    found = _linked(call.file, f"ec_{call.kernel}", target, compiler)
    return {name: size for name, size in found.items() if name not in others}


@functools.cache
def _linked(file: str, kernel: str, target: Target, compiler: Name) -> Mapping[str, int]:
    sources = {**runtime.program_sources("standalone"), **(kernel_sources([file]) if file else {})}
    del sources["standalone.c"]
    include = f'#include "{file}.h"' if file else ""
    with tempfile.TemporaryDirectory(prefix="edgecompress-kernel-") as folder:
        program = {**sources, "main.c": _MAIN.format(include=include, kernel=kernel)}
        image = toolchain.compile(program, target, Path(folder) / "kernel.elf", compiler=compiler)
    return {symbol.name: symbol.size for symbol in image.functions}
