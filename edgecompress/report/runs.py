"""Several runs of one model side by side: one row each, for the terminal, the page and the JSON file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from edgecompress.report import format as fmt
from edgecompress.report.layout import Column, print_line, print_table
from edgecompress.report.records import TRAINED_WITHOUT, Interval, Report
from edgecompress.report.summary import interval

SCHEMA = "edgecompress-comparison/1"
NO_PASSES = "no passes"


@dataclass(frozen=True)
class RunRow:
    """What one run reached; None where it is unknown.

    Attributes:
        name: its passes, or what the user calls it.
        folder: its run directory, with the whole report.
        accuracy: of the integer model on the test samples; its interval is 95 %.
        drop: what that is worse by than the better of the original and the same training without compression, paired.
        weights: how many there are; nonzero ones are not told apart.
        weight_bytes: of flash, codes' tables included.
        flash, arena: bytes.
        cycles: of one inference.
        cycles_kind: "modelled", "measured", or None.
        seconds: of the whole run.
        passes_seconds, baseline_seconds: of the passes, and of the same training without them.
        memory: the most that a process of the run held at once, in bytes.
        error: why there is no result.
    """

    name: str
    folder: str | None = None
    accuracy: float | None = None
    accuracy_interval: Interval | None = None
    drop: float | None = None
    drop_interval: Interval | None = None
    macs: int | None = None
    weights: int | None = None
    weight_bytes: int | None = None
    flash: int | None = None
    arena: int | None = None
    cycles: int | None = None
    cycles_kind: str | None = None
    seconds: float | None = None
    passes_seconds: float | None = None
    baseline_seconds: float | None = None
    memory: int | None = None
    error: str | None = None


@dataclass(frozen=True)
class Runs:
    """The rows, and what they have in common; None where they differ in it."""

    schema: str = SCHEMA
    model: str | None = None
    target: str | None = None
    metric: str | None = None
    unit: str | None = None
    samples: int | None = None
    seed: int | None = None
    rows: tuple[RunRow, ...] = ()
    notes: tuple[str, ...] = ()


def row_of(report: Report, name: str, folder: str) -> RunRow:
    """What a report says, in one row."""
    found = report.accuracy
    return RunRow(
        name,
        folder,
        found.int8 if found.int8 is not None else found.float_,
        found.int8_interval if found.int8 is not None else found.float_interval,
        found.drop,
        found.drop_interval,
        report.macs,
        report.parameters,
        report.flash.weights,
        report.flash.total,
        report.ram.arena,
        report.cycles.typical,
        report.cycles.kind,
        report.seconds,
        sum(one.seconds or 0 for one in report.passes) if report.passes else None,
        next((stage.seconds for stage in report.stages if stage.name == TRAINED_WITHOUT), None),
        max((stage.memory for stage in report.stages if stage.memory is not None), default=None),
    )


def runs_of(reports: Sequence[Report], rows: Sequence[RunRow]) -> Runs:
    """Rows with what their reports have in common; a note for everything that they differ in and should not."""
    common: dict[str, set[Any]] = {
        "model": {r.model.path for r in reports},
        "target": {r.target for r in reports},
        "metric": {r.accuracy.metric for r in reports},
        "unit": {r.accuracy.unit for r in reports},
        "samples": {r.accuracy.samples for r in reports},
        "seed": {r.seed for r in reports},
    }
    values: dict[str, Any] = {name: next(iter(found)) if len(found) == 1 else None for name, found in common.items()}
    kinds = {row.cycles_kind for row in rows if row.cycles is not None}
    notes = [f"the runs differ in {name}: {_listed(found)}" for name, found in common.items() if len(found) > 1]
    if len(kinds) > 1:
        notes.append(f"cycles of different kinds do not compare: {_listed(kinds)}")
    return Runs(**values, rows=tuple(rows), notes=tuple(notes))


def _listed(found: set[Any]) -> str:
    return ", ".join(sorted(fmt.UNKNOWN if value is None else str(value) for value in found))


def print_runs(runs: Runs, console: Console) -> None:
    """The table, its circumstances, and what went wrong."""
    rows = runs.rows
    metric = runs.metric or "accuracy"
    print_line(console, f"{runs.model or 'several models'} on {runs.target or 'several targets'}", style="bold")
    print_line(console)
    print_table(
        console,
        [
            Column("passes", tuple(row.name for row in rows), right=False, style="cyan", least=16, keep_end=False),
            Column(f"{metric}\nint8", tuple(_metric(row.accuracy, runs) for row in rows), style="bold"),
            Column(
                "95 % interval", tuple(interval(row.accuracy_interval, runs.unit) or fmt.BLANK for row in rows), drop=3
            ),
            Column(
                "drop,\npaired",
                tuple(fmt.BLANK if row.drop is None else fmt.metric(row.drop, runs.unit) for row in rows),
            ),
            Column("95 % interval", tuple(interval(row.drop_interval, runs.unit) or fmt.BLANK for row in rows), drop=2),
            Column("MACs", tuple(fmt.number(row.macs) for row in rows), drop=4),
            Column("weights", tuple(fmt.number(row.weights) for row in rows), drop=5),
            Column("weights\nin flash, B", tuple(fmt.number(row.weight_bytes) for row in rows)),
            Column("flash, B", tuple(fmt.number(row.flash) for row in rows), drop=1),
            Column("arena, B", tuple(fmt.number(row.arena) for row in rows)),
            Column(f"cycles\n{_kind(runs)}", tuple(fmt.number(row.cycles) for row in rows), style="bold"),
            Column("took", tuple(fmt.seconds(row.seconds) for row in rows), drop=9),
            Column("of which\npasses", tuple(fmt.seconds(row.passes_seconds) for row in rows), drop=6),
            Column("the same\nwithout", tuple(fmt.seconds(row.baseline_seconds) for row in rows), drop=7),
            Column("memory", tuple(fmt.BLANK if row.memory is None else fmt.size(row.memory) for row in rows), drop=8),
        ],
    )
    if runs.samples is not None:
        print_line(console, f"{fmt.plural(runs.samples, 'test sample')}; {DROP_MEANS}", style="dim")
    for note in runs.notes:
        print_line(console, f"note: {note}", style="yellow")
    for row in rows:
        if row.error:
            print_line(console, f"failed: {row.name}: {row.error}", style="red")


DROP_MEANS = "drop: against the better of the original and the same training without compression, on the same samples"


def _metric(value: float | None, runs: Runs) -> str:
    return fmt.BLANK if value is None else fmt.metric(value, runs.unit)


def _kind(runs: Runs) -> str:
    kinds = {row.cycles_kind for row in runs.rows if row.cycles_kind}
    return next(iter(kinds)) if len(kinds) == 1 else "of several kinds" if kinds else fmt.UNKNOWN
