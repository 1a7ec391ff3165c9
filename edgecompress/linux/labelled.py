"""Labelled samples through both executors: their accuracy, and whether our C's bytes are the reference's there too."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgecompress.codegen.program import Program
from edgecompress.errors import UsageError
from edgecompress.linux.exchange import Tensors
from edgecompress.linux.execution import as_samples
from edgecompress.reference import contract

if TYPE_CHECKING:
    from edgecompress.compress.training.task import Task
    from edgecompress.pipeline.accuracy import Scores, TestSet

CHUNK = 32
"""Samples whose every operator's output is held at once."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """Samples with what they should give."""

    tests: "TestSet"
    task: "Task"

    def __len__(self) -> int:
        return len(self.tests)


@dataclass(frozen=True)
class Bytes:
    """Output bytes against the reference's: compared, differing, and the largest difference of two integers."""

    compared: int = 0
    differing: int = 0
    max_lsb: int = 0

    def __add__(self, other: "Bytes") -> "Bytes":
        largest = max(self.max_lsb, other.max_lsb)
        return Bytes(self.compared + other.compared, self.differing + other.differing, largest)


def pair(tests: "TestSet | None", task: "Task | None") -> Labelled | None:
    """Both, or nothing; UsageError for one without the other."""
    if (tests is None) != (task is None):
        raise UsageError("labelled samples and the task that scores them go together")
    return Labelled(tests, task) if tests is not None and task is not None and len(tests) else None


def expected_outputs(model: Path, program: Program, tests: "TestSet") -> list[dict[int, np.ndarray]]:
    """The model's outputs on the samples by TensorFlow Lite Micro's arithmetic."""
    executor, results = contract(), []
    for start in range(0, len(tests), CHUNK):
        samples = as_samples(program, tests.inputs, start, min(start + CHUNK, len(tests)))
        shown = executor.run(model, samples)
        results += [{index: outputs[index] for index in program.graph.outputs} for outputs in shown]
    return results


def compare_outputs(program: Program, ours: Sequence[Tensors], expected: Sequence[Tensors]) -> Bytes:
    """Of the model's outputs only."""
    compared = differing = largest = 0
    for left, right in zip(ours, expected, strict=True):
        for index in program.graph.outputs:
            a, b = np.ascontiguousarray(left[index]), np.ascontiguousarray(right[index])
            compared += b.nbytes
            if a.nbytes != b.nbytes:
                differing += b.nbytes
                continue
            differing += int(np.count_nonzero(a.reshape(-1).view(np.uint8) != b.reshape(-1).view(np.uint8)))
            if a.dtype.kind in "iu":
                distance = np.abs(a.reshape(-1).astype(np.int64) - b.reshape(-1).astype(np.int64))
                largest = max(largest, int(distance.max(initial=0)))
    return Bytes(compared, differing, largest)


def score(program: Program, labelled: Labelled, outputs: Sequence[Tensors]) -> "Scores | None":
    """The metric of the first output, or of all where the task has several; None where there is nothing to compare with."""
    from edgecompress.compress.training import task as tasks
    from edgecompress.pipeline.accuracy import Scores, dequantized

    task, tests = labelled.task, labelled.tests
    targets = {"labels": tests.labels, "input": tests.targets, "teacher": tests.outputs.get("original")}[task.target]
    if targets is None:
        return None
    arrays = [
        np.stack([np.asarray(sample[index]).reshape(program.graph.tensors[index].shape[1:]) for sample in outputs])
        for index in program.graph.outputs[: len(task.parts) or 1]
    ]
    values = dequantized(program, arrays)
    anomalous = np.asarray(tests.labels) if task.metric == "auc" and tests.labels is not None else None
    return Scores(tasks.score(task, values, np.asarray(targets)), anomalous)
