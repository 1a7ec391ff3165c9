"""What the trained rows start from: samples as one .npz file each, and float networks, made once into the cache folder."""

import io
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from compressing import sounds
from edgecompress import worker
from edgecompress.files import make_folder

COPIES = 80
"""Of every keyword clip to train on."""


def find(folder: Path, name: str) -> Path:
    """A file or folder of that name, anywhere below `folder`."""
    found = sorted(folder.rglob(name))
    if not found:
        raise SystemExit(f"{folder}: there is no {name} in it")
    return found[0]


def cifar(data: Path, cache: Path) -> Path:
    """50,000 JPEG images of CIFAR-10's training set and 4,946 of its test set, uint8."""

    def made() -> dict[str, np.ndarray]:
        with np.load(find(data, "cifar10_jpeg_train_packed.npz"), allow_pickle=False) as packed:
            stream, offsets, y_train = packed["jpeg"], packed["offset"], packed["y"]
        pieces = (stream[a:b].tobytes() for a, b in pairwise(offsets))
        x_train = np.stack([np.asarray(Image.open(io.BytesIO(piece)).convert("RGB")) for piece in pieces])
        with np.load(find(data, "cifar10_jpeg_test_even.npz"), allow_pickle=False) as test:
            return {"x_train": x_train, "y_train": y_train, "x_test": test["x"], "y_test": test["y"]}

    return _kept(cache / "cifar10_jpeg.npz", made)


def clips(data: Path, cache: Path, half: int) -> Path:
    """The keyword clips in two halves with the same classes: `half`, 0 or 1, to train on, the other to test on; MFCC as int8.

    The clips to train on are there `COPIES` times more, each time said otherwise; see `sounds.varied`.
    """

    def made() -> dict[str, np.ndarray]:
        with np.load(find(data, "kws01_mfcc.npz"), allow_pickle=False) as arrays:
            x, y = arrays["x"], arrays["y"]
        with np.load(find(data, "kws01_wav16k.npz"), allow_pickle=False) as arrays:
            sound = arrays["x"]
        order = np.random.RandomState(0).permutation(len(y))
        order = order[np.argsort(y[order], kind="stable")]
        train, test = order[half::2], order[1 - half :: 2]
        further = sounds.varied(sound[train], COPIES, seed=half)
        x_train, y_train = np.concatenate([x[train], further]), np.tile(y[train], 1 + COPIES)
        return {"x_train": x_train, "y_train": y_train, "x_test": x[test], "y_test": y[test]}

    return _kept(cache / f"kws_half_{half}_{COPIES}_copies.npz", made)


def digits(data: Path, cache: Path) -> Path:
    """MNIST: 55,000 training images, 5,000 to choose settings by, all 10,000 test images, uint8."""

    def made() -> dict[str, np.ndarray]:
        with np.load(find(data, "mnist.npz"), allow_pickle=False) as arrays:
            x, y = arrays["x_train"], arrays["y_train"]
            splits = {"train": (x[:55_000], y[:55_000]), "val": (x[55_000:], y[55_000:])}
            splits["test"] = arrays["x_test"], arrays["y_test"]
        return {f"{kind}_{name}": one for name, both in splits.items() for kind, one in zip("xy", both, strict=True)}

    return _kept(cache / "mnist.npz", made)


def activities(data: Path, cache: Path) -> Path:
    """Accelerometer and gyroscope of a phone: subjects 1 to 11 train, 12 and 13 choose, 14 to 17 test."""

    def made() -> dict[str, np.ndarray]:
        with np.load(find(data, "har_phone_s01-s17.npz"), allow_pickle=False) as arrays:
            x, y, subject = arrays["x"], arrays["y"], arrays["subject"]
        splits = {"train": subject <= 11, "val": (subject > 11) & (subject <= 13), "test": subject > 13}
        found = {f"x_{name}": x[chosen] for name, chosen in splits.items()}
        return found | {f"y_{name}": y[chosen] for name, chosen in splits.items()}

    return _kept(cache / "har_by_subject.npz", made)


def network(name: str, job: Mapping[str, Any], cache: Path) -> Path:
    """A float network of `networks.NETWORKS`, trained from scratch; see `networks.train` for the job."""
    path = cache / "float" / f"{name}-{job['epochs']}-epochs-seed-{job['seed']}.h5"
    make_folder(path.parent)
    if not path.exists():
        worker.call("compressing.networks:train", {**job, "network": name, "out": str(path)}, log=cache / "log.txt")
    return path


def flat(network: Path, cache: Path) -> Path:
    """The same network for samples without a shape."""
    path = network.with_name(f"{network.stem}-flat.h5")
    if not path.exists():
        worker.call(
            "compressing.networks:flattened", {"network": str(network), "out": str(path)}, log=cache / "log.txt"
        )
    return path


def _kept(path: Path, made: Any) -> Path:
    if not path.exists():
        make_folder(path.parent)
        partial = path.with_name(f".{path.name}")
        np.savez(partial, **made())
        partial.replace(path)
    return path
