"""Named columns into parts: the pool that is still to be divided, and the splits that the source gives explicitly."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from edgecompress.data.columns import Column, check_numbers, find, listing
from edgecompress.errors import DataError
from edgecompress.recipe import DataRecipe

SPLIT_WORDS: Mapping[str, tuple[str, ...]] = {
    "train": ("train",),
    "calibration": ("calibration", "calib", "cal"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test",),
}
"""How arrays (x_val) and folders (val/) spell the splits."""


class Reader(Protocol):
    """Reads samples of a part, all inputs at once."""

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of one stored sample, per input."""

    @property
    def dtypes(self) -> tuple[np.dtype, ...]:
        """As stored, per input."""

    def chunks(self, order: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, tuple[np.ndarray, ...]]]:
        """Samples in about this order, at most `size` at a time, with their indices."""

    def digests(self, indices: np.ndarray) -> Iterator[bytes]:
        """Equal for identical samples."""


@dataclass(frozen=True, eq=False)
class Part:
    """Samples that belong together, with labels and groups in memory and inputs behind a reader.

    Attributes:
        labels: (count, ...) as stored, or None.
        groups: (count,), or None.
    """

    count: int
    reader: Reader
    labels: np.ndarray | None
    groups: np.ndarray | None


@dataclass(frozen=True, eq=False)
class ColumnReader:
    """A reader of columns with random access."""

    columns: tuple[Column, ...]

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(column.shape[1:]) for column in self.columns)

    @property
    def dtypes(self) -> tuple[np.dtype, ...]:
        return tuple(column.dtype for column in self.columns)

    def chunks(self, order: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, tuple[np.ndarray, ...]]]:
        for first in range(0, len(order), size):
            indices = order[first : first + size]
            yield indices, tuple(column.read(indices) for column in self.columns)

    def digests(self, indices: np.ndarray) -> Iterator[bytes]:
        for pieces in zip(*(column.digests(indices) for column in self.columns), strict=True):
            yield b"".join(pieces)


def arrange(columns: Mapping[str, Column], recipe: DataRecipe, where: str) -> dict[str, Part]:
    """Parts by name: "pool" (x, or x_train), and "calibration", "validation", "test" where the source has them.

    Args:
        where: the source's name, for messages.

    Raises:
        DataError: no input array, lengths that differ, NaN or infinity, text as input, an empty array, shapes that
            differ between parts.
    """
    label = recipe.y or ("y" if _spellings(columns, recipe, "y") else None)
    wants_label = recipe.labels not in ("none", "input")
    if recipe.y and wants_label and not _spellings(columns, recipe, recipe.y):
        find(columns, recipe.y, where, "y")
    found = _spellings(columns, recipe, recipe.inputs[0])
    if not found:
        find(columns, recipe.inputs[0], where, "x")
    parts = {}
    for split, suffix in sorted(found.items()):
        inputs = [_lookup(columns, recipe, name + suffix, where, "x") for name in recipe.inputs]
        labels = None
        if label is not None and wants_label and not (split == "calibration" and label + suffix not in columns):
            optional = recipe.labels == "anomaly" and split == "pool"
            missing = _name(recipe, label + suffix) not in columns
            labels = None if optional and missing else _lookup(columns, recipe, label + suffix, where, "y")
        group = recipe.split.group
        groups = None
        if group and (split == "pool" or _name(recipe, group + suffix) in columns):
            groups = _lookup(columns, recipe, group + suffix, where, "split.group")
        parts[split] = _part(inputs, labels, groups, where)
    _check_same(parts, recipe, where)
    return parts


def _spellings(columns: Mapping[str, Column], recipe: DataRecipe, name: str) -> dict[str, str]:
    """The suffix under which each part of `name` is found."""
    found: dict[str, str] = {}
    candidates = [("pool", "")] + [
        ("pool" if split == "train" else split, f"_{word}") for split, words in SPLIT_WORDS.items() for word in words
    ]
    for split, suffix in candidates:
        if _name(recipe, name + suffix) in columns:
            if split in found:
                both = f"{name}{found[split]} and {name}{suffix}"
                raise DataError(f"two arrays claim to be the same samples: {both}", found=listing(columns.values()))
            found[split] = suffix
    return found


def _name(recipe: DataRecipe, name: str) -> str:
    return recipe.names.get(name, name)


def _lookup(columns: Mapping[str, Column], recipe: DataRecipe, name: str, where: str, key: str) -> Column:
    return find(columns, _name(recipe, name), where, key)


def _part(inputs: list[Column], labels: Column | None, groups: Column | None, where: str) -> Part:
    everything = [*inputs, *(one for one in (labels, groups) if one is not None)]
    for column in everything:
        if not column.shape or column.shape[0] == 0:
            raise DataError(f"{where}: array {column.name!r} holds no sample", found=f"shape {column.shape}")
        if column.shape[0] != inputs[0].shape[0]:
            raise DataError(
                f"{where}: {inputs[0].name!r} and {column.name!r} must have as many samples",
                found=f"{inputs[0].shape[0]} and {column.shape[0]}",
            )
    for column in inputs:
        check_numbers(column)
    if groups is not None and len(groups.shape) != 1:
        raise DataError(f"{where}: the group column {groups.name!r} must be flat", found=f"shape {groups.shape}")
    count = inputs[0].shape[0]
    every = np.arange(count)
    return Part(
        count,
        ColumnReader(tuple(inputs)),
        None if labels is None else labels.read(every),
        None if groups is None else groups.read(every),
    )


def _check_same(parts: Mapping[str, Part], recipe: DataRecipe, where: str) -> None:
    (first, reference), *others = parts.items()
    for name, part in others:
        for i, (expected, shape) in enumerate(zip(reference.reader.shapes, part.reader.shapes, strict=True)):
            if shape != expected:
                raise DataError(
                    f"{where}: samples of input {recipe.inputs[i]!r} have another shape in {name} than in {first}",
                    found=f"{shape} and {expected}",
                )
