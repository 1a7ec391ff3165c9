"""What a file is, from its first bytes, so that a wrong one is called by its name instead of failing deep inside."""

import zipfile
from enum import StrEnum
from pathlib import Path

from edgecompress.errors import ModelFileError, OutputError, UsageError
from edgecompress.load.limits import MOST_BYTES, memory

_HEAD = 4096

_MAGIC = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself", "git lfs pull"),
    (b"\x93NUMPY", "a NumPy array", ""),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"GGUF", "a GGUF language model", ""),
    (b"\x7fELF", "an ELF program", ""),
    (b"<?xml", "an XML document (an OpenVINO model?)", ""),
)


class Format(StrEnum):
    """The containers that a Keras model comes in."""

    H5 = "HDF5"
    KERAS = ".keras archive"
    SAVED_MODEL = "SavedModel folder"


def identify(path: Path) -> Format:
    """Which container `path` is; the contents are not interpreted.

    Raises:
        UsageError: nothing there.
        ModelFileError: empty, or something else; says what.
    """
    if not path.exists():
        raise UsageError(f"there is no model {path}", hint="give the path of a .h5, .keras or SavedModel folder")
    if path.is_dir():
        return _identify_folder(path)
    if not path.is_file():
        raise ModelFileError(f"{path.name} is no file", found="a pipe or a device", hint="give a file or a folder")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ModelFileError(f"{path.name} is larger than any model", found=f"{path.stat().st_size} bytes")
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError as error:
        raise OutputError(f"cannot read {path}", found=str(error)) from error
    if not head:
        raise ModelFileError(f"{path.name} is empty", found="0 bytes", hint="copy or save it again")
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return Format.H5
    if head.startswith(b"PK\x03\x04"):
        return _identify_zip(path)
    raise _foreign(path, *_name_foreign(path, head))


def _foreign(path: Path, what: str, hint: str = "") -> ModelFileError:
    return ModelFileError(f"{path.name} is no Keras model", found=what, hint=hint or "save the model with model.save()")


def _identify_folder(path: Path) -> Format:
    if (path / "saved_model.pb").is_file():
        return Format.SAVED_MODEL
    if (path / "model.json").is_file():
        raise _foreign(path, "a TensorFlow.js model", "give the Keras model that it was made from")
    names = sorted(entry.name for entry in path.iterdir())
    inside = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "") if names else "an empty folder"
    raise _foreign(path, inside, "a SavedModel folder holds saved_model.pb and variables/")


def _identify_zip(path: Path) -> Format:
    try:
        with memory(), zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, UnicodeDecodeError, NotImplementedError, MemoryError) as error:
        found = str(error) or "millions of members"
        raise ModelFileError(f"{path.name} is a damaged or truncated archive", found=found) from error
    if "config.json" in names:
        return Format.KERAS
    if any(name.endswith("data.pkl") for name in names):
        raise _foreign(path, "a PyTorch model", "export it to Keras, or give a full-integer .tflite")
    if names and all(name.endswith(".npy") for name in names):
        raise _foreign(path, "a NumPy archive: data, not a model", "")
    inside = [name for name in names if name.endswith((".h5", ".keras", ".tflite"))]
    if inside:
        raise _foreign(path, f"a zip archive that holds {', '.join(inside[:3])}", "unpack it and give the file inside")
    raise _foreign(path, "a zip archive without config.json")


def _name_foreign(path: Path, head: bytes) -> tuple[str, str]:
    """What the file is and what to try."""
    for magic, what, hint in _MAGIC:
        if head.startswith(magic):
            return what, hint
    text = head.lstrip().lower()
    if head[4:8] == b"TFL3":
        return "a .tflite model", "give it to build or bench directly; it is past the Keras stage"
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page (a download that went wrong?)", "download the file itself, not the page that shows it"
    if head[0] == 0x80 and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "a Python pickle, which is never opened", ""
    if head[8:10] == b'{"':
        return "a safetensors file: weights without an architecture", ""
    if text.startswith(b"{"):
        return "a JSON file: an architecture without weights?", "save architecture and weights together: model.save()"
    if path.suffix == ".onnx" or (head[0] == 0x08 and head[1:2] < b"\x20" and (b"onnx" in head or b"torch" in head)):
        return "an ONNX model", "convert it to a full-integer .tflite, or give the Keras model"
    if path.suffix == ".pb":
        return "a frozen TensorFlow graph", "give the SavedModel folder or the .h5"
    shown = head[:8].hex(" ")
    if head.startswith((b"\x89HDF"[: len(head)], b"PK\x03\x04"[: len(head)])):
        return f"a file cut off after {len(head)} bytes", "copy it again"
    return f"a file that begins with {shown}", ""
