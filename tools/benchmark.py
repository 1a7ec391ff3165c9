#!/usr/bin/env python3
"""One table: edgecompress on MLPerf Tiny's int8 models and Cortex-M cores, beside other engines, and against the bars.

python tools/benchmark.py --models FOLDER --baseline tflm.json --silicon mlperf.json
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

sys.path.insert(0, str(Path(__file__).resolve().parent))

from benchmarking import bars, others, show
from benchmarking.figures import Figures
from benchmarking.measure import CORES, MODELS, Measured, find_model, measure

from edgecompress.cli.output import console
from edgecompress.cli.progress import progress
from edgecompress.errors import EdgecompressError
from edgecompress.files import write_text

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command()
@click.option(
    "--models", "folder", type=FOLDER, required=True, help="Where MLPerf Tiny's .tflite files are, at any depth."
)
@click.option("--baseline", type=FILE, help="JSON: another engine, emulated in the same way.")
@click.option("--kernels", default="cmsis-nn", show_default=True, help="Which of the baseline's.")
@click.option("--flags", default="default", show_default=True, help="Which of the baseline's.")
@click.option("--silicon", type=FILE, help="JSON: results that others measured and published.")
@click.option(
    "--bars", "bar_file", type=FILE, default=bars.DEFAULT, help="TOML: what is to be reached.  [default: ours]"
)
@click.option(
    "-m", "--model", "names", multiple=True, type=click.Choice(list(MODELS)), help="Which; again for more.  [all]"
)
@click.option("-c", "--core", "cores", multiple=True, type=click.Choice(CORES), help="Which; again for more.  [all]")
@click.option("--compiler", type=click.Choice(["zig", "gcc"]), default="zig", show_default=True)
@click.option("--tune", is_flag=True, help="Choose kernels by measuring them all; the bars are for builds without it.")
@click.option(
    "--shrink",
    is_flag=True,
    help="Take out of the models what their outputs do not need; without, all engines do the same multiplications.",
)
@click.option(
    "--inputs", default=1, show_default=True, help="Random inputs compared byte by byte, beside 4 hostile ones."
)
@click.option("--yardstick", type=FILE, help="A cortexm_cycles.py that counts the same programs again.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write everything there.")
@click.option("--markdown", is_flag=True, help="Print Markdown.")
def main(**given: Any) -> None:
    """Measure MLPerf Tiny's int8 models and print one table. Exits with 1 where the yardstick disagrees."""
    names, cores = given["names"] or tuple(MODELS), given["cores"] or CORES
    theirs = (
        others.baseline(others.read(given["baseline"]), given["kernels"], given["flags"]) if given["baseline"] else {}
    )
    published = others.read(given["silicon"]) if given["silicon"] else {"results": []}
    rows: list[Figures] = []
    measured: list[Measured] = []
    try:
        for core in cores:
            for name in names:
                measured.append(_measure(given, name, core))
                ours = measured[-1].figures
                rows += [ours, *([theirs[core, name]] if (core, name) in theirs else [])]
                rows += others.published(published, core, name, ours.macs)
    except EdgecompressError as error:
        raise click.ClickException(str(error)) from error
    verdicts = bars.judge(bars.read(given["bar_file"]), rows)
    circumstances = [one.circumstances for one in measured]
    asked = measured if given["yardstick"] else []
    differences = {(one.figures.core, one.figures.model): one.yardstick for one in asked}
    words = [*show.yardstick_lines(differences), *show.circumstance_lines(circumstances)]
    if given["markdown"]:
        click.echo(show.markdown(rows, verdicts, words), nl=False)
    else:
        show.print_all(console(), rows, verdicts, words)
    if given["json_file"]:
        data = show.data(rows, verdicts, circumstances, differences)
        write_text(given["json_file"], json.dumps(data, indent=2) + "\n")
    sys.exit(1 if any(value for one in differences.values() if one for value in one.values()) else 0)


def _measure(given: dict[str, Any], name: str, core: str) -> Measured:
    path = find_model(given["folder"], name)
    options = {"compiler": given["compiler"], "tune": given["tune"], "shrink": given["shrink"]}
    with tempfile.TemporaryDirectory(prefix="edgecompress-") as folder, progress() as say:

        def on_progress(what: str, done: int, total: int) -> None:
            say(f"{name} on {core}: {what}", done, total)

        options["on_progress"] = on_progress
        return measure(path, name, core, given["inputs"], options, Path(folder), given["yardstick"])


if __name__ == "__main__":
    main()
