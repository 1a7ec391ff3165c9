"""Configuration and version out of .h5 and .keras files, refusing what a model file has no honest use for."""

import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from edgecompress.errors import ModelFileError

LARGEST_WEIGHTS = 2**31
"""Bytes of unpacked weights beyond which a file is taken for a decompression bomb: 500 million parameters."""

_DAMAGE = (OSError, KeyError, RuntimeError, ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)
"""What h5py and zipfile raise on damaged files."""

_KERAS_MEMBERS = {"config.json", "metadata.json", "model.weights.h5"}


@dataclass(frozen=True)
class Contents:
    """What a container says about its model.

    Attributes:
        config: Keras's description of the model: class_name, config, and what Keras adds.
        keras_version: as the file has it; "" when it says nothing.
    """

    config: dict[str, Any]
    keras_version: str

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
        with h5py.File(path, "r") as file:
            _check_h5(file, path.name)
            if "model_config" not in file.attrs:
                raise _without_model(file, path.name)
            text = _text(file.attrs["model_config"])
            version = _text(file.attrs.get("keras_version", ""))
    except _DAMAGE as error:
        raise ModelFileError(f"{path.name} is damaged or truncated", found=str(error), hint="copy it again") from error
    return Contents(parse_json(text, path.name, "model_config"), version)


def read_keras(path: Path) -> Contents:
    """Read the model description of a .keras archive (Keras 2 or 3).

    Raises:
        ModelFileError: damaged; members that do not belong there; weights that point to other files.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive, path.name)
            config = parse_json(archive.read("config.json"), path.name, "config.json")
            metadata = parse_json(archive.read("metadata.json"), path.name, "metadata.json")
            with h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r") as file:
                _check_h5(file, f"{path.name}: model.weights.h5")
    except _DAMAGE as error:
        raise ModelFileError(f"{path.name} is damaged or truncated", found=str(error), hint="copy it again") from error
    return Contents(config, str(metadata.get("keras_version", "")))


def parse_json(text: str | bytes, name: str, part: str) -> dict[str, Any]:
    """A JSON object, or a ModelFileError that names the part of the file."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{name}: {part} is no JSON", found=str(error)) from error
    if not isinstance(value, dict):
        raise ModelFileError(f"{name}: {part} is no JSON object", found=type(value).__name__)
    return value


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


def _check_h5(file: h5py.File, name: str) -> None:
    """Refuse links and arrays that would make HDF5 open other files, and sizes that no device model has."""
    groups: list[h5py.Group] = [file]
    seen: set[int] = set()
    total = 0
    while groups:
        group = groups.pop()
        for key in group:
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise ModelFileError(f"{name}: {group.name}/{key} points elsewhere", found="a soft or external link")
            member = group[key]
            address = h5py.h5o.get_info(member.id).addr
            if address in seen:
                continue
            seen.add(address)
            if isinstance(member, h5py.Group):
                groups.append(member)
            elif isinstance(member, h5py.Dataset):
                total += _dataset_bytes(member, name)
    if total > LARGEST_WEIGHTS:
        raise ModelFileError(f"{name}: more weights than any device holds", found=f"{total} bytes unpacked")


def _dataset_bytes(dataset: h5py.Dataset, name: str) -> int:
    if dataset.external or dataset.is_virtual:
        raise ModelFileError(f"{name}: {dataset.name} keeps its values in another file", found="external storage")
    return int(dataset.size or 0) * dataset.dtype.itemsize


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
    total = sum(info.file_size for info in infos)
    if total > LARGEST_WEIGHTS:
        raise ModelFileError(f"{name}: more weights than any device holds", found=f"{total} bytes unpacked")


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
