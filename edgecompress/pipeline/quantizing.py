"""`quantize`: a Keras model to a .tflite of a chosen format, judged on test samples by LiteRT; nothing is built."""

from pathlib import Path
from typing import Any

import numpy as np

from edgecompress import worker
from edgecompress.compress.training.task import Task
from edgecompress.errors import UsageError
from edgecompress.files import size, write_bytes
from edgecompress.pipeline import accuracy
from edgecompress.pipeline.preparation import OnEvent, Run, prepare
from edgecompress.recipe.quantization import quantization_overrides
from edgecompress.report.quantizing import QuantizedFile


def quantize(
    model: Path | str,
    *,
    out: Path | str | None = None,
    data: str | None = None,
    recipe: Path | str | None = None,
    quantize: str | None = None,
    format: str | None = None,
    folder: Path | str | None = None,
    seed: int | None = None,
    trust_model_code: bool = False,
    on_event: OnEvent | None = None,
) -> QuantizedFile:
    """Converts a Keras model and judges the file on test samples, against the model as it was given.

    Args:
        out: the file to write; None: <model's name>-<format>.tflite in `folder`.
        quantize: techniques, as `build` takes them.
        format: "int8", "int16" (activations), "dynamic" or "float16"; None: the recipe's.
        folder: the run directory; None: build/<model's name>.
        model, data, recipe, seed, trust_model_code, on_event: as `build` takes them.

    Raises:
        UsageError: a .tflite came in, or a recipe with passes.
        EdgecompressError: its subclass says which stage and why.
    """
    model = Path(model)
    if model.suffix == ".tflite":
        raise UsageError("quantizing needs a Keras model", found=model.name, hint="the .h5, .keras or SavedModel of it")
    overrides = {"build.seed": seed, "quantization.format": format, **quantization_overrides(quantize)}
    run = prepare(model, data, recipe, folder, False, trust_model_code, False, on_event, overrides)
    try:
        return _carry_out(run, Path(out) if out is not None else None)
    except BaseException:
        run.folder.forget_if_bare()
        raise


def _carry_out(run: Run, out: Path | None) -> QuantizedFile:
    if run.settings.passes:
        raise UsageError(
            "quantize has no passes",
            found=", ".join(spec.name for spec in run.settings.passes),
            hint="`edgecompress compress` first, then quantize its file; or `edgecompress build`",
        )
    chosen = run.settings.quantization.format
    file = out or run.folder.path / f"{run.model.stem}-{chosen}.tflite"
    job = run.job(
        model=str(run.model),
        output=str(run.folder.model),
        out=str(run.folder.path / "test"),
        float_output=str(run.folder.path / "float.tflite") if chosen == "int8" else None,
        calibration_samples=run.settings.convert.calibration_samples,
    )
    done: dict[str, Any] = worker.call(
        "edgecompress.pipeline.judging:quantize_and_judge", job, log=run.folder.log, on_event=run.on_event
    )
    answers = run.folder.path / "test" / "outputs.npz"
    job = run.job(model=str(run.folder.model), output=str(answers), split="test")
    worker.call("edgecompress.convert.evaluate:run", job, log=run.folder.log, on_event=run.on_event)
    task = Task.from_dict(done["judged"]["task"])
    with np.load(answers, allow_pickle=False) as stored:
        several = [stored[f"real_{i}"] for i in range(max(len(task.parts), 1))]
    outputs = np.concatenate([one.reshape(len(one), -1) for one in several], axis=1) if task.parts else several[0]
    tests = accuracy.read_test_set(run.folder.path / "test")
    record, value, sentence = accuracy.judge_file(task, tests, outputs, chosen)
    write_bytes(file, run.folder.model.read_bytes())
    return QuantizedFile(
        str(file), done["bytes"], size(run.model), chosen, record, value, sentence, done["quantization"]
    )
