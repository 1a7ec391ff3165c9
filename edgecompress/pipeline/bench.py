"""`bench`: a .tflite file onto the emulated target, proven bit-exact, counted and timed; the back half of `build`."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgecompress import emulate
from edgecompress.codegen.program import Program, lower
from edgecompress.errors import ModelFileError, UsageError
from edgecompress.pipeline import firmware, records, saving
from edgecompress.pipeline.evidence import Expected, expect, not_exact
from edgecompress.pipeline.execution import run_layer_by_layer
from edgecompress.pipeline.firmware import Firmware
from edgecompress.reference.compare import Comparison, compare
from edgecompress.reference.inputs import hostile_inputs, random_inputs, real_inputs
from edgecompress.report.records import Report
from edgecompress.targets import Target, find
from edgecompress.targets.compilers import Name
from edgecompress.tflite import reader
from edgecompress.tflite.graph import Graph

MODEL = "model.tflite"
"""The name of the integer model in a run directory."""

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
    """

    report: Report
    program: Program
    firmware: Firmware
    inputs: Sequence[Mapping[int, np.ndarray]]
    outputs: Sequence[Mapping[int, np.ndarray]]
    comparison: Comparison

    def require_exact(self) -> None:
        """Raises NotExactError where a byte differs."""
        if not self.comparison.exact:
            raise not_exact(self.comparison, "the device", "the reference")


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
) -> Benchmark:
    """Generates, compiles and runs a full-integer .tflite on an emulated target, and compares every operator's output.

    Args:
        model: a .tflite file, or a run directory with one.
        target: a CPU or board of `edgecompress targets`, or the path of a board's .toml.
        inputs: how many random inputs, beside four hostile ones (all lowest, all highest, zeros, alternating).
        save: a folder for inputs, outputs, every layer's output, the ELF files, the C and the report.
        samples: real samples to run as well: first axis the sample, as the model's input takes them or real numbers.
        prefix: of the generated C.
        seed: of the random inputs.

    Raises:
        ModelFileError, UnsupportedError, DoesNotFitError, MissingToolError, ToolError, DeviceError: as the stages do.
        NotExactError: our NumPy reference differs from tflite-micro. (A device that differs does not raise here: see
            `Benchmark.require_exact`.)
    """
    path = find_model(Path(model))
    chosen = find(target)
    graph = reader.read(path)
    program = lower(graph)
    firmware.check_fits(program, chosen)
    tests = [*random_inputs(graph, inputs, seed), *hostile_inputs(graph)]
    if samples is not None:
        tests += real_inputs(graph, samples, len(samples))
    say = on_progress or (lambda *_: None)
    with saving.work_folder(Path(save) if save else None) as folder:
        say("running the reference interpreters", 0, 1)
        expected, built = _expect_and_build(path, graph, program, chosen, folder, tests, prefix, compiler)
        outputs = run_layer_by_layer(
            program, built.mailbox, chosen, tests, lambda done, count: say(f"running on {chosen.name}", done, count)
        )
        say("counting", 0, 1)
        names = [f"{prefix}_layer_{layer.index}" for layer in program.layers]
        profile = emulate.profile(built.standalone, chosen, f"{prefix}_invoke", names)
        comparison = compare(program.graph, outputs, expected.outputs)
        report = records.back_end(path, program, chosen, built, profile, comparison, expected, seed)
        report = replace(report, kind="bench", command=command)
        if save:
            saving.save(Path(save), path, report, program, built, tests, outputs)
    return Benchmark(report, program, built, tests, outputs, comparison)


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


def _expect_and_build(
    path: Path,
    graph: Graph,
    program: Program,
    target: Target,
    folder: Path,
    tests: Sequence[Mapping[int, np.ndarray]],
    prefix: str,
    compiler: Name,
) -> tuple[Expected, Firmware]:
    """The reference outputs and the firmware; the interpreters run while the compiler does.

    The golden vectors come from our NumPy reference, which `expect` holds against tflite-micro.
    """
    from edgecompress.reference.integer import run_graph

    golden = run_graph(program.graph, tests[0])
    with ThreadPoolExecutor(2) as pool:
        expected = pool.submit(expect, path, graph, tests)
        built = pool.submit(
            firmware.build, program, target, folder, (tests[0], golden), prefix=prefix, compiler=compiler
        )
        return expected.result(), built.result()
