"""Helpers that make and spoil model files."""

import io
import json
import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np


def shake(model) -> None:
    """Random weights, batch-norm statistics included."""
    generator = np.random.default_rng(2)
    model.set_weights([generator.uniform(0.1, 0.5, w.shape).astype(np.float32) for w in model.get_weights()])


def rewrite_archive(source: Path, target: Path, change=None, extra=None) -> Path:
    """A .keras archive with its config.json changed and members added."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json" and change is not None:
                config = json.loads(content)
                change(config)
                content = json.dumps(config).encode()
            new.writestr(name, content)
        for name, content in (extra or {}).items():
            new.writestr(name, content)
    return target


def npz_bytes() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, np.array([{"a": 1}], dtype=object))
    return stream.getvalue()


def change_h5(source, target, change):
    shutil.copy(source, target)
    with h5py.File(target, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        change(config)
        file.attrs["model_config"] = json.dumps(config)
    return target


def inputs(shape=(4, 8, 8, 3)):
    return np.random.default_rng(5).normal(size=shape).astype(np.float32)
