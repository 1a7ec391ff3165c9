#!/usr/bin/env python3
"""One table: what compression reaches, from training to flash, beside what it is to reach.

python tools/compression.py --models FOLDER --data FOLDER --cache FOLDER [--only lenet --only resnet8 ...]
"""

import json
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

sys.path.insert(0, str(Path(__file__).resolve().parent))

from compressing import show
from compressing.groups import GROUPS
from compressing.places import place_options
from compressing.rows import Figure, Setting, worst_of

from edgecompress.cli.output import console
from edgecompress.cli.progress import progress
from edgecompress.errors import EdgecompressError
from edgecompress.files import write_text


@click.command()
@place_options
@click.option("--only", multiple=True, type=click.Choice(list(GROUPS)), help="Which rows; again for more.  [all]")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write everything there.")
@click.option("--markdown", is_flag=True, help="Print Markdown.")
def main(models: Path, data: Path, cache: Path, only: tuple[str, ...], json_file: Path | None, markdown: bool) -> None:
    """Train, build and measure; print one table."""
    figures: list[Figure] = []
    seconds: dict[str, float] = {}
    try:
        with progress() as say:
            at = Setting(models, data, cache.resolve(), lambda event: _tell(say, event))
            for name in only or GROUPS:
                started = time.monotonic()
                figures += GROUPS[name](at)
                seconds[name] = round(time.monotonic() - started, 1)
    except EdgecompressError as error:
        raise click.ClickException(str(error)) from error
    lines = show.judge(worst_of(figures))
    circumstances = {"seconds": seconds, **_circumstances()}
    if markdown:
        click.echo(show.markdown(lines, circumstances), nl=False)
    else:
        show.print_all(console(), lines, circumstances)
    if json_file:
        write_text(json_file, json.dumps(show.data(lines, circumstances), indent=2) + "\n")


def _tell(say: Any, event: Any) -> None:
    if event.get("kind") == "progress":
        say(event["stage"], event["step"], event.get("total"))


def _circumstances() -> dict[str, str]:
    packages = (
        "edgecompress",
        "tensorflow",
        "tf_keras",
        "tensorflow-model-optimization",
        "numpy",
        "ziglang",
        "unicorn",
    )
    found = {name: version(name) for name in packages}
    return {"python": platform.python_version(), "machine": platform.machine(), **found}


if __name__ == "__main__":
    main()
