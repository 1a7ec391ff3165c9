"""`edgecompress quantize`."""

from pathlib import Path

import click

from edgecompress.cli.options import DATA, FOLDER, QUANTIZE, RECIPE, TRUST
from edgecompress.cli.output import common_options, console, write_json

EPILOG = """\b
Examples:
  edgecompress quantize model.h5 --data data.npz --quantize auto
  edgecompress quantize model.h5 --data data.npz --quantize mse,equalize,correct-bias,adaround --out model.tflite
  edgecompress quantize model.h5 --data data.npz --format float16          # for LiteRT, on a Raspberry Pi for one

\b
auto tries calibrations and corrections on calibration and validation samples and keeps what helps. Accuracy is that of the
test samples, by LiteRT's reference kernels, against the model as it was given.
"""


@click.command(epilog=EPILOG)
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What to write.  [default: MODEL-FORMAT.tflite in the run directory]",
)
@DATA
@RECIPE
@QUANTIZE
@click.option(
    "--format",
    type=click.Choice(["int8", "int16", "dynamic", "float16"]),
    help="int16: activations, weights in int8; dynamic: weights only; float16.  [default: the recipe's, else int8]",
)
@FOLDER
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Of splits.  [default: 0]")
@TRUST
@common_options
def quantize(model: Path, verbose: int, json_file: str | None, **options: object) -> None:
    """Convert a Keras model to a .tflite, int8 or for LiteRT on a computer, and judge it.

    MODEL is a .h5, a .keras (Keras 2 or 3) or a SavedModel folder.
    """
    from edgecompress.cli.progress import events
    from edgecompress.pipeline.quantizing import quantize as run
    from edgecompress.report.codec import dumps
    from edgecompress.report.quantizing import print_quantized

    with events() as on_event:
        result = run(model, on_event=on_event, **options)  # type: ignore[arg-type]
    print_quantized(result, console(json_file), verbosity=verbose)
    write_json(dumps(result), json_file)
