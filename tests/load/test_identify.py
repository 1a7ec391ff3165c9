"""Files that are no Keras model are called by their names."""

import zipfile

import numpy as np
import pytest

from edgecompress.errors import ModelFileError, UsageError
from edgecompress.load.identify import Format, identify


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.h5", b"", "empty"),
        ("a.h5", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
        ("a.h5", b"<!DOCTYPE html><html>", "web page"),
        ("a.h5", b"\n  <HTML>", "web page"),
        ("a.keras", b"\x1c\x00\x00\x00TFL3" + bytes(40), ".tflite"),
        ("a.onnx", b"\x08\x07\x12\x07pytorch", "ONNX"),
        ("renamed.h5", b"\x08\x0a\x12\x0bonnx.quantize", "ONNX"),
        ("a.pkl", b"\x80\x04\x95\x00", "pickle"),
        ("a.json", b'{"class_name": "Sequential"}', "JSON"),
        ("a.npy", b"\x93NUMPY\x01\x00", "NumPy"),
        ("a.safetensors", b"\x10\x00\x00\x00\x00\x00\x00\x00" + b'{"w": 1}', "safetensors"),
        ("a.pb", b"\x0a\x20\x0a\x01", "frozen TensorFlow graph"),
        ("a.h5", b"\x89HD", "cut off"),
        ("a.h5", b"garbage!", "67 61 72 62"),
        ("a.h5", b"\x80", "80"),
        ("a.h5", b"\x08", "08"),
        ("a.keras", b"PK\x03\x04" + b"x" * 50, "damaged or truncated"),
    ],
)
def test_a_foreign_file_is_called_by_its_name(tmp_path, name, content, expected):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelFileError) as caught:
        identify(tmp_path / name)
    assert expected in str(caught.value)
    assert name in caught.value.what


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (["archive/data.pkl", "archive/version"], "PyTorch"),
        (["x.npy", "y.npy"], "NumPy archive"),
        (["model/model.h5"], "model/model.h5"),
        (["readme.txt"], "without config.json"),
    ],
)
def test_a_foreign_archive_is_called_by_its_name(tmp_path, members, expected):
    path = tmp_path / "a.keras"
    with zipfile.ZipFile(path, "w") as archive:
        for member in members:
            archive.writestr(member, b"x")
    with pytest.raises(ModelFileError, match=expected):
        identify(path)


def test_a_missing_path_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="no model"):
        identify(tmp_path / "nothing.h5")


def test_folders_are_told_apart(tmp_path):
    with pytest.raises(ModelFileError, match="empty folder"):
        identify(tmp_path)
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(ModelFileError, match=r"TensorFlow\.js"):
        identify(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"")
    assert identify(tmp_path) is Format.SAVED_MODEL


def test_every_short_beginning_of_anything_is_refused_without_a_crash(tmp_path):
    generator = np.random.default_rng(0)
    path = tmp_path / "a.h5"
    for size in range(1, 40):
        path.write_bytes(generator.bytes(size))
        with pytest.raises(ModelFileError):
            identify(path)
