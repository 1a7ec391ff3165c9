"""The pass that clamps outputs gives NumPy's clip at every range, length and place, and touches nothing beside: its assembly on
emulated cores, its twin in C on this computer under sanitizers."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from generated_c import CASES_H
from on_core import MAIN as CORE_MAIN
from on_core import Core, OnCore
from on_host import MAIN as HOST_MAIN
from on_host import Process

from edgecompress import emulate
from edgecompress.codegen import writer
from edgecompress.codegen.runtime import program_sources
from edgecompress.targets import find, host, toolchain

PLACES = ((0, 256), (1, 275), (2, 16), (3, 15), (5, 4), (6, 3), (7, 1), (4, 0))
"""(offset, bytes) of what is clamped."""
ARENA = 288
ENDS = range(-128, 128)
RANGES = (
    [(low, 127) for low in ENDS] + [(-128, high) for high in ENDS] + [(a, b) for a in ENDS[::19] for b in ENDS[::23]]
)


def program():
    """A case for each place; its first and last layer are taken for the range."""
    functions = "".join(
        f"static int at_{i}(void *arena, int low, int high) {{\n"
        f"    ec_clamp_bytes((int8_t *)arena + {offset}, {count}, low, high);\n    return 0;\n}}\n"
        for i, (offset, count) in enumerate(PLACES)
    )
    rows = "".join(f"    {{at_{i}, 0, {ARENA}, 1}},\n" for i in range(len(PLACES)))
    table = f'#include "cases.h"\n#include "ec_clamp_bytes.h"\n\n{functions}const struct ec_case ec_cases[] = {{\n{rows}}};\n'
    return {**writer.kernel_sources(["ec_clamp_bytes"]), "cases.h": CASES_H, "cases.c": table}


def wrong(device):
    """The places and ranges whose bytes differ from NumPy's."""
    random, found = np.random.default_rng(3), []
    for number, (offset, count) in enumerate(PLACES):
        case = SimpleNamespace(number=number, program=SimpleNamespace(plan=SimpleNamespace(arena_bytes=ARENA)))
        for low, high in [pair for pair in RANGES if pair[0] <= pair[1]]:
            before = np.resize(random.permutation(np.arange(-128, 128, dtype=np.int8)), ARENA)
            expected = before.copy()
            expected[offset : offset + count] = before[offset : offset + count].clip(low, high)
            device.load(case, before.tobytes())
            device.run(low, high)
            if device.read(0, ARENA) != expected.tobytes():
                found.append((offset, count, low, high))
    return found


def test_the_twin_clamps_as_numpy_does(tmp_path):
    sanitizer = "address" if shutil.which("gcc") or shutil.which("clang") else "undefined"
    with Process(host.build({**program(), "main.c": HOST_MAIN}, tmp_path / "cases", sanitizer=sanitizer)) as process:
        assert not wrong(process)


@pytest.mark.parametrize("compiler", ["zig", "gcc"])
def test_the_assembly_clamps_as_numpy_does(compiler, tmp_path):
    if reason := OnCore("cortex-m4", compiler).available():
        pytest.skip(reason)
    start_up = {name: text for name, text in program_sources("standalone").items() if name != "standalone.c"}
    sources = {**program(), **start_up, "main.c": CORE_MAIN}
    defines = {"ARENA_BYTES": str(ARENA)}
    image = toolchain.compile(sources, find("cortex-m4"), tmp_path / "cases.elf", defines=defines, compiler=compiler)
    with emulate.open(find("cortex-m4"), image) as port:
        assert not wrong(Core(port, image))
