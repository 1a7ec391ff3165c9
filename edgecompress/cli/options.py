"""Options that several commands have."""

from pathlib import Path
from typing import Any

import click

DATA = click.option("-d", "--data", metavar="D", help="Where samples come from; replaces the recipe's.")
RECIPE = click.option(
    "-r", "--recipe", type=click.Path(path_type=Path), metavar="R.toml", help="What to do; see the manual."
)
PASSES = click.option("-p", "--passes", help="Compression passes in order; replaces the recipe's.")
QUANTIZE = click.option(
    "-q",
    "--quantize",
    metavar="HOW",
    help="Post-training quantization: auto, or of minmax, percentile, mse, kl, per-tensor, equalize, correct-bias, adaround.",
)
TARGET = click.option(
    "-t", "--target", help="A CPU or board; see `edgecompress targets`.  [default: the recipe's, else cortex-m4]"
)
FOLDER = click.option(
    "--folder", type=click.Path(path_type=Path), metavar="DIR", help="The run directory.  [default: build/MODEL]"
)
MAX_DROP = click.option(
    "--max-drop", type=click.FloatRange(0, 100), metavar="PCT", help="Fail when more points of the metric are lost."
)
SEED = click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), help="Of splits, training and test inputs.  [default: 0]"
)
TRUST = click.option(
    "--trust-model-code", is_flag=True, help="Allow Lambda and custom layers: they run code from the file."
)
COMPILER = click.option("--compiler", type=click.Choice(["zig", "gcc"]), default="zig", show_default=True)
TUNE = click.option(
    "--tune", is_flag=True, help="Choose every layer's kernel by measuring all candidates on the emulator."
)


def where_options(command: Any) -> Any:
    """`--on`, `--target` and `--runs`, which `bench` and `calibrate` share."""
    command = click.option(
        "--runs",
        type=click.IntRange(1, 10_000),
        help="Timed inferences, where cycles are measured.  [default: 10; 50 on Linux]",
    )(command)
    return click.option(
        "-t",
        "--target",
        help="A CPU or board; see `edgecompress targets`.  [default: the run directory's, else cortex-m4]",
    )(command)


def schedule_options(command: Any) -> Any:
    """`--optimize`, `--ram` and `--flash`, which `bench` and `build` share."""
    command = click.option(
        "--flash",
        metavar="SIZE",
        help="The largest firmware (64k, 50000), code and constants included: the fastest kernels and codes of weights whose "
        "image fits, or an error that says what the least is.  [default: the board's]",
    )(command)
    command = click.option(
        "--ram",
        metavar="SIZE",
        help="The largest arena (32k, 40000): the cheapest schedule that fits, or an error that says what the least is.",
    )(command)
    return click.option(
        "--optimize",
        type=click.Choice(["ram", "balanced", "speed", "size"]),
        help="What the schedule is for: layers take turns, a few rows at a time, to make the arena smallest, where that is "
        "nearly free, or never; `size` keeps weights coded in flash and decodes them while a layer runs (with --ram, too).  "
        "[default: the run directory's or the recipe's, else balanced]",
    )(command)


def interface_options(command: Any) -> Any:
    """`--integer-io` and `--input-shape`, which `bench` and `build` share."""
    command = click.option(
        "--input-shape",
        "input_shapes",
        multiple=True,
        metavar="N,N,…",
        help="Of a .tflite: the shape of its input, the batch included, where the file leaves it open or has another; once for "
        "each input.",
    )(command)
    return click.option(
        "--integer-io",
        is_flag=True,
        help="Of a .tflite with float inputs or outputs: leave out QUANTIZE and DEQUANTIZE there, and take and give integers.",
    )(command)
