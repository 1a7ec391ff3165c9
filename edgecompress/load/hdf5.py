"""What an HDF5 file of weights may be: arrays of numbers that lie in it, in groups, and nothing that leads elsewhere."""

import mmap
from pathlib import Path
from typing import IO

import h5py
import numpy as np

from edgecompress.errors import ModelFileError
from edgecompress.load.limits import LONGEST_NAME, MOST_BYTES, MOST_DESCRIPTION, MOST_MEMBERS, MOST_RATIO, SMALL

Bytes = bytes | mmap.mmap

_READ_BY_KERAS = ("layer_names", "weight_names", "keras_version", "backend")
"""Attributes, also with a number behind: long lists are spread over several."""


_HEAP = b"GCOL\x01\0\0\0"
_HEAP_HEADER = _ENTRY_HEADER = 16


def open_checked(content: Bytes, source: Path | IO[bytes], name: str) -> h5py.File:
    """Open a file that HDF5 1.14.6 does not loop over forever: an entry of a heap that takes no room is refused here.

    Args:
        content: the file's bytes; its superblock says how long numbers are, which is 8 bytes in all files of h5py.
        source: what HDF5 opens.
        name: what messages call it.

    Raises:
        ModelFileError: an entry of no or an impossible size.
    """
    start = 14 if content[8:9] in (b"\0", b"\1") else 10  # by the superblock's version
    at = content.find(_HEAP) if content[start : start + 1] == b"\x08" else -1
    while at >= 0:
        _check_heap(content, at, name)
        at = content.find(_HEAP, at + len(_HEAP))
    return h5py.File(source, "r")


def _check_heap(content: Bytes, at: int, name: str) -> None:
    """A collection at a place: its size, then entries of an index, a size and bytes; index 0 is what is free.

    The layout is that of the HDF5 file format specification, version 3, section III.E.
    """
    end = at + int.from_bytes(content[at + 8 : at + 16], "little")
    place, count = at + _HEAP_HEADER, 0
    while end - place >= _ENTRY_HEADER and end <= len(content):
        index = int.from_bytes(content[place : place + 2], "little")
        size = int.from_bytes(content[place + 8 : place + 16], "little")
        taken = _ENTRY_HEADER + -(-size // 8) * 8 if index else size
        place, count = place + taken, count + 1
        if not taken >= _ENTRY_HEADER or place > end or count > MOST_MEMBERS:
            raise ModelFileError(
                f"{name} is damaged", found=f"an entry of {size} bytes in a heap", hint="copy it again"
            )


def check(file: h5py.File, size: int, name: str) -> int:
    """Refuse links and arrays that would make HDF5 open other files, and sizes that the file cannot mean.

    Args:
        size: bytes of the file.
        name: what messages call it.

    Returns:
        How many numbers its arrays hold.

    Raises:
        ModelFileError: names the group or array.
    """
    arrays = list(_arrays(file, name))
    claimed, stored = 0, 0
    for array in arrays:
        claims, holds = _check_array(array, name)
        claimed, stored = claimed + claims, stored + holds
    if claimed > MOST_BYTES:
        raise ModelFileError(f"{name}: more weights than any device holds", found=f"{claimed} bytes unpacked")
    if stored > size:
        raise ModelFileError(f"{name}: arrays share their bytes", found=f"{stored} bytes of arrays in a file of {size}")
    return sum(int(array.size or 0) for array in arrays)


def _arrays(file: h5py.File, name: str) -> list[h5py.Dataset]:
    """All of the file's, each once, however many names it has."""
    groups: list[h5py.Group] = [file]
    found: list[h5py.Dataset] = []
    seen: set[int] = {h5py.h5o.get_info(file.id).addr}
    count = 0
    while groups:
        group = groups.pop()
        _check_names(group, name)
        for key in group:
            count += 1
            if count > MOST_MEMBERS:
                raise ModelFileError(f"{name}: more than {MOST_MEMBERS} groups and arrays")
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise ModelFileError(f"{name}: {_path(group, key)} points elsewhere", found="a soft or external link")
            member = group[key]
            address = h5py.h5o.get_info(member.id).addr
            if address in seen:
                continue
            seen.add(address)
            if isinstance(member, h5py.Group):
                groups.append(member)
            elif isinstance(member, h5py.Dataset):
                found.append(member)
    return found


def _path(group: h5py.Group, key: str) -> str:
    return f"{group.name}/{key}"[:LONGEST_NAME]


def _check_names(group: h5py.Group, name: str) -> None:
    """The lists of names that Keras reads; entries of variable length may all be one long text."""
    for key in group.attrs:
        if key.rstrip("0123456789") not in _READ_BY_KERAS:
            continue
        entries = np.asarray(group.attrs[key])
        length = sum(len(one) for one in entries.flat) if entries.dtype.kind == "O" else entries.nbytes
        if length > MOST_DESCRIPTION:
            raise ModelFileError(f"{name}: {_path(group, key)} is too long", found=f"{length} bytes of names")


def _check_array(array: h5py.Dataset, name: str) -> tuple[int, int]:
    """Bytes that it claims, and bytes in the file."""
    where = f"{name}: {str(array.name)[:LONGEST_NAME]}"
    if array.external or array.is_virtual:
        raise ModelFileError(f"{where} keeps its values in another file", found="external storage")
    if array.dtype.kind == "O":
        raise ModelFileError(f"{where} holds no numbers", found="references, or entries of variable length")
    claimed = int(array.size or 0) * array.dtype.itemsize
    stored = int(array.id.get_storage_size())
    if claimed > max(SMALL, MOST_RATIO * stored):
        raise ModelFileError(f"{where} claims more than it holds", found=f"{claimed} bytes out of {stored}")
    return claimed, stored
