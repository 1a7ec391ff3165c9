"""Image folders."""

from pathlib import Path

import numpy as np
import pytest
from made_data import everything, opened, refused
from PIL import Image

from edgecompress.errors import DataError


def paint(path: Path, seed: int, size: tuple[int, int] = (6, 4), mode: str = "RGB") -> np.ndarray:
    """A random image of width x height; its values."""
    shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
    values = np.random.RandomState(seed).randint(0, 256, shape).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)
    return values.reshape(size[1], size[0], -1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for kind in ("cat", "dog"):
        for i in range(10):
            paint(tmp_path / "pets" / kind / f"{i}.png", i + 100 * (kind == "dog"))
    return tmp_path / "pets"


def test_sub_folders_are_classes_and_images_are_decoded_losslessly(folder: Path) -> None:
    dataset = opened(folder)
    assert dataset.labels.classes == ("cat", "dog")
    assert dataset.input_shapes == ((4, 6, 3),)
    x, labels = everything(dataset.train)
    assert labels is not None
    for image, label, index in zip(x, labels, dataset.train.indices, strict=True):
        assert label == index // 10
        seed = index % 10 + 100 * label
        assert (image == np.random.RandomState(seed).randint(0, 256, (4, 6, 3))).all()
    assert dataset.warnings == ()


def test_folders_named_after_splits_are_those_splits(tmp_path: Path) -> None:
    for split, count in (("train", 12), ("val", 3), ("test", 4)):
        for kind in ("a", "b"):
            for i in range(count):
                paint(tmp_path / split / kind / f"{i}.png", hash((split, kind, i)) % 2**31, mode="L")
    dataset = opened(tmp_path)
    assert dataset.counts == {"train": 20, "calibration": 4, "validation": 6, "test": 8}
    assert dataset.input_shapes == ((4, 6, 1),)


def test_identical_files_across_the_boundary_are_counted(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for kind in ("a", "b"):
            for i in range(10):
                paint(tmp_path / split / kind / f"{i}.png", i + 50 * (kind == "b") + 500 * (split == "test" and i > 0))
    assert opened(tmp_path).duplicates("test", ("train", "calibration", "validation")) == 2
    assert any("2 of 20 test samples (10 %) are identical" in one for one in opened(tmp_path).warnings)


def test_other_sizes_are_an_error_unless_the_recipe_says_resize(folder: Path) -> None:
    paint(folder / "dog" / "x.png", 5, size=(8, 8))
    error = refused(folder)
    assert "dog/x.png" in error.what
    assert "8x8 instead of 6x4" in error.found
    assert "image_size = [4, 6]" in error.hint
    dataset = opened(folder, image_size=[5, 7])
    assert everything(dataset.train)[0].shape[1:] == (5, 7, 3)


def test_other_channels_are_an_error_unless_the_recipe_says_convert(folder: Path) -> None:
    paint(folder / "dog" / "x.png", 5, mode="L")
    assert "mode L instead of RGB" in refused(folder).found
    assert opened(folder, color="grayscale").input_shapes == ((4, 6, 1),)


def test_palettes_and_transparency_need_a_declared_color(tmp_path: Path) -> None:
    for i, kind in enumerate("ab"):
        (tmp_path / kind).mkdir()
        for k in range(5):
            Image.new("RGBA", (4, 4), (i, k, 0, 0)).save(tmp_path / kind / f"{k}.png")
    assert "mode RGBA" in refused(tmp_path).found
    assert opened(tmp_path, color="rgb").input_shapes == ((4, 4, 3),)


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_files_that_are_no_images_are_named(folder: Path, content: bytes) -> None:
    (folder / "cat" / "x.png").write_bytes(content)
    assert "cat/x.png cannot be read" in refused(folder).what


def test_a_truncated_image_is_named_when_it_is_read(folder: Path) -> None:
    path = folder / "cat" / "3.png"
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(DataError, match=r"cat/3.png cannot be read"):
        list(opened(folder, split_test=0, split_validation=0, split_calibration=1).train.batches(4))


def test_decompression_bombs_are_refused(folder: Path) -> None:
    Image.new("L", (30_000, 2_000)).save(folder / "cat" / "big.png")
    assert "too large" in refused(folder).what


def test_wrong_layouts_are_explained(tmp_path: Path) -> None:
    assert "no image" in refused(tmp_path).what
    (tmp_path / "empty").mkdir()
    assert "holds no image" in refused(tmp_path).what
    paint(tmp_path / "train" / "a" / "1.png", 1)
    assert "all be named after splits" in refused(tmp_path).what


def test_declared_classes_fix_the_order_and_refuse_others(folder: Path) -> None:
    dataset = opened(folder, classes=["dog", "cat"])
    _, labels = everything(dataset.train)
    assert labels is not None
    assert (labels == (dataset.train.indices < 10)).all()
    assert "'cat' is none of the classes" in refused(folder, classes=["dog", "cow"]).what
