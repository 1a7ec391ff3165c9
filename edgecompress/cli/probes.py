"""`edgecompress probes`."""

import click

from edgecompress.cli.output import common_options, console, dump, write_json


@click.command(epilog="\b\nExamples:\n  edgecompress probes\n  edgecompress probes --json -")
@common_options
def probes(verbose: int, json_file: str | None) -> None:
    """What is connected: debug probes (CMSIS-DAP, ST-Link, J-Link) and boards that show a UF2 drive.

    Exits with 0 also when nothing is connected.
    """
    from dataclasses import asdict

    from edgecompress.flash import probes as find
    from edgecompress.flash.probe import NO_PROBE
    from edgecompress.report.layout import Column, print_line, print_table

    found = find()
    screen = console(json_file)
    if found:
        columns = [
            Column("kind", tuple(device.kind for device in found), right=False),
            Column("id", tuple(device.id for device in found), right=False, style="cyan"),
            Column("", tuple(device.description for device in found), right=False),
        ]
        print_table(screen, columns)
    else:
        print_line(screen, "nothing is connected, as far as can be seen")
        print_line(screen, f"try: {NO_PROBE}")
    write_json(dump([asdict(device) for device in found]), json_file)
