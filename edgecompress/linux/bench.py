"""`bench --on host` and `bench --on ssh://…`: our C and LiteRT side by side on a Linux computer."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgecompress.codegen import writer
from edgecompress.codegen.program import Program, lower
from edgecompress.errors import EdgecompressError, NotExactError
from edgecompress.linux import address, exchange, execution, facts, instructions, labelled, litert, records
from edgecompress.linux import program as programs
from edgecompress.linux.computer import Computer
from edgecompress.linux.exchange import Effort
from edgecompress.linux.labelled import Labelled
from edgecompress.linux.records import LitertFindings, Run
from edgecompress.pipeline.evidence import Expected, expect
from edgecompress.reference.inputs import hostile_inputs, random_inputs, real_inputs
from edgecompress.report.records import Report
from edgecompress.tflite import reader

if TYPE_CHECKING:
    from edgecompress.compress.task import Task
    from edgecompress.pipeline.accuracy import TestSet

Progress = Callable[[str, int, int], None]
Tensors = exchange.Tensors

MOST_LAYER_RUNS = 20
STEPS = 6


def bench_on_linux(
    model: Path,
    where: str,
    *,
    inputs: int = 16,
    samples: np.ndarray | None = None,
    tests: "TestSet | None" = None,
    task: "Task | None" = None,
    warm_up: int = 5,
    runs: int = 50,
    threads: int = 1,
    seed: int = 0,
    prefix: str = "model",
    save: Path | None = None,
    with_litert: bool = True,
    install_litert: bool = False,
    architecture: str | None = None,
    timeout: float = 600.0,
    command: str | None = None,
    on_progress: Progress | None = None,
) -> Report:
    """Runs a full-integer .tflite on a Linux computer in two ways: our generated C as a static program, and LiteRT.

    Args:
        model: a .tflite file, or a run directory with one.
        where: "host" for this computer, or "ssh://[user@]host[:port]"; `host` may be a name of ~/.ssh/config.
        inputs: how many random inputs, beside four hostile ones, every operator's output is compared on.
        samples: real samples to compare on as well: as the model's input takes them, or real numbers.
        tests, task: labelled test samples (`pipeline.accuracy.read_test_set`) and how they are scored
            (`Task.from_dict(judge_tflite(...)["task"])`): both or none. All samples in `tests` are run; slice before.
        warm_up, runs: untimed and timed inferences of each executor.
        threads: of LiteRT; our C always has one.
        seed: of the random inputs.
        prefix: of the generated C.
        save: a folder for the program, its C, the model, inputs, outputs and report.json.
        with_litert: False: only our C.
        install_litert: consent to put LiteRT into a venv below ~/.cache/edgecompress on a remote computer.
        architecture: "aarch64", "armv7", "armv6" or "x86_64" instead of what the computer says it is; one that is not
            this computer's is emulated with `qemu-<architecture>-static` where that is installed (only with "host").
        timeout: seconds for each program run on the computer.
        command: as the user typed it, for the report.
        on_progress: called with (what is being done, steps done, steps in all).

    Returns:
        The report: `machine`, `executors` (both, with their times), `layers` with milliseconds, `bit_exact` of our C. It does
        not raise when bytes differ: see `require_exact`.

    Raises:
        UsageError: `where` is neither "host" nor an ssh:// address. (exit code 2)
        ModelFileError, UnsupportedError, DataError, ToolError: as in `pipeline.bench.bench`. (3, 6, 4, 11)
        MissingToolError: `install_litert` without Python there; qemu or asyncssh missing here. (10)
        DeviceError: no connection, a host key that is unknown or has changed, keys refused, no space, a program that was
            killed or took too long. (14)
    """
    from edgecompress.pipeline.bench import find_model
    from edgecompress.pipeline.saving import work_folder

    destination = address.parse(where)
    path = find_model(Path(model))
    graph = reader.read(path)
    program = lower(graph)
    proof = [*random_inputs(graph, inputs, seed), *hostile_inputs(graph)]
    if samples is not None:
        proof += real_inputs(graph, samples, len(samples))
    plan = _Plan(path, program, proof, labelled.pair(tests, task), warm_up, runs, threads, timeout, on_progress)
    with _opened(destination) as computer, work_folder(save) as folder:
        machine = facts.read_machine(computer)
        processor = execution.choose_processor(computer, machine, architecture)
        sources = writer.write(program, prefix)
        plan.say("compiling, and asking the reference interpreters", 0)
        with ThreadPoolExecutor(2) as pool:
            binary = pool.submit(programs.build, sources, processor.architecture, folder / "program", prefix=prefix)
            reference = pool.submit(expect, path, graph, proof, with_litert=False)
            executable, expected = binary.result(), reference.result()
        before = facts.read_condition(computer)
        run = _run_ours(plan, computer, processor, executable, expected)
        beside = _run_litert(plan, computer, expected, run.labels, install_litert) if with_litert else LitertFindings()
        machine = replace(machine, before=before, after=facts.read_condition(computer))
        plan.say("counting instructions", STEPS - 1)
        counts = instructions.count(executable, processor, program, proof[0], prefix)
        report = records.report(path, where, program, expected, machine, processor, run, beside, counts)
        report = replace(report, seed=seed, command=command)
        if save:
            records.save(save, path, report, sources, proof, run.answer.outputs, program)
    return report


def require_exact(report: Report) -> None:
    """Raises NotExactError (exit code 12) when the report of `bench_on_linux` counts differing bytes of our C."""
    if report.bit_exact.differing_bytes:
        raise NotExactError(
            f"the generated C differs from TensorFlow Lite Micro's arithmetic on {report.target}",
            found=f"{report.bit_exact.differing_bytes:,} bytes; first: {report.warnings[0] if report.warnings else '?'}",
            hint="this is a defect: report it with the model",
        )


@dataclass(frozen=True, eq=False)
class _Plan:
    """What is to be run, and how often."""

    path: Path
    program: Program
    proof: list[dict[int, np.ndarray]]
    labels: Labelled | None
    warm_up: int
    runs: int
    threads: int
    timeout: float
    on_progress: Progress | None

    def say(self, what: str, step: int, of: int = STEPS) -> None:
        if self.on_progress:
            self.on_progress(what, step, of)


@contextmanager
def _opened(destination: address.Address | None) -> Iterator[Computer]:
    """The computer; whatever happens, its folder is removed. What cannot be removed is said."""
    from edgecompress.linux.here import Here

    if destination is None:
        computer: Computer = Here()
    else:
        from edgecompress.linux.ssh import Ssh

        computer = Ssh(destination)
    try:
        yield computer
    except EdgecompressError as error:
        if left := computer.close():
            error.found = "; ".join(filter(None, [error.found, left]))
        raise
    finally:
        computer.close()


def _run_ours(
    plan: _Plan, computer: Computer, processor: execution.Processor, executable: Path, expected: Expected
) -> Run:
    plan.say(f"sending the program to {computer.name}", 1)
    execution.send(computer, executable)
    plan.say(f"running the generated C on {computer.name}", 2)
    effort = Effort(plan.warm_up, plan.runs, min(plan.runs, MOST_LAYER_RUNS))
    taps = exchange.every_output(plan.program)
    launcher = processor.launcher
    answer = execution.run_job(computer, launcher, plan.program, plan.proof, taps, effort, plan.timeout)
    run = Run(answer, effort, plan.runs, plan.threads)
    if plan.labels is None:
        return run
    on_progress = lambda done, of: plan.say(f"labelled samples on {computer.name}", done, of)  # noqa: E731
    outputs = execution.run_samples(
        computer, launcher, plan.program, plan.labels.tests.inputs, plan.timeout, on_progress
    )
    wanted = labelled.expected_outputs(plan.path, plan.program, plan.labels.tests)
    return replace(run, labels=plan.labels, labelled_outputs=tuple(outputs), labelled_expected=tuple(wanted))


def _run_litert(
    plan: _Plan, computer: Computer, expected: Expected, labels: Labelled | None, may_install: bool
) -> LitertFindings:
    """LiteRT is shown beside our C: what keeps it from running is a warning, unless the user asked to install it."""
    plan.say(f"running LiteRT on {computer.name}", 4)
    found = litert.find(computer)
    if isinstance(found, str) and may_install:
        plan.say(f"installing LiteRT on {computer.name}", 4)
        found = litert.install(computer)
    if isinstance(found, str):
        return LitertFindings(problem=f"LiteRT is not installed on {computer.name}: {found}; --install-litert puts it there")
    model = plan.path.read_bytes()
    limit = int(plan.timeout)
    try:
        answer = litert.run(
            computer, found, model, plan.proof, threads=plan.threads, warm_up=plan.warm_up, runs=plan.runs,
            limit=limit, operators=True,
        )  # fmt: skip
        if labels is None:
            return LitertFindings(answer)
        samples = execution.as_samples(plan.program, labels.tests.inputs, 0, len(labels))
        more = litert.run(
            computer, found, model, samples, threads=plan.threads, warm_up=0, runs=0, limit=limit, operators=False
        )
        return LitertFindings(answer, more.outputs)
    except EdgecompressError as error:
        return LitertFindings(problem=f"LiteRT could not be shown beside: {litert.why(error)}")
