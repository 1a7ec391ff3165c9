"""Columns: what a source offers by name, arrays along whose first axis the samples lie, read where asked for."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from edgecompress.errors import DataError

DTYPE_KINDS = "biufUS"
"""Booleans, integers, floats and text; everything else (objects above all, which are pickles) is refused."""

BLOCK_BYTES = 32 * 2**20
"""How much of an array a check looks at in one go."""


class Column(Protocol):
    """Samples of one name: `shape` has the samples on its first axis, `dtype` is the stored one."""

    @property
    def name(self) -> str: ...

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def read(self, indices: np.ndarray) -> np.ndarray:
        """The samples at `indices`, in their stored dtype, in this order."""

    def digests(self, indices: np.ndarray) -> Iterator[bytes]:
        """A digest of each sample's content, equal for identical samples."""


@dataclass
class ArrayColumn:
    """A column in memory or mapped from a file; `load` runs when the first sample is read."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    load: Callable[[], np.ndarray] = field(repr=False)
    _array: np.ndarray | None = field(default=None, repr=False)

    @classmethod
    def of(cls, name: str, array: np.ndarray) -> "ArrayColumn":
        """A column of an array at hand."""
        check_dtype(name, array.dtype)
        return cls(name, array.shape, array.dtype, lambda: array)

    @property
    def array(self) -> np.ndarray:
        if self._array is None:
            self._array = self.load()
        return self._array

    def read(self, indices: np.ndarray) -> np.ndarray:
        rows: np.ndarray = self.array[indices]
        return rows

    def digests(self, indices: np.ndarray) -> Iterator[bytes]:
        for block in blocks(indices, self.shape, self.dtype):
            rows = np.ascontiguousarray(self.read(block)).reshape(len(block), -1)
            content = rows.data.cast("B") if rows.size else memoryview(b"")
            size = len(content) // len(block)
            for i in range(len(block)):
                yield hashlib.blake2b(content[i * size : (i + 1) * size], digest_size=16).digest()


@dataclass(frozen=True)
class BrokenColumn:
    """A column that cannot be read, which matters only to those who ask for it."""

    name: str
    error: DataError
    shape: tuple[int, ...] = ()
    dtype: np.dtype[Any] = np.dtype(object)  # noqa: RUF009

    def read(self, indices: np.ndarray) -> np.ndarray:
        raise self.error

    def digests(self, indices: np.ndarray) -> Iterator[bytes]:
        raise self.error


def blocks(indices: np.ndarray, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Iterator[np.ndarray]:
    """`indices` in pieces whose samples take at most BLOCK_BYTES (one sample at least)."""
    sample = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
    rows = max(1, BLOCK_BYTES // max(1, sample))
    for first in range(0, len(indices), rows):
        yield indices[first : first + rows]


def check_dtype(name: str, dtype: np.dtype[Any]) -> None:
    """Refuse what cannot be a sample.

    Raises:
        DataError: object arrays (they would be unpickled, which runs code), structured, complex and time dtypes.
    """
    if dtype.hasobject:
        raise DataError(
            f"array {name!r} holds Python objects, which only pickle can read; a pickle can run any code",
            found=f"dtype {dtype}",
            hint="save it with a numeric dtype, as np.asarray(x, dtype=np.float32)",
        )
    if dtype.kind not in DTYPE_KINDS or dtype.names is not None or dtype.itemsize == 0:
        raise DataError(f"array {name!r} must hold numbers or text", found=f"dtype {dtype}")


def check_file(path: Path) -> None:
    """Refuse pipes and devices, whose end nobody knows.

    Raises:
        DataError: no regular file.
    """
    if path.exists() and not path.is_file():
        raise DataError(
            f"{path.name} is no file", found="a folder, a pipe or a device", hint="write it to a file first"
        )


def check_numbers(column: Column) -> None:
    """Refuse inputs that are text, or floats with NaN or infinity anywhere.

    Raises:
        DataError: with the first sample that is not finite.
    """
    if column.dtype.kind in "US":
        raise DataError(f"input {column.name!r} must hold numbers", found=f"text ({column.dtype})")
    if column.dtype.kind != "f":
        return
    for block in blocks(np.arange(column.shape[0]), column.shape, column.dtype):
        finite = np.isfinite(column.read(block)).reshape(len(block), -1).all(axis=1)
        if not finite.all():
            where = int(block[int(np.argmin(finite))])
            raise not_finite(column.name, where)


def not_finite(name: str, sample: int) -> DataError:
    """The error for NaN or infinity in an input."""
    return DataError(
        f"input {name!r} must be finite",
        found=f"NaN or infinity in sample {sample}",
        hint="remove such samples or fill them in before",
    )


def find(columns: Mapping[str, Column], name: str, what: str, key: str) -> Column:
    """The column `name`, or a DataError that lists what is there and the recipe key to set."""
    if name in columns:
        column = columns[name]
        if isinstance(column, BrokenColumn):
            raise column.error
        return column
    raise DataError(
        f"{what}: there is no array or column {name!r}",
        found=listing(columns.values()),
        hint=f"name one of these in the recipe: [data] {key}",
    )


def listing(columns: Iterable[Column]) -> str:
    """What is there, for messages: x (60000, 28, 28) uint8, ..."""
    known: Sequence[str] = [
        f"{one.name} (unusable)" if isinstance(one, BrokenColumn) else f"{one.name} {tuple(one.shape)} {one.dtype}"
        for one in columns
    ]
    shown = ", ".join(known[:20])
    return (shown if len(known) <= 20 else f"{shown} and {len(known) - 20} more") or "nothing"
