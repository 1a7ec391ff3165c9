"""Samples for the jobs of this stage: a split of a data set, arrays of a file, or random numbers."""

import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgecompress import data, recipe
from edgecompress.errors import DataError, UsageError

_CHUNK = 32

Batches = Iterator[tuple[tuple[np.ndarray, ...], np.ndarray | None]]


@dataclass(frozen=True)
class Samples:
    """A stream of samples as the model sees them.

    Attributes:
        count: how many.
        kind: "data", "file" or "random".
        source: where they come from, for the report.
        batches: starts from the first sample; yields (one array per input, labels or None), at most 32 at a time.
    """

    count: int
    kind: str
    source: str
    batches: Callable[[], Batches]


def open_samples(
    job: Mapping[str, Any], split: str, shapes: list[tuple[int, ...]], limit: int | None = None
) -> Samples:
    """Open the samples that a job names.

    Args:
        job: "inputs" (path of an .npz with input_0, … and optionally labels), else "data", "recipe" and "overrides" as
            the compression stage takes them, else nothing: random numbers where "random" is true.
        split: train, calibration, validation or test.
        shapes: of one sample, per model input.
        limit: at most so many, evenly spread.

    Raises:
        DataError: samples that do not suit the model, or none.
        UsageError: the job names no samples.
    """
    if job.get("inputs"):
        return _from_file(Path(job["inputs"]), shapes, limit)
    settings = recipe.load(job.get("recipe"), dict(job.get("overrides") or {}))
    if job.get("random"):
        return random_samples(shapes, limit or 100, settings.build.seed)
    source = job.get("data") or settings.source
    if not source:
        raise UsageError(
            "there are no samples", hint="--data FILE, [data] source in the recipe, or --random-calibration"
        )
    dataset = data.open(source, settings.data, settings.build.seed)
    chosen = {"train": lambda: dataset.train, "calibration": lambda: dataset.calibration,
              "validation": lambda: dataset.validation, "test": dataset.test}[split]()  # fmt: skip
    _check_shapes(list(chosen.shapes), shapes, f"the {split} split")
    if limit is not None and limit < len(chosen):
        chosen = chosen.take(limit)

    def batches() -> Batches:
        return ((batch.inputs, batch.labels) for batch in chosen.batches(_CHUNK))

    return Samples(len(chosen), "data", Path(source).name, batches)


def random_samples(shapes: list[tuple[int, ...]], count: int, seed: int) -> Samples:
    """Standard normal samples, the same for the same seed: for size and speed only, never for accuracy."""

    def batches() -> Batches:
        generator = np.random.default_rng(seed)
        for start in range(0, count, _CHUNK):
            size = min(_CHUNK, count - start)
            yield tuple(generator.standard_normal((size, *shape), np.float32) for shape in shapes), None

    return Samples(count, "random", f"standard normal, seed {seed}", batches)


def _from_file(path: Path, shapes: list[tuple[int, ...]], limit: int | None) -> Samples:
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = [stored[f"input_{i}"] for i in range(len(shapes))]
            labels = stored.get("labels")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path.name} does not hold the inputs", found=str(error)[:200], hint="input_0, … in an .npz"
        ) from error
    _check_shapes([array.shape[1:] for array in arrays], shapes, path.name)
    if len({len(array) for array in arrays}) != 1 or not len(arrays[0]):
        raise DataError(f"{path.name}: the inputs differ in their number of samples, or are empty")
    count = min(len(arrays[0]), limit or len(arrays[0]))

    def batches() -> Batches:
        for start in range(0, count, _CHUNK):
            part = slice(start, min(start + _CHUNK, count))
            yield tuple(array[part] for array in arrays), None if labels is None else labels[part]

    return Samples(count, "file", path.name, batches)


def _check_shapes(found: list[tuple[int, ...]], wanted: list[tuple[int, ...]], where: str) -> None:
    if [tuple(shape) for shape in found] != [tuple(shape) for shape in wanted]:
        raise DataError(
            f"{where}: samples do not have the shape of the model's input",
            found=f"samples {_shown(found)}, model {_shown(wanted)}",
            hint="[data] reshape in the recipe",
        )


def _shown(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join("x".join(map(str, shape)) or "scalar" for shape in shapes)
