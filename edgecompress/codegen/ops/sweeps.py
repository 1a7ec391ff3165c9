"""The sweeps of kernels that slide no window: element by element, and row by row of a matrix."""

from edgecompress.memory.sweep import Sweep, Window
from edgecompress.tflite.graph import Tensor


def elementwise(source: Tensor, result: Tensor) -> Sweep:
    """One element after the other; each is read before its output is written."""
    return Sweep(_line(result.elements), source.dtype.itemsize, result.dtype.itemsize)


def by_rows(rows: int, inputs: int, outputs: int, at_once: int = 1) -> Sweep:
    """Rows of a matrix one after the other, `at_once` outputs of a row at a time; each needs its whole row of inputs."""
    return Sweep(_line(rows), inputs, outputs, part=at_once)


def _line(length: int) -> Window:
    return Window(1, 1, length, 1, length, 1, 1, 1, 1, 1, 1, 0, 0)
