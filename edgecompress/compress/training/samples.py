"""The samples that training and evaluation stream: batches of inputs and targets, shuffled by a seed."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np

Inputs = np.ndarray | tuple[np.ndarray, ...]
"""One array per model input: (n, …) as the model sees it; a tuple for a model with several inputs."""


class Samples(Protocol):
    """What compression needs of a data set; test data is out of its reach by the names of the splits it asks for."""

    def count(self, split: str) -> int:
        """How many samples "train" or "validation" has."""
        ...

    def batches(self, split: str, size: int, seed: int | None = None) -> Iterator[tuple[Inputs, np.ndarray | None]]:
        """All samples of a split, inputs and labels (None without any), the last batch smaller.

        Args:
            split: "train" or "validation".
            size: samples per batch.
            seed: shuffles them; None keeps their order.
        """
        ...

    @property
    def fingerprint(self) -> str:
        """Changes when the samples or their preparation change."""
        ...


def targets_of(
    target: str, inputs: Inputs, labels: np.ndarray | None, teacher: Callable[[Inputs], np.ndarray] | None
) -> np.ndarray:
    """What a batch is trained towards or compared with.

    Args:
        target: `Task.target`.
        inputs, labels: of the batch.
        teacher: gives the outputs of the model as loaded; needed for "teacher" only.
    """
    if target == "input":
        return inputs[0] if isinstance(inputs, tuple) else inputs
    if target == "teacher":
        assert teacher is not None, "distillation needs the model as loaded"
        return teacher(inputs)
    assert labels is not None, "the task has labels"
    return labels


def steps(samples: Samples, batch: int) -> int:
    """Steps of one epoch over the training samples."""
    return -(-samples.count("train") // batch)


def endless(samples: Samples, batch: int, seed: int) -> Iterator[tuple[Inputs, Any]]:
    """Epoch after epoch of training batches, each in an order of its own."""
    epoch = 0
    while True:
        yield from samples.batches("train", batch, seed=seed + 1000 * epoch)
        epoch += 1
