"""What an example network is, and how it becomes a folder that `edgecompress build` takes: model.h5, model.toml, data.

Training uses the train split that the recipe divides, with its seed: the test samples of a later build are new to it.
"""

import argparse
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgecompress import data, recipe, worker
from edgecompress.errors import EdgecompressError


@dataclass(frozen=True)
class Example:
    """An example network.

    Attributes:
        module: that holds it, with the function `build() -> tf_keras.Model`.
        data_file: what the samples are called beside the model: data.source of the recipe.
        epochs, learning_rate, batch: of the training from scratch.
        metric: what the model is judged by.
    """

    module: str
    data_file: str
    epochs: int
    learning_rate: float
    batch: int = 32
    metric: str = "accuracy"

    @property
    def recipe(self) -> Path:
        """The recipe that becomes model.toml: it lies beside the module."""
        return Path(__file__).with_name(self.module.rpartition(".")[2] + ".toml")


def make(example: Example, out: Path, samples: Mapping[str, np.ndarray] | Path) -> dict[str, Any]:
    """Train an example and write model.h5, model.toml and its data into a folder.

    Args:
        example: the network.
        out: the folder; it is made.
        samples: arrays that become the data file, or an .npz file that is copied.

    Returns:
        "validation" (the metric on the validation split), "samples" (how many), "parameters", "seconds".
    """
    out.mkdir(parents=True, exist_ok=True)
    if isinstance(samples, Path):
        shutil.copyfile(samples, out / example.data_file)
    else:
        np.savez_compressed(out / example.data_file, allow_pickle=False, **samples)
    shutil.copyfile(example.recipe, out / "model.toml")
    job = {"example": asdict(example), "out": str(out.absolute())}
    return worker.call("models.example:train", job, log=out / "training.log")


def train(job: Mapping[str, Any]) -> dict[str, Any]:
    """Train from scratch; runs in the worker process.

    Args:
        job: "example" (fields of `Example`), "out" (folder with model.toml and the data).
    """
    import importlib
    import time

    from edgecompress.compress.models.saved import save_model
    from edgecompress.compress.training.fine_tuning import make_deterministic
    from edgecompress.load.runtime import keras2

    started = time.monotonic()
    example, out = Example(**job["example"]), Path(job["out"])
    settings = recipe.load(out / "model.toml")
    dataset = data.open(str(out / example.data_file), settings.data, settings.build.seed)
    make_deterministic(settings.build.seed)
    keras = keras2()
    model = importlib.import_module(example.module).build()
    x, y = _everything(dataset.train)
    steps = -(-len(x) // example.batch) * example.epochs
    schedule = keras.optimizers.schedules.CosineDecay(example.learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule), "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=example.epochs, batch_size=example.batch, verbose=0)
    save_model(model, out / "model.h5")
    x, y = _everything(dataset.validation)
    right = np.argmax(model.predict(x, verbose=0), axis=1) == y
    return {
        "validation": float(right.mean()),
        "samples": len(y),
        "parameters": model.count_params(),
        "seconds": round(time.monotonic() - started, 1),
    }


def run(example: Example, samples: Callable[[argparse.Namespace], Mapping[str, np.ndarray] | Path], card: str) -> None:
    """The command line of an example: `python -m models.<name> --out DIR`, plus --data where the samples are the user's."""
    parser = argparse.ArgumentParser(description=card, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for model.h5, model.toml and the data")
    parser.add_argument("--data", type=Path, help="an .npz file, where the example brings no data")
    arguments = parser.parse_args()
    try:
        result = make(example, arguments.out, samples(arguments))
    except EdgecompressError as error:
        parser.exit(error.exit_code, f"{error}\n")
    print(json.dumps(result, indent=1, sort_keys=True))


def _everything(split: data.Split) -> tuple[np.ndarray, np.ndarray]:
    """All samples of a split: the examples are small."""
    batches = list(split.batches(256))
    labels = [batch.labels for batch in batches if batch.labels is not None]
    return np.concatenate([batch.inputs[0] for batch in batches]), np.concatenate(labels)
