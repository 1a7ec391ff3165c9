"""Configuration and version out of .h5 and .keras files, refusing what a model file has no honest use for."""

import contextlib
import io
import json
import mmap
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from edgecompress.errors import ModelFileError
from edgecompress.load import hdf5, limits

_DAMAGE = (
    *(OSError, KeyError, RuntimeError, ValueError, TypeError, EOFError, OverflowError, MemoryError),
    *(zipfile.BadZipFile, zlib.error),
)
"""What h5py and zipfile raise on damaged files."""

_KERAS_MEMBERS = {"config.json", "metadata.json", "model.weights.h5"}


@dataclass(frozen=True)
class Contents:
    """What a container says about its model.

    Attributes:
        config: Keras's description of the model: class_name, config, and what Keras adds.
        keras_version: as the file has it; "" when it says nothing.
        values: how many numbers its arrays hold.
    """

    config: dict[str, Any]
    keras_version: str
    values: int

    @property
    def is_keras3(self) -> bool:
        """Whether Keras 3 wrote it; without a version, whether input layers have Keras 3's `batch_shape`."""
        if self.keras_version:
            return self.keras_version.split(".")[0] == "3"
        return '"batch_shape"' in json.dumps(self.config)


def read_h5(path: Path) -> Contents:
    """Read the model description of an .h5 file.

    Raises:
        ModelFileError: truncated; only weights; links to other files; no Keras model at all.
    """
    try:
        with limits.memory(), _mapped(path) as content, hdf5.open_checked(content, path, path.name) as file:
            values = hdf5.check(file, path.stat().st_size, path.name)
            if "model_config" not in file.attrs:
                raise _without_model(file, path.name)
            text = _text(file.attrs["model_config"])
            version = _text(file.attrs.get("keras_version", ""))
            config = parse_json(text, path.name, "model_config")
    except _DAMAGE as error:
        raise _damaged(path.name, error) from error
    return Contents(config, version, values)


def read_keras(path: Path) -> Contents:
    """Read the model description of a .keras archive (Keras 2 or 3).

    Raises:
        ModelFileError: damaged; members that do not belong there; weights that point to other files.
    """
    try:
        with limits.memory(), zipfile.ZipFile(path) as archive:
            _check_members(archive, path.name)
            config = parse_json(archive.read("config.json"), path.name, "config.json")
            metadata = parse_json(archive.read("metadata.json"), path.name, "metadata.json")
            weights = archive.read("model.weights.h5")
            name = f"{path.name}: model.weights.h5"
            with hdf5.open_checked(weights, io.BytesIO(weights), name) as file:
                values = hdf5.check(file, len(weights), name)
    except _DAMAGE as error:
        raise _damaged(path.name, error) from error
    return Contents(config, str(metadata.get("keras_version", "")), values)


def parse_json(text: str | bytes, name: str, part: str) -> dict[str, Any]:
    """A JSON object, or a ModelFileError that names the part of the file."""
    if len(text) > limits.MOST_DESCRIPTION:
        raise ModelFileError(f"{name}: {part} is too long", found=f"{len(text)} bytes")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{name}: {part} is no JSON", found=str(error)[:200]) from error
    if not isinstance(value, dict):
        raise ModelFileError(f"{name}: {part} is no JSON object", found=type(value).__name__)
    _check_depth(value, f"{name}: {part}")
    return value


def _check_depth(value: dict[str, Any], where: str) -> None:
    """Refuse what would exhaust the stack of whoever walks through it."""
    level: list[Any] = [value]
    for _ in range(limits.MOST_DEPTH):
        level = [item for one in level for item in (one.values() if isinstance(one, dict) else one)
                 if isinstance(item, dict | list)]  # fmt: skip
        if not level:
            return
    raise ModelFileError(f"{where} is nested too deeply", found=f"more than {limits.MOST_DEPTH} levels")


def _damaged(name: str, error: BaseException) -> ModelFileError:
    found = "more memory than any model needs" if isinstance(error, MemoryError) else str(error)[:300]
    return ModelFileError(f"{name} is damaged or truncated", found=found, hint="copy it again")


@contextlib.contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield content


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _without_model(file: h5py.File, name: str) -> ModelFileError:
    if {"layer_names", "weight_names"} & set(file.attrs) or {"layers", "_layer_checkpoint_dependencies"} & set(file):
        return ModelFileError(
            f"{name} holds only weights, no architecture",
            found="no model_config in the file",
            hint="save the whole model: build it in Python, model.load_weights(...), then model.save('model.h5')",
        )
    members = ", ".join(sorted(file)[:5]) or "nothing"
    return ModelFileError(f"{name} is an HDF5 file without a Keras model", found=f"groups and arrays: {members}")


def _check_members(archive: zipfile.ZipFile, name: str) -> None:
    infos = archive.infolist()
    names = [info.filename for info in infos]
    for member in names:
        if member not in _KERAS_MEMBERS:
            raise _odd_member(member, name)
    if len(set(names)) != len(names):
        raise ModelFileError(f"{name}: two members of the archive have the same name", found=", ".join(names))
    missing = sorted(_KERAS_MEMBERS - set(names))
    if missing:
        raise ModelFileError(f"{name}: {missing[0]} is missing from the archive", found=", ".join(names))
    for info in infos:
        _check_size(info, name)


def _check_size(info: zipfile.ZipInfo, name: str) -> None:
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ModelFileError(f"{name}: {info.filename} is compressed in a way that Keras does not know")
    most = limits.MOST_BYTES if info.filename.endswith(".h5") else limits.MOST_DESCRIPTION
    if info.file_size > min(most, max(limits.SMALL, limits.MOST_RATIO * info.compress_size)):
        found = f"{info.compress_size} bytes that unpack to {info.file_size}"
        raise ModelFileError(f"{name}: {info.filename} is larger than any model's", found=found)


def _odd_member(member: str, name: str) -> ModelFileError:
    if member.startswith(("/", "\\")) or ".." in member.replace("\\", "/").split("/") or ":" in member:
        return ModelFileError(f"{name}: a member of the archive would be written outside of it", found=repr(member))
    if member.endswith((".npz", ".npy", ".pkl", ".pickle")):
        return ModelFileError(f"{name}: {member} may hold a pickle, which is never opened", hint="save as .h5")
    return ModelFileError(
        f"{name}: the archive holds more than architecture and weights",
        found=repr(member),
        hint="layers with vocabularies or other assets do not run on a microcontroller: save the model without them",
    )
