""".npz and .npy files: what they may hold, and what hostile ones cost."""

import contextlib
import io
import os
import pickle
import struct
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_data import Make, everything, made, opened, refused

from edgecompress import data
from edgecompress.data import arrays
from edgecompress.errors import DataError


def npy(header: bytes, payload: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + payload


def archive(path: Path, content: bytes, name: str = "x.npy", compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr(name, content)
    return path


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("dtype", ["u1", "<f4", ">f4", "<f2", "<i8", "?"])
def test_arrays_come_back_as_written(npz: Make, compressed: bool, dtype: str) -> None:
    x = made()[0].astype(dtype)
    column = arrays.read_npz(npz(compressed=compressed, x=x, f=np.asfortranarray(x)))
    every = np.arange(len(x))
    for name in ("x", "f"):
        assert column[name].dtype == np.dtype(dtype)
        assert (column[name].read(every) == x).all()


def test_large_uncompressed_arrays_are_mapped_not_read(npz: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "SMALL", 100)
    x = made(1000)[0]
    columns = arrays.read_npz(npz(compressed=False, x=x, f=np.asfortranarray(x)))
    for column in columns.values():
        assert isinstance(column.array, np.memmap)
        assert (column.read(np.asarray([3, 999, 0])) == x[[3, 999, 0]]).all()


def test_npy_files_beside_each_other_are_x_and_y(tmp_path: Path) -> None:
    x, y = made()
    np.save(tmp_path / "features.npy", x)
    np.save(tmp_path / "y.npy", y)
    from_file = opened(tmp_path / "features.npy")
    from_folder = opened(tmp_path, x="features")
    assert isinstance(from_file.train.part.reader.columns[0].array, np.memmap)  # type: ignore[attr-defined]
    for dataset in (from_file, from_folder):
        assert dataset.labels.kind == "index"
        assert (everything(dataset.train)[0] == x[dataset.train.indices]).all()


def test_pickled_arrays_are_refused_and_never_loaded(npz: Make, tmp_path: Path) -> None:
    touched = tmp_path / "touched"

    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (touched,))

    bomb = np.asarray([Bomb()] * 10, dtype=object)
    error = refused(npz(x=bomb, y=np.arange(10)))
    assert "'x'" in error.what
    assert "pickle" in error.what
    np.save(tmp_path / "x.npy", bomb)
    assert "pickle" in refused(tmp_path / "x.npy").what
    (tmp_path / "raw.npz").write_bytes(pickle.dumps(Bomb()))
    assert "no readable .npz" in refused(tmp_path / "raw.npz").what
    assert not touched.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"hello" * 100, b"PK\x05\x06" + bytes(18), bytes(1000)])
def test_empty_and_foreign_files_are_refused(tmp_path: Path, content: bytes) -> None:
    for name in ("samples.npz", "samples.npy"):
        path = tmp_path / name
        path.write_bytes(content)
        error = refused(path)
        assert name in error.what
    if not content:
        assert "empty" in refused(tmp_path / "samples.npz").found


@pytest.mark.parametrize("name", ["x.npz", "x.npy", "x.csv", "cats/x.png"])
def test_pipes_are_refused_not_waited_for(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    assert "is no file" in refused(tmp_path if name.endswith(".png") else path).what


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.floats(0, 1), flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(1, 255)), max_size=3))
def test_damaged_files_open_or_are_data_errors(tmp_path: Path, cut: float, flips: list[tuple[float, int]]) -> None:
    content = io.BytesIO()
    x, y = made(30)
    np.savez(content, x=x, y=y)
    damaged = bytearray(content.getvalue()[: int(cut * len(content.getvalue())) or None])
    for place, bits in flips:
        damaged[int(place * len(damaged))] ^= bits
    path = tmp_path / "damaged.npz"
    path.write_bytes(damaged)
    with contextlib.suppress(DataError):
        everything(opened(path).train)


def test_a_flipped_bit_in_the_samples_is_found_by_the_checksum(npz: Make) -> None:
    path = npz(compressed=False, x=made()[0], y=made()[1])
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="Bad CRC"):
        everything(opened(path).train)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (npy(b"{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000, 1000000000000), }\n"), "takes"),
        (npy(b"{'descr': '|u1', 'fortran_order': False, 'shape': (-5,), }\n", bytes(5)), "takes"),
        (npy(b"{'descr': '|u1', 'fortran_order': False, 'shape': (10,), }\n", bytes(5)), "takes"),
        (npy(b"{'descr': '|u1', 'fortran_order': False, 'shape': 'x', }\n"), "shape"),
        (npy(b"{'descr': '|V8', 'fortran_order': False, 'shape': (1,), }\n", bytes(8)), "V8"),
        (npy(b"{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,), }\n", bytes(4)), "a"),
        (npy(b"{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }\n", bytes(8)), "complex"),
        (npy(b"{'descr': '|S0', 'fortran_order': False, 'shape': (10,), }\n"), ""),
        (npy(b"__import__('os').system('true')\n"), "malformed"),
        (npy(b"(" * 5000 + b"\n"), ""),
        (npy(b"[" * 60000 + b"\n"), ""),
        (b"\x93NUMPY\x09\x00" + bytes(100), "version"),
        (b"\x93NUMPY\x01\x00\xff\xff{", ""),
    ],
)
def test_hostile_headers_are_refused_at_once(tmp_path: Path, content: bytes, found: str) -> None:
    start = time.process_time()
    (tmp_path / "x.npy").write_bytes(content)
    for path in (archive(tmp_path / "samples.npz", content), tmp_path / "x.npy"):
        error = refused(path)
        assert found in str(error)
    assert time.process_time() - start < 2


def test_zip_bombs_are_refused_before_they_unpack(tmp_path: Path) -> None:
    size = 300 * 2**20
    header = npy(b"{'descr': '|u1', 'fortran_order': False, 'shape': (%d,), }\n" % size)
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("x.npy", "w") as member:
        member.write(header)
        for _ in range(size // 2**20):
            member.write(bytes(2**20))
    start = time.process_time()
    assert "zip bomb" in refused(path).what
    assert time.process_time() - start < 1


def test_what_nobody_asks_for_does_no_harm(npz: Make, tmp_path: Path) -> None:
    x, y = made()
    assert opened(npz(x=x, y=y, names=np.asarray(["a", None], dtype=object))).counts["train"] == 56
    assert "names (unusable)" in refused(npz(images=x, names=np.asarray([{}], dtype=object))).found
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    (tmp_path / "broken.npy").write_bytes(b"broken")
    assert opened(tmp_path / "x.npy").counts["train"] == 56
    assert "broken.npy" in refused(tmp_path / "x.npy", y="broken").what


def test_too_many_members_and_no_member_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "many.npz", "w") as file:
        for i in range(1001):
            file.writestr(f"{i}.npy", b"")
    assert "more than 1000" in refused(tmp_path / "many.npz").what
    assert "no array" in refused(archive(tmp_path / "text.npz", b"hello", "readme.txt")).what


def test_there_is_no_data_and_no_known_kind(tmp_path: Path) -> None:
    assert "there is no data" in refused(tmp_path / "none.npz").what
    (tmp_path / "samples.parquet").write_bytes(b"PAR1")
    assert ".parquet" in refused(tmp_path / "samples.parquet").found


def test_sixty_thousand_mnist_images_open_in_less_than_a_second(shared_data: Path) -> None:
    path = shared_data / "datasets" / "mnist.npz"
    start = time.process_time()
    dataset = opened(path, scale=1 / 255, reshape=[28, 28, 1])
    next(dataset.train.batches(32))
    seconds = time.process_time() - start
    assert dataset.counts == {"train": 50744, "calibration": 256, "validation": 9000, "test": 10000}
    assert seconds < 1
    dataset.check_against([(None, 28, 28, 1)], (None, 10))
    assert isinstance(dataset, data.Dataset)
