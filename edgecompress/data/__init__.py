"""Where samples come from: files, folders and functions, opened as a Dataset of disjoint splits that stream batches."""

from pathlib import Path

import numpy as np

from edgecompress.data.arrays import read_folder, read_npy, read_npz
from edgecompress.data.columns import Column
from edgecompress.data.dataset import Batch, Dataset, Split
from edgecompress.data.images import read_images
from edgecompress.data.labels import Labels, class_indices, interpret
from edgecompress.data.parts import Part, arrange
from edgecompress.data.python_source import as_columns, call, find_function, read_stream
from edgecompress.data.splits import divide
from edgecompress.data.table import read_csv
from edgecompress.data.transform import prepare
from edgecompress.errors import DataError
from edgecompress.recipe import DataRecipe

__all__ = ["Batch", "Dataset", "Labels", "Split", "kind_of", "open"]


def kind_of(source: str) -> str:
    """npz, npy, csv, images or python, told by the name of `source`.

    Raises:
        DataError: nothing there, or nothing known by that name.
    """
    path = Path(source)
    module, colon, function = source.rpartition(":")
    try:
        exists = path.exists()
    except (OSError, ValueError):
        exists = False
    if not exists and colon and function.isidentifier() and len(module) > 1:
        return "python"
    if not exists:
        raise DataError(f"there is no data at {path.name!r}", found=str(path), hint="--data FILE, or [data] source")
    if path.is_dir():
        return "npy" if any(path.glob("*.npy")) else "images"
    suffix = path.suffix.lower().removeprefix(".")
    if suffix in ("npz", "npy", "csv"):
        return suffix
    raise DataError(
        f"{path.name}: no kind of data has names like this",
        found=path.suffix or "no suffix",
        hint='.npz, .npy, .csv, a folder with a sub-folder per class, or module:function; kind = "csv" overrules',
    )


def open(source: str, recipe: DataRecipe | None = None, seed: int = 0, *, run_code: bool = True) -> Dataset:
    """Open samples; the same arguments give the same splits in every process.

    Args:
        source: a path, or `module:function` / `file.py:function`.
        recipe: [data]; None is all defaults.
        seed: of the splits.
        run_code: False refuses sources that are functions (a recipe that nobody named must not run code).

    Raises:
        DataError: whatever is wrong with the samples, naming file, array and sample.
    """
    recipe = recipe or DataRecipe()
    kind = recipe.kind or kind_of(source)
    if kind == "python" and not run_code:
        raise DataError(
            f"data function {source!r} would run code that nobody asked for",
            hint="name it with --data, or the recipe that names it with --recipe",
        )
    parts, classes, names = _parts(source, kind, recipe)
    if classes and not recipe.classes:
        labels, formed = interpret({name: part.labels for name, part in parts.items()}, recipe)
        labels = Labels(labels.kind, "one folder per class", classes, labels.width)
    else:
        labels, formed = interpret({name: part.labels for name, part in parts.items()}, recipe)
    if labels.kind == "anomaly":
        formed = {n: np.zeros(parts[n].count, np.int32) if one is None else one for n, one in formed.items()}
    return _split(source, recipe, seed, parts, labels, formed, names)


def _parts(source: str, kind: str, recipe: DataRecipe) -> tuple[dict[str, Part], tuple[str, ...], tuple[str, ...]]:
    """Parts, class names that the source gives, names of its columns."""
    path = Path(source)
    classes: tuple[str, ...] = ()
    columns: dict[str, Column] | None
    if kind == "python":
        function = find_function(source)
        columns = as_columns(call(function, source), recipe, source)
        if columns is None:
            return {"pool": read_stream(function, recipe, source)}, (), ()
    elif kind == "images":
        columns, classes = read_images(path, recipe)
    else:
        columns = _files(path, kind, recipe)
    where = path.name if kind != "python" else source
    return arrange(columns, recipe, where), classes, tuple(columns)


def _files(path: Path, kind: str, recipe: DataRecipe) -> dict[str, Column]:
    if kind == "npz":
        return read_npz(path)
    if kind == "csv":
        return dict(read_csv(path, recipe))
    if path.is_dir():
        return read_folder(path)
    beside = read_folder(path.parent)
    beside.pop(recipe.inputs[0], None)
    return {**beside, recipe.inputs[0]: read_npy(path, recipe.inputs[0])}


def _split(
    source: str,
    recipe: DataRecipe,
    seed: int,
    parts: dict[str, Part],
    labels: Labels,
    formed: dict[str, np.ndarray | None],
    names: tuple[str, ...],
) -> Dataset:
    explicit = frozenset(parts) - {"pool"}
    pool = parts.get("pool")
    notes = [f"{name}: {parts[name].count} samples of its own array, in its order" for name in sorted(explicit)]
    warnings: list[str] = []
    any_part = next(iter(parts.values()))
    transforms = prepare(recipe, any_part.reader.shapes, any_part.reader.dtypes)
    splits = {
        name: Split(name, np.arange(parts[name].count), parts[name], transforms, formed[name]) for name in explicit
    }
    if pool is not None:
        pool_labels = formed["pool"]
        classes = None if pool_labels is None else class_indices(labels.kind, pool_labels)
        _check_groups(pool, parts, recipe)
        assigned = divide(pool.count, recipe.split, seed, explicit=explicit, classes=classes, groups=pool.groups)
        notes += assigned.notes
        warnings += assigned.warnings
        for name, indices in assigned.indices.items():
            if labels.kind == "anomaly" and classes is not None and name in ("train", "calibration"):
                indices, left_out = indices[classes[indices] == 0], int((classes[indices] != 0).sum())
                notes += [f"{name}: {left_out} anomalous samples left out"] if left_out else []
            splits[name] = Split(name, indices, pool, transforms, pool_labels)
        _check_classes(splits["train"], labels.kind, classes)
    for name in ("train", "calibration", "validation", "test"):
        nothing = Split(name, np.zeros(0, np.int64), any_part, transforms, formed[next(iter(parts))])
        splits.setdefault(name, nothing)
    return Dataset((open, source, recipe, seed), splits, labels, names, notes, warnings)


def _check_classes(train: Split, kind: str, classes: np.ndarray | None) -> None:
    if classes is None or kind == "anomaly" or not len(train):
        return
    present = np.unique(classes[train.indices])
    if len(present) == 1:
        raise DataError(
            "the training samples have one class only",
            found=f"{len(train)} samples, all of class {present[0]}",
            hint="is the file sorted by class and cut short, or [data] y another column?",
        )


def _check_groups(pool: Part, parts: dict[str, Part], recipe: DataRecipe) -> None:
    """Explicit arrays must not share groups with the pool either."""
    if pool.groups is None:
        return
    for name in ("validation", "test"):
        groups = parts[name].groups if name in parts else None
        if groups is None:
            continue
        both = sorted(set(groups.astype(str)) & set(pool.groups.astype(str)))
        if both:
            raise DataError(f"groups of {recipe.split.group!r} are in train and in {name}", found=", ".join(both[:20]))
