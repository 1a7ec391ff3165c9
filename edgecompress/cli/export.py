"""`edgecompress export`."""

from pathlib import Path

import click

from edgecompress.cli.output import common_options, console, dump, write_json

EPILOG = """\b
Examples:
  edgecompress export build/model --format cmake --out firmware/model
  edgecompress export build/model --format arduino --out libraries/model
"""


@click.command(epilog=EPILOG)
@click.argument("run", type=click.Path(path_type=Path), metavar="RUNDIR")
@click.option("-f", "--format", "layout", type=click.Choice(["c", "cmake", "arduino"]), default="c", show_default=True)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="A new or empty folder."
)
@common_options
def export(run: Path, layout: str, out: Path, verbose: int, json_file: str | None) -> None:
    """A build's C for your own firmware: plain C, a CMake project, an Arduino library."""
    from edgecompress.export import export as write
    from edgecompress.report.layout import print_line

    files = write(run, out, layout)
    screen = console(json_file)
    print_line(screen, f"{len(files)} files in {out}")
    for name in files if verbose else ():
        print_line(screen, f"  {name}")
    write_json(dump({"out": str(out), "format": layout, "files": [str(f) for f in files]}), json_file)
