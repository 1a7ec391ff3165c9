"""Building for this computer: programs, libraries, and sanitizers that really find things."""

import ctypes
import subprocess
from pathlib import Path

import pytest

from edgecompress.errors import MissingToolError, ToolError
from edgecompress.targets import host
from edgecompress.targets.host import Sanitizer

ARRAY = """
#include <stdlib.h>
int main(int count, char **words)
{
    int array[4] = {1, 2, 3, 4};
    volatile int index = atoi(words[1]);
    return count == 2 ? array[index] : 9;
}
"""
OVERFLOW = "#include <stdlib.h>\nint main(int n, char **w) { volatile int x = atoi(w[1]); x = x + n; return 0; }\n"


def status(program: Path, argument: str) -> int:
    return subprocess.run([program, argument], capture_output=True, timeout=30, check=False).returncode


def test_program_runs(tmp_path: Path) -> None:
    program = host.build({"main.c": ARRAY}, tmp_path / "program")
    assert status(program, "2") == 3


def test_library_is_callable_and_sees_headers_and_defines(tmp_path: Path) -> None:
    sources = {"sub/f.h": "int f(int x);", "f.c": '#include "sub/f.h"\nint f(int x) { return x + PLUS; }'}
    library = host.build(sources, tmp_path / "f.so", kind="library", defines={"PLUS": "5"})
    assert ctypes.CDLL(str(library)).f(3) == 8


@pytest.mark.parametrize("sanitizer", ["undefined", pytest.param("address", marks=pytest.mark.needs("gcc"))])
def test_sanitizers_find_overflows_and_let_good_programs_pass(tmp_path: Path, sanitizer: Sanitizer) -> None:
    array = host.build({"main.c": ARRAY}, tmp_path / "array", sanitizer=sanitizer)
    overflow = host.build({"main.c": OVERFLOW}, tmp_path / "overflow", sanitizer=sanitizer)
    assert (status(array, "1"), status(overflow, "1")) == (2, 0)
    assert status(array, "70000") != 0
    assert status(overflow, "2147483647") != 0


def test_refused_source_is_a_tool_error(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="undeclared"):
        host.build({"main.c": "int main(void) { return missing; }"}, tmp_path / "program")


def test_address_sanitizer_without_a_host_compiler_is_a_missing_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host.shutil, "which", lambda _: None)
    with pytest.raises(MissingToolError, match="gcc or clang"):
        host.build({"main.c": "int main(void) { return 0; }"}, tmp_path / "program", sanitizer="address")
