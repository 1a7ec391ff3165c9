#!/usr/bin/env python3
"""Writes SUPPORTED_OPERATORS.md from the rules in edgecompress/codegen/ops; --check says whether it is up to date."""

import sys
from pathlib import Path

from edgecompress.codegen import ops

FILE = Path(__file__).resolve().parent.parent / "SUPPORTED_OPERATORS.md"
HEAD = """# Supported operators

Written by `tools/supported_operators.py` from the rules in `edgecompress/codegen/ops`: what must hold for an operator to be
built. `edgecompress inspect model.tflite` checks a model against them.

| operator | rules |
|---|---|
"""


def page() -> str:
    rows = []
    for opcode in sorted(ops.OPERATORS):
        rules = "<br>".join(text for text, _ in ops.find(opcode).rules())
        rows.append(f"| {opcode} | {rules} |")
    return HEAD + "\n".join(rows) + "\n"


def main() -> int:
    if "--check" in sys.argv[1:]:
        return 0 if FILE.exists() and FILE.read_text(encoding="utf-8") == page() else 1
    FILE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
