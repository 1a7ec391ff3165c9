"""The firmware of a model made by hand."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edgecompress import targets
from edgecompress.codegen.runtime import program_defines, program_sources
from edgecompress.targets import toolchain
from edgecompress.targets.image import Image

TOY = Path(__file__).parent.parent / "targets" / "toy"


@pytest.fixture(scope="session")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Image]:
    """`firmware(target, trouble="", prefix="model")` -> Image; `trouble` is C that layer 2 starts with."""

    def build(target: str, trouble: str = "", prefix: str = "model") -> Image:
        model = {path.name: path.read_text() for path in sorted(TOY.iterdir())}
        model = {
            name.replace("model.", f"{prefix}."): text.replace("model", prefix).replace("MODEL", prefix.upper())
            for name, text in model.items()
        }
        defines = {**program_defines(prefix), **({"TOY_TROUBLE": trouble} if trouble else {})}
        folder = tmp_path_factory.mktemp("firmware")
        return toolchain.compile(
            {**program_sources("firmware"), **model}, targets.find(target), folder / "a.elf", defines=defines
        )

    return build
