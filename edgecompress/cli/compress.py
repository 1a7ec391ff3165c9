"""`edgecompress compress`."""

from pathlib import Path

import click

from edgecompress.cli.options import DATA, FOLDER, MAX_DROP, PASSES, RECIPE, TRUST
from edgecompress.cli.output import command_line, common_options, console, write_json

EPILOG = """\b
Examples:
  edgecompress compress model.h5 --data data.npz --passes "prune{sparsity=0.6},cluster{clusters=16}" --out small.keras
  edgecompress compress model.keras --recipe recipe.toml --out small.h5      # for Keras 2
  edgecompress build model.h5 --data data.npz --passes "…" --resume           # then goes on from the trained passes

\b
The file opens in plain Keras: .keras in Keras 3, .h5 in Keras 2; it is opened again and computes the same. Accuracy is that of
the test samples, beside the same training without compression. Passes and data are as `edgecompress build` takes them.
"""


@click.command(epilog=EPILOG)
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What to write, .keras or .h5.  [default: MODEL-compressed.keras in the run directory]",
)
@DATA
@RECIPE
@PASSES
@FOLDER
@MAX_DROP
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Of splits and training.  [default: 0]")
@click.option("--resume", is_flag=True, help="Go on from the finished passes of an interrupted run.")
@TRUST
@common_options
def compress(model: Path, verbose: int, json_file: str | None, **options: object) -> None:
    """Compress a Keras model and write it as a Keras file: passes, promises, accuracy; nothing is converted.

    MODEL is a .h5, a .keras (Keras 2 or 3) or a SavedModel folder.
    """
    from edgecompress.cli.progress import events
    from edgecompress.pipeline.build import check_budgets, check_drop
    from edgecompress.pipeline.compressing import compress as run
    from edgecompress.report.overview import print_compressed
    from edgecompress.report.schema import to_json

    with events() as on_event:
        result = run(model, command=command_line(), on_event=on_event, **options)  # type: ignore[arg-type]
    print_compressed(result.report, console(json_file), str(result.file))
    write_json(to_json(result.report), json_file)
    check_budgets(result.report)
    check_drop(result.report)
