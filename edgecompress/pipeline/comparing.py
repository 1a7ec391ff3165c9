"""`compare`: several pipelines of passes built on one model and one data set, or finished runs put side by side."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgecompress import recipe as recipes
from edgecompress.compress import make_all
from edgecompress.errors import EdgecompressError, UsageError
from edgecompress.files import write_text
from edgecompress.pipeline.build import build
from edgecompress.report.codec import dumps
from edgecompress.report.records import Report
from edgecompress.report.runs import NO_PASSES, RunRow, Runs, row_of, runs_of
from edgecompress.report.runs_html import render_runs
from edgecompress.report.schema import read_report


@dataclass(frozen=True, eq=False)
class Compared:
    """What a comparison left.

    Attributes:
        runs: the rows.
        reports: of the rows without error, in their order.
        errors: of the others.
    """

    runs: Runs
    reports: tuple[Report, ...]
    errors: tuple[EdgecompressError, ...] = ()


def compare_pipelines(
    model: Path | str, pipelines: Sequence[str], *, out: Path | str | None = None, **options: Any
) -> Compared:
    """Builds a model without passes and with every pipeline; one that fails does not stop the others.

    Pipelines of the same epochs and learning rates share the training without passes that they are held against.

    Args:
        pipelines: of passes in text form; "" is none.
        out: the folder of the run directories, compare.html and compare.json; None: build/<model's name>-compare.
        options: as `build` takes them.

    Raises:
        RecipeError: a pipeline that is none, before anything is built.
    """
    for text in pipelines:
        make_all(recipes.parse_passes(text))
    model = Path(model)
    folder = Path(out) if out else Path("build") / f"{model.stem}-compare"
    rows: list[RunRow] = []
    reports, errors = [], []
    places: list[Path] = []
    for number, text in enumerate(dict.fromkeys(["", *pipelines])):
        name, place = text or NO_PASSES, folder / str(number)
        try:
            report = build(model, passes=text, out=place, earlier=places, **options).report
        except EdgecompressError as error:
            rows.append(RunRow(name, str(place), error=error.what))
            errors.append(error)
            continue
        rows.append(row_of(report, name, str(place)))
        reports.append(report)
        places.append(place)
    runs = replace(runs_of(reports, rows), model=str(model))
    write_text(folder / "compare.json", dumps(runs, "comparison"))
    write_text(folder / "compare.html", render_runs(runs))
    return Compared(runs, tuple(reports), tuple(errors))


def compare_runs(folders: Sequence[Path]) -> Compared:
    """Finished runs by their reports.

    Args:
        folders: run directories, or report.json files; two at least.

    Raises:
        UsageError: fewer, or one that is no report.
    """
    if len(folders) < 2:
        raise UsageError(
            "there is nothing to compare with",
            found=f"{len(folders)} run" if folders else "no run",
            hint="two run directories, or a model with --passes A --passes B",
        )
    reports = tuple(read_report(folder) for folder in folders)
    rows = [row_of(report, _name(report, folder), str(folder)) for report, folder in zip(reports, folders, strict=True)]
    return Compared(runs_of(reports, rows), reports)


def _name(report: Report, folder: Path) -> str:
    """The run directory's name, since runs may differ in more than passes."""
    passes = ",".join(one.name for one in report.passes)
    return f"{folder.name}: {passes}" if passes else folder.name
