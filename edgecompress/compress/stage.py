"""The compression stage, run in a worker process: load, judge, train the baseline, apply the passes, save.

The baseline is the same model fine-tuned for the same steps on the same data without compression. What the passes
cost is the difference to it: fine-tuning alone often gains something, which would hide a loss.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from edgecompress import data, load, recipe, worker
from edgecompress.compress import make_all
from edgecompress.compress.base import Context, Gauge, TrainingSettings, files_of
from edgecompress.compress.chain import Chain
from edgecompress.compress.models.cloning import is_wrapped
from edgecompress.compress.models.kernels import keras_kernels
from edgecompress.compress.models.saved import save_json, save_kernels, save_model, sha256_of
from edgecompress.compress.students.own import read_student
from edgecompress.compress.training.augmentation import Augmentation
from edgecompress.compress.training.dataset_samples import DatasetSamples
from edgecompress.compress.training.fine_tuning import describe_output, make_deterministic
from edgecompress.compress.training.samples import Samples
from edgecompress.compress.training.task import Output, Task, Wishes, infer
from edgecompress.compress.training.teachers import Teachers
from edgecompress.errors import RecipeError
from edgecompress.recipe.sections import TEACHERS
from edgecompress.recipe.text import print_passes

DEFAULT_BATCH = 32
DEFAULT_LEARNING_RATE = 5e-4


def compress(job: Mapping[str, Any], gauge: Gauge | None = None) -> dict[str, Any]:
    """Compress a model as a recipe says.

    Args:
        job: "model" (path), "out" (folder for what is written), "recipe" (path of a TOML file, or None),
            "overrides" (dotted recipe keys and values, as `edgecompress.recipe.load` takes them), "data" (a source that
            replaces the recipe's, or None), "trust_model_code" (False), "earlier" (folders, as `run` takes them; may be absent).
        gauge: of the device, for budgets of what only it knows.

    Returns:
        See `run`.

    Raises:
        EdgecompressError: whatever is wrong with model, recipe or data; PromiseError for a broken promise.
    """
    overrides = dict(job.get("overrides") or {})
    settings = recipe.load(job.get("recipe"), overrides)
    passes = make_all(settings.passes)  # a misspelt parameter is told before anything is read
    trust_model_code = bool(job.get("trust_model_code"))
    model = load.load(job["model"], trust_model_code=trust_model_code)
    dataset = data.open(job.get("data") or settings.source or "", settings.data, settings.build.seed)
    output = describe_output(model)
    if output.parts:
        task_of(output, dataset, settings.training)  # refuses labels, which would be of one output only
    dataset.check_against([tensor.shape for tensor in model.inputs], tuple(model.outputs[0].shape))
    task = task_of(output, dataset, settings.training)
    _check_teacher(training_settings(settings), task)  # before any other model is read
    for file in (file for one in passes for file in files_of(one)):
        read_student(str(file), model)  # what does not fit is told before anything is trained
    teachers = Teachers.read(settings.training.teacher_files, model, trust_model_code=trust_model_code)
    return run(
        model,
        DatasetSamples(dataset),
        task,
        settings,
        Path(job["out"]),
        model_sha256=sha256_of(Path(job["model"])),
        teachers=teachers,
        emit=worker.emit,
        gauge=gauge,
        earlier=[Path(folder) for folder in job.get("earlier", ())],
        trust_model_code=trust_model_code,
    )


def task_of(output: Output, dataset: data.Dataset, training: recipe.TrainingRecipe) -> Task:
    """Loss, metric and target, from the recipe or inferred; `infer` says how.

    Args:
        output: of the model, see `describe_output`.
    """
    kind = dataset.labels.kind
    labels = None if kind in ("none", "input") else dataset.train.labels
    declared = dataset.recipe.labels or (kind if kind in ("input", "anomaly") else None)
    wishes = Wishes(training.loss, training.metric, training.output, declared)
    return infer(output, labels, wishes)


def training_settings(settings: recipe.Recipe) -> TrainingSettings:
    """The recipe's [training] with the defaults of this stage."""
    training = settings.training
    default = TrainingSettings()
    return TrainingSettings(
        batch=training.batch_size or DEFAULT_BATCH,
        learning_rate=training.learning_rate or DEFAULT_LEARNING_RATE,
        optimizer=training.optimizer or default.optimizer,
        epochs=default.epochs if training.epochs is None else training.epochs,
        seed=settings.build.seed,
        distillation=training.distillation or default.distillation,
        temperature=training.temperature or default.temperature,
        teacher=" ".join(training.teacher_files) or str(training.teacher or default.teacher),
        hints=training.hints or default.hints,
        hint_weight=default.hint_weight if training.hint_weight is None else training.hint_weight,
        frozen_norms=training.batch_norm == "frozen",
        augmentation=Augmentation(training.shift, training.flip, training.mixup),
    )


def _check_teacher(settings: TrainingSettings, task: Task) -> None:
    only_teacher = task.target == "teacher"
    if settings.distillation and only_teacher:
        raise RecipeError(
            "training.distillation adds a teacher's answers to labels, but there are no labels to learn from here.",
            found=task.why,
            hint="leave it out: the loaded model's outputs are the only targets already",
        )
    has_files = settings.teacher not in TEACHERS
    if (has_files or (settings.hints and not only_teacher)) and not settings.distillation:
        raise RecipeError(
            "training.teacher names models that nothing asks."
            if has_files
            else "training.hints are a teacher's, but there is none.",
            found="training.distillation = 0",
            hint="set training.distillation above 0",
        )
    if not settings.augmentation.mixup or only_teacher:
        return
    if settings.distillation < 1:
        raise RecipeError(
            "training.mixup makes samples that have no labels, only a teacher's answers.",
            found=f"training.distillation = {settings.distillation:g}",
            hint="set training.distillation to 1",
        )
    if settings.teacher == "baseline":
        raise RecipeError(
            "training.mixup needs a teacher that is there before any training: a baseline cannot teach itself.",
            found='training.teacher = "baseline"',
            hint='set training.teacher to "original"',
        )


def run(
    model: Any,
    samples: Samples,
    task: Task,
    settings: recipe.Recipe,
    out: Path,
    *,
    model_sha256: str,
    teachers: Teachers | None = None,
    emit: Callable[[dict[str, Any]], None] = lambda event: None,
    gauge: Gauge | None = None,
    earlier: Sequence[Path] = (),
    trust_model_code: bool = False,
) -> dict[str, Any]:
    """Compress a loaded model; finished passes of an earlier run with the same inputs are taken from `out`.

    Args:
        model: uncompiled tf_keras model; it is not changed.
        samples: train and validation.
        task: loss and metric.
        settings: passes, training and seed are used.
        out: folder; gets compressed.h5, baseline.h5, kernels.npz, compress.json and passes/.
        model_sha256: of the model's file.
        teachers: where the recipe names files.
        emit: takes progress events.
        gauge: as `compress` takes it.
        earlier, trust_model_code: as `chain.Chain` takes them.

    Returns:
        JSON-able, paths relative to `out`: "compressed" {path, quantized, sha256}, "baseline" {path, steps, seconds,
        accuracy}, "kernels" (path), "task" (see `Task`), "accuracy" {metric, samples, original, baseline, compressed}
        on the validation split (null without one), "training" (settings), "passes" (one entry each: name, text,
        promise, kind, reached, holds, per_tensor, seconds, accuracy_before, accuracy_after, did_nothing, notes, measured, resumed),
        "promises" (those that stand: for `edgecompress.compress.converted.check_converted`), "ended", "notes",
        "seconds", "peak_bytes" (of this process).
    """
    started = time.monotonic()
    chosen = training_settings(settings)
    if teachers is not None:
        chosen = replace(chosen, teacher=" ".join(teachers.sha256))
    make_deterministic(chosen.seed)
    teacher = teachers.model if teachers else None
    context = Context(samples, task, chosen, original=model, teacher=teacher, emit=emit, gauge=gauge)
    chain = Chain(out, context, model_sha256, earlier, trust_model_code=trust_model_code)
    original = chain.judge(model)
    passes = make_all(settings.passes)
    baseline = chain.baseline(model, passes)
    entries = chain.run(model, passes, [print_passes((spec,)) for spec in settings.passes], original)
    final = chain.model
    save_kernels(keras_kernels(final), out / "kernels.npz")
    save_model(final, out / "compressed.h5")
    result = {
        "compressed": {
            "path": "compressed.h5",
            "quantized": is_wrapped(final),
            "sha256": sha256_of(out / "compressed.h5"),
        },
        "baseline": baseline,
        "kernels": "kernels.npz",
        "task": task.as_dict(),
        "accuracy": {
            "metric": task.metric,
            "samples": samples.count("validation"),
            "original": original,
            "baseline": baseline["accuracy"],
            "compressed": entries[-1]["accuracy_after"] if entries else original,
        },
        "training": asdict(chosen),
        "passes": entries,
        "promises": [promise.as_dict() for promise in chain.standing],
        "ended": list(chain.ended),
        "notes": [note for entry in entries for note in entry["notes"]],
        "seconds": round(time.monotonic() - started, 3),
        "peak_bytes": worker.peak_bytes(),
    }
    save_json(result, out / "compress.json")
    return result
