"""`edgecompress doctor`."""

import click

from edgecompress.cli.output import common_options, console, dump, write_json


@click.command(epilog="\b\nExamples:\n  edgecompress doctor\n  edgecompress doctor --json -")
@common_options
def doctor(verbose: int, json_file: str | None) -> None:
    """What is installed, what is missing, and what that costs.

    Exits with 10 when something is missing that nothing works without.
    """
    from dataclasses import asdict

    from edgecompress.doctor import check
    from edgecompress.errors import MissingToolError
    from edgecompress.report.overview import print_doctor

    checks = check()
    print_doctor(checks, console(json_file))
    write_json(dump([asdict(one) for one in checks]), json_file)
    missing = [one for one in checks if one.required and one.found is None]
    if missing:
        raise MissingToolError(
            f"missing: {', '.join(one.name for one in missing)}",
            hint="; ".join(one.hint for one in missing if one.hint),
        )
