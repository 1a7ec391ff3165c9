"""What compression leaves in the run directory: models and kernels, written aside and renamed, never half there."""

import contextlib
import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgecompress.compress.models.kernels import Kernel
from edgecompress.errors import ModelFileError, OutputError


def write_aside(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file beside `path`, then rename it: `path` is whole or not there.

    Raises:
        OutputError: the folder cannot be written.
    """
    # The suffix stays, since Keras and NumPy choose formats by it.
    aside = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(aside)
        aside.replace(path)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}", found=error.strerror or str(error), hint="free space, or another --out"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink()


def save_model(model: Any, path: Path) -> None:
    """A Keras model, quantize wrappers included, as .h5 without its optimizer; `load.load_stage` reads it."""
    write_aside(path, lambda aside: model.save(aside, save_format="h5", include_optimizer=False))


def save_json(values: Mapping[str, Any], path: Path) -> None:
    """JSON with sorted keys."""
    text = json.dumps(values, indent=1, sort_keys=True, allow_nan=False) + "\n"
    write_aside(path, lambda aside: aside.write_text(text, encoding="utf-8"))


def load_json(path: Path) -> dict[str, Any] | None:
    """The table of a JSON file of ours; None when it is not there or was damaged."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def save_kernels(kernels: Mapping[str, Kernel], path: Path) -> None:
    """Kernels as .npz, for whoever has to find them in the .tflite file without TensorFlow."""
    arrays = {f"rows_{i}": kernel.rows for i, kernel in enumerate(kernels.values())}
    arrays["names"] = np.array(list(kernels), dtype=np.str_)
    arrays["kinds"] = np.array([kernel.kind for kernel in kernels.values()], dtype=np.str_)
    arrays["positions"] = np.array([kernel.positions for kernel in kernels.values()], dtype=np.int64)
    write_aside(path, lambda aside: np.savez(aside, allow_pickle=False, **arrays))


def load_kernels(path: Path) -> dict[str, Kernel]:
    """What `save_kernels` wrote.

    Raises:
        ModelFileError: a missing, truncated or foreign file.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            rows = zip(arrays["names"], arrays["kinds"], arrays["positions"], strict=True)
            return {
                str(name): Kernel(str(name), str(kind), arrays[f"rows_{i}"], int(positions))
                for i, (name, kind, positions) in enumerate(rows)
            }
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelFileError(
            f"{path.name} does not hold the kernels of a compressed model.",
            found=str(error).splitlines()[0][:200] if str(error) else type(error).__name__,
            hint="run the compression again",
        ) from error


def sha256_of(path: Path) -> str:
    """Of a file's bytes; of a folder's file names and bytes."""
    digest = hashlib.sha256()
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        if path.is_dir():
            digest.update(file.relative_to(path).as_posix().encode() + b"\0")
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
