"""`edgecompress targets`."""

import click

from edgecompress.cli.output import common_options, console, dump, write_json


@click.command(epilog="\b\nExamples:\n  edgecompress targets\n  edgecompress targets --json -")
@common_options
def targets(verbose: int, json_file: str | None) -> None:
    """The CPUs and boards there are.

    A board of your own is one TOML file: see `edgecompress targets -v` for the folder, and any shipped board for the keys.
    """
    from dataclasses import asdict

    from edgecompress import targets as catalog
    from edgecompress.doctor import list_targets
    from edgecompress.report.layout import print_line
    from edgecompress.report.overview import print_targets

    rows = list_targets()
    out = console(json_file)
    print_targets(rows, out)
    if verbose:
        print_line(out, f"boards of your own: {catalog.user_folder()}/*.toml")
    write_json(dump([asdict(row) for row in rows]), json_file)
