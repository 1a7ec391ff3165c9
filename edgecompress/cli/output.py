"""What commands share: the console, `--json` and `-v`, and how errors look."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgecompress.errors import EdgecompressError, OutputError

if TYPE_CHECKING:
    from rich.console import Console


def common_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--json FILE` and `-v` to a command."""
    command = click.option("-v", "--verbose", count=True, help="More detail; twice for all there is.")(command)
    return click.option(
        "--json", "json_file", metavar="FILE", help="Also write the result as JSON; `-` for standard output."
    )(command)


def console(json_file: str | None = None) -> "Console":
    """Where tables go: standard output, or standard error when that carries the JSON."""
    from rich.console import Console

    return Console(stderr=json_file == "-", highlight=False, soft_wrap=False)


def write_json(text: str, json_file: str | None) -> None:
    """Writes the JSON where `--json` says, aside first and then renamed."""
    if json_file is None:
        return
    if json_file == "-":
        click.echo(text.rstrip("\n"))
        return
    from edgecompress.files import write_text

    write_text(Path(json_file), text)


def dump(value: object) -> str:
    """A plain value as the JSON that all commands write."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def report_error(error: EdgecompressError) -> None:
    """The error on standard error: what, found, try."""
    what, *details = str(error).splitlines()
    click.secho(f"error: {printable(what)}", fg="red", err=True)
    for line in details:
        click.echo(f"  {printable(line)}", err=True)


def printable(text: str) -> str:
    """Text without control characters: names come from untrusted files, and a terminal obeys escape sequences."""
    return "".join(c if c.isprintable() else "?" for c in text)


def check_output_folder(folder: Path) -> None:
    """Raises OutputError where nothing can be written, before hours of work."""
    parent = next(p for p in (folder, *folder.parents) if p.exists())
    if not parent.is_dir():
        raise OutputError(f"{folder} cannot be a folder", found=f"{parent} is a file", hint="give another --out")


def is_terminal() -> bool:
    return sys.stderr.isatty()


def command_line() -> str:
    """The command as the user typed it, for the report."""
    import shlex
    import sys

    return shlex.join(["edgecompress", *sys.argv[1:]])
