"""CONFORMANCE.md: every operator with every case, run by our reference at least, and no difference."""

import re
from pathlib import Path

import pytest
from model_cases import CASES
from test_operators import REFUSED

from edgecompress.codegen import ops

FILE = Path(__file__).resolve().parents[2] / "CONFORMANCE.md"
ADVICE = (
    "run the conformance suite with EDGECOMPRESS_CONFORMANCE=FILE, then tools/supported_operators.py --conformance FILE"
)


@pytest.fixture(scope="module")
def rows():
    """Operator -> column -> cell."""
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    names, _, *cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: dict(zip(names, row, strict=True)) for row in cells}


def test_no_operator_is_missing(rows):
    assert set(rows) == set(ops.OPERATORS) | {"all"}, ADVICE


def test_no_case_is_missing(rows, operator):
    cases = [case for case in CASES if case.operator == operator]
    declined = sum(case.id in REFUSED for case in cases)
    assert int(rows[operator]["cases"]) == len(cases), ADVICE
    assert int(rows[operator]["declined"]) == declined, ADVICE
    itself = sum(case.reference == "numpy" for case in cases)
    assert int(rows[operator]["NumPy"]) == len(cases) - declined - itself, ADVICE


def test_no_byte_differs(rows):
    assert {row["differences"] for row in rows.values()} == {"0"}


def test_the_generated_c_of_every_operator_was_compared(rows):
    without = {name for name, row in rows.items() if not int(row["host"])}
    assert without <= {"EXPAND_DIMS", "SHAPE", "SQUEEZE"}, ADVICE


def test_the_reference_is_named_and_our_own_is_marked(rows, operator):
    wanted = {case.reference for case in CASES if case.operator == operator}
    named = {"TFLM": "tflm", "LiteRT": "litert", "**our NumPy only**": "numpy"}
    assert {named[one] for one in re.split(" and ", rows[operator]["reference"])} == wanted
