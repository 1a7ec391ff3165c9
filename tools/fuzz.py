#!/usr/bin/env python3
"""Fuzzes the readers of untrusted files, guided by coverage, and says what came of it (needs `pip install atheris`).

A .tflite file goes the whole way: read, inspected, shrunk, lowered, written as C; recipes, samples and Keras containers are
read. Whatever is raised that is none of `edgecompress.errors` is a defect, and so are minutes and gigabytes. The exit code is 1
where there was one; its input and its traceback are in the folder `defects` of the corpus.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
KINDS = ("tflite", "recipe", "passes", "npz", "npy", "csv", "h5", "keras", "description")
LARGEST_INPUT = 65_536
MOST_MEGABYTES = 3000
MOST_SECONDS = {"h5": 20}
"""For one input, by the clock, if not 120; more ends the process. HDF5's own code may loop forever."""


@dataclass(frozen=True)
class Outcome:
    """What one process did.

    Attributes:
        executions: inputs run.
        coverage: places in the code that were reached, as libFuzzer counts them.
        ended: of itself, not by an input that took too long, too much memory, or the process along.
    """

    executions: int
    coverage: int
    ended: bool


def fuzz(kind: str, seconds: int, corpus: Path, models: Path | None) -> Outcome:
    """One process for so many seconds."""
    defects = corpus / "defects"
    inputs = corpus / "inputs"
    for folder in (defects, inputs):
        folder.mkdir(parents=True, exist_ok=True)
    longest = MOST_SECONDS.get(kind, 120)
    limits = [
        f"-max_total_time={seconds}",
        f"-max_len={LARGEST_INPUT}",
        f"-rss_limit_mb={MOST_MEGABYTES}",
        f"-timeout={longest}",
        f"-report_slow_units={longest}",  # by the clock, which other programs share; the child counts processor time
        f"-artifact_prefix={defects}/ended-",
        "-len_control=0",
        "-print_final_stats=1",
    ]
    path = os.pathsep.join(filter(None, [str(TOOLS.parent), os.environ.get("PYTHONPATH", "")]))
    command = [sys.executable, str(TOOLS / "fuzzing" / "child.py"), kind, str(inputs), str(defects), str(models or "")]
    with (corpus / "log.txt").open("w", encoding="utf-8") as log:
        code = subprocess.run(
            [*command, *limits], stdout=log, stderr=log, env=os.environ | {"PYTHONPATH": path}
        ).returncode
    text = (corpus / "log.txt").read_text(encoding="utf-8", errors="replace")
    if "No module named 'atheris'" in text:
        sys.exit("atheris is not installed: pip install atheris")
    counts = [int(n) for n in re.findall(r"^#(\d+)\s", text, re.M)]
    counts += [int(n) for n in re.findall(r"number_of_executed_units: (\d+)", text)]
    return Outcome(max(counts, default=0), max((int(n) for n in re.findall(r"cov: (\d+)", text)), default=0), code == 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=KINDS, default="tflite", help="of the files")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--models", type=Path, help="a folder of real files to begin with, besides the made ones")
    parser.add_argument("--corpus", type=Path, help="a folder for what was found; kept, and gone on with the next time")
    options = parser.parse_args()
    corpus = options.corpus or Path(tempfile.mkdtemp(prefix="corpus-"))
    started, outcomes = time.monotonic(), []
    while (left := options.seconds - (time.monotonic() - started)) > 1:
        outcomes.append(fuzz(options.kind, int(left) + 1, corpus, options.models))
        if outcomes[-1].executions == 0:
            sys.exit(f"nothing was run: {corpus / 'log.txt'} says why")
    defects = sorted((corpus / "defects").glob("*.bin")) + sorted((corpus / "defects").glob("ended-*"))
    print(f"{options.kind}: {sum(o.executions for o in outcomes):,} executions in {time.monotonic() - started:,.0f} s")
    print(
        f"coverage: {max(o.coverage for o in outcomes):,} places; {len(list((corpus / 'inputs').iterdir())):,} inputs kept in {corpus}"
    )
    print(f"defects: {len(defects)}; processes that an input ended: {sum(not o.ended for o in outcomes)}")
    for defect in defects:
        print(f"  {defect}")
    return 1 if defects else 0


if __name__ == "__main__":
    sys.exit(main())
