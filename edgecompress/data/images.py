"""Image folders: a sub-folder per class, optionally below train/, validation/, test/; decoded when read."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from edgecompress.data.columns import ArrayColumn, Column
from edgecompress.data.parts import SPLIT_WORDS
from edgecompress.errors import DataError
from edgecompress.recipe import DataRecipe

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
MAX_PIXELS = 4096 * 4096
_MODES = {"grayscale": "L", "rgb": "RGB"}


@dataclass(frozen=True)
class ImageColumn:
    """Image files as samples (height, width, channels) uint8.

    Attributes:
        mode: Pillow's "L" or "RGB".
        resize: whether images are resized (bilinear, with antialiasing) to `shape`, or must have it.
        convert: whether other modes are converted, or are an error.
    """

    name: str
    shape: tuple[int, ...]
    files: tuple[Path, ...]
    mode: str
    resize: bool
    convert: bool

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint8)

    def read(self, indices: np.ndarray) -> np.ndarray:
        result = np.empty((len(indices), *self.shape[1:]), np.uint8)
        for place, index in enumerate(indices):
            result[place] = self._decode(self.files[index])
        return result

    def digests(self, indices: np.ndarray) -> Iterator[bytes]:
        for index in indices:
            yield hashlib.blake2b(self.files[index].read_bytes(), digest_size=16).digest()

    def _decode(self, file: Path) -> np.ndarray:
        height, width, _ = self.shape[1:]
        try:
            with _opened(file) as image:
                _check_image(file, image, None if self.resize else (width, height), None if self.convert else self.mode)
                plain = image.convert(self.mode)
                if plain.size != (width, height):
                    plain = plain.resize((width, height), Image.Resampling.BILINEAR)
                return np.asarray(plain, np.uint8).reshape(self.shape[1:])
        except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
            raise _broken(file, error) from error


def read_images(path: Path, recipe: DataRecipe) -> tuple[dict[str, Column], tuple[str, ...]]:
    """Columns x and y (or x_train, y_train, ... where sub-folders are named after splits), and the class names.

    Classes are the sub-folders' names, sorted, or `recipe.classes` in that order.

    Raises:
        DataError: no sub-folders, no images, unknown classes, images of several sizes or modes without `image_size`
            and `color`, files that are no images.
    """
    folders = _folders(path)
    words = [word for words in SPLIT_WORDS.values() for word in words]
    named = [folder for folder in folders if folder.name.lower() in words]
    if named and len(named) < len(folders):
        raise DataError(
            f"{path.name}: sub-folders must be classes, or all be named after splits",
            found=", ".join(folder.name for folder in folders[:20]),
        )
    tops = {f"_{folder.name.lower()}": folder for folder in named} or {"": path}
    classes = recipe.classes or tuple(sorted({one.name for top in tops.values() for one in _folders(top)}))
    found = {suffix: _samples(top, classes) for suffix, top in tops.items()}
    everything = [file for files, _ in found.values() for file in files]
    shape, mode = _common(everything, recipe)
    columns: dict[str, Column] = {}
    name = recipe.inputs[0]
    for suffix, (files, labels) in found.items():
        columns[f"{name}{suffix}"] = ImageColumn(
            f"{name}{suffix}",
            (len(files), *shape),
            files,
            mode,
            resize=recipe.image_size is not None,
            convert=recipe.color is not None,
        )
        columns[f"y{suffix}"] = ArrayColumn.of(f"y{suffix}", labels)
    return columns, classes


def _folders(path: Path) -> list[Path]:
    return sorted(one for one in path.iterdir() if one.is_dir() and not one.name.startswith("."))


def _samples(top: Path, classes: tuple[str, ...]) -> tuple[tuple[Path, ...], np.ndarray]:
    """All images of `top` in sorted order, and their class indices."""
    files: list[Path] = []
    labels: list[int] = []
    for folder in _folders(top):
        if folder.name not in classes:
            raise DataError(f"folder {folder.name!r} is none of the classes", found=", ".join(classes[:20]))
        inside = sorted(one for one in folder.iterdir() if one.suffix.lower() in SUFFIXES and one.name[0] != ".")
        pipes = [one for one in inside if not one.is_file()]
        if pipes:
            raise DataError(f"image {folder.name}/{pipes[0].name} is no file", hint="remove it")
        if not inside:
            raise DataError(f"folder {top.name}/{folder.name} holds no image", hint="remove it, or add images")
        files += inside
        labels += [classes.index(folder.name)] * len(inside)
    if not files:
        raise DataError(f"{top.name}: no image", hint="one sub-folder per class, with .png or .jpg files in each")
    return tuple(files), np.asarray(labels, np.int32)


def _common(files: list[Path], recipe: DataRecipe) -> tuple[tuple[int, int, int], str]:
    """Height, width, channels and mode of all images, from their headers, or as the recipe declares them."""
    mode = _MODES.get(recipe.color or "")
    size = (recipe.image_size[1], recipe.image_size[0]) if recipe.image_size else None
    if mode is None or size is None:
        for file in files:
            try:
                with _opened(file) as image:
                    wanted_size = None if recipe.image_size else size
                    wanted_mode = None if recipe.color else mode
                    _check_image(file, image, wanted_size, wanted_mode)
                    size, mode = size or image.size, mode or image.mode
                    if mode not in _MODES.values():
                        raise DataError(
                            f"image {file.parent.name}/{file.name} is neither grayscale nor RGB with 8 bits",
                            found=f"mode {mode}",
                            hint='color = "rgb" or color = "grayscale" in the recipe\'s [data] converts it',
                        )
            except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
                raise _broken(file, error) from error
    assert size is not None, "there is at least one file"
    assert mode is not None, "there is at least one file"
    return (size[1], size[0], len(mode)), mode


def _opened(file: Path) -> Image.Image:
    image = Image.open(file, formats=FORMATS)
    if image.size[0] * image.size[1] > MAX_PIXELS:
        raise DataError(f"image {file.parent.name}/{file.name} is too large", found=f"{image.size} pixels")
    return image


def _check_image(file: Path, image: Image.Image, size: tuple[int, int] | None, mode: str | None) -> None:
    if size is not None and image.size != size:
        raise DataError(
            f"image {file.parent.name}/{file.name} has another size than the ones before",
            found=f"{image.size[0]}x{image.size[1]} instead of {size[0]}x{size[1]} (width x height)",
            hint=f"image_size = [{size[1]}, {size[0]}] in the recipe's [data] resizes all (height, width)",
        )
    if mode is not None and image.mode != mode:
        raise DataError(
            f"image {file.parent.name}/{file.name} has other channels than the ones before",
            found=f"mode {image.mode} instead of {mode}",
            hint='color = "rgb" or color = "grayscale" in the recipe\'s [data] converts all',
        )


def _broken(file: Path, error: BaseException) -> DataError:
    found = "an empty file" if file.is_file() and file.stat().st_size == 0 else str(error)[:200]
    return DataError(f"image {file.parent.name}/{file.name} cannot be read", found=found, hint="remove or replace it")
