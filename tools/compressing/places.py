"""Where the tables' models, data and trainings are, as options of their commands."""

from pathlib import Path
from typing import Any

import click

FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


def place_options(command: Any) -> Any:
    """--models, --data and --cache."""
    options = (
        click.option("--models", type=FOLDER, required=True, help="Where MLPerf Tiny's models are, at any depth."),
        click.option(
            "--data", type=FOLDER, required=True, help="Where MNIST, CIFAR-10, clips and activities are, as .npz."
        ),
        click.option(
            "--cache",
            type=click.Path(path_type=Path, file_okay=False),
            default=Path("build/compression"),
            show_default=True,
            help="What was trained is left here, and taken from here again while its settings are the same.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command
