"""`export`: a build's C laid out for the firmware it goes into: plain C, a CMake project, an Arduino library."""

import re
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path

from edgecompress.codegen.writer import check_prefix, fill
from edgecompress.errors import OutputError, UsageError
from edgecompress.files import write_text

SOURCES = "c"
"""The folder of a run directory that holds the generated C."""


def export(run: Path | str, out: Path | str, layout: str = "c") -> tuple[Path, ...]:
    """Writes the generated C of a run directory as a library for firmware.

    Args:
        run: the directory that `build` or `bench --save` left.
        out: a new or empty folder, or an earlier export.
        layout: a key of FORMATS.

    Returns:
        The files written, relative to `out`, sorted.

    Raises:
        UsageError: no run directory, or an unknown layout.
        OutputError: `out` holds something else, or cannot be written.
    """
    run, out = Path(run), Path(out)
    if layout not in FORMATS:
        raise UsageError(f"unknown format {layout!r}", hint=f"one of {', '.join(FORMATS)}")
    sources = _sources(run)
    prefix = _prefix(run, sources)
    files = FORMATS[layout](sources, prefix)
    if out.is_dir() and any(out.iterdir()) and not (out / MARKER).exists():
        raise OutputError(
            f"{out} is not empty and no earlier export",
            found=", ".join(sorted(p.name for p in out.iterdir())[:4]),
            hint="give a new --out",
        )
    for name, text in sorted(files.items()):
        write_text(out / name, text)
    return tuple(Path(name) for name in sorted(files))


MARKER = "EDGECOMPRESS.txt"


def _sources(run: Path) -> dict[str, str]:
    folder = run / SOURCES
    if not folder.is_dir():
        raise UsageError(
            f"{run} is no run directory",
            found=f"there is no {folder}",
            hint="give the folder that `edgecompress build` or `bench --save` wrote",
        )
    try:
        return {p.name: p.read_text(encoding="utf-8") for p in sorted(folder.iterdir()) if p.suffix in (".c", ".h")}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{folder} cannot be read", found=str(error), hint="run the build again") from error


def _prefix(run: Path, sources: Mapping[str, str]) -> str:
    golden = [re.fullmatch(r"(\w+)_golden\.c", name) for name in sources]
    found = [match.group(1) for match in golden if match]
    if len(found) != 1 or not {f"{found[0]}.c", f"{found[0]}.h"} <= set(sources):
        raise UsageError(
            f"{run / SOURCES} is incomplete", found=", ".join(sources) or "no C file", hint="run the build again"
        )
    return check_prefix(found[0])


def _plain_c(sources: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {
        **sources,
        "main.c": _template("main.c.in", prefix),
        MARKER: _readme(prefix, "cc -std=c11 -O2 *.c -o example", sources),
    }


def _cmake(sources: Mapping[str, str], prefix: str) -> dict[str, str]:
    names = "\n".join(f"    src/{name}" for name in sorted(sources) if name.endswith(".c"))
    return {
        **{f"src/{name}": text for name, text in sources.items()},
        "example/main.c": _template("main.c.in", prefix),
        "CMakeLists.txt": _template("CMakeLists.txt.in", prefix, SOURCES=names),
        MARKER: _readme(prefix, f"add_subdirectory(this_folder) and target_link_libraries(firmware {prefix})", sources),
    }


def _arduino(sources: Mapping[str, str], prefix: str) -> dict[str, str]:
    name = f"{prefix}_edgecompress"
    version = re.search(rf'#define {prefix.upper()}_EDGECOMPRESS_VERSION "([^"]*)"', sources[f"{prefix}.h"])
    return {
        **{f"src/{file}": text for file, text in sources.items()},
        f"src/{name}.h": _template("library.h.in", prefix),
        "library.properties": _template(
            "library.properties.in", prefix, VERSION=version.group(1) if version else "0.0.0"
        ),
        "examples/SelfTest/SelfTest.ino": _template("SelfTest.ino.in", prefix),
        MARKER: _readme(
            prefix, "Arduino IDE: Sketch, Include Library, Add .ZIP Library; then open the example SelfTest", sources
        ),
    }


FORMATS: dict[str, Callable[[Mapping[str, str], str], dict[str, str]]] = {
    "c": _plain_c,
    "cmake": _cmake,
    "arduino": _arduino,
}


def _template(name: str, prefix: str, **parts: str) -> str:
    text = (resources.files("edgecompress.codegen") / "templates" / "export" / name).read_text(encoding="utf-8")
    return fill(text, prefix, **parts)


def _readme(prefix: str, how: str, sources: Mapping[str, str]) -> str:
    return _template("README.in", prefix, HOW=how, FILES="\n".join(f"  {name}" for name in sorted(sources)))
