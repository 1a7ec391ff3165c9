"""`edgecompress inspect`."""

from pathlib import Path

import click

from edgecompress.cli.output import common_options, console, write_json

EPILOG = """\b
Examples:
  edgecompress inspect model.h5
  edgecompress inspect model.tflite --json -
  edgecompress inspect model.tflite -vv      # with the memory plan
"""


@click.command(epilog=EPILOG)
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--trust-model-code", is_flag=True, help="Allow Lambda and custom layers: they run code from the file.")
@common_options
def inspect(model: Path, trust_model_code: bool, verbose: int, json_file: str | None) -> None:
    """What a model holds and needs, before anything is built.

    Operators or layers, shapes, MACs, parameters, bytes, quantization; for a .tflite also which operators cannot be
    built and why, the arena with its lower bounds, and what could be gained: constant channels, distinct values, zeros
    and entropy of every weight tensor.
    """
    from edgecompress.cli.progress import progress
    from edgecompress.inspection import inspect as run
    from edgecompress.report.codec import dumps
    from edgecompress.report.overview import print_inspection

    with progress() as on_progress:
        result = run(model, trust_model_code=trust_model_code, on_progress=on_progress)
    print_inspection(result, console(json_file), verbosity=verbose)
    write_json(dumps(result), json_file)
