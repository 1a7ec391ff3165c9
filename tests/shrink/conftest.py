"""Where the tests of shrinking find what they share."""

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "tools"), str(Path(__file__).resolve().parent)]


@pytest.fixture(scope="session")
def models(shared_data: Path) -> Path:
    """The folder of the real models."""
    return shared_data / "models"
