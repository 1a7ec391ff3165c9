"""The dataset: named, disjoint splits that stream batches; the test split is handed out once, at the end."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from edgecompress.data.fit import check_fit
from edgecompress.data.labels import Labels, class_indices
from edgecompress.data.parts import Part
from edgecompress.data.splits import spread
from edgecompress.data.transform import Transform
from edgecompress.errors import DataError
from edgecompress.recipe import DataRecipe

GROUP_NAMES = re.compile(r"(subject|user|speaker|patient|session|recording|person|participant|group)(_?id)?s?", re.I)


Inputs = np.ndarray | tuple[np.ndarray, ...]
"""The array of a model with one input, or the tuple of several."""


class Batch(NamedTuple):
    """Samples as the model sees them.

    Attributes:
        inputs: one array (count, *shape) per model input, in the model's order.
        labels: index, anomaly: int32 (count,); one-hot: float32 (count, classes); values: float32; else None.
    """

    inputs: tuple[np.ndarray, ...]
    labels: np.ndarray | None

    @property
    def x(self) -> Inputs:
        """The only input, or the tuple of several."""
        return self.inputs[0] if len(self.inputs) == 1 else self.inputs


@dataclass(frozen=True, eq=False)
class Split:
    """Samples of one split. Only one batch at a time exists as the model sees it.

    Attributes:
        indices: places of the samples in the source's arrays, in this split's order.
    """

    name: str
    indices: np.ndarray
    part: Part = field(repr=False)
    transforms: Sequence[Transform] = field(repr=False)
    all_labels: np.ndarray | None = field(repr=False)

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of one sample as the model sees it, per input."""
        return tuple(transform.shape for transform in self.transforms)

    @property
    def labels(self) -> np.ndarray | None:
        """All labels in this split's order (a generator's batches may come in another order: use theirs)."""
        return None if self.all_labels is None else self.all_labels[self.indices]

    def batches(self, size: int, *, shuffle: int | None = None) -> Iterator[Batch]:
        """All samples once, `size` at a time, the last batch smaller.

        Args:
            shuffle: a seed for another order (one per epoch, say); None is the split's own, always the same. Samples
                of a generator are only shuffled among a few hundred neighbours.

        Raises:
            DataError: an empty split, NaN or infinity after scaling, a file that changed or cannot be decoded.
        """
        if not len(self):
            raise DataError(f"the {self.name} split is empty", hint=f"[data.split] {self.name} in the recipe")
        order = self.indices
        if shuffle is not None:
            order = order[np.random.RandomState(shuffle).permutation(len(order))]
        for indices, raw in self.part.reader.chunks(order, size):
            inputs = tuple(one.apply(array, indices) for one, array in zip(self.transforms, raw, strict=True))
            yield Batch(inputs, None if self.all_labels is None else self.all_labels[indices])

    def take(self, count: int) -> "Split":
        """A smaller split of `count` samples, evenly spread over this one.

        Raises:
            DataError: fewer samples than asked.
        """
        if count > len(self):
            raise DataError(f"the {self.name} split has fewer samples than asked", found=f"{len(self)} of {count}")
        return replace(self, indices=self.indices[spread(self.indices, count)])


class Dataset:
    """What `data.open` returns; reopened from (source, recipe, seed) when it is unpickled in another process.

    Attributes:
        source, recipe, seed: what it was opened from.
        labels: their kind, and how that was found.
        notes: how the splits came about, for the report.
    """

    def __init__(
        self,
        opened: tuple[Callable[..., "Dataset"], str, DataRecipe, int],
        splits: Mapping[str, Split],
        labels: Labels,
        columns: Sequence[str],
        notes: Sequence[str],
        warnings: Sequence[str],
    ) -> None:
        self._open, self.source, self.recipe, self.seed = opened
        self._splits = dict(splits)
        self._columns = tuple(columns)
        self._warnings = tuple(warnings)
        self.labels = labels
        self.notes = tuple(notes)
        self.test_used = False
        self._known: dict[str, tuple[bytes, ...]] = {}

    @property
    def train(self) -> Split:
        return self._splits["train"]

    @property
    def calibration(self) -> Split:
        """Samples for activation ranges, taken out of the training part (or given as arrays of their own)."""
        return self._splits["calibration"]

    @property
    def validation(self) -> Split:
        return self._splits["validation"]

    def test(self) -> Split:
        """The test split, once: judge every model on this one value, after all training.

        Raises:
            DataError: when called again; then something was chosen by looking at test results.
        """
        if self.test_used:
            raise DataError(
                "the test split has been handed out before; test data is touched once, at the end",
                hint="use dataset.validation to compare, and keep the Split that test() returned",
            )
        self.test_used = True
        return self._splits["test"]

    def count(self, split: str) -> int:
        """How many samples "train", "calibration" or "validation" has."""
        return len(self._open_split(split))

    def batches(self, split: str, size: int, seed: int | None = None) -> Iterator[tuple[Inputs, np.ndarray | None]]:
        """Inputs (the array of a single one) and labels of "train", "calibration" or "validation".

        Args:
            seed: shuffles; None keeps the split's order.
        """
        for batch in self._open_split(split).batches(size, shuffle=seed):
            yield batch.x, batch.labels

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all samples as stored, their labels and their preparation, wherever the source lies."""
        digest = hashlib.sha256(repr((replace(self.recipe, source=None), self.seed, self.labels)).encode())
        for name in sorted(self._splits):
            split = self._splits[name]
            digest.update(f"{name} {len(split)}".encode())
            digest.update(b"".join(self._digests(name)))
            digest.update(np.sort(split.indices).astype("<i8").tobytes())
            digest.update(b"" if split.labels is None else np.ascontiguousarray(split.labels).tobytes())
        return digest.hexdigest()

    @property
    def counts(self) -> dict[str, int]:
        """Samples per split."""
        return {name: len(self._splits[name]) for name in ("train", "calibration", "validation", "test")}

    @property
    def input_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of one sample as the model sees it, per input."""
        return self._splits["train"].shapes

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of accuracy figures should know; looks through all samples for duplicates the first time."""
        return (*self._warnings, *self._about_groups(), *self._about_classes(), *self._about_duplicates())

    def duplicates(self, of: str, among: Sequence[str]) -> int:
        """How many samples of split `of` are identical, byte by byte as stored, to one in the splits `among`."""
        known = {digest for name in among for digest in self._digests(name)}
        return sum(digest in known for digest in self._digests(of))

    def check_against(self, input_shapes: Sequence[Sequence[int | None]], output_shape: Sequence[int | None]) -> None:
        """Check that samples and labels suit a model.

        Args:
            input_shapes: per input, with the batch as first axis (whatever its size); None dimensions fit anything.
            output_shape: likewise.

        Raises:
            DataError: another number of inputs, another shape (with the reshape that would do), labels beyond the
                outputs, one-hot rows or values of another width.
        """
        check_fit(self.recipe, self.labels, self.input_shapes, self._value_shape(), input_shapes, output_shape)

    def _open_split(self, name: str) -> Split:
        if name not in ("train", "calibration", "validation"):
            raise ValueError(f"{name!r} is not train, calibration or validation; see test()")
        return self._splits[name]

    def _value_shape(self) -> tuple[int, ...]:
        arrays = [one.all_labels for one in self._splits.values() if one.all_labels is not None]
        return tuple(arrays[0].shape[1:]) if arrays else ()

    def _digests(self, name: str) -> tuple[bytes, ...]:
        if name not in self._known:
            split = self._splits[name]
            self._known[name] = tuple(split.part.reader.digests(np.sort(split.indices)))
        return self._known[name]

    def _about_groups(self) -> Iterator[str]:
        if self.recipe.split.group is None:
            for name in self._columns:
                if GROUP_NAMES.fullmatch(name):
                    yield (
                        f"the data has a column {name!r}, but samples of the same {name} may be in train and test: "
                        f'set group = "{name}" in the recipe\'s [data.split]'
                    )

    def _about_classes(self) -> Iterator[str]:
        test = self._splits["test"].labels
        if test is None or not len(test):
            return
        present = class_indices(self.labels.kind, test)
        if present is not None and len(np.unique(present)) == 1:
            yield "the test split has one class only: its accuracy says nothing about the others"

    def _about_duplicates(self) -> Iterator[str]:
        for of, among in (("test", ("train", "calibration", "validation")), ("validation", ("train", "calibration"))):
            number = self.duplicates(of, among) if self.counts[of] else 0
            if number:
                share = 100 * number / self.counts[of]
                yield (
                    f"{number} of {self.counts[of]} {of} samples ({share:.2g} %) are identical to samples of "
                    f"{', '.join(among[:-1])} or {among[-1]}: {of} figures are too good by up to that much"
                )

    def __reduce__(self) -> tuple[Any, ...]:
        return (reopen, (self._open, self.source, self.recipe, self.seed, self.test_used))


def reopen(open_: Callable[..., Dataset], source: str, recipe: DataRecipe, seed: int, test_used: bool) -> Dataset:
    """The same dataset in another process, which does not get a second look at the test split."""
    dataset = open_(source, recipe, seed)
    dataset.test_used = test_used
    return dataset
