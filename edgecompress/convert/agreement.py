"""How far the outputs of two models are apart, over the same samples."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgecompress.errors import DataError


@dataclass(frozen=True)
class Agreement:
    """Differences between two models' outputs.

    Attributes:
        samples: how many were compared.
        rmse: root of the mean squared difference over all values of all samples.
        cosine: mean over samples of the cosine between the two output vectors; 1 for two vectors of zeros, 0 for one.
        max_abs: the largest absolute difference.
    """

    samples: int
    rmse: float
    cosine: float
    max_abs: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare(expected: np.ndarray, actual: np.ndarray) -> Agreement:
    """Compare two arrays of outputs, first axis the sample, in real units.

    Raises:
        DataError: different shapes, no samples, or values that are not finite.
    """
    if expected.shape != actual.shape or not len(expected):
        raise DataError("outputs of different shape cannot be compared", found=f"{expected.shape} and {actual.shape}")
    first = expected.reshape(len(expected), -1).astype(np.float64)
    second = actual.reshape(len(actual), -1).astype(np.float64)
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise DataError("an output is NaN or infinite", hint="does the model expect scaled inputs? [data] scale")
    difference = first - second
    return Agreement(
        samples=len(first),
        rmse=float(np.sqrt(np.mean(difference**2))),
        cosine=float(np.mean(cosines(first, second))),
        max_abs=float(np.max(np.abs(difference))),
    )


def cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Row by row; two rows of zeros agree, one row of zeros does not."""
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    both = ~first.any(axis=1) & ~second.any(axis=1)
    return np.where(both, 1.0, np.sum(first * second, axis=1) / np.where(lengths == 0, 1.0, lengths))


def compare_files(expected: Path, actual: Path) -> Agreement:
    """Compare what `keras_outputs.run` or `evaluate.run` wrote: all outputs of each sample as one vector.

    Raises:
        DataError: files of other models or of other samples.
    """
    return compare(_flat(expected), _flat(actual))


def _flat(path: Path) -> np.ndarray:
    with np.load(path, allow_pickle=False) as stored:
        names = sorted(name for name in stored.files if name.startswith("real_"))
        if not names:
            raise DataError(f"{path.name} holds no outputs", found=", ".join(stored.files))
        return np.concatenate([stored[name].reshape(len(stored[name]), -1) for name in names], axis=1)
