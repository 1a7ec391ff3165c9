"""`.npz` and `.npy` files of unknown origin as columns: headers first, bounded, never a pickle, large ones mapped."""

import io
import os
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np

from edgecompress.data.columns import ArrayColumn, BrokenColumn, Column, check_dtype, check_file
from edgecompress.errors import DataError

MAX_MEMBERS = 1000
MAX_DECODED = 4 * 2**30
"""Bytes of one compressed array, which has to be decoded in memory. Large uncompressed ones are mapped."""

MAX_RATIO = 500
"""No array of real samples shrinks more than this; a zip bomb does (deflate reaches 1032)."""

SMALL = 64 * 2**20
"""Bytes up to which an array is read as a whole, with its checksum, and no ratio is suspicious."""

_BROKEN = (ValueError, EOFError, OSError, RecursionError, MemoryError, zlib.error, zipfile.BadZipFile, RuntimeError)


@dataclass(frozen=True)
class Header:
    """What the header of an .npy file says, checked against the bytes that follow."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    start: int

    @property
    def count(self) -> int:
        product = 1
        for size in self.shape:
            product *= size
        return product

    @property
    def nbytes(self) -> int:
        return self.count * self.dtype.itemsize


def read_npz(path: Path) -> dict[str, Column]:
    """The arrays of an .npz file by name, sorted; only their headers are read now.

    Raises:
        DataError: no zip, truncated, more than 1000 members. An array that cannot be used (pickled, encrypted, a zip
            bomb, a wrong header) becomes a BrokenColumn: an unused one does no harm.
    """
    check_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                raise DataError(f"{path.name}: more than {MAX_MEMBERS} arrays", found=f"{len(members)}")
            columns = [_tried(path, archive, member) for member in members if member.filename.endswith(".npy")]
    except _BROKEN as error:
        raise _broken(path, "no readable .npz file", error) from error
    if not columns:
        raise DataError(f"{path.name}: no array in this file", found=", ".join(m.filename for m in members[:10]))
    return {column.name: column for column in sorted(columns, key=lambda column: column.name)}


def read_npy(path: Path, name: str) -> ArrayColumn:
    """The array of an .npy file as a memory-mapped column called `name`.

    Raises:
        DataError: no .npy file, truncated, a pickled array.
    """
    check_file(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header = _header(file, size, f"{path.name}")
    except _BROKEN as error:
        raise _broken(path, "no readable .npy file", error) from error
    return ArrayColumn(name, header.shape, header.dtype, lambda: _mapped(path, header, 0))


def read_folder(path: Path) -> dict[str, Column]:
    """The .npy files of a folder, each a column named after the file; unusable ones are BrokenColumns."""
    columns: dict[str, Column] = {}
    for file in sorted(path.glob("*.npy")):
        try:
            columns[file.stem] = read_npy(file, file.stem)
        except DataError as error:
            columns[file.stem] = BrokenColumn(file.stem, error)
    return columns


def _tried(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Column:
    name = member.filename.removesuffix(".npy")
    try:
        return _member(path, archive, member)
    except DataError as error:
        return BrokenColumn(name, error)
    except _BROKEN as error:
        return BrokenColumn(name, _broken(path, f"array {name!r} cannot be read", error))


def _member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> ArrayColumn:
    name = member.filename.removesuffix(".npy")
    with archive.open(member) as file:
        header = _header(file, member.file_size, f"{path.name}: array {name!r}")
    if member.compress_type == zipfile.ZIP_STORED and header.nbytes > SMALL:
        load = _guarded(path, name, lambda: _stored(path, member, header))
        return ArrayColumn(name, header.shape, header.dtype, load)
    if member.file_size > MAX_DECODED:
        raise DataError(
            f"{path.name}: array {name!r} is compressed and too large to decode in memory",
            found=f"{member.file_size / 2**30:.1f} GiB",
            hint="save it uncompressed (np.savez or .npy); then it is read piece by piece",
        )
    if member.file_size > max(SMALL, MAX_RATIO * member.compress_size):
        raise DataError(
            f"{path.name}: array {name!r} looks like a zip bomb",
            found=f"{member.compress_size} bytes that unpack to {member.file_size}",
            hint="save it uncompressed (np.savez) if it is real",
        )
    return ArrayColumn(name, header.shape, header.dtype, _guarded(path, name, lambda: _decoded(path, member, header)))


def _header(file: IO[bytes], size: int, where: str) -> Header:
    """The checked header of the .npy content of `size` bytes at the front of `file`."""
    try:
        with warnings.catch_warnings(action="ignore"):
            version = np.lib.format.read_magic(file)
            if version == (1, 0):
                shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
            elif version == (2, 0):
                shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
            else:
                raise ValueError(f"version {version} of the format")
    except Exception as error:  # NumPy parses the header as Python text, which can fail in any way
        raise DataError(f"{where}: no NumPy array", found=str(error)[:200]) from error
    check_dtype(where, dtype)
    header = Header(shape, dtype, fortran, file.tell())
    if any(one < 0 for one in shape) or header.nbytes != size - header.start:
        raise DataError(
            f"{where}: the file is truncated or its header is wrong",
            found=f"{size - header.start} bytes for shape {shape} of {dtype}, which takes {header.nbytes}",
        )
    return header


def _decoded(path: Path, member: zipfile.ZipInfo, header: Header) -> np.ndarray:
    """The whole array, checksum verified by zipfile."""
    with zipfile.ZipFile(path) as archive, archive.open(member) as file:
        file.read(header.start)
        content = np.empty(header.nbytes, dtype=np.uint8)
        at = 0
        while piece := file.read(min(2**24, header.nbytes - at + 1)):
            content[at : at + len(piece)] = np.frombuffer(piece, dtype=np.uint8)
            at += len(piece)
    if at != header.nbytes:
        raise EOFError(f"{at} bytes of {header.nbytes}")
    return _shaped(content.view(header.dtype), header)


def _stored(path: Path, member: zipfile.ZipInfo, header: Header) -> np.ndarray:
    """An uncompressed member mapped in place: its bytes begin after the zip's local header."""
    with path.open("rb") as file:
        file.seek(member.header_offset)
        local = file.read(30)
        if len(local) < 30 or local[:4] != b"PK\x03\x04":
            raise zipfile.BadZipFile("local header is missing")
        name, extra = (int.from_bytes(local[at : at + 2], "little") for at in (26, 28))
        start = member.header_offset + 30 + name + extra
        if start + member.file_size > file.seek(0, os.SEEK_END):
            raise EOFError("the array ends behind the file")
    return _mapped(path, header, start)


def _mapped(path: Path, header: Header, start: int) -> np.ndarray:
    if header.count == 0:
        return np.zeros(header.shape, header.dtype)
    order: Literal["C", "F"] = "F" if header.fortran else "C"
    try:
        mapped: np.ndarray = np.memmap(path, header.dtype, "r", start + header.start, header.shape, order)
        return mapped
    except _BROKEN as error:
        raise _broken(path, "the file cannot be mapped", error) from error


def _shaped(flat: np.ndarray, header: Header) -> np.ndarray:
    return np.ascontiguousarray(flat.reshape(header.shape, order="F" if header.fortran else "C"))


def _guarded(path: Path, name: str, load: Callable[[], np.ndarray]) -> Callable[[], np.ndarray]:
    def guarded() -> np.ndarray:
        try:
            return load()
        except _BROKEN as error:
            raise _broken(path, f"array {name!r} cannot be read", error) from error

    return guarded


def _broken(path: Path, what: str, error: BaseException) -> DataError:
    if isinstance(error, OSError) and not isinstance(error, io.UnsupportedOperation) and error.strerror:
        return DataError(f"{path.name}: cannot be opened", found=error.strerror)
    size = path.stat().st_size if path.is_file() else 0
    found = "an empty file" if size == 0 else (str(error) or type(error).__name__)[:200]
    return DataError(f"{path.name}: {what}", found=found, hint="write it again with np.savez(file, x=..., y=...)")
