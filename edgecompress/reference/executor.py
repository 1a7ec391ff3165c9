"""What every executor of .tflite files offers: run a model on inputs and return every operator's output tensors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from edgecompress.errors import EdgecompressError

Tensors = Mapping[int, np.ndarray]
"""Arrays by tensor index of the main subgraph."""


@dataclass(frozen=True, eq=False)
class Job:
    """One model and the inputs to run it on.

    Attributes:
        model: path of the .tflite file.
        inputs: one mapping per sample: tensor index of each model input -> array of that tensor's shape and dtype.
        length: of sequences: so many samples follow one another before the state is a fresh one again.
    """

    model: Path
    inputs: tuple[Tensors, ...]
    length: int = 1


@dataclass(frozen=True, eq=False)
class Answer:
    """What became of a job: outputs, or the error that stopped it.

    Attributes:
        outputs: one mapping per sample: output tensor of every operator -> its value. Empty after an error.
        error: None when the job ran.
    """

    outputs: tuple[Tensors, ...] = ()
    error: EdgecompressError | None = None


@runtime_checkable
class Executor(Protocol):
    """Runs .tflite models and shows every operator's output.

    Attributes:
        name: for reports: "tflite-micro", "litert", "numpy", …
    """

    name: str

    def available(self) -> str | None:
        """None when it can run here, else the reason why not."""

    def run(self, model_path: Path, inputs: Sequence[Tensors], length: int = 1) -> list[dict[int, np.ndarray]]:
        """Run sequences of so many samples, each from a fresh state; return every operator's output tensors, sample by sample.

        Tensors that hold no numbers (resource handles) and tensors that the executor cannot show are left out.

        Raises:
            MissingToolError: the executor is not installed.
            ModelFileError, UnsupportedError, ToolError: the model cannot be run.
        """

    def run_jobs(self, jobs: Sequence[Job]) -> list[Answer]:
        """Run many models in one go; a job that fails does not stop the others."""
