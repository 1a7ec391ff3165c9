"""Our figures: the project's own bench on one model and one core."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from benchmarking.figures import OURS, Figures
from edgecompress.pipeline.bench import Benchmark, bench

MODELS = {
    "ad": "ad01_int8.tflite",
    "kws": "kws_ref_model.tflite",
    "ic": "pretrainedResnet_quant.tflite",
    "vww": "vww_96_int8.tflite",
}
"""MLPerf Tiny's int8 models: short name -> file."""
CORES = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55")
YARDSTICK_CYCLES = "cortex-m4"
"""The core whose cycles the yardstick models; on the others it counts instructions only."""


@dataclass(frozen=True)
class Measured:
    """Our figures and their circumstances."""

    figures: Figures
    circumstances: Mapping[str, Any]
    yardstick: Mapping[str, int] | None


def find_model(folder: Path, name: str) -> Path:
    """The file of a model, anywhere below the folder."""
    found = sorted(folder.rglob(MODELS[name]))
    if not found:
        raise SystemExit(f"{folder}: there is no {MODELS[name]} in it")
    return found[0]


def measure(
    path: Path, name: str, core: str, inputs: int, options: Mapping[str, Any], folder: Path, yardstick: Path | None
) -> Measured:
    """Builds, runs and compares a model on a core; NotExactError where a byte differs.

    Args:
        inputs: how many random ones are compared byte by byte, beside four hostile ones.
        options: of `bench`, the compiler say.
        folder: empty; the ELF files are left there.
        yardstick: another counter, a Python file with `run` and `figures`, to be run on standalone.elf.
    """
    result = bench(path, target=core, inputs=inputs, save=folder, **options)
    result.require_exact()
    report = result.report
    figures = Figures(
        core,
        name,
        OURS,
        "edgecompress",
        report.macs or 0,
        instructions=report.instructions,
        cycles=report.cycles.typical,
        cycles_range=(report.cycles.min or 0, report.cycles.max or 0),
        arena=report.ram.arena,
        code=report.flash.code,
        constants=report.flash.constants,
        weights=report.flash.weights,
        stack=report.ram.stack,
        parameters=_int8_weights(result),
    )
    circumstances = {
        "core": core,
        "model": name,
        "file": path.name,
        "sha256": report.model.sha256,
        "compiler": report.compiler,
        "flags": list(report.compiler_flags),
        "tuned": report.tuning is not None,
        "shrunk": report.shrinking is not None,
        "emulator": report.board.runner,
        "cycle_model": report.cycles.confidence,
        "differing_bytes": report.bit_exact.differing_bytes,
        "inputs": report.bit_exact.inputs,
        "reference": report.bit_exact.reference,
        "versions": dict(report.versions),
    }
    other = _yardstick(yardstick, folder / "standalone.elf", figures) if yardstick else None
    return Measured(figures, circumstances, other)


def _int8_weights(result: Benchmark) -> int:
    """Bytes of weights in the file, of the operators that multiply."""
    graph = result.program.graph
    constants = {
        i
        for layer in result.program.layers
        for i in layer.operation.inputs[1:2]
        if i >= 0 and graph.tensors[i].is_constant and graph.tensors[i].dtype == np.int8
    }
    return sum(graph.tensors[i].nbytes for i in constants)


def _yardstick(path: Path, elf: Path, ours: Figures) -> dict[str, int] | None:
    """Our figure minus the yardstick's, by name; None for cores that it does not know."""
    counter = _load(path)
    if ours.core not in counter.CPU:
        return None
    theirs = counter.figures(*counter.run(str(elf), ours.core, "model_invoke"))
    assert ours.instructions is not None and ours.cycles is not None and ours.cycles_range is not None
    found = {"instructions": ours.instructions - theirs["instructions"]}
    if ours.core == YARDSTICK_CYCLES:
        mine = dict(
            zip(("min", "typical", "max"), (ours.cycles_range[0], ours.cycles, ours.cycles_range[1]), strict=True)
        )
        found |= {f"cycles, {level}": mine[level] - theirs["cycles"][level] for level in mine}
    return found


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("yardstick", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
