#!/usr/bin/env python3
"""Every technique on several networks, with what it costs in accuracy and saves on the device.

python tools/techniques.py --models FOLDER --data FOLDER --cache FOLDER [--only lenet-5 --only har ...]
"""

import sys
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).resolve().parent))

from compressing.places import place_options
from compressing.techniques import NETWORKS, compare

from edgecompress.cli.progress import progress
from edgecompress.errors import EdgecompressError
from edgecompress.report.runs import RunRow, Runs

HEADS = (
    "passes", "int8, %", "points lost, paired (95 %)", "MACs", "weights", "in flash, B", "firmware, B", "arena, B", "cycles",
    "s", "s without", "MB",
)  # fmt: skip


@click.command()
@place_options
@click.option("--only", multiple=True, type=click.Choice(list(NETWORKS)), help="Which networks; again for more.  [all]")
def main(models: Path, data: Path, cache: Path, only: tuple[str, ...]) -> None:
    """Train, build and measure; print a table in Markdown for each network.

    Pages with plots are in the cache: techniques/NETWORK/compare.html.
    """
    for name in only or NETWORKS:
        try:
            with progress() as say:
                runs = compare(name, models, data, cache.resolve(), say).runs
        except EdgecompressError as error:
            raise click.ClickException(str(error)) from error
        click.echo(f"## {name}\n\n{markdown(runs)}")


def markdown(runs: Runs) -> str:
    rows = [HEADS, ["---"] * len(HEADS), *map(cells, runs.rows)]
    notes = "".join(f"\n{note}\n" for note in runs.notes)
    return "".join(f"| {' | '.join(row)} |\n" for row in rows) + notes


def cells(row: RunRow) -> list[str]:
    if row.error is not None or row.accuracy is None or row.drop is None or row.drop_interval is None:
        return [f"`{row.name}`", row.error or "not judged", *[""] * (len(HEADS) - 2)]
    points = (100 * one for one in (row.drop, row.drop_interval.low, row.drop_interval.high))
    counts = (row.macs, row.weights, row.weight_bytes, row.flash, row.arena, row.cycles)
    seconds = (row.passes_seconds, row.baseline_seconds)
    return [
        f"`{row.name}`",
        f"{100 * row.accuracy:.2f}",
        "{:.2f} ({:.2f} to {:.2f})".format(*points),
        *("" if count is None else f"{count:,}" for count in counts),
        *("" if one is None else f"{one:.0f}" for one in seconds),
        "" if row.memory is None else f"{row.memory / 2**20:.0f}",
    ]


if __name__ == "__main__":
    main()
