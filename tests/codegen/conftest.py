"""Programs of the conformance cases, and the C compiled from them."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "tools"), str(Path(__file__).resolve().parent)]

from model_cases import model_of
from written import NETWORK

from edgecompress.codegen.program import Program, lower
from edgecompress.tflite import reader


@pytest.fixture(scope="session")
def program() -> Callable[[str], Program]:
    """Lowers the model of a conformance case."""

    def make(name: str) -> Program:
        return lower(reader.read_bytes(model_of(name)))

    return make


@pytest.fixture(scope="module")
def network(program: Callable[[str], Program]) -> Program:
    """A small network that tests of the generated C go by."""
    return program(NETWORK)
