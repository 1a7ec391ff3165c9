"""`bench`: a .tflite file onto its target, emulated or real, proven bit-exact, counted and timed; the back half of `build`."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgecompress import emulate
from edgecompress.calibration import with_calibration
from edgecompress.codegen.program import Program
from edgecompress.device.mailbox import Mailbox
from edgecompress.device.opening import connect
from edgecompress.device.places import EMULATOR, Place
from edgecompress.errors import ModelFileError, UsageError
from edgecompress.memory.choice import BALANCED, OPTIMIZE, Wish
from edgecompress.pipeline import coding_report, firmware, measuring, records, saving, shrinking, tuning
from edgecompress.pipeline.accuracy import Answers, different_bytes
from edgecompress.pipeline.codings import Lowered, lower_for
from edgecompress.pipeline.evidence import Expected, expect, not_exact, sequence_length
from edgecompress.pipeline.execution import raw_inputs, run_layer_by_layer
from edgecompress.pipeline.firmware import Firmware
from edgecompress.pipeline.shrinking import Given, Source, outputs_as_given, require_original, was_shrunk
from edgecompress.pipeline.streaming import TestData, stream
from edgecompress.pipeline.tuning import with_tuning
from edgecompress.reference.compare import Comparison, compare
from edgecompress.reference.inputs import hostile_inputs, random_inputs, real_inputs
from edgecompress.report.coding import coding_line
from edgecompress.report.records import Report
from edgecompress.report.schema import read_report
from edgecompress.targets import Target, find
from edgecompress.targets.compilers import Name
from edgecompress.tflite.graph import Graph

MODEL = "model.tflite"
"""The name of the integer model in a run directory."""

RUNS = 10
"""How many inferences are timed unless told otherwise."""

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, steps done, steps in all)."""


@dataclass(frozen=True, eq=False)
class Benchmark:
    """All that came out of a bench.

    Attributes:
        report: what report.json holds.
        program: the lowered model.
        firmware: its C and ELF files; the files lie in a temporary folder unless saved.
        inputs: that were run, one mapping per sample.
        outputs: every operator's output on the device, one mapping per sample.
        comparison: device against reference.
        source: the model that came in, and the shrunk one.
        answers: to the test samples that were streamed through the device; None where none were.
    """

    report: Report
    program: Program
    firmware: Firmware
    inputs: Sequence[Mapping[int, np.ndarray]]
    outputs: Sequence[Mapping[int, np.ndarray]]
    comparison: Comparison
    source: Source
    answers: Answers | None = None

    def require_exact(self) -> None:
        """Raises NotExactError where a byte differs."""
        if not self.comparison.exact:
            raise not_exact(self.comparison, "the device", "the reference")
        if self.answers is not None and self.answers.differing_bytes:
            raise different_bytes(self.answers, self.report.board.runner or "the device")
        require_original(self.report)


@dataclass(frozen=True, eq=False)
class _Ran:
    """What came back from the device, and the report's remarks about it."""

    outputs: list[dict[int, np.ndarray]]
    answers: Answers | None
    complete: Callable[[Report], Report]


def bench(
    model: Path | str,
    *,
    target: str = "cortex-m4",
    inputs: int = 16,
    save: Path | str | None = None,
    samples: np.ndarray | None = None,
    prefix: str = "model",
    compiler: Name = "zig",
    seed: int = 0,
    command: str | None = None,
    on_progress: Progress | None = None,
    on_remark: Callable[[str], None] | None = None,
    on: Place = EMULATOR,
    runs: int = RUNS,
    data: TestData | None = None,
    wish: Wish | None = None,
    tune: bool = False,
    shrink: bool | None = None,
) -> Benchmark:
    """Generates, compiles and runs a full-integer .tflite on its target, and compares every operator's output.

    Args:
        model: a .tflite file, or a run directory with one.
        target: a CPU or board of `edgecompress targets`, or the path of a board's .toml.
        inputs: how many random inputs, beside four hostile ones (all lowest, all highest, zeros, alternating).
        save: a folder for inputs, outputs, every layer's output, the ELF files, the C and the report.
        samples: real samples to run as well: first axis the sample, as the model's input takes them or real numbers.
        prefix: of the generated C.
        seed: of the random inputs.
        on_remark: called with what codes of weights are estimated to cost, before anything is built with them.
        on: where it runs; see `device.places.read_place`. A real device must hold the firmware of the run directory already,
            or, where `model` is a file, the very firmware that is built here.
        runs: how many inferences are timed where the device counts cycles.
        data: labelled test samples to stream through the device.
        wish: what the schedule is to be; None: as the run directory was built, else balanced.
        tune: choose every layer's kernel by measuring all candidates on the emulator; see `pipeline.tuning`. On a real device
            the firmware of a run directory that was tuned is expected to be tuned, without being told.
        shrink: take out of the model what its outputs do not need; None: as the run directory was built, else yes.

    Raises:
        ModelFileError, UnsupportedError, DoesNotFitError, MissingToolError, ToolError, DeviceError: as the stages do.
        NotExactError: our NumPy reference differs from tflite-micro. (A device that differs does not raise here: see
            `Benchmark.require_exact`.)
    """
    path = find_model(Path(model))
    chosen = find(target)
    say = on_progress or (lambda *_: None)
    source = shrinking.source(path, wanted=was_shrunk(Path(model)) if shrink is None else shrink, on_progress=say)
    graph = source.graph
    wish = wish or wish_of(Path(model))
    tune = tune or (on is not EMULATOR and _was_tuned(Path(model)))
    lowered, tuned = _lowered(graph, chosen, wish, compiler, say, tune=tune)
    program = lowered.program
    if on_remark and (coding := coding_report.record(lowered)):
        on_remark(coding_line(coding))
    firmware.check_fits(program, chosen)
    tests = [*random_inputs(graph, inputs, seed), *hostile_inputs(graph)]
    if samples is not None:
        tests += real_inputs(graph, samples, len(samples))
    with saving.work_folder(Path(save) if save else None) as folder:
        say("running the reference interpreters", 0, 1)
        ready = firmware.load(Path(model), program, chosen) if on is not EMULATOR else None
        prefix = ready.prefix if ready else prefix
        expected, built, given = _expect_and_build(source, program, chosen, folder, tests, prefix, compiler, ready)
        length = sequence_length(source.original, len(tests))
        ran = _run(program, built, chosen, on, tests, length, runs, data, folder, say)
        say("counting", 0, 1)
        names = [f"{prefix}_layer_{layer.index}" for layer in program.layers]
        profile = emulate.profile(built.standalone, chosen, f"{prefix}_invoke", names)
        comparison = compare(program.graph, ran.outputs, expected.outputs)
        report = records.back_end(path, program, chosen, built, profile, comparison, expected, seed)
        report = records.with_shrinking(report, source, shrinking.record(source, given, ran.outputs))
        report = coding_report.with_coding(with_tuning(report, program, tuned), lowered)
        report = with_calibration(ran.complete(replace(report, kind="bench", command=command)))
        if save:
            saving.save(Path(save), path, report, program, built, tests, ran.outputs)
    return Benchmark(report, program, built, tests, ran.outputs, comparison, source, ran.answers)


def _lowered(
    graph: Graph, target: Target, wish: Wish, compiler: Name, say: Progress, *, tune: bool
) -> tuple[Lowered, tuning.Tuned | None]:
    """The program, by measured kernels or by estimates."""
    if not tune:
        return lower_for(graph, target, wish, compiler, say), None
    if wish.codes_weights or wish.flash_bytes is not None:
        raise UsageError(
            "--tune measures kernels that read their weights plain, --optimize size and --flash want them coded",
            hint="leave one of them away",
        )
    program, tuned = tuning.tune(graph, target, compiler, say, wish)
    return Lowered(program), tuned


def wish_of(model: Path) -> Wish:
    """What the schedule of a run directory was asked to be; balanced for a bare file."""
    if not (model / "report.json").is_file():
        return BALANCED
    schedule = read_report(model).schedule
    optimize = next((name for name in OPTIMIZE if name == schedule.optimize), BALANCED.optimize)
    return Wish(optimize, schedule.ram_bytes, schedule.flash_bytes)


def _run(
    program: Program,
    built: Firmware,
    target: Target,
    on: Place,
    tests: Sequence[Mapping[int, np.ndarray]],
    length: int,
    runs: int,
    data: TestData | None,
    folder: Path,
    say: Progress,
) -> _Ran:
    """Everything that needs the device, in one connection."""
    image = built.image_for(on, target)
    name = target.name if on is EMULATOR else on.text
    with connect(on, target, image) as connection:
        mailbox = Mailbox(connection.port, image)
        outputs = run_layer_by_layer(
            program, mailbox, tests, lambda d, n: say(f"running on {name}", d, n), length=length
        )
        timed = measuring.measure(
            mailbox, raw_inputs(program, tests[0]), runs, lambda d, n: say(f"timing on {name}", d, n)
        )
        streamed = stream(program, built, mailbox, data, folder, name, say) if data else None

    def complete(report: Report) -> Report:
        if on is not EMULATOR:
            report = measuring.with_run(report, program, target, on, connection, timed)
        return streamed.complete(report) if streamed else report

    return _Ran(outputs, streamed.answers if streamed else None, complete)


def find_model(path: Path) -> Path:
    """The .tflite file that a path means: itself, or the one in a run directory."""
    if path.is_dir():
        if (path / MODEL).is_file():
            return path / MODEL
        raise ModelFileError(
            f"{path} is no run directory",
            found=f"there is no {path / MODEL}",
            hint="give a .tflite file, or the folder that `build` wrote",
        )
    if path.suffix in (".h5", ".hdf5", ".keras"):
        raise UsageError(f"{path} is a Keras model: bench takes a .tflite", hint=f"edgecompress build {path}")
    if not path.exists():
        raise ModelFileError(f"{path}: no such file", hint="check the path")
    return path


def _was_tuned(run: Path) -> bool:
    return (run / "report.json").is_file() and read_report(run).tuning is not None


def _expect_and_build(
    source: Source,
    program: Program,
    target: Target,
    folder: Path,
    tests: Sequence[Mapping[int, np.ndarray]],
    prefix: str,
    compiler: Name,
    ready: Firmware | None,
) -> tuple[Expected, Firmware, Given | None]:
    """What every operator must give, the firmware (unless that is ready), and what the file that came in gives.

    The interpreters run while the compiler does. The golden vectors come from our NumPy reference, which `expect` holds against
    tflite-micro.
    """
    from edgecompress.reference.integer import run_graph

    path = source.file(folder)
    with ThreadPoolExecutor(3) as pool:
        given = pool.submit(outputs_as_given, source, tests)
        length = sequence_length(source.original, len(tests))
        expected = pool.submit(expect, path, source.graph, tests, length=length)
        if ready is None:
            golden = tests[0], run_graph(program.graph, tests[0])
            ready = firmware.build(program, target, folder, golden, prefix=prefix, compiler=compiler)
        return expected.result(), ready, given.result()
