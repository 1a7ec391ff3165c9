"""What is fuzzed: for every kind of untrusted file the way that its bytes take through edgecompress, and files to begin with.

A subject gets a file's bytes and either comes to an end or raises one of `edgecompress.errors`; everything else is a defect.
"""

import contextlib
import io
import json
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from model_cases import CASES
from rich.console import Console

from edgecompress import data, recipe
from edgecompress.codegen import writer
from edgecompress.codegen.features import PLAIN, SIMD, Features
from edgecompress.codegen.program import lower
from edgecompress.inspection import inspect
from edgecompress.load import config as description
from edgecompress.load import containers
from edgecompress.load.check import check_input_size
from edgecompress.load.rewrite import rewrite_model
from edgecompress.load.wiring import check_wiring
from edgecompress.pipeline.shrinking import source
from edgecompress.recipe import DataRecipe
from edgecompress.report.codec import dumps
from edgecompress.report.overview import print_inspection
from fuzzing import keras_files

FAMILIES = (
    PLAIN,
    Features(dsp=True),
    Features(mve=True),
    Features(single=True),
    SIMD,
    Features(dsp=True, spends_flash=True),
)
LARGEST_SEED = 60_000
"""Bytes of a real model that is begun with: larger ones take seconds each."""


@dataclass(frozen=True)
class Subject:
    """A kind of file.

    Attributes:
        run: takes its bytes the whole way.
        seeds: files to begin with, by name; those below a folder, where one is given.
    """

    run: Callable[[bytes], None]
    seeds: Callable[[Path | None], Iterator[tuple[str, bytes]]]


@cache
def place() -> Path:
    """A folder for files that are read by their path."""
    return Path(tempfile.mkdtemp(prefix="fuzz-"))


def written(content: bytes, name: str) -> Path:
    path = place() / name
    path.write_bytes(content)
    return path


def run_model(content: bytes) -> None:
    """A .tflite file: inspected, or built for one of the families, shrunk or as it is."""
    chosen = zlib.crc32(content)
    if chosen % 4 == 0:
        inspect_model(content)
    else:
        build_model(content, FAMILIES[chosen // 4 % len(FAMILIES)], shrunk=chosen % 4 > 1)


def inspect_model(content: bytes) -> None:
    """Read, inspected, written as JSON and shown."""
    found = inspect(written(content, "model.tflite"))
    dumps(found)
    print_inspection(found, Console(file=io.StringIO(), width=100), verbosity=2)


def build_model(content: bytes, family: Features, shrunk: bool = True) -> None:
    """Read, shrunk and written as a file again, lowered, written as C."""
    model = source(written(content, "model.tflite"), wanted=shrunk)
    writer.write(lower(model.graph, family))


def model_seeds(folder: Path | None) -> Iterator[tuple[str, bytes]]:
    """The conformance suite's tiny models, and real ones below the folder."""
    for case in CASES:
        yield case.id, case.build()
    for path in sorted(folder.rglob("*.tflite")) if folder else ():
        if path.stat().st_size <= LARGEST_SEED:
            yield path.stem, path.read_bytes()


def run_recipe(content: bytes) -> None:
    """A recipe, read and printed again; what is printed means the same."""
    made = recipe.load(written(content, "recipe.toml"))
    again = recipe.load(written(recipe.print_recipe(made).encode(), "recipe.toml"))
    assert again == made, "a printed recipe means something else"


def recipe_seeds(folder: Path | None) -> Iterator[tuple[str, bytes]]:
    yield "defaults", recipe._defaults().encode()
    yield "numbers", b"[build]\nseed = 0x0f\nmax_drop = 1e-1\ntarget = 'a'\n[data]\nscale = [-1_0, 0b1, 0o7]\n"
    for path in sorted(folder.rglob("*.toml")) if folder else ():
        yield path.stem, path.read_bytes()


def run_passes(content: bytes) -> None:
    """The text of passes, read and printed again; what is printed means the same."""
    made = recipe.parse_passes(content.decode("utf-8", "replace"))
    assert recipe.parse_passes(recipe.print_passes(made)) == made, "printed passes mean something else"


def passes_seeds(folder: Path | None) -> Iterator[tuple[str, bytes]]:
    yield "parameters", b'prune{sparsity=0.6,schedule="cubic"},cluster{clusters=16},filters{target=4M}'
    yield "lists", b'codebook{bits=[2,4],layers=["a b","c\\"d"],pow2=true,scale=-1.5e-3}'


def run_data(name: str, content: bytes) -> None:
    """A file of samples, opened, split, and its batches read."""
    opened = data.open(str(written(content, name)), DataRecipe())
    for split in (opened.train, opened.validation):
        for _ in split.batches(4):
            pass


def run_npz(content: bytes) -> None:
    run_data("data.npz", content)


def run_npy(content: bytes) -> None:
    run_data("x.npy", content)


def npy_seeds(folder: Path | None) -> Iterator[tuple[str, bytes]]:
    for order in "CF":
        stream = io.BytesIO()
        np.save(stream, np.asarray(np.arange(240).reshape(20, 4, 3), np.float32, order=order))
        yield f"order {order}", stream.getvalue()


def npz_seeds(folder: Path | None) -> Iterator[tuple[str, bytes]]:
    for compressed in (False, True):
        for dtype in (np.float32, np.uint8, np.int16):
            stream = io.BytesIO()
            x = np.arange(240).reshape(20, 4, 3).astype(dtype)
            (np.savez_compressed if compressed else np.savez)(stream, x=x, y=np.arange(20) % 3)
            yield f"{np.dtype(dtype).name}-{compressed}", stream.getvalue()


def run_csv(content: bytes) -> None:
    run_data("data.csv", content)


def csv_seeds(folder: Path | None) -> Iterator[tuple[str, bytes]]:
    rows = "".join(f"{i / 8},{-i},{i % 3}\n" for i in range(20))
    yield "numbers", f"a,b,y\n{rows}".encode()
    yield "quoted", b'"a","b c","y"\r\n' + b'1,-2,"cat"\r\n3,4e5,"dog, big"\n' * 10


def run_h5(content: bytes) -> None:
    containers.read_h5(written(content, "model.h5"))


def run_keras(content: bytes) -> None:
    containers.read_keras(written(content, "model.keras"))


def run_description(content: bytes) -> None:
    """A Keras model's description, up to where Keras gets it."""
    found = containers.parse_json(content, "model", "config.json")
    description.check(found, "model", trust_model_code=False)
    # What has another form than Keras writes fails here in any way, and `open_model` says so.
    with contextlib.suppress(KeyError, TypeError, AttributeError, IndexError, ValueError, RecursionError):
        if b'"batch_shape"' in content:
            found = rewrite_model(found, "model")
        check_wiring(found, "model")
        check_input_size(found, "model")


def h5_seeds(folder: Path | None) -> Iterator[tuple[str, bytes]]:
    yield "small", keras_files.h5_file()
    yield "newest", keras_files.h5_file(libver="latest", compression="gzip")


def keras_seeds(folder: Path | None) -> Iterator[tuple[str, bytes]]:
    yield "small", keras_files.archive()
    yield "deflated", keras_files.archive(compression=zipfile.ZIP_DEFLATED)


def description_seeds(folder: Path | None) -> Iterator[tuple[str, bytes]]:
    yield "Keras 2", json.dumps(keras_files.description()).encode()
    yield "Keras 3", json.dumps(keras_files.description(version=3)).encode()


SUBJECTS = {
    "tflite": Subject(run_model, model_seeds),
    "recipe": Subject(run_recipe, recipe_seeds),
    "passes": Subject(run_passes, passes_seeds),
    "npz": Subject(run_npz, npz_seeds),
    "npy": Subject(run_npy, npy_seeds),
    "csv": Subject(run_csv, csv_seeds),
    "h5": Subject(run_h5, h5_seeds),
    "keras": Subject(run_keras, keras_seeds),
    "description": Subject(run_description, description_seeds),
}
