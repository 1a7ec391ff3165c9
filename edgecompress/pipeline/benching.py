"""`bench` wherever the user says: which target, which place, which test samples; then the one function that does it."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgecompress import calibration
from edgecompress.calibration import Calibration, no_cycles
from edgecompress.device.places import EMULATOR, Place, read_place
from edgecompress.errors import DataError, UsageError
from edgecompress.files import write_bytes
from edgecompress.memory.choice import Wish
from edgecompress.pipeline.bench import RUNS, Progress, bench, find_model
from edgecompress.pipeline.samples import read_samples
from edgecompress.pipeline.streaming import DEVICE_SAMPLES, TestData, read_test_data
from edgecompress.pipeline.wishes import read_wish
from edgecompress.report.records import Report
from edgecompress.report.schema import read_report
from edgecompress.tflite.interface import Interface, read_interface

if TYPE_CHECKING:
    from edgecompress.targets.compilers import Name

DEFAULT_TARGET = "cortex-m4"
LINUX_RUNS = 50
SILICON = ("probe", "gdb", "serial")
"""Kinds of places where cycles may be measured."""


@dataclass(frozen=True, eq=False)
class Result:
    """A report, and the check that its outputs were exact, to be made once it has been shown."""

    report: Report
    require_exact: Callable[[], None]


def bench_anywhere(
    model: Path,
    *,
    where: str = EMULATOR.text,
    target: str | None = None,
    runs: int | None = None,
    inputs: int = 16,
    samples: str | None = None,
    data: str | None = None,
    recipe: Path | None = None,
    sample_count: int = 8,
    save: Path | None = None,
    prefix: str = "model",
    compiler: "Name" = "zig",
    tune: bool = False,
    shrink: bool | None = None,
    seed: int = 0,
    threads: int = 1,
    install_litert: bool = False,
    optimize: str | None = None,
    ram: str | None = None,
    flash: str | None = None,
    integer_io: bool = False,
    input_shapes: Sequence[str] = (),
    command: str | None = None,
    on_progress: Progress | None = None,
    on_remark: Callable[[str], None] | None = None,
) -> Result:
    """As the command line's options say; see `edgecompress bench --help`, `pipeline.bench.bench`, `linux.bench_on_linux`.

    Args:
        where: see `device.places.read_place`.
        target: None: that of the run directory, else cortex-m4.
        shrink: see `pipeline.bench.bench`.
        optimize, ram, flash: see `wishes.read_wish`.
        integer_io, input_shapes: see `tflite.interface.Interface`; of a .tflite file, not of a run directory.
        samples: a number of test samples to stream through the device, or a file of unlabelled samples to run as well.

    Raises:
        UsageError: options that do not go together. Else as the function that does it.
    """
    place, wish = read_place(where), read_wish(optimize, ram, flash)
    interface = read_interface(integer_io, input_shapes)
    count, real = _samples(samples, sample_count)
    shared: dict[str, Any] = {
        "inputs": inputs,
        "save": save,
        "samples": real,
        "prefix": prefix,
        "seed": seed,
        "command": command,
        "on_progress": on_progress,
        "shrink": shrink,
    }
    if place.is_linux:
        _check_linux(place, target, wish, tune=tune)
    with tempfile.TemporaryDirectory(prefix="edgecompress-") as folder:
        model = adapted(model, interface, Path(folder))
        path, tests = find_model(model), None
        if data is not None or count is not None:
            tests = read_test_data(path, data, recipe, Path(folder), count=count or DEVICE_SAMPLES)
        if place.is_linux:
            more = {"runs": runs or LINUX_RUNS, "threads": threads, "install_litert": install_litert}
            return _on_linux(model, place, tests, {**shared, **more})
        chosen = target or _target_of(model)
        shared |= {"target": chosen, "compiler": compiler, "on": place, "runs": runs or RUNS, "data": tests}
        shared["on_remark"] = on_remark
        result = bench(model, wish=wish, tune=tune, **shared)
    return Result(result.report, result.require_exact)


def adapted(model: Path, interface: Interface, folder: Path) -> Path:
    """A file of the same name in a folder, with the inputs and outputs that are wanted; the model itself where none are.

    Raises:
        UsageError: a run directory, whose model is built already. Else as `Interface.apply`.
    """
    if not interface.is_changed:
        return model
    if model.is_dir():
        raise UsageError(f"{model} is built already", hint="give its .tflite to --integer-io and --input-shape")
    place = folder / model.name
    write_bytes(place, interface.apply(find_model(model).read_bytes()))
    return place


@dataclass(frozen=True, eq=False)
class Calibrated:
    """What `calibrate_on` measured, and where it is kept."""

    report: Report
    calibration: Calibration
    path: Path


def calibrate_on(
    run: Path,
    *,
    where: str,
    target: str | None = None,
    runs: int | None = None,
    command: str | None = None,
    on_progress: Progress | None = None,
) -> Calibrated:
    """Measures a run directory's model on a board and keeps the ratio to the cycle model for this board.

    Raises:
        DeviceError: the place measures no cycles; nothing is kept then. NotExactError: the board computes wrongly; nor then.
        Else as `bench_anywhere`.
    """
    place = read_place(where)
    if place.kind not in SILICON:
        raise no_cycles(f"on {place.text}")
    result = bench_anywhere(
        run, where=where, target=target, runs=runs, inputs=1, command=command, on_progress=on_progress
    )
    result.require_exact()
    found = calibration.from_report(result.report)
    return Calibrated(result.report, found, calibration.store(found))


def _check_linux(place: Place, target: str | None, wish: Wish | None, *, tune: bool) -> None:
    """UsageError for options that a Linux computer has no use for."""
    if target is not None:
        raise UsageError(f"{place.text} is a Linux computer: it has no --target", hint="leave --target away")
    if wish is not None:
        raise UsageError(
            f"{place.text} is a Linux computer: its layers run whole", hint="leave --optimize, --ram and --flash away"
        )
    if tune:
        raise UsageError(
            f"{place.text} is a Linux computer: --tune measures on an emulated Cortex-M", hint="leave it away"
        )


def _on_linux(model: Path, place: Place, data: TestData | None, options: Mapping[str, Any]) -> Result:
    from edgecompress.linux import bench_on_linux, require_exact

    tests, task = (data.tests.take(data.count), data.task) if data else (None, None)
    report = bench_on_linux(model, place.text, tests=tests, task=task, **options)
    return Result(report, lambda: require_exact(report))


def _samples(samples: str | None, count: int) -> tuple[int | None, np.ndarray | None]:
    """`--samples` as a number, or as the arrays of a file."""
    if samples is None:
        return None, None
    if samples.isdecimal():
        if int(samples) == 0:
            raise DataError("--samples 0 asks for no samples", hint="a number from 1 on, or a file")
        return int(samples), None
    return None, read_samples(Path(samples), count)


def _target_of(model: Path) -> str:
    """What a run directory was built for; the default for a bare file."""
    if model.is_dir() and (model / "report.json").is_file():
        return read_report(model).target or DEFAULT_TARGET
    return DEFAULT_TARGET
