"""Samples from a user's own function: `module:function` or `file.py:function` that returns arrays or a generator.

The function runs only because the user named it in the recipe or on the command line; nothing in a model or data file
can name one.
"""

import contextlib
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgecompress.data.columns import ArrayColumn, Column, check_dtype, not_finite
from edgecompress.data.parts import Part
from edgecompress.errors import DataError
from edgecompress.recipe import DataRecipe

WINDOW = 512
"""Samples of a stream that are held to shuffle them among themselves."""


def find_function(source: str) -> Callable[[], Any]:
    """The function that `module:function` or `path/file.py:function` names; the current folder is searched first.

    Raises:
        DataError: no such module or function; what importing it raised.
    """
    place, _, name = source.rpartition(":")
    try:
        module = _load_file(Path(place)) if place.endswith(".py") else _import(place)
    except (Exception, SystemExit) as error:
        raise DataError(
            f"data function {source!r}: {Path(place).name} cannot be imported",
            found=f"{type(error).__name__}: {error}"[:300],
            hint="module:function, with the module in the current folder, or path/file.py:function",
        ) from error
    function: Callable[[], Any] | None = getattr(module, name, None)
    if not callable(function):
        raise DataError(f"data function {source!r}: {Path(place).name} has no function {name!r}")
    return function


def _load_file(path: Path) -> Any:
    # A name of its own, so that a file called random.py does not become everybody's `random`.
    name = f"edgecompress_data_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up here
    with _searched(path.absolute().parent):
        spec.loader.exec_module(module)
    return module


def _import(name: str) -> Any:
    with _searched(Path.cwd()):
        return importlib.import_module(name)


@contextlib.contextmanager
def _searched(folder: Path) -> Iterator[None]:
    """The folder searched first for modules during the import, and last from then on."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        if str(folder) not in sys.path:
            sys.path.append(str(folder))


def call(function: Callable[[], Any], source: str) -> Any:
    """What the user's function returns; what it raises becomes a DataError."""
    try:
        return function()
    except (Exception, SystemExit) as error:
        raise _failed(source, error) from error


def as_columns(result: Any, recipe: DataRecipe, source: str) -> dict[str, Column] | None:
    """Columns of returned arrays: (x, y), (x, y, group), a mapping of names to arrays, or x alone; None for a stream.

    Raises:
        DataError: what is no array, as ragged lists.
    """
    if isinstance(result, Mapping):
        named = dict(result)
    elif isinstance(result, np.ndarray):
        named = {recipe.inputs[0]: result}
    elif isinstance(result, tuple | list) and 1 <= len(result) <= 3:
        named = dict(zip((recipe.inputs[0], recipe.y or "y", recipe.split.group or "group"), result, strict=False))
        if isinstance(result[0], tuple | list | Mapping) and len(recipe.inputs) > 1:
            first = result[0]
            named |= dict(first) if isinstance(first, Mapping) else dict(zip(recipe.inputs, first, strict=False))
    elif isinstance(result, Iterable):
        return None
    else:
        raise DataError(
            f"data function {source!r} must return (x, y), a mapping of arrays, or a generator of samples",
            found=type(result).__name__,
        )
    return {str(name): ArrayColumn.of(str(name), _array(value, str(name), source)) for name, value in named.items()}


def _array(value: Any, name: str, source: str) -> np.ndarray:
    try:
        return np.asarray(value)
    except (ValueError, TypeError) as error:
        raise DataError(f"data function {source!r}: {name!r} is no array", found=str(error)[:200]) from error


@dataclass(frozen=True, eq=False)
class StreamReader:
    """Reads a generator from its start each time; every sample must come again as it came the first time."""

    function: Callable[[], Any]
    recipe: DataRecipe
    source: str
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[np.dtype, ...]
    seen: tuple[bytes, ...]

    def chunks(self, order: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, tuple[np.ndarray, ...]]]:
        rank = np.full(len(self.seen), -1)
        rank[order] = np.arange(len(order))
        window: list[tuple[int, tuple[np.ndarray, ...]]] = []
        for index, (inputs, _, _) in enumerate(samples(self.function, self.recipe, self.source)):
            if index >= len(self.seen):
                break
            if rank[index] < 0:
                continue
            if _digest(inputs) != self.seen[index]:
                raise DataError(
                    f"data function {self.source!r} must yield the same samples every time it is called",
                    found=f"sample {index} is another one than before",
                    hint="seed its random numbers inside the function",
                )
            window.append((index, inputs))
            if len(window) >= max(WINDOW, size):
                window.sort(key=lambda one: int(rank[one[0]]))
                yield _stack(window[:size])
                del window[:size]
        window.sort(key=lambda one: int(rank[one[0]]))
        for first in range(0, len(window), size):
            yield _stack(window[first : first + size])

    def digests(self, indices: np.ndarray) -> Iterator[bytes]:
        return (self.seen[index] for index in indices)


def read_stream(function: Callable[[], Any], recipe: DataRecipe, source: str) -> Part:
    """One pass over a generator: labels, groups and a digest per sample are kept, the samples are not.

    Raises:
        DataError: no declared count, fewer samples than that, samples of several shapes, NaN or infinity.
    """
    if recipe.count is None:
        raise DataError(
            f"data function {source!r} is a generator; how many samples it yields must be declared",
            hint="count = 10000 in the recipe's [data]",
        )
    labels, groups, digests = [], [], []
    first: tuple[np.ndarray, ...] | None = None
    for index, (inputs, label, group) in enumerate(samples(function, recipe, source)):
        if index == recipe.count:
            break
        first = first or inputs
        _check_sample(inputs, first, recipe, source, index)
        digests.append(_digest(inputs))
        labels.append(label)
        groups.append(group)
    if first is None or len(digests) < recipe.count:
        raise DataError(
            f"data function {source!r} yields fewer samples than declared",
            found=f"{len(digests)} instead of {recipe.count}",
            hint=f"count = {len(digests)} in the recipe's [data]",
        )
    shapes, dtypes = tuple(one.shape for one in first), tuple(one.dtype for one in first)
    reader = StreamReader(function, recipe, source, shapes, dtypes, tuple(digests))
    return Part(recipe.count, reader, _together(labels, "labels", source), _together(groups, "groups", source))


def samples(
    function: Callable[[], Any], recipe: DataRecipe, source: str
) -> Iterator[tuple[tuple[np.ndarray, ...], Any, Any]]:
    """(inputs, label, group) of every sample; the function yields x, (x, y) or (x, y, group)."""
    stream = call(function, source)
    iterator = iter(stream)
    while True:
        try:
            sample = next(iterator)
        except StopIteration:
            return
        except (Exception, SystemExit) as error:
            raise _failed(source, error) from error
        x, label, group = (*sample, None, None)[:3] if isinstance(sample, tuple) else (sample, None, None)
        if isinstance(x, Mapping):
            x = tuple(x.get(name) for name in recipe.inputs)
        several = x if isinstance(x, tuple | list) and len(recipe.inputs) > 1 else (x,)
        if len(several) != len(recipe.inputs):
            raise DataError(f"data function {source!r} yields {len(several)} inputs for {len(recipe.inputs)} names")
        yield tuple(_array(one, name, source) for name, one in zip(recipe.inputs, several, strict=True)), label, group


def _check_sample(
    inputs: tuple[np.ndarray, ...], first: tuple[np.ndarray, ...], recipe: DataRecipe, source: str, index: int
) -> None:
    for name, one, reference in zip(recipe.inputs, inputs, first, strict=True):
        check_dtype(name, one.dtype)
        if one.dtype.kind in "US" or one.shape != reference.shape or one.dtype != reference.dtype:
            raise DataError(
                f"data function {source!r}: all samples must be numbers of one shape and dtype",
                found=f"sample {index} of {name!r} is {one.shape} {one.dtype}, "
                f"the first {reference.shape} {reference.dtype}",
            )
        if one.dtype.kind == "f" and not np.isfinite(one).all():
            raise not_finite(name, index)


def _together(values: list[Any], what: str, source: str) -> np.ndarray | None:
    if all(value is None for value in values):
        return None
    try:
        array = np.asarray([np.asarray(value) for value in values])
    except ValueError as error:
        raise DataError(f"data function {source!r}: {what} must all be alike", found=str(error)[:200]) from error
    check_dtype(what, array.dtype)
    return array


def _stack(window: list[tuple[int, tuple[np.ndarray, ...]]]) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    indices = np.asarray([index for index, _ in window])
    return indices, tuple(np.stack(pieces) for pieces in zip(*(inputs for _, inputs in window), strict=True))


def _digest(inputs: tuple[np.ndarray, ...]) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for one in inputs:
        digest.update(np.ascontiguousarray(one).tobytes())
    return digest.digest()


def _failed(source: str, error: BaseException) -> DataError:
    return DataError(f"data function {source!r} failed", found=f"{type(error).__name__}: {error}"[:300])
