"""Writes what the conformance suite found into a file, from which `tools/supported_operators.py` makes its table.

`EDGECOMPRESS_CONFORMANCE=FILE` asks for it. Results of earlier runs that are in the file stay, so executors can be run one after
the other: {"executor": {"case": "exact" | "differs" | "declined" | "no code"}}.
"""

import json
import os
from pathlib import Path

import pytest

PROPERTY = "conformance"
_found: dict[str, dict[str, str]] = {}


def note(report: pytest.TestReport) -> None:
    """Keeps the verdict of a test that has one; a test that failed found a difference, whatever else it says."""
    said = dict(report.user_properties).get(PROPERTY)
    if said is not None and report.when == "call":
        executor, case, verdict = said
        _found.setdefault(executor, {})[case] = "differs" if report.failed else verdict


def write(config: pytest.Config) -> None:
    """Adds this run's verdicts to the file that is asked for; only the process that hands out the tests does."""
    wanted = os.environ.get("EDGECOMPRESS_CONFORMANCE")
    if not wanted or not _found or hasattr(config, "workerinput"):
        return
    path = Path(wanted)
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for executor, verdicts in _found.items():
        known.setdefault(executor, {}).update(verdicts)
    path.write_text(json.dumps(known, indent=0, sort_keys=True), encoding="utf-8")
