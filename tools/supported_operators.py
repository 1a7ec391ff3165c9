#!/usr/bin/env python3
"""Writes SUPPORTED_OPERATORS.md from the rules in edgecompress/codegen/ops; --check says whether it is up to date.

--conformance RESULTS writes CONFORMANCE.md instead, from what a run of the conformance suite left in that file:
EDGECOMPRESS_CONFORMANCE=RESULTS python -m pytest tests/conformance/test_operators.py
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from model_cases import CASES

from edgecompress.codegen import ops
from edgecompress.codegen.legacy import SAME

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "SUPPORTED_OPERATORS.md"
TABLE = ROOT / "CONFORMANCE.md"
HEAD = """# Supported operators

Written by `tools/supported_operators.py` from the rules in `edgecompress/codegen/ops`: what must hold for an operator to be
built. `edgecompress inspect model.tflite` checks a model against them.

Weights of four bits (INT4) count as int8. Models that compute in legacy uint8, per tensor, are built where these rules hold for the
same values 128 lower (weights may have any zero point of uint8), and all that computes is one of:
{legacy}.

Activations of int16 are symmetric, beside weights of int8 and biases of int64 (others are declined). Where a rule below names int8
alone, TensorFlow Lite Micro has no int16 form of the operator, but for GREATER, whose int16 form says no to whatever it compares.
Refused because they compute in float whatever the model: {float_only}.

| operator | rules |
|---|---|
"""
TABLE_HEAD = """# Conformance

Written by `tools/supported_operators.py --conformance` from a run of `tests/conformance/test_operators.py`. A case is a small model
with one operator in a certain way; every executor runs it on six inputs (random, all lowest, all highest, zero bits, alternating,
the zero point), and every operator's output is compared byte by byte with the reference: TFLM is the interpreter of
`tflite-micro`, LiteRT the reference kernels of `ai-edge-litert` for what TFLM does not know.

- **cases**: of the operator; *declined* are those of them that a rule refuses, with its words.
- **NumPy, host, Cortex-M, Linux**: comparisons that were made, as cases times executors. NumPy is our own reference; host is the C on
  this computer under sanitizers, for every family of kernels; Cortex-M and Linux are emulated cores.
- **LiteRT**: cases in which its reference kernels give TFLM's bytes too, + those in which they differ as is stated with the case.
- **differences**: comparisons in which a byte was different, of all of them.

"""
GROUPS = {"NumPy": ("numpy",), "host": ("host",), "Cortex-M": ("cortex-m",), "Linux": ("cortex-a",)}
"""Columns: the executors whose names begin so."""
REFERENCES = {"tflm": "TFLM", "litert": "LiteRT", "numpy": "**our NumPy only**"}

Results = Mapping[str, Mapping[str, str]]
"""Executor -> case -> verdict, as `tests/recording.py` writes them."""


def page() -> str:
    rows = []
    for opcode in sorted(ops.OPERATORS):
        rules = "<br>".join(text for text, _ in ops.find(opcode).rules())
        rows.append(f"| {opcode} | {rules} |")
    return HEAD.format(legacy=", ".join(sorted(SAME)), float_only=", ".join(ops.FLOAT_ONLY)) + "\n".join(rows) + "\n"


def table(results: Results) -> str:
    """Operator by operator, and all together; says which executors ran, and which cases none did."""
    columns = ("operator", "reference", "cases", "declined", *GROUPS, "LiteRT", "differences")
    rows = [row(opcode, results) for opcode in sorted(ops.OPERATORS)]
    totals = ["all", "", *(str(sum(int(row[k]) for row in rows)) for k in range(2, 4 + len(GROUPS))), "", ""]
    totals[-1] = str(sum(int(row[-1]) for row in rows))
    lines = ["| " + " | ".join(cells) + " |" for cells in (columns, ("---",) * len(columns), *rows, totals)]
    executors = ", ".join(f"{name} ({len(verdicts):,})" for name, verdicts in sorted(results.items()))
    return f"{TABLE_HEAD}Executors, and how many cases each ran: {executors}.\n\n" + "\n".join(lines) + "\n"


def row(opcode: str, results: Results) -> list[str]:
    cases = [case for case in CASES if case.operator == opcode]
    references = " and ".join(REFERENCES[name] for name in sorted({case.reference for case in cases}, reverse=True))
    # an executor that is a case's reference is compared with nothing
    verdicts = {
        name: Counter(known[case.id] for case in cases if case.id in known and case.reference != name)
        for name, known in results.items()
    }
    declined = max((found["declined"] for name, found in verdicts.items() if name != "litert"), default=0)
    cells = [opcode, references, str(len(cases)), str(declined)]
    for prefixes in GROUPS.values():
        compared = (found["exact"] + found["differs"] for name, found in verdicts.items() if name.startswith(prefixes))
        cells.append(str(sum(compared)))
    other = verdicts.get("litert", Counter())
    cells.append(f"{other['exact']}" + (f" + {other['as stated']}" if other["as stated"] else ""))
    return [*cells, str(sum(found["differs"] for found in verdicts.values()))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--conformance", type=Path, metavar="RESULTS")
    options = parser.parse_args()
    if options.check:
        return 0 if FILE.exists() and FILE.read_text(encoding="utf-8") == page() else 1
    if options.conformance:
        TABLE.write_text(table(json.loads(options.conformance.read_text(encoding="utf-8"))), encoding="utf-8")
    else:
        FILE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
