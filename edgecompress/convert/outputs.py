"""The file of a model's outputs over a split: what accuracy and agreement are computed from, without TensorFlow."""

from pathlib import Path

import numpy as np

from edgecompress import files


class Collector:
    """Gathers outputs batch by batch and writes them as .npz.

    The file holds real_0, … (float32, first axis the sample; dequantized for integer models), for integer models
    also output_0, … as the model gave them, and labels where there are any.
    """

    def __init__(self) -> None:
        self._parts: dict[str, list[np.ndarray]] = {}

    def add(self, name: str, array: np.ndarray) -> None:
        """One batch of an array of the file."""
        self._parts.setdefault(name, []).append(np.asarray(array))

    def write(self, path: Path) -> None:
        """Write aside and rename.

        Raises:
            OutputError: the file cannot be written.
        """
        arrays = {name: np.concatenate(parts) for name, parts in sorted(self._parts.items())}
        files.write_with(path, lambda aside: np.savez(aside, allow_pickle=False, **arrays))
