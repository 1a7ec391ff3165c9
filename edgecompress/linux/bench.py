"""`bench --on host` and `bench --on ssh://…`: our C and LiteRT side by side on a Linux computer."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgecompress.codegen import writer
from edgecompress.codegen.features import SIMD
from edgecompress.codegen.legacy import as_signed
from edgecompress.codegen.program import Program, lower
from edgecompress.errors import EdgecompressError, NotExactError
from edgecompress.linux import address, exchange, execution, facts, instructions, labelled, litert, records
from edgecompress.linux import program as programs
from edgecompress.linux.computer import Computer
from edgecompress.linux.exchange import Effort
from edgecompress.linux.labelled import Labelled
from edgecompress.linux.records import LitertFindings, Run
from edgecompress.memory.choice import SPEED
from edgecompress.pipeline.bench import find_model
from edgecompress.pipeline.evidence import expect
from edgecompress.pipeline.records import with_shrinking
from edgecompress.pipeline.saving import work_folder
from edgecompress.pipeline.shrinking import Source, outputs_as_given, record, require_original, source, was_shrunk
from edgecompress.reference.inputs import hostile_inputs, random_inputs, real_inputs
from edgecompress.report.records import Report

if TYPE_CHECKING:
    from edgecompress.compress.training.task import Task
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
    emulated_cpu: str | None = None,
    timeout: float = 600.0,
    shrink: bool | None = None,
    command: str | None = None,
    on_progress: Progress | None = None,
) -> Report:
    """Runs a full-integer .tflite on a Linux computer in two ways: our generated C as a static program, and LiteRT.

    Args:
        model: a .tflite file, or a run directory with one.
        where: "host" for this computer, or "ssh://[user@]host[:port]"; `host` may be a name of ~/.ssh/config.
        inputs: how many random inputs, beside four hostile ones, every operator's output is compared on.
        samples: real samples for that, as the model's input takes them or as real numbers.
        tests, task: labelled samples, all of which are run, and how they are scored: both or none.
        warm_up, runs: untimed and timed inferences of each executor.
        threads: of LiteRT; our C has one.
        save: a folder for the program, its C, inputs, outputs and report.json.
        install_litert: the user's consent to put LiteRT into a venv on a remote computer.
        architecture: one of `architectures.ARCHITECTURES`; on this computer a foreign one is emulated by QEMU.
        emulated_cpu: which of QEMU's processors then, "cortex-a76" for a Raspberry Pi 5; None for the architecture's own.
        timeout: seconds for each program run.
        shrink: take out of the model what its outputs do not need; None: as the run directory was built, else yes. Both
            executors run the shrunk model then.

    Returns:
        The report; bytes of our C that differ are counted in it: see `require_exact`.

    Raises:
        UsageError, ModelFileError, DataError, UnsupportedError, ToolError: `where`, model, samples or compiler.
        MissingToolError: `install_litert` without Python there; QEMU or asyncssh missing here.
        DeviceError: no connection, a host key unknown or changed, no space, a program killed or too slow.
    """
    destination = address.parse(where)
    effort = Effort(warm_up, runs, min(runs, MOST_LAYER_RUNS))
    path, labels = find_model(Path(model)), labelled.pair(tests, task)
    wishes = Wishes(
        where, inputs, seed, prefix, threads, with_litert, install_litert, architecture, emulated_cpu, timeout
    )
    wanted = was_shrunk(Path(model)) if shrink is None else shrink
    job = _prepare(source(path, wanted=wanted, on_progress=on_progress), samples, labels, effort, wishes, on_progress)
    with _opened(destination) as computer, work_folder(save) as folder:
        report, sources, outputs = _bench(replace(job, path=job.source.file(folder)), computer, folder)
        report = replace(report, seed=seed, command=command)
        if save:
            records.save(save, path, report, sources, job.proof, outputs, job.program)
    return report


def require_exact(report: Report) -> None:
    """Raises NotExactError (exit code 12) when the report of `bench_on_linux` counts differing bytes of our C."""
    if report.bit_exact.differing_bytes:
        raise NotExactError(
            f"the generated C differs from TensorFlow Lite Micro's arithmetic on {report.target}",
            found=f"{report.bit_exact.differing_bytes:,} bytes; first: {report.warnings[0] if report.warnings else '?'}",
            hint="this is a defect: report it with the model",
        )
    require_original(report)


@dataclass(frozen=True)
class Wishes:
    """The arguments of `bench_on_linux` that are passed on as they are."""

    where: str
    inputs: int
    seed: int
    prefix: str
    threads: int
    with_litert: bool
    install_litert: bool
    architecture: str | None
    emulated_cpu: str | None
    timeout: float


@dataclass(frozen=True, eq=False)
class _Job:
    """What is to be run, and how often; `proof` are the inputs on which every operator is compared; `path` is what is built."""

    path: Path
    source: Source
    program: Program
    proof: list[dict[int, np.ndarray]]
    labels: Labelled | None
    effort: Effort
    wishes: Wishes
    on_progress: Progress | None

    def say(self, what: str, step: int, of: int = STEPS) -> None:
        if self.on_progress:
            self.on_progress(what, step, of)


def _prepare(
    model: Source,
    samples: np.ndarray | None,
    labels: Labelled | None,
    effort: Effort,
    wishes: Wishes,
    on_progress: Progress | None,
) -> _Job:
    graph = model.graph
    proof = [*random_inputs(graph, wishes.inputs, wishes.seed), *hostile_inputs(graph)]
    if samples is not None:
        proof += real_inputs(graph, samples, len(samples))
    return _Job(model.path, model, lower(graph, SIMD, wish=SPEED), proof, labels, effort, wishes, on_progress)


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


def _bench(job: _Job, computer: Computer, folder: Path) -> tuple[Report, dict[str, str], tuple[Tensors, ...]]:
    """The report, our C by file name, and every operator's outputs of it."""
    program, wishes = job.program, job.wishes
    machine = facts.read_machine(computer)
    processor = execution.choose_processor(computer, machine, wishes.architecture, wishes.emulated_cpu)
    sources = writer.write(program, wishes.prefix)
    job.say("compiling, and asking the reference interpreters", 0)
    with ThreadPoolExecutor(3) as pool:
        given = pool.submit(outputs_as_given, job.source, job.proof)
        reference = pool.submit(expect, job.path, job.source.graph, job.proof, with_litert=False)
        executable = programs.build(sources, processor.architecture, folder / "program", prefix=wishes.prefix)
        expected = reference.result()
    before = facts.read_condition(computer)
    ours = _run_ours(job, computer, processor, executable)
    beside = _run_litert(job, computer, processor) if wishes.with_litert else LitertFindings()
    machine = replace(machine, before=before, after=facts.read_condition(computer))
    job.say("counting instructions", STEPS - 1)
    counts = instructions.count(executable, processor, program, job.proof[0], wishes.prefix)
    report = records.report(job.source.path, wishes.where, program, expected, machine, processor, ours, beside, counts)
    report = with_shrinking(report, job.source, record(job.source, given.result(), ours.answer.outputs))
    if job.source.content is not None and beside.answer is not None:
        report = replace(report, notes=(*report.notes, "LiteRT ran the shrunk model, too"))
    return report, sources, ours.answer.outputs


def _run_ours(job: _Job, computer: Computer, processor: execution.Processor, executable: Path) -> Run:
    job.say(f"sending the program to {computer.name}", 1)
    execution.send(computer, executable)
    job.say(f"running the generated C on {computer.name}", 2)
    program, launcher, timeout = job.program, processor.launcher, job.wishes.timeout
    taps = exchange.every_output(program)
    answer = execution.run_job(computer, launcher, program, job.proof, taps, job.effort, timeout)
    run = Run(answer, job.effort, job.wishes.threads)
    if job.labels is None:
        return run

    def on_progress(done: int, of: int) -> None:
        job.say(f"labelled samples on {computer.name}", done, of)

    tests = job.labels.tests
    outputs = execution.run_samples(computer, launcher, program, tests.inputs, timeout, on_progress)
    wanted = labelled.expected_outputs(job.path, program, tests)
    return replace(run, labels=job.labels, labelled_outputs=tuple(outputs), labelled_expected=tuple(wanted))


def _run_litert(job: _Job, computer: Computer, processor: execution.Processor) -> LitertFindings:
    """LiteRT is shown beside our C: what keeps it from running is a warning, unless the user asked to install it."""
    job.say(f"looking for LiteRT on {computer.name}", 3)
    found = litert.find(computer, (*processor.launcher, *processor.python) if processor.python else ())
    if isinstance(found, str) and job.wishes.install_litert:
        job.say(f"installing LiteRT on {computer.name}", 3)
        found = litert.install(computer)
    if isinstance(found, str):
        hint = "--install-litert puts it into a venv there"
        return LitertFindings(problem=f"LiteRT is not shown beside: not installed on {computer.name} ({found}); {hint}")
    job.say(f"running LiteRT on {computer.name}", 4)
    model, effort, threads, limit = job.path.read_bytes(), job.effort, job.wishes.threads, job.wishes.timeout
    try:
        answer = litert.run(computer, found, model, job.proof, effort, threads=threads, timeout=limit, operators=True)
        shown = as_signed(job.program.graph, answer.operators, job.proof)
        answer = replace(answer, operators=tuple(dict(sample) for sample in shown))
        counted = instructions.count_litert(processor, found, model, job.proof[0])
        if job.labels is None:
            return LitertFindings(answer, instructions=counted)
        samples = execution.as_samples(job.program, job.labels.tests.inputs, 0, len(job.labels))
        more = litert.run(computer, found, model, samples, Effort(), threads=threads, timeout=limit, operators=False)
        return LitertFindings(answer, more.outputs, instructions=counted)
    except EdgecompressError as error:
        return LitertFindings(problem=f"LiteRT is not shown beside: {litert.why(error)}")
