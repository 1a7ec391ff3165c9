"""Which bars are met, which are missed, and by how much."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarking.figures import BASELINE, OURS, Figures

DEFAULT = Path(__file__).with_name("bars.toml")


@dataclass(frozen=True)
class Verdict:
    """A bar held against a figure.

    Attributes:
        found: our figure, as a factor where the bar is one.
        must, aim: upper limits; None where there is none.
        unit: "" or what it is a factor of.
        reached: "aim", "must" or "missed".
    """

    core: str
    model: str
    metric: str
    unit: str
    found: float
    must: float
    aim: float | None

    @property
    def reached(self) -> str:
        if self.aim is not None and self.found <= self.aim:
            return "aim"
        return "must" if self.found <= self.must else "missed"

    @property
    def over(self) -> float:
        """How far above (or, negative, below) what must be, as a fraction of it."""
        return self.found / self.must - 1


def read(path: Path) -> list[dict[str, Any]]:
    """The bars of a file; its form is said in `bars.toml`."""
    return list(tomllib.loads(path.read_text(encoding="utf-8"))["bar"])


def judge(bars: Sequence[Mapping[str, Any]], rows: Sequence[Figures]) -> list[Verdict]:
    """Every bar whose figures are known, in the order of bars and rows."""
    known = {(row.origin, row.core, row.model): row for row in rows}
    verdicts = []
    for bar in bars:
        of, metric = bar.get("of", ""), bar["metric"]
        for row in rows:
            must = bar["must"].get(row.model, bar["must"].get("all"))
            if row.origin != OURS or row.core not in bar["cores"] or must is None:
                continue
            found, unit = getattr(row, metric), _unit(of, row, known, metric)
            if found is None or not unit:
                continue
            aim = bar.get("aim", {})
            verdicts.append(
                Verdict(row.core, row.model, metric, of, found / unit, must, aim.get(row.model, aim.get("all")))
            )
    return verdicts


def _unit(of: str, row: Figures, known: Mapping[tuple[str, str, str], Figures], metric: str) -> float | None:
    """What the figure is divided by; None where it is not known."""
    if not of:
        return 1
    if of == "parameters":
        return row.parameters
    other = known.get((BASELINE, row.core, row.model) if of == "baseline" else (OURS, of, row.model))
    return getattr(other, metric) if other else None
