"""Our C on a Linux computer: sent, run on the test inputs and the labelled samples, its answers read back."""

import math
import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgecompress.codegen.program import Program
from edgecompress.errors import MissingToolError
from edgecompress.linux import exchange
from edgecompress.linux.architectures import Architecture, find_architecture
from edgecompress.linux.computer import Computer, require
from edgecompress.linux.exchange import Answer, Effort, Tap, Tensors
from edgecompress.linux.here import Here
from edgecompress.report.linux_records import Machine
from edgecompress.targets.process import run

EMULATED_ROOT = "EDGECOMPRESS_EMULATED_ROOT"
"""The environment variable with the folder of an unpacked system of a foreign architecture whose Python has LiteRT."""
PROGRAM, JOB, ANSWER = "program", "job", "answer"
GRACE_SECONDS = 5
"""The program ends itself so much later than it should have been ended: for the case that nobody is there to do it."""
CHUNK_BYTES = 1 << 26
"""Labelled samples go to the computer in parts of this size: the program holds a part in memory."""
MOST_SAMPLES = 1 << 16

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Processor:
    """What our C is compiled for, and what runs it.

    Attributes:
        architecture: of the program.
        launcher: words before the program: an emulator's, or none.
        emulator: its name and version; None where the processor itself runs the program.
        python: arguments for the emulator that make it run the Python of an unpacked system; see `EMULATED_ROOT`.
    """

    architecture: Architecture
    launcher: tuple[str, ...] = ()
    emulator: str | None = None
    python: tuple[str, ...] = ()


def choose_processor(computer: Computer, machine: Machine, wanted: str | None, cpu: str | None = None) -> Processor:
    """The computer's own processor, or an emulated one where another architecture is wanted on this computer.

    Args:
        wanted: an architecture; None for the computer's own.
        cpu: the processor to emulate; None for the architecture's `qemu_cpu`.

    Raises:
        UnsupportedError: no program can be made for it.
        MissingToolError: its emulator is not installed.
    """
    own = find_architecture(machine.architecture or "")
    if wanted is None:
        return Processor(own, emulator=machine.emulator)
    architecture = find_architecture(wanted)
    cpu = cpu or architecture.qemu_cpu
    if not isinstance(computer, Here) or architecture == own:
        return Processor(architecture, emulator=machine.emulator)
    for name in (f"{architecture.qemu}-static", architecture.qemu):
        if program := shutil.which(name):
            found = re.search(r"version (\S+)", run((program, "--version"), timeout=30))
            emulator = f"{name} {found[1] if found else ''}".strip() + f" as a {cpu}"
            return Processor(architecture, (program, "-cpu", cpu), emulator, _emulated_python())
    raise MissingToolError(
        f"a program for {architecture.name} needs an emulator on this computer",
        found=f"no {architecture.qemu}-static",
        hint="install qemu-user-static (Debian), or leave out the architecture",
    )


def _emulated_python() -> tuple[str, ...]:
    root = os.environ.get(EMULATED_ROOT)
    return ("-L", root, f"{root}/usr/bin/python3") if root else ()


def send(computer: Computer, program: Path) -> None:
    """Copies the compiled program to the computer."""
    computer.put(PROGRAM, program.read_bytes(), executable=True)


def run_job(
    computer: Computer,
    launcher: Sequence[str],
    program: Program,
    samples: Sequence[Tensors],
    taps: Sequence[Tap],
    effort: Effort,
    timeout: float,
) -> Answer:
    """Runs the program that `send` has sent.

    Raises:
        DeviceError: it failed, was killed, took longer than `timeout` seconds, or wrote no proper answer.
    """
    limited = Effort(effort.warm_up, effort.runs, effort.layer_runs, math.ceil(timeout) + GRACE_SECONDS)
    job = exchange.write_job(program, samples, taps, limited)
    path = computer.put(JOB, job)
    command = (*launcher, f"{computer.folder}/{PROGRAM}", path, f"{computer.folder}/{ANSWER}")
    require(computer.run(command, timeout=timeout), "the generated C", computer)
    return exchange.read_answer(program, taps, job, computer.get(ANSWER))


def run_samples(
    computer: Computer,
    launcher: Sequence[str],
    program: Program,
    inputs: Sequence[np.ndarray],
    timeout: float,
    on_progress: Progress,
) -> list[dict[int, np.ndarray]]:
    """The model's outputs on many samples.

    Args:
        inputs: one array per model input, first axis the sample, in the tensor's dtype.
    """
    taps = exchange.model_outputs(program)
    count = len(inputs[0])
    results: list[dict[int, np.ndarray]] = []
    per_sample = max(1, sum(program.graph.tensors[i].nbytes for i in program.graph.inputs) + sum(t.bytes for t in taps))
    step = max(1, min(MOST_SAMPLES, CHUNK_BYTES // per_sample))
    for start in range(0, count, step):
        samples = as_samples(program, inputs, start, min(start + step, count))
        results += run_job(computer, launcher, program, samples, taps, Effort(), timeout).outputs
        on_progress(len(results), count)
    return results


def as_samples(program: Program, inputs: Sequence[np.ndarray], start: int, end: int) -> list[dict[int, np.ndarray]]:
    """Samples [start, end) of arrays whose first axis is the sample, as mappings of the inputs' shapes."""
    graph = program.graph
    return [
        {
            index: np.asarray(values[number]).reshape(graph.tensors[index].shape)
            for index, values in zip(graph.inputs, inputs, strict=True)
        }
        for number in range(start, end)
    ]
