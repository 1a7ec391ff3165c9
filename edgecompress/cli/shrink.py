"""`edgecompress shrink`."""

from pathlib import Path

import click

from edgecompress.cli.output import common_options, console, write_json

EPILOG = """\b
Examples:
  edgecompress shrink vww.tflite vww_small.tflite
  edgecompress shrink vww.tflite vww_small.tflite -v      # layer by layer, and what could not be taken out
  edgecompress shrink vww.tflite vww_small.tflite --multiple 1

\b
The outputs stay the same, byte by byte, for every input. What is written is a standard .tflite for LiteRT, TensorFlow Lite
Micro and whatever else reads one; its signatures are kept, metadata are not.
"""


@click.command(epilog=EPILOG)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--multiple",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="What the number of channels stays a multiple of: kernels take several at a time. 1 takes out all that can go.",
)
@common_options
def shrink(model: Path, out: Path, multiple: int, verbose: int, json_file: str | None) -> None:
    """Take out of an int8 .tflite what its outputs do not need: constant, dead and duplicate channels, idle operators.

    Every step is proven on random and hostile inputs; a step that is not is undone and reported.
    """
    from edgecompress.cli.progress import progress
    from edgecompress.pipeline.shrinking import shrink_file
    from edgecompress.report.codec import dumps
    from edgecompress.report.overview import print_shrunk

    with progress() as on_progress:
        result = shrink_file(model, out, multiple=multiple, on_progress=on_progress)
    print_shrunk(result, console(json_file), str(out), verbosity=verbose)
    write_json(dumps(result), json_file)
