"""Models to damage: one small file per operator of the back end, and some of several operators."""

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "tools"), str(Path(__file__).resolve().parent)]

from model_cases import CASES

from edgecompress.codegen import ops

NETWORKS = ("add-two_residuals", "reshape-and_original", "pack-of_shape", "conv_2d-grouped")


@pytest.fixture(scope="session")
def models() -> tuple[bytes, ...]:
    """The files' bytes."""
    first = {case.operator: case for case in reversed(CASES) if case.operator in ops.OPERATORS}
    return tuple(case.build() for case in (*first.values(), *(case for case in CASES if case.id in NETWORKS)))


@pytest.fixture(scope="session")
def residual() -> bytes:
    """A network of four operators, five kilobytes."""
    return next(case for case in CASES if case.id == "add-two_residuals").build()
