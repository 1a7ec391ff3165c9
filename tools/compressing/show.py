"""The table on a terminal, as Markdown and as JSON."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from compressing.rows import Figure
from edgecompress.report.layout import Column, print_line, print_table

SCHEMA = "edgecompress-compression/1"
BARS = Path(__file__).with_name("bars.toml")
HEADS = ("model", "bar", "must", "aim", "reached", "verdict")
EXPLANATION = (
    "bytes: of the built firmware; cycles: modelled, one inference on a Cortex-M4 whose flash never waits",
    "weights are coded by --optimize size; dense: the same file, shrunk too, by kernels that skip no zeros; default: by the fastest",
    "points: percentage points of accuracy; a loss is paired over the same test samples, answered by the generated C",
)


@dataclass(frozen=True)
class Line:
    """A bar held against its figure.

    Attributes:
        must, aim: upper limits; None where there is none.
    """

    figure: Figure
    model: str
    bar: str
    must: float | None
    aim: float | None

    @property
    def verdict(self) -> str:
        if self.must is None:
            return ""
        if self.aim is not None and self.figure.value <= self.aim:
            return "met, aim too"
        return "met" if self.figure.value <= self.must else "missed"


def judge(figures: Sequence[Figure]) -> list[Line]:
    """Every figure beside its bar, in the order of the bars."""
    bars = tomllib.loads(BARS.read_text(encoding="utf-8"))
    known = {figure.bar: figure for figure in figures}
    return [
        Line(known[key], bar["model"], bar["bar"], bar.get("must"), bar.get("aim"))
        for key, bar in bars.items()
        if key in known
    ]


def cells(line: Line) -> tuple[str, ...]:
    """A row of the table as text."""
    numbers = (_number(line, value) for value in (line.must, line.aim, line.figure.value))
    return (line.model, line.bar, *numbers, line.verdict)


def words(lines: Sequence[Line], circumstances: Mapping[str, Any]) -> list[str]:
    """What is said below the table."""
    notes = [f"{line.model}, {line.bar}: {line.figure.words}" for line in lines if line.figure.words]
    seconds = ", ".join(f"{name} {value:.0f} s" for name, value in circumstances["seconds"].items())
    others = ", ".join(f"{name} {value}" for name, value in circumstances.items() if name != "seconds")
    return [*EXPLANATION, *notes, f"this run took: {seconds}", f"versions: {others}"]


def print_all(console: Console, lines: Sequence[Line], circumstances: Mapping[str, Any]) -> None:
    """The table, then what stands behind it."""
    found = list(zip(*map(cells, lines), strict=True))
    print_table(console, [Column(head, found[i], right=2 <= i <= 4) for i, head in enumerate(HEADS)])
    print_line(console)
    for line in words(lines, circumstances):
        print_line(console, line, style="dim")


def markdown(lines: Sequence[Line], circumstances: Mapping[str, Any]) -> str:
    """The same as Markdown."""
    rows = [HEADS, tuple("---" for _ in HEADS), *map(cells, lines)]
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return table + "\n" + "".join(f"- {line}\n" for line in words(lines, circumstances))


def data(lines: Sequence[Line], circumstances: Mapping[str, Any]) -> dict[str, Any]:
    """The same as JSON."""
    rows = [
        {
            "model": line.model,
            "bar": line.bar,
            "must": line.must,
            "aim": line.aim,
            "reached": line.figure.value,
            "verdict": line.verdict,
            "words": line.figure.words,
            "facts": dict(line.figure.facts),
        }
        for line in lines
    ]
    return {"schema": SCHEMA, "rows": rows, "circumstances": dict(circumstances)}


def _number(line: Line, value: float | None) -> str:
    if value is None:
        return "-"
    if "float32" in line.bar:
        return f"1/{1 / value:.1f}"
    if "bytes" in line.bar and "/" not in line.bar:
        return f"{value:,.0f}"
    return f"{value:+.2f}" if "points" in line.bar else f"{value:.3f}"
