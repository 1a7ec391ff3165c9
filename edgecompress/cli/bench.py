"""`edgecompress bench`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgecompress.cli.options import COMPILER, TUNE, interface_options, schedule_options, where_options
from edgecompress.cli.output import command_line, common_options, console, write_json

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
@COMPILER
@schedule_options
@interface_options
@click.option(
    "--shrink/--no-shrink",
    default=None,
    help="Take out of the integer model what its outputs do not need, losslessly and proven.  [default: as the run "
    "directory was built, else yes]",
)
@TUNE
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
