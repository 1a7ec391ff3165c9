"""Rows with training: a model compressed by passes and the same model trained as long without, both integers in the end.

All through `edgecompress.build`. The test split is answered by both once the training is done; the answers of the generated
C are kept, so that the two can be compared sample by sample.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import edgecompress
from edgecompress.files import make_folder, sha256, write_text
from edgecompress.pipeline.accuracy import read_test_set
from edgecompress.pipeline.host import run_on_host
from edgecompress.report.statistics import PairedDifference, compare

TARGET = "cortex-m4"


@dataclass(frozen=True)
class Training:
    """How one model of a row is made.

    Attributes:
        name: of its folder in the cache.
        start: a Keras model.
        source: its samples, an .npz file.
        recipe: sections [data] and [training] of the recipe.
        passes: in text form.
        seed: of the training.
        teachers: Keras models; none: who teaches is in the recipe.
    """

    name: str
    start: Path
    source: Path
    recipe: Mapping[str, Any]
    passes: str
    seed: int = 0
    teachers: tuple[Path, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Of everything that the weights depend on, wherever it lies, the package's own code aside."""
        digests = [_digest(self.start), sha256(self.source), *map(_digest, self.teachers)]
        parts = json.dumps([*digests, self.recipe, self.passes, self.seed], sort_keys=True)
        return hashlib.sha256(parts.encode()).hexdigest()

    @property
    def settings(self) -> dict[str, Any]:
        """The recipe's sections, with the teachers' places."""
        if not self.teachers:
            return dict(self.recipe)
        places = [str(path.absolute()) for path in self.teachers]
        return {**self.recipe, "training": {**self.recipe["training"], "teacher": places}}


@dataclass(frozen=True)
class Trained:
    """What came of it.

    Attributes:
        model, baseline: .tflite files: compressed, and trained as long without compression.
        original_right: which test samples the float model answers correctly as it was loaded, (samples,) bool.
        trained_on: accuracy of the float model that `baseline` was made from.
        right, baseline_right: which test samples the integer models answer correctly.
        seconds: of both builds, when they were made.
        peak_bytes: the largest memory of any process until then.
    """

    model: Path
    baseline: Path
    original_right: np.ndarray
    trained_on: float
    right: np.ndarray
    baseline_right: np.ndarray
    seconds: float
    peak_bytes: int
    passes: str
    seed: int

    @property
    def difference(self) -> PairedDifference:
        """Compressed integers against integers trained as long without compression, sample by sample."""
        return compare(self.baseline_right, self.right)

    @property
    def difference_from_loaded(self) -> PairedDifference:
        """Compressed integers against the float model as it was loaded, sample by sample: training on may have made it worse."""
        return compare(self.original_right, self.right)


def train(job: Training, cache: Path, say: Any) -> Trained:
    """Builds both models, or takes them from the cache.

    Args:
        job: what to train.
        cache: a folder below which everything is left.
        say: takes progress events.
    """
    folder = cache / job.name
    known = folder / "trained.json"
    if known.exists():
        found = json.loads(known.read_text(encoding="utf-8"))
        if found["fingerprint"] == job.fingerprint:
            return _read(folder, found)
    common = options(job, folder, say)
    compressed = edgecompress.build(job.start, passes=job.passes, out=folder / "compressed", **common)
    trained_on = folder / "compressed" / "compress" / "baseline.h5"
    baseline = edgecompress.build(trained_on, passes="", out=folder / "baseline", **common)
    for name, built in (("compressed", compressed), ("baseline", baseline)):
        np.save(folder / f"{name}_right.npy", _right(built), allow_pickle=False)
    accuracy = compressed.report.accuracy
    found = {
        "fingerprint": job.fingerprint,
        "baseline": accuracy.baseline,
        "seconds": (compressed.report.seconds or 0) + (baseline.report.seconds or 0),
        "peak_bytes": _peak_bytes(),
        "passes": job.passes,
        "seed": job.seed,
    }
    write_text(known, json.dumps(found, indent=2) + "\n")
    return _read(folder, found)


def options(job: Training, folder: Path, say: Any) -> dict[str, Any]:
    """What `edgecompress.build` takes for a training, its passes and folder aside; its recipe is written into the folder."""
    make_folder(folder)
    recipe = folder / "recipe.toml"
    write_text(recipe, toml(job.settings))
    common = {"data": str(job.source), "recipe": recipe, "seed": job.seed}
    return {**common, "target": TARGET, "resume": True, "on_event": say}


def joined(made: Sequence[Trained]) -> Trained:
    """Several trainings of one model, each with test samples of its own, judged over all of these; the files are the first's."""
    counts = [len(one.right) for one in made]
    return replace(
        made[0],
        original_right=np.concatenate([one.original_right for one in made]),
        right=np.concatenate([one.right for one in made]),
        baseline_right=np.concatenate([one.baseline_right for one in made]),
        trained_on=float(np.average([one.trained_on for one in made], weights=counts)),
        seconds=sum(one.seconds for one in made),
        peak_bytes=max(one.peak_bytes for one in made),
    )


def _read(folder: Path, found: Mapping[str, Any]) -> Trained:
    right, before = (np.load(folder / f"{name}_right.npy", allow_pickle=False) for name in ("compressed", "baseline"))
    return Trained(
        folder / "compressed" / "model.tflite",
        folder / "baseline" / "model.tflite",
        _float_right(folder / "compressed" / "test"),
        found["baseline"],
        right,
        before,
        found["seconds"],
        found["peak_bytes"],
        found["passes"],
        found["seed"],
    )


def _float_right(folder: Path) -> np.ndarray:
    tests = read_test_set(folder)
    assert tests.labels is not None, "the rows with training have labels"
    return np.asarray(tests.outputs["original"].reshape(len(tests), -1).argmax(axis=1) == tests.labels)


def _right(built: edgecompress.Build) -> np.ndarray:
    """Which test samples the generated C answers correctly."""
    tests = read_test_set(built.folder / "test")
    benchmark = built.benchmark
    (outputs, *_) = run_on_host(benchmark.program, benchmark.firmware.sources, built.folder, tests.inputs)
    assert tests.labels is not None, "the rows with training have labels"
    return np.asarray(outputs.reshape(len(outputs), -1).argmax(axis=1) == tests.labels)


def _digest(model: Path) -> str:
    files = sorted(model.rglob("*")) if model.is_dir() else [model]
    return hashlib.sha256("".join(sha256(one) for one in files if one.is_file()).encode()).hexdigest()


def _peak_bytes() -> int:
    import resource

    return 1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def toml(sections: Mapping[str, Any]) -> str:
    """Tables of numbers, texts and lists; tables in a table come after its values."""
    lines: list[str] = []

    def put(name: str, table: Mapping[str, Any]) -> None:
        lines.append(f"[{name}]")
        lines.extend(f"{key} = {json.dumps(value)}" for key, value in table.items() if not isinstance(value, Mapping))
        for key, value in table.items():
            if isinstance(value, Mapping):
                put(f"{name}.{key}", value)

    for name, table in sections.items():
        put(name, table)
    return "\n".join(lines) + "\n"
