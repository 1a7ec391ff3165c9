"""Small C helpers that run inside an emulator on the host: compiled once, kept in the cache."""

import hashlib
import platform
import sys
import tempfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from edgecompress.targets.cache import cache_folder, store
from edgecompress.targets.compilers import find_zig
from edgecompress.targets.process import run

# No C library and no tuning for this very processor: the cache may be shared by several machines.
_OPTIONS = ("-O2", "-g0", "-mcpu=baseline", "-shared", "-fPIC", "-nostdlib", "-Wall", "-Wextra", "-Werror")


def build(name: str, defines: Mapping[str, str] | None = None, *, undefined_symbols: bool = False) -> Path:
    """A C file of this package as a shared library, compiled if source, options, compiler or host have changed.

    Args:
        undefined_symbols: allow calls of functions that the program which loads the library brings.

    Raises:
        MissingToolError: the compiler is not installed.
        ToolError: it refused the source.
    """
    folder = resources.files("edgecompress.emulate")
    sources = {name: (folder / name).read_bytes()}
    sources |= {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.name.endswith(".h")}
    compiler = find_zig()
    options = [*_OPTIONS, *(f"-D{key}={value}" for key, value in sorted((defines or {}).items()))]
    if undefined_symbols and sys.platform != "darwin":
        options.append("-Wl,--allow-shlib-undefined,-z,undefs")
    elif undefined_symbols:
        options.append("-Wl,-undefined,dynamic_lookup")
    recipe = f"{compiler.identity} {sys.platform} {platform.machine()} {options}\0"
    key = hashlib.sha256(recipe.encode() + b"\0".join(text for _, text in sorted(sources.items()))).hexdigest()[:32]
    stem, suffix = Path(name).stem, ".dll" if sys.platform == "win32" else ".so"
    library = cache_folder("hooks") / f"{stem}-{key}{suffix}"
    if not library.is_file():
        with tempfile.TemporaryDirectory(prefix="edgecompress-") as temporary:
            for file, text in sources.items():
                (Path(temporary) / file).write_bytes(text)
            command = (compiler.program, "cc", *options, name, "-o", stem + suffix)
            run(command, folder=Path(temporary), environment=compiler.environment)
            store(library, (Path(temporary) / (stem + suffix)).read_bytes())
    return library
