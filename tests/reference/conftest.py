"""Lets these tests use the conformance suite's models."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from model_cases import model_of

from edgecompress.reference.tflm import Tflm


@pytest.fixture
def model(tmp_path: Path) -> Callable[[str], Path]:
    """Writes the model of a conformance case; returns its path."""

    def write(name: str) -> Path:
        path = tmp_path / f"{name}.tflite"
        path.write_bytes(model_of(name))
        return path

    return write


@pytest.fixture
def tflm() -> Tflm:
    """TFLM's interpreter; skips where it is not installed."""
    if reason := Tflm().available():
        pytest.skip(reason)
    return Tflm()
