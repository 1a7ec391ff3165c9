"""`edgecompress build`."""

from pathlib import Path

import click

from edgecompress.cli.options import (
    COMPILER,
    DATA,
    MAX_DROP,
    PASSES,
    QUANTIZE,
    RECIPE,
    SEED,
    TARGET,
    TRUST,
    TUNE,
    interface_options,
    schedule_options,
)
from edgecompress.cli.output import command_line, common_options, console, write_json

EPILOG = """\b
Examples:
  edgecompress build model.h5 --data data.npz
  edgecompress build model.h5 --data data.npz --passes "prune{sparsity=0.6},cluster{clusters=16},qat{epochs=3}" --target nucleo-l4r5zi
  edgecompress build model.h5 --data data.npz --quantize auto          # tries calibrations and corrections, keeps what helps
  edgecompress build model.keras --recipe recipe.toml --max-drop 1 --out build/kws
  edgecompress build model.h5 --random-calibration        # size and speed only
  edgecompress build model.tflite --target rpi-pico       # the back end only

\b
Data: .npz (x, y, or x_train, y_train, x_test, …), a folder of images (a sub-folder per class), .csv, module:function.
The recipe beside the model (model.toml) is used where no --recipe is given.
"""


@click.command(epilog=EPILOG)
@click.argument("model", type=click.Path(path_type=Path))
@DATA
@RECIPE
@PASSES
@QUANTIZE
@TARGET
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), metavar="DIR", help="The run directory.  [default: build/MODEL]"
)
@MAX_DROP
@SEED
@click.option("--prefix", help="Of the generated C.  [default: model]")
@click.option("--resume", is_flag=True, help="Go on from the finished stages of an interrupted run.")
@click.option("--random-calibration", is_flag=True, help="Without data: size and speed only, accuracy unknown.")
@TRUST
@COMPILER
@schedule_options
@interface_options
@click.option(
    "--shrink/--no-shrink",
    default=True,
    show_default=True,
    help="Take out of the integer model what its outputs do not need, losslessly and proven.",
)
@TUNE
@common_options
def build(model: Path, verbose: int, json_file: str | None, **options: object) -> None:
    """Compress, convert, generate C, compile, run on the emulated target, report.

    MODEL is a .h5, a .keras (Keras 2 or 3), a SavedModel folder, or an int8 .tflite.
    """
    from edgecompress.cli.progress import events
    from edgecompress.pipeline.build import build as run
    from edgecompress.pipeline.build import check_budgets, check_drop
    from edgecompress.report.layout import print_line
    from edgecompress.report.schema import to_json
    from edgecompress.report.terminal import print_build

    with events() as on_event:
        result = run(model, command=command_line(), on_event=on_event, **options)  # type: ignore[arg-type]
    screen = console(json_file)
    print_build(result.report, screen, verbosity=verbose)
    print_line(screen, f"report: {result.folder / 'report.html'}")
    write_json(to_json(result.report), json_file)
    check_budgets(result.report)
    check_drop(result.report)
