"""`edgecompress calibrate`."""

from pathlib import Path

import click

from edgecompress.cli.bench import command_line, where_options
from edgecompress.cli.output import common_options, console, write_json

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
    from edgecompress import calibration
    from edgecompress.cli.progress import progress
    from edgecompress.pipeline.benching import bench_anywhere
    from edgecompress.report.layout import print_line
    from edgecompress.report.schema import to_json
    from edgecompress.report.terminal import print_bench

    with progress() as on_progress:
        result = bench_anywhere(
            run, where=where, target=target, runs=runs, inputs=1, command=command_line(), on_progress=on_progress
        )
    screen = console(json_file)
    print_bench(result.report, screen, verbosity=verbose)
    write_json(to_json(result.report), json_file)
    result.require_exact()
    found = calibration.from_report(result.report)
    path = calibration.store(found)
    print_line(screen)
    print_line(screen, f"measured / modelled on {found.target}: {found.ratio:.3f}, kept in {path}")
