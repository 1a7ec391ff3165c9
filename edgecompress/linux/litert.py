"""LiteRT as an executor on a Linux computer: find it, install it when the user agrees, run it, read its answer."""

import io
import json
import math
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np

from edgecompress.errors import DeviceError, EdgecompressError, MissingToolError, ToolError
from edgecompress.linux.computer import NOT_FOUND, Computer, Finished, failure, require
from edgecompress.linux.exchange import Effort
from edgecompress.linux.execution import GRACE_SECONDS
from edgecompress.linux.here import Here

PROGRAM = "litert_program.py"
SYSTEM_PYTHON = "python3"
PROBE_SECONDS, INSTALL_SECONDS = 60.0, 900.0
VENV = ".cache/edgecompress/litert"
"""Below the user's home; it stays, for the next time."""
FIND_HOME = ("sh", "-c", 'printf "%s" "$HOME"')
REMOVE = ("rm", "-rf", "--")
PACKAGES = (("ai-edge-litert>=1.2,<2.4",), ("tflite-runtime>=2.14", "numpy<2"))
"""What is tried in turn; the second has wheels for older systems, and does not work with NumPy 2."""

Tensors = Mapping[int, np.ndarray]


@dataclass(frozen=True)
class Python:
    """A Python on the computer that has LiteRT.

    Attributes:
        command: what starts it there: its program, after an emulator where one runs it.
        package, version: "ai-edge-litert" or "tflite-runtime".
        machine: of that Python's processor; an emulator's where one runs it.
    """

    command: tuple[str, ...]
    package: str
    version: str | None
    machine: str


@dataclass(frozen=True, eq=False)
class LitertAnswer:
    """What LiteRT gave.

    Attributes:
        python: which ran it.
        kernels: whose: "built-in", or the names of delegates.
        times: (runs,) nanoseconds of each inference with the default kernels.
        peak_bytes: of the whole process, Python included.
        outputs: one mapping per sample: the model's outputs, default kernels.
        operators: one mapping per sample: every operator's outputs, reference kernels; empty where not asked for.
    """

    python: Python
    kernels: str
    times: np.ndarray
    peak_bytes: int | None
    outputs: tuple[dict[int, np.ndarray], ...]
    operators: tuple[dict[int, np.ndarray], ...]


def find(computer: Computer, emulated: tuple[str, ...] = ()) -> Python | str:
    """A Python with LiteRT on the computer, or why there is none.

    Args:
        emulated: what starts an emulated Python; then only that one is asked.
    """
    problem = ""
    program = computer.put(PROGRAM, _program())
    for command in [emulated] if emulated else _candidates(computer):
        found = computer.run((*command, "-I", program, "probe"), timeout=PROBE_SECONDS)
        if found.status == NOT_FOUND:
            problem = f"there is no {SYSTEM_PYTHON}"
            continue
        answer = _probe_answer(found)
        if answer.get("package"):
            return Python(command, str(answer["package"]), answer.get("version"), str(answer.get("machine")))
        problem = str(answer.get("problem") or found.words or "it did not answer")
    return problem


def _candidates(computer: Computer) -> list[tuple[str, ...]]:
    if isinstance(computer, Here):
        return [(sys.executable,)]
    return [(f"{_home(computer)}/{VENV}/bin/python",), (SYSTEM_PYTHON,)]


def install(computer: Computer) -> Python:
    """Makes a venv below the user's home on the computer and installs LiteRT into it; the user has agreed.

    Raises:
        MissingToolError: no Python, or no venv, on the computer.
        ToolError: pip could install neither package.
    """
    folder = f"{_home(computer)}/{VENV}"
    made = computer.run((SYSTEM_PYTHON, "-m", "venv", "--clear", folder), timeout=INSTALL_SECONDS)
    if not made.ok:
        computer.run((*REMOVE, folder), timeout=PROBE_SECONDS)
        missing = made.status == NOT_FOUND
        raise MissingToolError(
            f"there is no Python on {computer.name}" if missing else f"no venv can be made on {computer.name}",
            found=made.words or made.output.decode("utf-8", "replace")[-300:],
            hint="`sudo apt install python3-venv` there; our C needs nothing and runs without --install-litert",
        )
    words = ""
    for packages in PACKAGES:
        pip = (f"{folder}/bin/python", "-m", "pip", "install", "--no-input", "--disable-pip-version-check", *packages)
        done = computer.run(pip, timeout=INSTALL_SECONDS)
        found = find(computer) if done.ok else done.words
        if isinstance(found, Python):
            return found
        words = found
    computer.run((*REMOVE, folder), timeout=PROBE_SECONDS)
    raise ToolError(
        f"LiteRT could not be installed on {computer.name}",
        found=words,
        hint="there may be no wheel for its Python and processor; our C runs without --install-litert",
    )


def run(
    computer: Computer,
    python: Python,
    model: bytes,
    samples: Sequence[Tensors],
    effort: Effort,
    *,
    threads: int,
    timeout: float,
    operators: bool,
) -> LitertAnswer:
    """Runs a model on samples.

    Args:
        samples: input tensor index -> array, alike in all samples.
        effort: how often to run.
        timeout: seconds.
        operators: also show every operator's outputs with the reference kernels.

    Raises:
        DeviceError: it died, took too long, or its answer cannot be read.
    """
    arguments = prepare(computer, model, samples, effort, threads=threads, timeout=timeout, operators=operators)
    ended = computer.run((*python.command, *arguments), timeout=timeout)
    require(ended, "LiteRT", computer)
    try:
        answer = json.loads(computer.get("answer.json"))
        outputs = _unpacked(computer.get("outputs.npz"))
        shown = _unpacked(computer.get("operators.npz")) if operators else ()
        times = np.asarray(answer["times"], np.uint64)
        return LitertAnswer(python, str(answer["kernels"]), times, answer["peak_bytes"], outputs, shown)
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile, EOFError) as error:
        raise DeviceError("LiteRT's answer cannot be read", found=f"{type(error).__name__}: {error}") from error


def prepare(
    computer: Computer,
    model: bytes,
    samples: Sequence[Tensors],
    effort: Effort,
    *,
    threads: int,
    timeout: float,
    operators: bool = False,
    marks: int = 0,
) -> tuple[str, ...]:
    """Writes all files of a run into the computer's folder; returns Python's arguments.

    Args:
        marks: inferences between marks, for one who counts instructions.
    """
    job = {"threads": threads, "warm_up": effort.warm_up, "runs": effort.runs, "operators": operators, "marks": marks}
    computer.put("job.json", json.dumps({**job, "limit": math.ceil(timeout) + GRACE_SECONDS}).encode())
    computer.put("model.tflite", model)
    computer.put("inputs.npz", _packed({str(i): np.stack([s[i] for s in samples]) for i in samples[0]}))
    return ("-I", computer.put(PROGRAM, _program()), "run", computer.folder)


def why(error: EdgecompressError) -> str:
    """An error in one line, for a warning."""
    return error.what + (f" ({error.found.splitlines()[-1]})" if error.found else "")


def _program() -> bytes:
    return (resources.files("edgecompress.linux") / PROGRAM).read_bytes()


def _home(computer: Computer) -> str:
    found = computer.run(FIND_HOME, timeout=PROBE_SECONDS)
    home = found.output.decode("utf-8", "replace")
    if not found.ok or not home.startswith("/") or not home.isprintable():
        raise failure(found, "finding the home folder", computer)
    return home.rstrip("/")


def _probe_answer(found: Finished) -> dict[str, Any]:
    try:
        answer = json.loads(found.output)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _packed(arrays: Mapping[str, np.ndarray]) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


def _unpacked(data: bytes) -> tuple[dict[int, np.ndarray], ...]:
    """One mapping per sample."""
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        arrays = {int(name): stored[name] for name in stored.files}
    count = min((len(values) for values in arrays.values()), default=0)
    return tuple({index: values[k] for index, values in arrays.items()} for k in range(count))
