"""The two files that the C program reads and writes; their form is described in runtime/linux_main.c."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgecompress.codegen.program import Program
from edgecompress.errors import DeviceError

Tensors = Mapping[int, np.ndarray]

VERSION = 1
JOB_MAGIC, ANSWER_MAGIC = b"ECJB", b"ECAN"
_HEAD = struct.Struct("<4s7I")
_TAP = struct.Struct("<3I")


@dataclass(frozen=True)
class Tap:
    """A tensor to be read from the arena.

    Attributes:
        tensor: its index.
        after: how many layers have run by then.
        offset, bytes: its place.
    """

    tensor: int
    after: int
    offset: int
    bytes: int


@dataclass(frozen=True)
class Effort:
    """How often to run.

    Attributes:
        warm_up, runs: untimed and timed inferences.
        layer_runs: inferences timed layer by layer.
        limit: seconds after which the program ends itself.
    """

    warm_up: int = 0
    runs: int = 0
    layer_runs: int = 0
    limit: int = 600


@dataclass(frozen=True, eq=False)
class Answer:
    """What the program wrote.

    Attributes:
        run_times: (runs,) nanoseconds of each inference.
        layer_times: (runs, layers) nanoseconds.
        peak_bytes: the most memory that was resident; None where the system does not say.
        outputs: one mapping per sample: tensor index -> value.
    """

    run_times: np.ndarray
    layer_times: np.ndarray
    peak_bytes: int | None
    outputs: tuple[dict[int, np.ndarray], ...]


def every_output(program: Program) -> list[Tap]:
    """Taps of every operator's outputs, each read before the arena's next user can overwrite it."""
    written_by = {layer.step: layer.index for layer in program.layers}
    taps, after = [], 0
    for step, operation in enumerate(program.graph.operations):
        after = written_by[step] + 1 if step in written_by else after
        taps += [_tap(program, index, after) for index in operation.outputs]
    return taps


def model_outputs(program: Program) -> list[Tap]:
    """Taps of the model's outputs, read at the end."""
    return [_tap(program, index, len(program.layers)) for index in program.graph.outputs]


def write_job(program: Program, samples: Sequence[Tensors], taps: Sequence[Tap], effort: Effort) -> bytes:
    """The job file.

    Args:
        samples: input tensor index -> array in the tensor's dtype.
    """
    head = _HEAD.pack(
        JOB_MAGIC, VERSION, len(samples), len(taps), effort.warm_up, effort.runs, effort.layer_runs, effort.limit
    )
    parts = [head, *(_TAP.pack(tap.after, tap.offset, tap.bytes) for tap in taps)]
    for sample in samples:
        for index in program.graph.inputs:
            tensor = program.graph.tensors[index]
            parts.append(np.ascontiguousarray(sample[index]).astype(tensor.dtype.newbyteorder("<")).tobytes())
    return b"".join(parts)


def read_answer(program: Program, taps: Sequence[Tap], job: bytes, data: bytes) -> Answer:
    """The answer to a job, held against it.

    Raises:
        DeviceError: it is cut off, or does not answer this job.
    """
    _, _, samples, tap_count, _, runs, layer_runs, _ = _HEAD.unpack_from(job)
    layers = len(program.layers)
    if len(data) < _HEAD.size:
        raise _damaged(f"{len(data)} bytes")
    magic, *counts, peak = _HEAD.unpack_from(data)
    if (magic, *counts) != (ANSWER_MAGIC, VERSION, samples, tap_count, runs, layer_runs, layers):
        raise _damaged(f"it begins with {data[:8].hex(' ')}")
    times = runs + layer_runs * layers
    per_sample = sum(tap.bytes for tap in taps)
    wanted = _HEAD.size + 8 * times + samples * per_sample
    if len(data) != wanted:
        raise _damaged(f"{len(data):,} bytes instead of {wanted:,}")
    clock = np.frombuffer(data, "<u8", times, _HEAD.size)
    at = _HEAD.size + 8 * times
    outputs = []
    for _ in range(samples):
        values = {}
        for tap in taps:
            tensor = program.graph.tensors[tap.tensor]
            raw = np.frombuffer(data, tensor.dtype.newbyteorder("<"), tensor.elements, at)
            values[tap.tensor] = raw.astype(tensor.dtype).reshape(tensor.shape)
            at += tap.bytes
        outputs.append(values)
    return Answer(clock[:runs], clock[runs:].reshape(layer_runs, layers), peak * 1024 or None, tuple(outputs))


def _tap(program: Program, index: int, after: int) -> Tap:
    return Tap(index, after, program.plan.offsets[index], program.graph.tensors[index].nbytes)


def _damaged(found: str) -> DeviceError:
    return DeviceError("the program's answer is damaged", found=found, hint="run it again; report it if it stays so")
