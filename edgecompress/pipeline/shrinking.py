"""Between the .tflite file and the kernels: the shrunk model, its file, and the proof that the device's outputs are the original's."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgecompress.errors import NotExactError, UnsupportedError
from edgecompress.files import write_bytes
from edgecompress.reference.compare import bytes_of
from edgecompress.reference.executor import Tensors
from edgecompress.reference.integer import Integer
from edgecompress.reference.tflm import Tflm
from edgecompress.report.records import Report
from edgecompress.report.schema import read_report
from edgecompress.report.shrink_records import OriginalOutputs, Shrinking
from edgecompress.shrink.driver import MULTIPLE, Progress, Shrunk, shrink
from edgecompress.shrink.summary import summary
from edgecompress.tflite import reader, writer
from edgecompress.tflite.graph import Graph

SHRUNK = "shrunk.tflite"
"""The name of the shrunk model in a run directory."""


@dataclass(frozen=True, eq=False)
class Source:
    """The model that is built, and the one it came from.

    Attributes:
        path: the file that came in.
        graph: what is built: read from the shrunk file, or from `path`.
        original: read from `path`.
        content: the shrunk file's bytes; None: nothing could be taken out.
        shrunk: what was taken out; None: nobody tried.
    """

    path: Path
    graph: Graph
    original: Graph
    content: bytes | None = None
    shrunk: Shrunk | None = None

    def file(self, folder: Path) -> Path:
        """The file that holds `graph`, written into a folder if it is not the one that came in."""
        place = folder / SHRUNK
        if self.content is None:
            place.unlink(missing_ok=True)  # of an earlier run
            return self.path
        write_bytes(place, self.content)
        return place

    def origin(self, operator: int) -> int:
        """The operator's index in the file that came in."""
        if self.shrunk is None or self.content is None:
            return operator
        return self.shrunk.after.operations[operator].index

    def as_given(self, inputs: Sequence[Tensors]) -> list[dict[int, np.ndarray]]:
        """The same inputs by the tensor indices of the file that came in."""
        pairs = list(zip(self.original.inputs, self.graph.inputs, strict=True))
        return [{old: sample[new] for old, new in pairs} for sample in inputs]


def source(path: Path, *, wanted: bool, on_progress: Progress | None = None) -> Source:
    """Reads a model and shrinks it.

    Raises:
        ModelFileError, UnsupportedError: as the reader does.
    """
    original = reader.read(path)
    if not wanted:
        return Source(path, original, original)
    # held against tflite-micro when it has run: every operator, and the outputs of both files
    shrunk = shrink(original, with_interpreter=False, on_progress=on_progress)
    if not shrunk.changed:
        return Source(path, original, original, None, shrunk)
    try:
        content = writer.write(shrunk.after)
    except UnsupportedError as error:
        left = Shrunk(original, original, left=shrunk.left, reason=f"{error.what}: {error.found}")
        return Source(path, original, original, None, left)
    return Source(path, reader.read_bytes(content), original, content, shrunk)


def shrink_file(path: Path, out: Path, *, multiple: int = MULTIPLE, on_progress: Progress | None = None) -> Shrinking:
    """Writes a model without what its outputs do not need; a copy where nothing could be taken out.

    Args:
        multiple: what the number of channels of a tensor that loses some stays a multiple of.

    Raises:
        ModelFileError: as the reader does. UnsupportedError: a model that cannot be analysed, proven or written; nothing is written.
        NotExactError: a rewrite was wrong and is undone; what the others did is written.
    """
    graph = reader.read(path)
    shrunk = shrink(graph, multiple=multiple, on_progress=on_progress)
    if shrunk.reason:
        raise UnsupportedError(f"{path} cannot be shrunk", found=shrunk.reason)
    content = writer.write(shrunk.after) if shrunk.changed else path.read_bytes()
    write_bytes(out, content)
    result = replace(summary(shrunk), file=out.name, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
    if shrunk.defects:
        raise NotExactError(
            f"{path}: a rewrite gives other values and was undone; {out} holds what the others made",
            found="; ".join(shrunk.defects),
            hint="this is a defect: report it with the model",
        )
    return result


def was_shrunk(run: Path) -> bool:
    """Whether shrinking was asked for when a run directory was built; true of a bare file."""
    return not (run / "report.json").is_file() or read_report(run).shrinking is not None


@dataclass(frozen=True, eq=False)
class Given:
    """The outputs of the file that came in, on the inputs of a bench, in the outputs' order; `reference` ran it."""

    outputs: tuple[tuple[np.ndarray, ...], ...]
    reference: str


def outputs_as_given(one: Source, inputs: Sequence[Tensors]) -> Given | None:
    """What the file that came in gives, by tflite-micro where it is installed; None where it is the one that is built."""
    if one.content is None:
        return None
    executor, samples = (Tflm(), one.as_given(inputs))
    try:
        if executor.available() is not None:
            raise UnsupportedError("tflite-micro is not installed")
        shown = executor.run(one.path, samples)
        reference = executor.name
    except UnsupportedError:
        shown, reference = Integer().run(one.path, samples), "our NumPy reference"
    rows = (tuple(sample[index] for index in one.original.outputs) for sample in shown)
    return Given(tuple(rows), reference)


def record(one: Source, given: Given | None, outputs: Sequence[Mapping[int, np.ndarray]]) -> Shrinking | None:
    """The report's record, with the device's outputs held against those of the file that came in."""
    if one.shrunk is None:
        return None
    result = summary(one.shrunk)
    if one.content is None or given is None:
        return result
    differing = sum(
        _different(sample[index], expected)
        for sample, row in zip(outputs, given.outputs, strict=True)
        for index, expected in zip(one.graph.outputs, row, strict=True)
    )
    found = OriginalOutputs(len(given.outputs), len(one.graph.outputs), differing, given.reference)
    return replace(result, file=SHRUNK, sha256=one.graph.sha256, bytes=len(one.content), outputs=found)


def _different(a: np.ndarray, b: np.ndarray) -> int:
    if a.nbytes != b.nbytes:
        return max(a.nbytes, b.nbytes)
    return int(np.count_nonzero(bytes_of(a).reshape(-1) != bytes_of(b).reshape(-1)))


def require_original(report: Report) -> None:
    """Raises NotExactError where an output byte differs from the model as it came in."""
    found = report.shrinking.outputs if report.shrinking else None
    if found is not None and found.differing_bytes:
        raise NotExactError(
            "the device's outputs differ from those of the model before it was shrunk",
            found=f"{found.differing_bytes:,} bytes over {found.inputs} inputs, against {found.reference}",
            hint="--no-shrink builds the model as it is; this is a defect: report it with the model",
        )
