"""Figures of other engines, read from files: an emulated baseline, and published measurements on silicon."""

import json
import re
from pathlib import Path
from typing import Any

from benchmarking.figures import BASELINE, SILICON, Figures

MOST_PUBLISHED = 3
"""Published results shown for a model on a core: the fewest cycles of each of so many submitters."""


def read(path: Path) -> dict[str, Any]:
    """A JSON object from a file."""
    data = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(data, dict):
        raise SystemExit(f"{path}: a JSON object is expected")
    return data


def baseline(data: dict[str, Any], kernels: str, flags: str) -> dict[tuple[str, str], Figures]:
    """By core and model, of one choice of kernels and compiler flags."""
    chosen = [run for run in data["runs"] if (run["kernels"], run["flags"]) == (kernels, flags)]
    found = {}
    for run in chosen:
        low, typical, high = run.get("modelled_cycles") or (None, None, None)
        found[run["cpu"], run["model"]] = Figures(
            core=run["cpu"],
            model=run["model"],
            origin=BASELINE,
            engine=f"TFLM, {run['kernels']}",
            macs=run["macs"],
            instructions=run["instructions"],
            cycles=typical,
            cycles_range=None if typical is None else (low, high),
            arena=run["arena_bytes"],
            code=run.get("flash_without_model_int8_only", run["flash_without_model"]),
        )
    return found


def published(data: dict[str, Any], core: str, model: str, macs: int) -> list[Figures]:
    """The measurements on this core, the fewest cycles of each submitter, best first."""
    name = re.compile(rf"\bcortex\W*{core.removeprefix('cortex-').replace('plus', '[+]')}(?![0-9+])", re.IGNORECASE)
    best: dict[str, Figures] = {}
    for row in data["results"]:
        if not row.get(model) or not row.get("mhz") or not name.search(row["cpu"]):
            continue
        cycles = round(row[model] * row["mhz"] * 1000)
        known = best.get(row["submitter"])
        if known is None or (known.cycles or 0) > cycles:
            engine = f"{row['submitter']}: {row['framework'].split('=')[0]}, {row['system']} at {row['mhz']:g} MHz"
            best[row["submitter"]] = Figures(
                core, model, SILICON, f"{engine} (v{row['round']})", macs, cycles=cycles, milliseconds=row[model]
            )
    return sorted(best.values(), key=lambda figures: figures.cycles or 0)[:MOST_PUBLISHED]
