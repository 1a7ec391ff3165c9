"""A model made by hand, compiled for any target, and measured assembly."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edgecompress import targets
from edgecompress.codegen.runtime import Program, program_defines, program_sources
from edgecompress.targets import toolchain
from edgecompress.targets.compilers import Name
from edgecompress.targets.image import Image
from edgecompress.targets.target import Target

TOY = Path(__file__).parent.parent / "targets" / "toy"
LAYERS = ("model_layer_0", "model_layer_1", "model_layer_2")

Toy = Callable[..., Image]
Assembly = Callable[[str, str], Image]


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """`toy(program, target, trouble="", compiler="zig", **defines)` -> Image; `trouble` is C that layer 2 starts with."""

    def build(
        program: Program, target: Target | str, trouble: str = "", compiler: Name = "zig", **defines: str
    ) -> Image:
        sources = {path.name: path.read_text() for path in sorted(TOY.iterdir())} | program_sources(program)
        if trouble:
            defines["TOY_TROUBLE"] = trouble
        return toolchain.compile(
            sources,
            targets.find(target) if isinstance(target, str) else target,
            tmp_path_factory.mktemp("toy") / f"{program}.elf",
            defines={**program_defines(), **defines},
            compiler=compiler,
        )

    return build


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """`assembly(cpu, body)` -> Image of a program that calls the function `measured` with that body once."""
    head = ".syntax unified\n.thumb\n.text\n.balign 4\n.global measured\n.type measured, %function\nmeasured:\n"
    data = "\n.size measured, . - measured\n.section .bss.words\n.balign 8\nwords: .space 64\n"
    main = '#include "program.h"\nvoid measured(void);\nint main(void) { measured(); return 0; }\n'

    def build(cpu: str, body: str) -> Image:
        sources = {name: text for name, text in program_sources("standalone").items() if name != "standalone.c"}
        sources |= {"main.c": main, "measured.S": head + body + data}
        return toolchain.compile(sources, targets.find(cpu), tmp_path_factory.mktemp("assembly") / "a.elf")

    return build
