"""A model loaded into a foreign interpreter, inside the child process, and what can be wrong with its file or inputs."""

from typing import Protocol

import numpy as np


class MalformedError(Exception):
    """The bytes are no .tflite file."""


class InputMismatchError(Exception):
    """Inputs whose tensors, shapes or dtypes are not the model's."""


class Session(Protocol):
    """A model loaded into an interpreter."""

    def run(self, inputs: dict[int, np.ndarray], *, fresh: bool = True) -> dict[int, np.ndarray]:
        """One inference, from a fresh state or from the one that the last inference left; returns every operator's output tensors.

        Raises:
            InputMismatchError: the inputs do not suit the model.
        """


def check_input_tensors(wanted: list[int], given: dict[int, np.ndarray]) -> None:
    """The inputs must be exactly the model's input tensors."""
    if sorted(wanted) != sorted(given):
        raise InputMismatchError(f"the model's input tensors are {sorted(wanted)}, given were {sorted(given)}")
