"""Puts together what the stages of a build found out: the report's passes, promises, stages and hashes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from edgecompress.compress.base import ON_DEVICE, Kind, Promise
from edgecompress.compress.converted import check_converted
from edgecompress.compress.promises import Measurement, held_against
from edgecompress.files import sha256, size
from edgecompress.pipeline.folder import RunFolder
from edgecompress.recipe import BuildRecipe
from edgecompress.report.records import TRAINED_WITHOUT, ModelFile, PassRecord, PromiseRecord, Report, Stage
from edgecompress.tflite import reader

KERAS_PACKAGES = ("tensorflow", "tf_keras", "tensorflow-model-optimization", "keras")


def keras_versions() -> dict[str, str]:
    """Of the packages that training and conversion depend on, without importing them."""
    found = {}
    for package in KERAS_PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def check_promises(folder: RunFolder, compressed: Mapping[str, Any] | None) -> tuple[Measurement, ...]:
    """Every standing promise measured on the integers in the .tflite; a broken one raises PromiseError."""
    if not compressed:
        return ()
    return check_converted(
        reader.read(folder.model), folder.path / "compress" / compressed["kernels"], compressed["promises"]
    )


def as_benched(promises: Sequence[Measurement], report: Report) -> tuple[Measurement, ...]:
    """The same, with those about the device held against what the back end found."""
    found = {Kind.CYCLES: report.cycles.typical, Kind.FLASH: report.flash.total, Kind.RAM: report.ram.arena}
    values = [found.get(one.promise.kind) for one in promises]
    pairs = zip(promises, values, strict=True)
    return tuple(one if value is None else held_against(one.promise, value) for one, value in pairs)


def assemble(
    report: Report,
    model: Path,
    settings: BuildRecipe,
    compressed: Mapping[str, Any] | None,
    converted: Mapping[str, Any] | None,
    promises: Sequence[Measurement],
) -> Report:
    """The back end's report with all that came before it."""
    notes = [*(compressed or {}).get("notes", ()), *(compressed or {}).get("ended", ())]
    notes += ((converted or {}).get("quantization") or {}).get("remarks", ())
    warnings = list(report.warnings)
    if converted and converted["calibration"]["kind"] == "random":
        warnings.append("calibrated with random numbers: size and speed are real, accuracy is unknown")
    return replace(
        report,
        kind="build",
        model=ModelFile(str(model), sha256(model), size(model), format_of(model)),
        passes=pass_records(compressed, as_benched(promises, report)),
        stages=_stages(report, model, compressed, converted),
        notes=(*report.notes, *notes),
        warnings=tuple(warnings),
        seed=settings.seed,
        versions={**report.versions, **(keras_versions() if converted else {})},
        hashes={"input": sha256(model), **report.hashes},
    )


def format_of(model: Path) -> str:
    """What kind of file, by its name."""
    if model.is_dir():
        return "saved_model"
    return {".h5": "keras h5", ".hdf5": "keras h5", ".keras": "keras", ".tflite": "tflite"}.get(
        model.suffix, model.suffix.lstrip(".")
    )


def pass_records(
    compressed: Mapping[str, Any] | None, promises: Sequence[Measurement] | None
) -> tuple[PassRecord, ...]:
    """One record per pass, with its promise as measured in the Keras model and in the .tflite.

    Args:
        compressed: what the compression stage returned; None: there was none.
        promises: as measured in the .tflite; None where there is none: those that stand were kept in the Keras model.
    """
    if not compressed:
        return ()
    # A pass may promise several things: the first stands for it, the others are among its notes.
    in_file = {m.promise.source: m for m in reversed(promises or ())}
    made = {p["source"]: Promise.from_dict(p) for p in reversed(compressed["promises"])}
    records = []
    for entry in compressed["passes"]:
        promise, measured = made.get(entry["text"]), in_file.get(entry["text"])
        notes = list(entry["notes"])
        status = None
        if measured or (promise and promises is None):
            holds = measured.holds if measured else entry.get("holds") is not False
            status = "kept" if holds else "broken"
        if promise and promise.kind in ON_DEVICE and promises is None:
            notes.append("read when the pass had ended; `build` reads it again in the firmware")
        if entry["did_nothing"]:
            status, notes = "nothing to do", [*notes, entry["did_nothing"]]
        if measured and promise and promise.kind is Kind.DISTINCT_VALUES:
            per_channel = f"{measured.reached:g} values per output channel, " if promise.in_file == "channel" else ""
            notes.append(f"in the .tflite: at most {per_channel}{measured.per_tensor:g} values per tensor")
        records.append(
            PassRecord(
                name=entry["text"],
                promise=_promise(promise) if promise else None,
                reached=entry["reached"],
                seconds=entry["seconds"],
                accuracy_before=entry["accuracy_before"],
                accuracy_after=entry["accuracy_after"],
                reached_in_tflite=measured.reached if measured else None,
                status=status,
                notes=tuple(notes),
            )
        )
    return tuple(records)


def _promise(promise: Promise) -> PromiseRecord:
    bound = promise.numbers or (() if promise.bound is None else (float(promise.bound),))  # type: ignore[arg-type]
    return PromiseRecord(str(promise), promise.kind.value, bound, promise.layers)


def training_stages(
    compressed: Mapping[str, Any], file: str, size_of_file: int | None, note: str | None = None
) -> list[Stage]:
    """The training without passes, where there was any, and the passes themselves; both in one process.

    What an earlier run has done took the time that it took there.
    """
    baseline = compressed["baseline"]
    memory = compressed["peak_bytes"]
    seconds = sum(entry["seconds"] for entry in compressed["passes"])
    stages = [Stage("compressed", file, size_of_file, seconds=round(seconds, 3), memory=memory, note=note)]
    if baseline["steps"]:
        stages.insert(0, Stage(TRAINED_WITHOUT, baseline["path"], seconds=baseline["seconds"]))
    return stages


def _stages(
    report: Report, model: Path, compressed: Mapping[str, Any] | None, converted: Mapping[str, Any] | None
) -> tuple[Stage, ...]:
    """The model's bytes on their way to the device."""
    stages = [Stage("model as given", model.name, size(model))]
    if compressed:
        stages += training_stages(compressed, compressed["compressed"]["path"], None)
    if converted:
        seconds, memory = converted["seconds"], converted.get("peak_bytes")
        stages.append(Stage("converted", "model.tflite", converted["bytes"], seconds=seconds, memory=memory))
    if report.shrinking and report.shrinking.file:
        stages.append(Stage("shrunk", report.shrinking.file, report.shrinking.bytes, seconds=report.shrinking.seconds))
    stages.append(Stage("weights in flash", "firmware.elf", report.flash.weights))
    stages.append(Stage("flash in all", "firmware.elf", report.flash.total))
    return tuple(stages)
