"""Which objects are compiled again: those whose file, included files or options have changed, and no others."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edgecompress.targets import objects
from edgecompress.targets.objects import Compilation, compile_units

SOURCES = {
    "a.c": '#include "deep.h"\n#include <stdint.h>\n',
    "b.c": "int b;\n",
    "macro.c": "#include HEADER\n",
    "start.S": '.incbin "blob"\n',
    "deep.h": '  #  include "kernels/deeper.h"\n',
    "kernels/deeper.h": '#include "sibling.h"\n',
    "kernels/sibling.h": "int s;\n",
    "other.h": "int o;\n",
}
UNITS = ["a.c", "b.c", "macro.c", "start.S"]
Compile = Callable[..., set[str]]


@pytest.fixture
def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compile:
    """`compiled(changed={}, *options)` -> the units that a compiler was called for; it copies its source."""
    (tmp_path / "cache").mkdir()
    monkeypatch.setattr(objects, "cache_folder", lambda _: tmp_path / "cache")

    def compile_changed(changed: dict[str, str], *options: str, identity: str = "cc 1") -> set[str]:
        called = set()

        def run(command: tuple[str, ...], *, folder: Path, environment: object) -> str:
            source, output = command[command.index("-c") + 1], command[command.index("-o") + 1]
            called.add(source)
            shutil.copy(folder / source, folder / output)
            return ""

        monkeypatch.setattr(objects, "run", run)
        sources = SOURCES | changed
        for unit in UNITS:
            (tmp_path / unit).write_text(sources[unit])
        how = Compilation(identity, ("/usr/bin/cc", *options), {}, tmp_path)
        assert compile_units(UNITS, sources, how) == [f"{unit}.o" for unit in UNITS]
        assert [(tmp_path / f"{unit}.o").read_text() for unit in UNITS] == [sources[unit] for unit in UNITS]
        return called

    assert compile_changed({}) == set(UNITS)
    return compile_changed


def test_nothing_changed_nothing_is_compiled(compiled: Compile) -> None:
    assert compiled({}) == set()


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ("b.c", {"b.c", "macro.c", "start.S"}),
        ("deep.h", {"a.c", "macro.c", "start.S"}),
        ("kernels/sibling.h", {"a.c", "macro.c", "start.S"}),
        ("other.h", {"macro.c", "start.S"}),
    ],
)
def test_changed_file_is_seen_by_whatever_may_include_it(compiled: Compile, changed: str, again: set[str]) -> None:
    assert compiled({changed: SOURCES[changed] + "int more;\n"}) == again


def test_file_that_hides_an_included_one_is_seen(compiled: Compile) -> None:
    assert "a.c" in compiled({"sibling.h": "int hidden;\n"})


def test_options_and_compiler_are_part_of_it(compiled: Compile) -> None:
    assert compiled({}, "-O2") == compiled({}, identity="cc 2") == set(UNITS)
