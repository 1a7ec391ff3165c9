"""`build`: a Keras model, or an int8 .tflite, all the way to a reported firmware."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgecompress import recipe as recipes
from edgecompress import worker
from edgecompress.compress.training.task import Task
from edgecompress.convert.layer_errors import layer_errors
from edgecompress.errors import AccuracyError, PromiseError, ToolError, UnsupportedError, UsageError
from edgecompress.files import sha256, write_bytes, write_text
from edgecompress.memory.choice import BALANCED, Wish
from edgecompress.pipeline import accuracy, assembly
from edgecompress.pipeline.bench import MODEL, Benchmark, bench
from edgecompress.pipeline.folder import fingerprint
from edgecompress.pipeline.judging import judge_tflite
from edgecompress.pipeline.preparation import DEFAULT_TARGET, OnEvent, Run, prepare
from edgecompress.pipeline.wishes import read_wish
from edgecompress.recipe.quantization import quantization_overrides
from edgecompress.report.format import layer_name
from edgecompress.report.html import render_html
from edgecompress.report.records import Report
from edgecompress.report.schema import to_json
from edgecompress.report.summary import largest_losses
from edgecompress.targets import find
from edgecompress.targets.compilers import Name
from edgecompress.tflite.interface import read_interface

REAL_SAMPLES = 8
"""How many test samples are compared operator by operator, beside random and hostile inputs."""
LOSS_SAMPLES = 8
"""How many training samples the error of every layer is measured on."""
FLOAT_TWIN = "float.tflite"


@dataclass(frozen=True, eq=False)
class Build:
    """What a build left.

    Attributes:
        folder: the run directory.
        report: what report.json holds.
        benchmark: of the back end.
    """

    folder: Path
    report: Report
    benchmark: Benchmark


def build(
    model: Path | str,
    *,
    data: str | None = None,
    recipe: Path | str | None = None,
    passes: str | None = None,
    quantize: str | None = None,
    target: str | None = None,
    out: Path | str | None = None,
    max_drop: float | None = None,
    seed: int | None = None,
    prefix: str | None = None,
    resume: bool = False,
    random_calibration: bool = False,
    trust_model_code: bool = False,
    compiler: Name = "zig",
    optimize: str | None = None,
    ram: str | None = None,
    flash: str | None = None,
    tune: bool = False,
    shrink: bool = True,
    integer_io: bool = False,
    input_shapes: Sequence[str] = (),
    earlier: Sequence[Path] = (),
    command: str | None = None,
    on_event: OnEvent | None = None,
) -> Build:
    """Compresses, converts, generates C, compiles, runs on the emulated target and reports.

    Args:
        model: `.h5`, `.keras` (Keras 2 or 3), a SavedModel folder, or an int8 `.tflite` (then the back end only).
        data: a source of samples that replaces the recipe's; see `edgecompress.data.open`.
        recipe: a TOML file; None: the one beside the model (`model.toml`), if any.
        passes: text form that replaces the recipe's: "prune{sparsity=0.6},cluster{clusters=16},qat{epochs=3}".
        quantize: techniques of post-training quantization, "auto" or words like "mse,equalize,correct-bias,adaround".
        target: a CPU or board; None: the recipe's, else cortex-m4.
        out: the run directory; None: build/<model's name>.
        max_drop: percentage points of the metric that may be lost; more raises AccuracyError, after the report is written.
        resume: go on from the finished stages of an earlier run with the same inputs.
        tune: choose every layer's kernel by measuring all candidates on the emulator.
        shrink: take out of the integer model what its outputs do not need, losslessly and proven.
        integer_io, input_shapes: see `tflite.interface.Interface`; a Keras model gets integers anyway.
        random_calibration: without data: sizes and speed only, accuracy unknown.
        earlier: run directories whose training without passes is taken over where it is the same.
        optimize, ram, flash: see `wishes.read_wish`; where none is given: the recipe's, else balanced.
        on_event: called with progress events (JSON-able dicts with "kind").

    Raises:
        EdgecompressError: its subclass says which stage and why; see `edgecompress.errors`.
    """
    started = time.monotonic()
    wish = read_wish(optimize, ram, flash)
    interface = read_interface(integer_io, input_shapes)
    run = prepare(
        Path(model),
        data,
        recipe,
        out,
        resume,
        trust_model_code,
        random_calibration,
        on_event,
        {
            "passes": passes,
            "build.target": target,
            "build.max_drop": max_drop,
            "build.seed": seed,
            "build.prefix": prefix,
            **quantization_overrides(quantize),
        },
        interface,
    )
    run = replace(run, earlier=tuple(earlier))
    try:
        _check_format(run)
        return _carry_out(run, compiler, tune, shrink, wish, command, started)
    except ToolError:
        raise  # its message points at the log
    except BaseException:
        run.folder.forget_if_bare()
        raise


def _carry_out(
    run: Run, compiler: Name, tune: bool, shrink: bool, wish: Wish | None, command: str | None, started: float
) -> Build:
    """The stages in order."""
    settings = run.settings.build
    wish = wish or read_wish(settings.optimize, settings.ram, settings.flash) or BALANCED
    device = {"compiler": compiler, "shrink": shrink, "optimize": wish.optimize}
    compressed = run.compress(**device) if run.is_keras and run.settings.passes else None
    converted = _convert(run, compressed) if run.is_keras else None
    judged = (converted or {}).get("judged") if run.is_keras else _judge_tflite(run)
    losses = _losses(run, converted) if converted and run.dataset else {}
    promises = assembly.check_promises(run.folder, compressed)
    tests = accuracy.read_test_set(run.folder.path / "test") if judged else None
    benchmark = _bench(run, tests, compiler, tune, shrink, wish, command)
    report = assembly.assemble(benchmark.report, run.model, settings, compressed, converted, promises)
    origin = benchmark.source.origin
    layers = (replace(layer, **losses.get(origin(layer.index), {})) for layer in report.layers)
    report = replace(report, layers=tuple(layers))
    if run.dataset:
        report = replace(
            report, warnings=(*report.warnings, *run.dataset.warnings), notes=(*report.notes, *run.dataset.notes)
        )
    if tests and judged:
        report = _with_accuracy(run, report, benchmark, tests, judged)
    report = replace(report, command=command, seconds=round(time.monotonic() - started, 1))
    write_text(run.folder.path / "recipe.toml", recipes.print_recipe(run.settings))
    write_text(run.folder.path / "report.json", to_json(report))
    write_text(run.folder.path / "report.html", render_html(report))
    result = Build(run.folder.path, report, benchmark)
    benchmark.require_exact()
    return result


def _check_format(run: Run) -> None:
    chosen = run.settings.quantization.format
    if chosen != "int8":
        raise UsageError(
            "the kernels of a build compute in int8",
            found=f'[quantization] format = "{chosen}"',
            hint=f"`edgecompress quantize MODEL --format {chosen}` writes such a file for LiteRT, on a Raspberry Pi for one",
        )


def check_budgets(report: Report) -> None:
    """Raises PromiseError where the firmware takes more than a pass had promised; the report has been written by then."""
    for record in report.passes:
        if record.status == "broken" and record.promise is not None:
            reached = record.reached if record.reached_in_tflite is None else record.reached_in_tflite
            raise PromiseError(
                f"{record.name} promised {record.promise.text}, but they are not kept",
                found=f"{reached:,.0f} in the end",
                hint="a smaller budget; or leave out what came after it and costs more: other passes, --optimize, --tune",
            )


def check_drop(report: Report) -> None:
    """Raises AccuracyError where more was lost than allowed; the report has been written by then."""
    found = report.accuracy
    if found.max_drop is None or found.drop is None or found.drop <= found.max_drop:
        return
    kind = "compressed" if report.kind == "compress" else "integer"
    names = ", ".join(f'"{layer_name(layer.name)}"' for layer in largest_losses(report)[:3])
    raise AccuracyError(
        f"the {kind} model loses {100 * found.drop:.2f} points of {found.metric}, {100 * found.max_drop:g} are allowed",
        found=f"{found.samples} test samples; most is lost in {names}" if names else f"{found.samples} test samples",
        hint="milder passes, more epochs, more calibration samples, or a larger --max-drop; the report shows the layers",
    )


def _convert(run: Run, compressed: dict[str, Any] | None) -> dict[str, Any]:
    """Conversion, and every Keras model's answers on the test samples, in one process."""
    folder = run.folder.path
    entry = compressed["compressed"] if compressed else None
    key = fingerprint({**run.base(), "from": entry["sha256"] if entry else None})
    done = run.folder.result("convert", key)
    random = run.dataset is None
    if done is not None and _is_whole(folder, done, random):
        return dict(done)
    models = (
        {}
        if not compressed
        else {
            "baseline": {"path": str(folder / "compress" / compressed["baseline"]["path"]), "quantized": False},
            "compressed": {
                "path": str(folder / "compress" / compressed["compressed"]["path"]),
                "quantized": compressed["compressed"]["quantized"],
            },
        }
    )
    job = run.job(
        model=models["compressed"]["path"] if models else str(run.model),
        stage=bool(models),
        quantized=bool(entry and entry["quantized"]),
        output=str(run.folder.model),
        float_output=None if random else str(folder / FLOAT_TWIN),
        random=random,
        buildable=True,
        calibration_samples=run.settings.convert.calibration_samples,
        promises=compressed["promises"] if compressed else (),
        kernels=str(folder / "compress" / compressed["kernels"]) if compressed else None,
        judge=None if random else {"original": str(run.model), "models": models, "out": str(folder / "test")},
    )
    result: dict[str, Any] = worker.call(
        "edgecompress.pipeline.judging:convert_and_judge", job, log=run.folder.log, on_event=run.on_event
    )
    run.folder.finish("convert", key, result)
    return result


def _is_whole(folder: Path, done: dict[str, Any], random: bool) -> bool:
    """Whether everything that an earlier conversion wrote is still there."""
    model = folder / MODEL
    others = (
        ()
        if random
        else (folder / FLOAT_TWIN, folder / "test" / "input_0.npy", folder / "test" / "outputs_original.npy")
    )
    return model.exists() and sha256(model) == done["sha256"] and all(path.exists() for path in others)


def _judge_tflite(run: Run) -> dict[str, Any] | None:
    """A .tflite that came in as such: its test samples, without any Keras model beside it."""
    write_bytes(run.folder.model, run.interface.apply(run.model.read_bytes()))
    if run.dataset is None:
        return None
    return judge_tflite(run.dataset, run.folder.model, run.settings.training, run.folder.path / "test")


def _losses(run: Run, converted: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """What every operator loses from float to int8, by its index, on a few training samples; its part in the final error."""
    assert run.dataset is not None
    train = run.dataset.train
    few = train.take(min(LOSS_SAMPLES, len(train)))
    samples = [tuple(x[0] for x in batch.inputs) for batch in few.batches(1)]
    try:
        found = layer_errors(run.folder.model, run.folder.path / FLOAT_TWIN, samples)
    except UnsupportedError as error:
        run.on_event(
            {"kind": "remark", "text": f"what single layers lose is not known: {error.what} ({error.found[:100]})"}
        )
        return {}
    losses = {one.index: {"snr_db": one.snr_db, "cosine": one.cosine, "added_noise": one.added_noise} for one in found}
    for part in (converted["quantization"] or {}).get("parts", ()):
        losses.setdefault(part["index"], {}).update(error_share=part["share"], remedy=part["remedy"] or None)
    return losses


def _bench(
    run: Run,
    tests: accuracy.TestSet | None,
    compiler: Name,
    tune: bool,
    shrink: bool,
    wish: Wish,
    command: str | None,
) -> Benchmark:
    settings = run.settings.build
    samples = None
    if tests is not None and len(tests.inputs) == 1:
        samples = tests.inputs[0][accuracy.spread(len(tests), min(REAL_SAMPLES, len(tests)))]

    def say(what: str, done: int, total: int) -> None:
        run.on_event({"kind": "progress", "stage": what, "step": done, "total": total})

    return bench(
        run.folder.model,
        target=settings.target or DEFAULT_TARGET,
        save=run.folder.path,
        samples=samples,
        prefix=settings.prefix,
        compiler=compiler,
        tune=tune,
        shrink=shrink,
        seed=settings.seed,
        command=command,
        on_progress=say,
        on_remark=lambda text: run.on_event({"kind": "note", "text": text}),
        wish=wish,
    )


def _with_accuracy(
    run: Run, report: Report, benchmark: Benchmark, tests: accuracy.TestSet, judged: dict[str, Any]
) -> Report:
    """The report with the evidence from the test samples."""

    def say(what: str, done: int, total: int) -> None:
        run.on_event({"kind": "progress", "stage": what, "step": done, "total": total})

    settings = run.settings.build
    answers = accuracy.run_integer_model(
        benchmark.program,
        benchmark.firmware.sources,
        benchmark.firmware.mailbox,
        find(settings.target or DEFAULT_TARGET),
        tests,
        run.folder.path,
        instructions=report.instructions or 1,
        prefix=settings.prefix,
        say=say,
    )
    task = Task.from_dict(judged["task"])
    record, agreement, sentence = accuracy.judge(task, tests, answers, settings.max_drop)
    notes = (f"metric: {task.metric} ({task.why})", f"labels: {judged['labels']}", *((sentence,) if sentence else ()))
    return replace(report, accuracy=record, agreement=agreement, notes=(*report.notes, *notes))
