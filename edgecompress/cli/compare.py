"""`edgecompress compare`."""

from pathlib import Path
from typing import Any

import click

from edgecompress.cli.options import DATA, SEED, TARGET, TRUST, schedule_options
from edgecompress.cli.output import command_line, common_options, console, write_json

EPILOG = """\b
Examples:
  edgecompress compare model.h5 --data data.npz --passes "prune{sparsity=0.7}" --passes "prune{sparsity=0.7},codes{values=16}"
  edgecompress compare build/kws build/kws_small          # two finished runs, number by number
  edgecompress compare build/a build/b build/c --json -

\b
With --passes, every pipeline is built beside the model without passes, on the same samples with the same seed; compare.html and
compare.json lie in the folder, and every run directory with its whole report. Two runs are compared in more detail than several.
"""


@click.command(epilog=EPILOG)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="MODEL | RUN...")
@click.option("-p", "--passes", multiple=True, help="A pipeline of passes; give it again for another one.")
@DATA
@click.option(
    "-r", "--recipe", type=click.Path(path_type=Path), metavar="R.toml", help="What to do; its passes do not count."
)
@TARGET
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), metavar="DIR", help="Of the runs.  [default: build/MODEL-compare]"
)
@SEED
@click.option("--resume", is_flag=True, help="Go on from the finished stages of an interrupted comparison.")
@TRUST
@schedule_options
@common_options
def compare(
    paths: tuple[Path, ...], passes: tuple[str, ...], verbose: int, json_file: str | None, **options: Any
) -> None:
    """Pipelines of passes on one model, or finished runs, in one table: accuracy, flash, RAM, cycles."""
    from edgecompress.cli.progress import events
    from edgecompress.errors import UsageError
    from edgecompress.pipeline.comparing import compare_pipelines, compare_runs
    from edgecompress.report.codec import dumps
    from edgecompress.report.compare import compare as changes
    from edgecompress.report.compare import print_comparison
    from edgecompress.report.layout import print_line
    from edgecompress.report.runs import print_runs

    screen = console(json_file)
    if passes:
        if len(paths) != 1:
            raise UsageError(
                "--passes go with one model", found=", ".join(map(str, paths)), hint="compare runs without --passes"
            )
        with events() as on_event:
            result = compare_pipelines(paths[0], passes, command=command_line(), on_event=on_event, **options)
    else:
        result = compare_runs(paths)
    print_runs(result.runs, screen)
    if not passes and len(paths) == 2:
        print_line(screen)
        print_comparison(changes(*result.reports), screen, layers=10 if not verbose else 10_000)
    write_json(dumps(result.runs, "comparison"), json_file)
    if result.errors:
        raise result.errors[0]
