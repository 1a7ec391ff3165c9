"""The process in which a foreign interpreter runs: reads jobs from a folder, writes every operator's outputs into it.

`python -m edgecompress.reference.child tflm|litert FOLDER`. The folder holds `jobs.json`, a list of {"model": path,
"length": samples from one fresh state to the next}, and for job k `k.inputs.npz`: arrays named by tensor index, first axis
the sample. Written are `k.outputs.npz` in the same form and `k.json`: {"error": null or text, "kind": the exception's class}.
Both are renamed into place, `k.json` last: a job without it is the one during which the process died. `ready` appears once
the interpreter is loaded.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgecompress.reference.session import Session


def session_opener(kind: str) -> Callable[[bytes], Session]:
    """Import the interpreter of this kind (once per process)."""
    if kind == "tflm":
        from edgecompress.reference.tflm import open_session

        return open_session
    if kind == "litert":
        from edgecompress.reference.litert import open_session as open_litert

        return open_litert
    raise ValueError(f"no interpreter called {kind!r}")


def run_job(folder: Path, number: int, model: Path, length: int, open_session: Callable[[bytes], Session]) -> None:
    """Run all samples of one job, from a fresh state after every `length` of them, and write its outputs."""
    with np.load(folder / f"{number}.inputs.npz", allow_pickle=False) as stored:
        inputs = {int(name): stored[name] for name in stored.files}
    session = open_session(model.read_bytes())
    samples = len(next(iter(inputs.values())))
    collected: dict[int, list[np.ndarray]] = {}
    for sample in range(samples):
        given = {index: np.array(values[sample], order="C") for index, values in inputs.items()}
        outputs = session.run(given, fresh=sample % length == 0)
        for index, value in outputs.items():
            collected.setdefault(index, []).append(value)
    unfinished = folder / f"{number}.unfinished.npz"
    stacked: dict[str, Any] = {str(index): np.stack(values) for index, values in sorted(collected.items())}
    np.savez(unfinished, **stacked)
    unfinished.rename(folder / f"{number}.outputs.npz")


def write_status(folder: Path, number: int, error: Exception | None) -> None:
    """Say what became of a job."""
    status: dict[str, Any] = {"error": None, "kind": None}
    if error is not None:
        kind = "OSError" if isinstance(error, OSError) else type(error).__name__
        status = {"error": str(error)[:4000], "kind": kind}
    unfinished = folder / f"{number}.unfinished.json"
    unfinished.write_text(json.dumps(status), encoding="utf-8")
    unfinished.rename(folder / f"{number}.json")


def main(arguments: list[str]) -> int:
    """Do all jobs of the folder that have no status yet."""
    kind, folder = arguments[0], Path(arguments[1])
    log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    open_session = session_opener(kind)
    (folder / "ready").touch()
    for number, job in enumerate(json.loads((folder / "jobs.json").read_text(encoding="utf-8"))):
        if (folder / f"{number}.json").exists():
            continue
        os.write(2, f"\njob {number}\n".encode())
        error: Exception | None = None
        try:
            run_job(folder, number, Path(job["model"]), int(job["length"]), open_session)
        except Exception as caught:
            error = caught
        write_status(folder, number, error)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
