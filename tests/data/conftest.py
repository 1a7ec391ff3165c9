"""Fixtures of the tests of data; `made_data` beside this file holds their helpers."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from made_data import Make


@pytest.fixture
def npz(tmp_path: Path) -> Make:
    """Writes arrays into samples.npz."""

    def make(*, compressed: bool = True, **arrays: Any) -> Path:
        path = tmp_path / "samples.npz"
        (np.savez_compressed if compressed else np.savez)(path, **arrays)
        return path

    return make
