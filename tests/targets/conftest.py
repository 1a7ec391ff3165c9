"""A model made by hand and the programs around it."""

from pathlib import Path

import pytest

from edgecompress.codegen.runtime import program_defines, program_sources

TOY = Path(__file__).parent / "toy"


@pytest.fixture(scope="session")
def toy_standalone() -> tuple[dict[str, str], dict[str, str]]:
    """Sources and defines of a program that runs the toy model once."""
    model = {path.name: path.read_text() for path in sorted(TOY.iterdir())}
    return {**program_sources("standalone"), **model}, program_defines()
