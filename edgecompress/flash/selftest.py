"""The self-test after flashing: known inputs in, known output bytes back, answered by the device itself."""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgecompress.device.mailbox import Mailbox
from edgecompress.device.opening import connect
from edgecompress.device.places import read_place
from edgecompress.device.port import Limit
from edgecompress.errors import DataError, NotExactError
from edgecompress.flash.job import Job

INPUTS, OUTPUTS = "inputs.npz", "outputs.npz"
MOST_VECTORS = 4
LIMIT = Limit(seconds=60.0)


@dataclass(frozen=True)
class Vector:
    """Raw bytes of the input tensors and of the output tensors that belong to them."""

    inputs: tuple[bytes, ...]
    outputs: tuple[bytes, ...]


def read_vectors(folder: Path) -> tuple[Vector, ...]:
    """The first few samples of a run directory; none where it holds no vectors.

    Raises:
        DataError: damaged files.
    """
    if not (folder / INPUTS).is_file() or not (folder / OUTPUTS).is_file():
        return ()
    inputs, outputs = _read(folder / INPUTS, "input"), _read(folder / OUTPUTS, "output")
    counts = {len(array) for array in (*inputs, *outputs)}
    if len(counts) != 1 or not inputs or not outputs:
        raise DataError(f"{folder}: {INPUTS} and {OUTPUTS} do not belong together", hint="build or bench again")
    return tuple(
        Vector(tuple(a[i].tobytes() for a in inputs), tuple(a[i].tobytes() for a in outputs))
        for i in range(min(MOST_VECTORS, counts.pop()))
    )


def why_not(job: Job, place: str) -> str:
    """The reason for which there can be no self-test; "" where there can be one."""
    if "ec_mailbox" not in job.image.symbols:
        return f"{job.image.path.name} has no mailbox: only the flash was checked"
    if job.folder is None or not read_vectors(job.folder):
        return "no known inputs and outputs: flash a run directory instead of an ELF alone"
    return "" if place else "a drive gives no answers: connect a debug probe and use --via pyocd"


def run(job: Job, place: str, on_progress: Callable[[int, int], None]) -> int:
    """Resets the device, runs every vector on it through the mailbox, and compares all output bytes.

    Returns:
        How many vectors there were.

    Raises:
        NotExactError: the device's bytes differ. DeviceError: it faulted, hangs or does not answer.
    """
    assert job.folder is not None  # why_not said so
    vectors = read_vectors(job.folder)
    with connect(read_place(place), job.target, job.image) as connection:
        mailbox = Mailbox(connection.port, job.image, limit=LIMIT)
        for number, vector in enumerate(vectors):
            found = mailbox.run(vector.inputs)
            if found != vector.outputs:
                wanted, got = b"".join(vector.outputs), b"".join(found)
                differing = sum(a != b for a, b in zip(got, wanted, strict=False)) + abs(len(got) - len(wanted))
                raise NotExactError(
                    "the device computes other bytes than the emulator did",
                    found=f"input {number}: {differing:,} of {len(wanted):,} output bytes differ",
                    hint="is the run directory that of this firmware? else unstable supply or wait states, or a defect of ours",
                )
            on_progress(number + 1, len(vectors))
    return len(vectors)


def _read(path: Path, kind: str) -> list[np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return [np.ascontiguousarray(file[f"{kind}_{n}"]) for n in range(len(file.files))]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read", found=str(error), hint="build or bench again") from error
