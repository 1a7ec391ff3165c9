"""Runs jobs in the child process: foreign interpreters abort on some models, and that must not take us along."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import edgecompress
from edgecompress.errors import DataError, EdgecompressError, ModelFileError, ToolError, UnsupportedError
from edgecompress.reference.executor import Answer, Job, Tensors

LOG_LINES = 20


def run_jobs(kind: str, name: str, jobs: Sequence[Job], timeout: float) -> list[Answer]:
    """Run jobs in a child process; when it dies at one, a new child goes on with the next.

    Args:
        kind: the interpreter, as the child knows it ("tflm", "litert").
        name: its name in error messages.
        timeout: seconds for one child.
    """
    for job in jobs:
        check_inputs(job)
    with tempfile.TemporaryDirectory(prefix="edgecompress-") as text:
        folder = Path(text)
        write_jobs(folder, jobs)
        for _ in range(len(jobs)):
            ending = run_child(kind, folder, timeout)
            if not (folder / "ready").exists():
                raise ToolError(
                    f"{name} cannot be started: it {ending}",
                    found=log_tail(folder),
                    hint="reinstall the package that holds it",
                )
            unanswered = [k for k in range(len(jobs)) if not (folder / f"{k}.json").exists()]
            if not unanswered:
                break
            blame(folder, unanswered[0], ending)
        return [read_answer(folder, k, name, job) for k, job in enumerate(jobs)]


def run_one(
    kind: str, name: str, model: Path, inputs: Sequence[Tensors], timeout: float, length: int = 1
) -> list[dict[int, np.ndarray]]:
    """Run one model; raise its error."""
    (answer,) = run_jobs(kind, name, [Job(Path(model), tuple(inputs), length)], timeout)
    if answer.error is not None:
        raise answer.error
    return [dict(sample) for sample in answer.outputs]


def check_inputs(job: Job) -> None:
    """The samples of a job must be alike, for they travel as one array per tensor."""
    if not job.inputs:
        raise DataError(f"{job.model.name}: there are no inputs to run it on")
    first = job.inputs[0]
    if any(array.dtype.kind not in "biuf" for array in first.values()):
        raise DataError(f"{job.model.name}: inputs must be arrays of numbers")
    for number, sample in enumerate(job.inputs):
        if {i: (a.shape, a.dtype) for i, a in sample.items()} != {i: (a.shape, a.dtype) for i, a in first.items()}:
            raise DataError(
                f"{job.model.name}: input {number} differs from input 0 in its tensors, shapes or dtypes",
                found=", ".join(f"tensor {i}: {a.dtype}{list(a.shape)}" for i, a in sample.items()),
            )


def write_jobs(folder: Path, jobs: Sequence[Job]) -> None:
    for number, job in enumerate(jobs):
        stacked: dict[str, Any] = {str(i): np.stack([sample[i] for sample in job.inputs]) for i in job.inputs[0]}
        np.savez(folder / f"{number}.inputs.npz", **stacked)
    models = [{"model": str(job.model.resolve()), "length": job.length} for job in jobs]
    (folder / "jobs.json").write_text(json.dumps(models), encoding="utf-8")


def run_child(kind: str, folder: Path, timeout: float) -> str:
    """Run the child once; return how it ended, in words, "" when it ended well."""
    package = Path(edgecompress.__path__[0]).parent
    path = os.pathsep.join(filter(None, [str(package), os.environ.get("PYTHONPATH", "")]))
    # One thread: the result must not depend on the machine, and small models gain nothing from more.
    environment = os.environ | {"PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "2", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "edgecompress.reference.child", kind, str(folder)]
    with (folder / "log.txt").open("ab") as log:
        try:
            ended = subprocess.run(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=timeout
            )
        except subprocess.TimeoutExpired:
            return f"was stopped after {timeout:g} s"
    if ended.returncode < 0:
        return f"died of signal {signal.Signals(-ended.returncode).name}"
    return f"ended with exit code {ended.returncode}" if ended.returncode else ""


def blame(folder: Path, number: int, ending: str) -> None:
    """Write the status of the job during which the child ended."""
    status = {"error": ending or "ended without an answer", "kind": "died"}
    (folder / f"{number}.json").write_text(json.dumps(status), encoding="utf-8")


def read_answer(folder: Path, number: int, name: str, job: Job) -> Answer:
    status = json.loads((folder / f"{number}.json").read_text(encoding="utf-8"))
    if status["error"] is not None:
        return Answer(error=job_error(folder, number, name, job, status))
    with np.load(folder / f"{number}.outputs.npz", allow_pickle=False) as stored:
        arrays = {int(key): stored[key] for key in stored.files}
    return Answer(tuple({i: values[k] for i, values in arrays.items()} for k in range(len(job.inputs))))


def log_tail(folder: Path, job: int | None = None) -> str:
    """The last lines that the interpreter wrote, of one job or of all; text from foreign files, made printable."""
    text = (folder / "log.txt").read_text(encoding="utf-8", errors="replace")
    if job is not None:
        text = text.partition(f"\njob {job}\n")[2].partition(f"\njob {job + 1}\n")[0]
    printable = ("".join(c if c.isprintable() else "?" for c in line) for line in text.splitlines() if line.strip())
    lines = dict.fromkeys(printable)  # each line once: allocation is retried
    return "\n".join(list(lines)[-LOG_LINES:])


def job_error(folder: Path, number: int, name: str, job: Job, status: dict[str, str]) -> EdgecompressError:
    """The child's report of a failure as one of our errors, with the last lines that the interpreter wrote."""
    tail = log_tail(folder, number)
    found = "\n".join(filter(None, [status["error"], tail]))
    if status["kind"] == "died":
        return ToolError(f"{job.model.name}: {name} {status['error']}", found=tail)
    if status["kind"] in ("MalformedError", "OSError"):
        return ModelFileError(f"{job.model.name}: {name} cannot read it as a .tflite file", found=found)
    if status["kind"] == "InputMismatchError":
        return DataError(f"{job.model.name}: these inputs do not suit it", found=status["error"])
    return UnsupportedError(
        f"{job.model.name}: {name} cannot run it", found=found, hint="another reference executor may run this model"
    )
