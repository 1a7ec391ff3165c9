"""Real samples for `bench --samples`: the first few of a NumPy file, as they stand in it."""

import zipfile
from pathlib import Path

import numpy as np

from edgecompress.errors import DataError

NAMES = ("x", "x_test", "input_0", "inputs")
"""Array names of an .npz that are looked for, in this order."""


def read_samples(path: Path, count: int) -> np.ndarray:
    """The first `count` samples of an .npy, or of the array `x` of an .npz; first axis the sample.

    Raises:
        DataError: no such file, no such array, pickled objects, or fewer samples.
    """
    try:
        loaded = np.load(path, mmap_mode="r" if path.suffix == ".npy" else None, allow_pickle=False)
        array = loaded if isinstance(loaded, np.ndarray) else loaded[_name(path, loaded.files)]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path} cannot be read as samples",
            found=str(error)[:200],
            hint="an .npy, or an .npz with the array x; no pickled objects",
        ) from error
    if array.ndim < 2 or len(array) < count:
        raise DataError(
            f"{path}: {count} samples are wanted", found=f"an array of shape {list(array.shape)}", hint="--sample-count"
        )
    return np.array(array[:count])


def _name(path: Path, names: list[str]) -> str:
    for name in NAMES:
        if name in names:
            return name
    raise DataError(
        f"{path} has no array of samples", found=", ".join(names[:8]) or "no arrays", hint=f"name it {NAMES[0]}"
    )
