"""Small made-up data sets."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgecompress import data, recipe
from edgecompress.errors import DataError

Make = Callable[..., Path]


def made(count: int = 100, classes: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """x (count, 3, 2) uint8, all different, and y (count,) int64."""
    random = np.random.RandomState(seed)
    x = random.randint(0, 256, (count, 3, 2)).astype(np.uint8)
    x[:, 0, 0], x[:, 0, 1] = np.arange(count) % 256, np.arange(count) // 256
    return x, random.randint(0, classes, count)


def opened(source: Path | str, seed: int = 0, **keys: Any) -> data.Dataset:
    """With a recipe of dotted keys, `_` for `.` in split_*."""
    dotted = {
        f"data.{key.replace('split_', 'split.').replace('groups_', 'groups.')}": value for key, value in keys.items()
    }
    return data.open(str(source), recipe.load(None, dotted).data, seed)


def refused(source: Path | str, **keys: Any) -> DataError:
    """The error of opening."""
    with pytest.raises(DataError) as caught:
        opened(source, **keys)
    assert caught.value.exit_code == 4
    assert len(str(caught.value)) < 1500
    return caught.value


def everything(split: data.Split) -> tuple[np.ndarray, np.ndarray | None]:
    """All batches joined."""
    batches = list(split.batches(7))
    labels = [batch.labels for batch in batches if batch.labels is not None]
    return np.concatenate([np.asarray(batch.x) for batch in batches]), np.concatenate(labels) if labels else None
