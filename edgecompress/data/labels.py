"""What labels mean: class indices, one-hot rows, values, or nothing; inferred without doubt, else an error."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgecompress.errors import DataError
from edgecompress.recipe import DataRecipe


@dataclass(frozen=True)
class Labels:
    """The kind of all labels of a dataset.

    Attributes:
        kind: index, one-hot, values, input, anomaly or none (see DataRecipe.labels).
        how: why, in words, for the report.
        classes: class names by index; empty where unknown.
        width: one-hot: classes; index: the largest label + 1; else 0.
    """

    kind: str
    how: str
    classes: tuple[str, ...] = ()
    width: int = 0


Stored = Mapping[str, np.ndarray | None]


def interpret(stored: Stored, recipe: DataRecipe) -> tuple[Labels, dict[str, np.ndarray | None]]:
    """The kind of labels, and every part's labels in its form.

    Args:
        stored: by part, (count, ...) as the source has them.

    Returns:
        index, anomaly: int32 (count,); one-hot: float32 (count, classes); values: float32 as stored; else None.

    Raises:
        DataError: NaN or infinity, negative or fractional indices, labels beyond `classes`, rows that are not one-hot,
            and labels that could be two kinds.
    """
    given = {part: array for part, array in stored.items() if array is not None}
    if recipe.labels in ("none", "input"):
        return Labels(recipe.labels, "declared in the recipe", recipe.classes), dict.fromkeys(stored)
    if not given:
        if recipe.labels is not None and recipe.labels != "anomaly":
            raise DataError(f"labels = {recipe.labels!r}, but the data has none", hint='y = "name" in [data]')
        return Labels("none", "the data has no labels"), dict.fromkeys(stored)
    given, classes = _from_text(given, recipe)
    given = {part: array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array for part, array in given.items()}
    for part, array in given.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            where = int(np.argmin(np.isfinite(array).reshape(len(array), -1).all(axis=1)))
            raise DataError("labels must be finite", found=f"NaN or infinity in label {where} of {part}")
    kind, how = (recipe.labels, "declared in the recipe") if recipe.labels else _infer(given, bool(classes))
    formed: dict[str, np.ndarray | None] = dict.fromkeys(stored)
    for part, array in given.items():
        formed[part] = _formed(kind, array, part, classes)
    return Labels(kind, how, classes, _width(kind, formed)), formed


def class_indices(kind: str, labels: np.ndarray) -> np.ndarray | None:
    """(count,) class indices of labels in the form of `interpret`, or None where labels are no classes."""
    if kind == "one-hot":
        return np.asarray(np.argmax(labels, axis=1))
    return labels if kind in ("index", "anomaly") else None


def _from_text(given: dict[str, np.ndarray], recipe: DataRecipe) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Text labels as indices into the sorted class names, or into the recipe's."""
    if not any(array.dtype.kind in "US" for array in given.values()):
        return given, recipe.classes
    texts = {part: array.astype(str).reshape(len(array), -1)[:, 0] for part, array in given.items()}
    present = sorted({str(one) for text in texts.values() for one in np.unique(text)})
    classes = recipe.classes or tuple(present)
    strange = [one for one in present if one not in classes]
    if strange:
        raise DataError("labels must be among the recipe's classes", found=", ".join(map(repr, strange[:10])))
    places = {name: i for i, name in enumerate(classes)}
    return {part: np.asarray([places[str(one)] for one in text], np.int32) for part, text in texts.items()}, classes


def _infer(given: Mapping[str, np.ndarray], named: bool) -> tuple[str, str]:
    arrays = list(given.values())
    if all(array.ndim == 1 and array.dtype.kind in "biu" for array in arrays):
        return "index", "class names" if named else "whole numbers, one per sample"
    if all(array.ndim == 2 and _is_one_hot(array) for array in arrays):
        return "one-hot", "every row has a single 1"
    if all(array.dtype.kind == "f" for array in arrays) and any((array % 1 != 0).any() for array in arrays):
        return "values", "numbers with fractions"
    shapes = sorted({f"{array.shape[1:]} {array.dtype}" for array in arrays})
    raise DataError(
        "labels could be classes or values",
        found=f"{', '.join(shapes)} per sample, all whole numbers",
        hint='labels = "index", "one-hot" or "values" in the recipe\'s [data]',
    )


def _is_one_hot(array: np.ndarray) -> bool:
    ones = (array == 1).sum(axis=1)
    zeros = (array == 0).sum(axis=1)
    return bool((ones == 1).all() and (zeros == array.shape[1] - 1).all())


def _formed(kind: str, array: np.ndarray, part: str, classes: tuple[str, ...]) -> np.ndarray:
    if kind == "values":
        return array.astype(np.float32)
    if kind == "one-hot":
        if array.ndim != 2 or not _is_one_hot(array):
            raise DataError(f"labels of {part} must be one-hot rows", found=f"shape {array.shape}")
        return array.astype(np.float32)
    if array.ndim != 1 or (array.dtype.kind == "f" and (array % 1 != 0).any()):
        raise DataError(
            f"labels of {part} must be one whole number per sample",
            found=f"shape {array.shape} {array.dtype}",
            hint='labels = "one-hot" or "values" in the recipe\'s [data], if that is what they are',
        )
    highest = 2 if kind == "anomaly" else (len(classes) or 2**31)
    bad = np.flatnonzero((array < 0) | (array >= highest))
    if bad.size:
        raise DataError(
            f"label {array[bad[0]]} of sample {bad[0]} in {part} is out of range",
            found=f"{bad.size} of {len(array)} labels outside 0..{highest - 1}",
        )
    return array.astype(np.int32)


def _width(kind: str, formed: Mapping[str, np.ndarray | None]) -> int:
    arrays = [array for array in formed.values() if array is not None]
    if kind == "one-hot":
        widths = {array.shape[1] for array in arrays}
        if len(widths) > 1:
            raise DataError("one-hot labels must have as many classes in all parts", found=f"{sorted(widths)}")
        return int(widths.pop())
    return max(int(array.max()) for array in arrays if array.size) + 1 if kind == "index" else 0
