"""Real models, the data that they were made for, and one saved bench that many tests look at."""

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "tools"), str(Path(__file__).resolve().parent)]

import numpy as np
from real_models import KWS

from edgecompress.pipeline.bench import Benchmark, bench


@pytest.fixture(scope="session")
def models(shared_data: Path) -> Path:
    """The folder of the models."""
    return shared_data / "models"


@pytest.fixture(scope="session")
def kws(models: Path) -> Path:
    """The keyword-spotting model of MLPerf Tiny."""
    return models / f"{KWS}.tflite"


@pytest.fixture(scope="session")
def saved(kws: Path, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Benchmark, Path]:
    """A bench of the keyword-spotting model on a Cortex-M4, with four random, four hostile and two real inputs; its folder."""
    folder = tmp_path_factory.mktemp("bench") / "kws"
    samples = np.load(shared_data / "eval" / "kws01_mfcc.npz")["x"][:2]
    return bench(kws, target="cortex-m4", inputs=4, samples=samples, save=folder), folder
