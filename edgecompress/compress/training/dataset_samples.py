"""A data set as compression sees it: the training and validation splits, and nothing else."""

import hashlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np

from edgecompress.compress.models.saved import sha256_of
from edgecompress.compress.training.samples import Inputs
from edgecompress.data import Dataset, Split
from edgecompress.recipe import Recipe
from edgecompress.recipe.printing import print_recipe

_LOOKED_AT = 256
"""Samples that go into the fingerprint of a source that is no single file."""


class DatasetSamples:
    """Adapts `edgecompress.data.Dataset` to `edgecompress.compress.training.samples.Samples`."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def count(self, split: str) -> int:
        return self._dataset.counts[split]

    def batches(self, split: str, size: int, seed: int | None = None) -> Iterator[tuple[Inputs, np.ndarray | None]]:
        for batch in self._split(split).batches(size, shuffle=seed):
            yield batch.x, batch.labels

    @cached_property
    def fingerprint(self) -> str:
        """Of the preparation, the labels and sizes of the splits, and the file or some samples."""
        digest = hashlib.sha256()
        digest.update(print_recipe(Recipe(data=self._dataset.recipe)).encode())
        digest.update(repr((self._dataset.seed, sorted(self._dataset.counts.items()))).encode())
        for name in ("train", "validation"):
            labels = self._split(name).labels
            digest.update(b"-" if labels is None else np.ascontiguousarray(labels).tobytes())
        source = Path(self._dataset.source)
        if source.is_file():
            digest.update(sha256_of(source).encode())
        train = self._split("train")
        for batch in train.take(min(_LOOKED_AT, len(train))).batches(_LOOKED_AT):
            for array in batch.inputs:
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def _split(self, name: str) -> Split:
        return {"train": self._dataset.train, "validation": self._dataset.validation}[name]
