"""`compress`: a Keras model through the passes into a Keras file, judged beside the same training without compression."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgecompress import worker
from edgecompress.compress.training.task import Task
from edgecompress.errors import UsageError
from edgecompress.files import sha256, size
from edgecompress.pipeline import accuracy, assembly
from edgecompress.pipeline.preparation import OnEvent, Run, prepare
from edgecompress.report.records import ModelFile, Report, Stage

SUFFIXES = (".keras", ".h5")
"""Of Keras 3 and Keras 2."""


@dataclass(frozen=True, eq=False)
class Compressed:
    """What a compression left.

    Attributes:
        file: the compressed model, for plain Keras.
        folder: the run directory; `build --resume` with the same model, data and passes goes on from there.
        report: passes, promises, accuracy on test data; all that belongs to a device is unknown.
    """

    file: Path
    folder: Path
    report: Report


def compress(
    model: Path | str,
    *,
    out: Path | str | None = None,
    data: str | None = None,
    recipe: Path | str | None = None,
    passes: str | None = None,
    folder: Path | str | None = None,
    max_drop: float | None = None,
    seed: int | None = None,
    resume: bool = False,
    trust_model_code: bool = False,
    command: str | None = None,
    on_event: OnEvent | None = None,
) -> Compressed:
    """Compresses a Keras model and writes it as a file that plain Keras opens.

    Args:
        out: the file to write, `.keras` (Keras 3) or `.h5` (Keras 2); None: <model's name>-compressed.keras in `folder`.
        folder: the run directory; None: build/<model's name>.
        model, data, recipe, passes, max_drop, seed, resume, trust_model_code, on_event: as `build` takes them.

    Raises:
        UsageError: no passes, passes that end in an integer model, or a model that is no Keras model.
        EdgecompressError: its subclass says which stage and why.
    """
    started = time.monotonic()
    model = Path(model)
    if model.suffix == ".tflite":
        raise UsageError(
            "passes need a Keras model",
            found=model.name,
            hint="the .h5, .keras or SavedModel it was made from; `edgecompress shrink` takes a .tflite",
        )
    if out is not None:
        check_suffix(Path(out))
    overrides = {"passes": passes, "build.max_drop": max_drop, "build.seed": seed}
    run = prepare(model, data, recipe, folder, resume, trust_model_code, False, on_event, overrides)
    file = Path(out) if out is not None else run.folder.path / f"{model.stem}-compressed.keras"
    try:
        _check_passes(run)
        return _carry_out(run, file, command, started)
    except BaseException:
        run.folder.forget_if_bare()
        raise


def check_suffix(path: Path) -> None:
    """Raises UsageError for a file that is no Keras file by its name."""
    if path.suffix not in SUFFIXES:
        raise UsageError(
            f"{path}: a compressed model is written as {' or '.join(SUFFIXES)}",
            found=f"the suffix {path.suffix!r}",
            hint=f"--out {path.with_suffix('.keras').name} for Keras 3, --out {path.with_suffix('.h5').name} for Keras 2",
        )


def _check_passes(run: Run) -> None:
    names = [spec.name for spec in run.settings.passes]
    if not names:
        raise UsageError(
            "there is nothing to do", found="no passes", hint='--passes "prune{sparsity=0.6}", or [passes] in a recipe'
        )
    if "qat" in names:
        raise UsageError(
            "qat ends in an integer model, not in one that plain Keras opens",
            found=f"passes {', '.join(names)}",
            hint="leave qat out, or `edgecompress build`",
        )


def _carry_out(run: Run, file: Path, command: str | None, started: float) -> Compressed:
    folder = run.folder.path
    compressed = run.compress()
    job = run.job(
        original=str(run.model),
        models={
            name: {"path": str(folder / "compress" / compressed[name]["path"]), "quantized": False}
            for name in ("baseline", "compressed")
        },
        out=str(folder / "test"),
        file=str(file),
    )
    done: dict[str, Any] = worker.call(
        "edgecompress.pipeline.judging:write_and_judge", job, log=run.folder.log, on_event=run.on_event
    )
    report = _report(run, file, compressed, done, command, time.monotonic() - started)
    return Compressed(file, folder, report)


def _report(
    run: Run, file: Path, compressed: dict[str, Any], done: dict[str, Any], command: str | None, seconds: float
) -> Report:
    judged, described = done["judged"], done["described"]
    task = Task.from_dict(judged["task"])
    tests = accuracy.read_test_set(run.folder.path / "test")
    record, sentence = accuracy.judge_keras(task, tests, run.settings.build.max_drop)
    notes = [*compressed["notes"], *compressed["ended"], f"metric: {task.metric} ({task.why})"]
    notes += [f"labels: {judged['labels']}", *([sentence] if sentence else [])]
    before, after = described["original"], described["compressed"]
    stages = (
        Stage("model as given", run.model.name, size(run.model), note=_words(before)),
        *assembly.training_stages(compressed, str(file), size(file), _words(after)),
    )
    return Report(
        kind="compress",
        model=ModelFile(str(run.model), sha256(run.model), size(run.model), assembly.format_of(run.model)),
        macs=after["macs"],
        parameters=after["parameters"],
        accuracy=record,
        passes=assembly.pass_records(compressed, None),
        stages=stages,
        warnings=run.dataset.warnings if run.dataset else (),
        notes=(*notes, *(run.dataset.notes if run.dataset else ())),
        command=command,
        seed=run.settings.build.seed,
        seconds=round(seconds, 1),
        versions=assembly.keras_versions(),
        hashes={"compressed": sha256(file)},
    )


def _words(described: dict[str, Any]) -> str:
    macs = "unknown" if described["macs"] is None else f"{described['macs']:,}"
    return f"{described['parameters']:,} parameters, {macs} MACs"
