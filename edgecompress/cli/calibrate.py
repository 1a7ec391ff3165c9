"""`edgecompress calibrate`."""

from pathlib import Path

import click

from edgecompress.cli.options import where_options
from edgecompress.cli.output import command_line, common_options, console, write_json

EPILOG = """\b
Examples:
  edgecompress calibrate build/model --on probe
  edgecompress calibrate build/model --on serial:///dev/ttyACM0 --runs 50
"""


@click.command(epilog=EPILOG)
@click.argument("run", type=click.Path(path_type=Path), metavar="RUNDIR")
@click.option("--on", "where", required=True, metavar="PLACE", help="Where it runs; see `edgecompress bench --help`.")
@where_options
@common_options
def calibrate(run: Path, where: str, target: str | None, runs: int | None, verbose: int, json_file: str | None) -> None:
    """Measure on a real board how far the cycle model is off, layer by layer, and keep it for this board.

    Later reports for the board show the ratio beside their modelled cycles. They never change them.
    """
    from edgecompress.cli.progress import progress
    from edgecompress.pipeline.benching import calibrate_on
    from edgecompress.report.layout import print_line
    from edgecompress.report.schema import to_json
    from edgecompress.report.terminal import print_bench

    with progress() as on_progress:
        done = calibrate_on(run, where=where, target=target, runs=runs, command=command_line(), on_progress=on_progress)
    screen = console(json_file)
    print_bench(done.report, screen, verbosity=verbose)
    write_json(to_json(done.report), json_file)
    ratio = f"{done.calibration.ratio:.3f}"
    print_line(screen)
    print_line(screen, f"measured / modelled on {done.calibration.target}: {ratio}, kept in {done.path}")
