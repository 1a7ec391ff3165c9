"""`edgecompress bench`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgecompress.cli.output import common_options, console, write_json

if TYPE_CHECKING:
    from edgecompress.targets.compilers import Name

EPILOG = """\b
Examples:
  edgecompress bench kws.tflite
  edgecompress bench kws.tflite --target nucleo-l4r5zi --inputs 4 --save build/kws
  edgecompress bench build/model --target rpi-pico --json -
"""


@click.command(epilog=EPILOG)
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "-t", "--target", default="cortex-m4", show_default=True, help="A CPU or board; see `edgecompress targets`."
)
@click.option(
    "--inputs",
    type=click.IntRange(0, 10_000),
    default=16,
    show_default=True,
    help="Random inputs, beside four hostile ones.",
)
@click.option(
    "--samples", type=click.Path(path_type=Path), help="An .npy or .npz (array `x`) with real samples to run as well."
)
@click.option("--sample-count", type=click.IntRange(1), default=8, show_default=True, help="How many of them.")
@click.option(
    "--save",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Keep inputs, outputs, ELF files, C and report there.",
)
@click.option("--prefix", default="model", show_default=True, help="Of the generated C.")
@click.option("--compiler", type=click.Choice(["zig", "gcc"]), default="zig", show_default=True)
@click.option("--seed", default=0, show_default=True, help="Of the random inputs.")
@common_options
def bench(
    model: Path,
    target: str,
    inputs: int,
    samples: Path | None,
    sample_count: int,
    save: Path | None,
    prefix: str,
    compiler: "Name",
    seed: int,
    verbose: int,
    json_file: str | None,
) -> None:
    """Run an int8 .tflite (or a run directory) on the emulated target.

    Generates C, compiles it, runs it, compares every operator's output with TensorFlow Lite Micro's arithmetic byte by
    byte, counts instructions and models cycles per layer.
    """
    from edgecompress.cli.progress import progress
    from edgecompress.pipeline.bench import bench as run
    from edgecompress.pipeline.samples import read_samples
    from edgecompress.report.schema import to_json
    from edgecompress.report.terminal import print_bench

    real = read_samples(samples, sample_count) if samples else None
    with progress() as on_progress:
        result = run(
            model,
            target=target,
            inputs=inputs,
            save=save,
            samples=real,
            prefix=prefix,
            compiler=compiler,
            seed=seed,
            command=command_line(),
            on_progress=on_progress,
        )  # type: ignore[arg-type]
    print_bench(result.report, console(json_file), verbosity=verbose)
    write_json(to_json(result.report), json_file)
    result.require_exact()


def command_line() -> str:
    """The command as the user typed it, for the report."""
    import shlex
    import sys

    return shlex.join(["edgecompress", *sys.argv[1:]])
