"""`edgecompress bench`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgecompress.cli.output import common_options, console, write_json

if TYPE_CHECKING:
    from edgecompress.report.records import Report

EPILOG = """\b
Examples:
  edgecompress bench kws.tflite
  edgecompress bench kws.tflite --target nucleo-l4r5zi --inputs 4 --save build/kws
  edgecompress bench vww.tflite --ram 24k                         # the cheapest schedule whose arena fits
  edgecompress bench kws.tflite --flash 32k                       # weights coded as far as the firmware must shrink
  edgecompress bench build/model --on probe --runs 20             # flashed before: edgecompress flash build/model
  edgecompress bench build/model --on probe --samples 200 --data test.npz
  edgecompress bench build/model --on serial:///dev/ttyACM0@115200
  edgecompress bench build/model --on gdb://localhost:3333        # OpenOCD, J-Link or QEMU
  edgecompress bench build/model --on ssh://pi@raspberrypi.local

\b
Where it runs (--on):
  emulator               the CPU's emulator (the default)
  probe, probe:ID        a board on a debug probe (CMSIS-DAP, ST-Link, J-Link), by pyOCD
  gdb, gdb://HOST:PORT   a debug server; `gdb` tries OpenOCD's, J-Link's and QEMU's usual ports on this computer
  serial, serial:///dev/ttyACM0@BAUD   a board that runs serial.elf
  host, ssh://USER@HOST  this computer, or a Linux computer such as a Raspberry Pi
"""


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


@click.command(epilog=EPILOG)
@click.argument("model", type=click.Path(path_type=Path))
@where_options
@click.option("--on", "where", default="emulator", show_default=True, metavar="PLACE", help="Where it runs; see below.")
@click.option(
    "--inputs",
    type=click.IntRange(0, 10_000),
    default=16,
    show_default=True,
    help="Random inputs, beside four hostile ones.",
)
@click.option(
    "--samples",
    metavar="N|FILE",
    help="How many test samples of the data go through the device, for its accuracy; or an .npy or .npz (array `x`) with "
    "unlabelled samples to run as well.  [default: 200 with --data]",
)
@click.option("-d", "--data", metavar="D", help="Where test samples come from; replaces the recipe's.")
@click.option("-r", "--recipe", type=click.Path(path_type=Path), metavar="R.toml", help="How the data is read.")
@click.option("--sample-count", type=click.IntRange(1), default=8, show_default=True, help="How many of FILE.")
@click.option(
    "--save",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Keep inputs, outputs, ELF files, C and report there.",
)
@click.option("--prefix", default="model", show_default=True, help="Of the generated C.")
@click.option("--compiler", type=click.Choice(["zig", "gcc"]), default="zig", show_default=True)
@schedule_options
@interface_options
@click.option(
    "--shrink/--no-shrink",
    default=None,
    help="Take out of the integer model what its outputs do not need, losslessly and proven.  [default: as the run "
    "directory was built, else yes]",
)
@click.option("--tune", is_flag=True, help="Choose every layer's kernel by measuring all candidates on the emulator.")
@click.option("--seed", default=0, show_default=True, help="Of the random inputs.")
@click.option("--threads", type=click.IntRange(1, 64), default=1, show_default=True, help="Of LiteRT, on Linux.")
@click.option("--install-litert", is_flag=True, help="Allow LiteRT to be put into a venv on the Linux computer.")
@common_options
def bench(model: Path, verbose: int, json_file: str | None, **options: Any) -> None:
    """Run an int8 .tflite (or a run directory) on its target, emulated or real.

    Generates C, compiles it, runs it, compares every operator's output with TensorFlow Lite Micro's arithmetic byte by
    byte, and measures cycles per layer where the device counts them; else instructions are counted and cycles modelled.
    """
    from edgecompress.cli.progress import progress, remark
    from edgecompress.pipeline.benching import bench_anywhere
    from edgecompress.report.schema import to_json
    from edgecompress.report.terminal import print_bench

    with progress() as on_progress:
        result = bench_anywhere(model, command=command_line(), on_progress=on_progress, on_remark=remark, **options)
    report: Report = result.report
    print_bench(report, console(json_file), verbosity=verbose)
    write_json(to_json(report), json_file)
    result.require_exact()


def command_line() -> str:
    """The command as the user typed it, for the report."""
    import shlex
    import sys

    return shlex.join(["edgecompress", *sys.argv[1:]])
