"""From what ran on a Linux computer to the report's records, and the files that `--save` leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgecompress.codegen.program import Program
from edgecompress.files import sha256, size, write_bytes, write_text
from edgecompress.inspection import tensor_record
from edgecompress.linux import labelled, program
from edgecompress.linux.exchange import Answer, Effort, Tensors
from edgecompress.linux.execution import Processor
from edgecompress.linux.instructions import Counts
from edgecompress.linux.labelled import Bytes, Labelled
from edgecompress.linux.litert import LitertAnswer
from edgecompress.pipeline.evidence import Expected
from edgecompress.pipeline.records import layer_rows, litert_differences
from edgecompress.pipeline.saving import save_arrays
from edgecompress.reference.compare import Comparison, compare
from edgecompress.reference.litert import rounds_once
from edgecompress.report.linux_records import ExecutorRecord, Machine
from edgecompress.report.records import (
    EMULATED,
    MEASURED,
    Accuracy,
    BitExact,
    Board,
    Interval,
    Layer,
    LitertDifference,
    MemoryMap,
    ModelFile,
    Ram,
    Report,
)
from edgecompress.report.schema import to_json
from edgecompress.targets.compilers import find_zig

if TYPE_CHECKING:
    from edgecompress.pipeline.accuracy import Scores

OURS, LITERT = "generated C", "LiteRT"


@dataclass(frozen=True, eq=False)
class Run:
    """What our C gave.

    Attributes:
        answer: on the test inputs: every operator's outputs, and the times.
        effort: how often it ran.
        threads: of LiteRT.
        labels: the labelled samples; None where there are none.
        labelled_outputs, labelled_expected: the model's outputs on them, ours and the reference's.
    """

    answer: Answer
    effort: Effort
    threads: int
    labels: Labelled | None = None
    labelled_outputs: tuple[Tensors, ...] = ()
    labelled_expected: tuple[Tensors, ...] = ()


@dataclass(frozen=True, eq=False)
class LitertFindings:
    """What LiteRT gave, or why it gave nothing; both empty where it was not asked."""

    answer: LitertAnswer | None = None
    labelled_outputs: tuple[Tensors, ...] = ()
    problem: str = ""
    instructions: int | None = None


def report(
    path: Path,
    where: str,
    lowered: Program,
    expected: Expected,
    machine: Machine,
    processor: Processor,
    run: Run,
    beside: LitertFindings,
    counts: Counts,
) -> Report:
    """All that running a model on a Linux computer tells."""
    from edgecompress.pipeline.records import versions

    comparison = compare(lowered.graph, run.answer.outputs, expected.outputs)
    on_labels = labelled.compare_outputs(lowered, run.labelled_outputs, run.labelled_expected)
    machine = replace(machine, emulator=processor.emulator)
    ours = _ours(lowered, expected, processor, run, on_labels, counts)
    theirs, differences = _litert(lowered, expected, processor, run, beside)
    notes = (
        [f"{machine.emulator} ran the program: its times say nothing about a real processor"]
        if machine.emulator
        else []
    )
    layers = _layers(lowered, run, counts)
    return Report(
        kind="bench",
        model=ModelFile(str(path), sha256(path), size(path), "tflite"),
        target=where,
        board=Board(cpu=processor.architecture.name if machine.emulator else machine.cpu, description=machine.model),
        macs=lowered.macs,
        parameters=sum(layer.parameters or 0 for layer in layers),
        accuracy=_accuracy(run, ours),
        bit_exact=BitExact(
            comparison.samples,
            len(comparison.tensors),
            comparison.differing_bytes + on_labels.differing,
            expected.reference,
        ),
        ram=Ram(
            arena=lowered.plan.arena_bytes,
            bound_without_sharing=lowered.plan.bound_without_sharing,
            bound_of_schedule=lowered.plan.bound_of_schedule,
            state=lowered.plan.state_bytes,
        ),
        instructions=counts.total,
        layers=layers,
        inputs=tuple(tensor_record(lowered.graph.tensors[i]) for i in lowered.graph.inputs),
        outputs=tuple(tensor_record(lowered.graph.tensors[i]) for i in lowered.graph.outputs),
        memory=MemoryMap(lowered.plan.planner, lowered.plan.blocks),
        litert=differences,
        machine=machine,
        executors=(ours, *theirs),
        warnings=tuple(_warnings(comparison, on_labels, beside, machine)),
        notes=(*notes, *counts.notes),
        compiler_flags=program.flags(processor.architecture),
        versions=versions(),
        hashes={"model.tflite": lowered.graph.sha256},
    )


def save(
    folder: Path,
    model: Path,
    result: Report,
    sources: Mapping[str, str],
    inputs: Sequence[Tensors],
    outputs: Sequence[Tensors],
    lowered: Program,
) -> None:
    """Writes model.tflite, c/, inputs.npz, outputs.npz (every operator's) and report.json beside the program."""
    save_arrays(
        folder / "inputs.npz", {f"input_{n}": [s[i] for s in inputs] for n, i in enumerate(lowered.graph.inputs)}
    )
    every = {
        f"operator_{o.index}_tensor_{i}": [s[i] for s in outputs] for o in lowered.graph.operations for i in o.outputs
    }
    save_arrays(folder / "outputs.npz", every)
    if model.resolve() != (folder / "model.tflite").resolve():
        write_bytes(folder / "model.tflite", model.read_bytes())
    for name, text in program.program_sources(sources).items():
        write_text(folder / "c" / name, text)
    write_text(folder / "report.json", to_json(result))


def milliseconds(times: np.ndarray) -> dict[str, float]:
    """min, median, p95 and max of nanoseconds, as the fields of ExecutorRecord; the 95th percentile is one of the times."""
    if not len(times):
        return {}
    low, median, p95 = (float(np.percentile(times, q, method="higher" if q == 95 else "linear")) for q in (0, 50, 95))
    values = {"min_ms": low, "median_ms": median, "p95_ms": p95, "max_ms": float(times.max())}
    return {name: round(value / 1e6, 6) for name, value in values.items()}


def explain_litert(lowered: Program, answer: LitertAnswer, on_outputs: Bytes, operators: Comparison | None) -> str:
    """Where LiteRT's differing bytes come from, in a sentence or two."""
    words = []
    if on_outputs.differing:
        words.append(f"its {answer.kernels} kernels requantize in another way than TensorFlow Lite Micro")
    if operators is not None and operators.differing_bytes:
        first = operators.first
        assert first is not None
        place = f"first in operator {first.operator} {first.opcode}"
        counted = f"{operators.differing_bytes:,} of {operators.compared_bytes:,} bytes of all operators differ"
        words.append(f"with its reference kernels {counted}, {place}")
        if first.opcode == "FULLY_CONNECTED" and rounds_once(answer.python.package, answer.python.version):
            words.append("which rounds once there since 1.3, TensorFlow Lite Micro twice")
    elif operators is not None and not operators.missing:
        words.append("its reference kernels give every operator's bytes")
    return "; ".join(words)


def _warnings(comparison: Comparison, on_labels: Bytes, beside: LitertFindings, machine: Machine) -> list[str]:
    words = [] if comparison.exact else [_first_difference(comparison)]
    words += [f"{on_labels.differing:,} output bytes differ on the labelled samples"] if on_labels.differing else []
    words += [beside.problem] if beside.problem else []
    return words + _throttling(machine)


def _ours(
    lowered: Program, expected: Expected, processor: Processor, run: Run, on_labels: Bytes, counts: Counts
) -> ExecutorRecord:
    on_outputs = labelled.compare_outputs(lowered, run.answer.outputs, expected.outputs) + on_labels
    record = ExecutorRecord(
        name=OURS,
        version=find_zig().identity,
        architecture=processor.architecture.name,
        kernels="SIMD",
        kind=EMULATED if processor.emulator else MEASURED,
        threads=1,
        warm_up=run.effort.warm_up,
        runs=run.effort.runs,
        instructions=counts.total,
        peak_bytes=None if processor.emulator else run.answer.peak_bytes,
        note="static program, needs nothing installed",
        **milliseconds(run.answer.run_times),  # type: ignore[arg-type]
    )
    return _with_bytes(_with_score(record, lowered, run.labels, run.labelled_outputs), on_outputs)


def _litert(
    lowered: Program, expected: Expected, processor: Processor, run: Run, beside: LitertFindings
) -> tuple[tuple[ExecutorRecord, ...], tuple[LitertDifference, ...] | None]:
    answer = beside.answer
    if answer is None:
        return (), None
    on_outputs = labelled.compare_outputs(lowered, answer.outputs, expected.outputs)
    if beside.labelled_outputs:
        on_outputs += labelled.compare_outputs(lowered, beside.labelled_outputs, run.labelled_expected)
    operators = compare(lowered.graph, answer.operators, expected.outputs) if answer.operators else None
    # Python says whose processor it believes to have: an emulator that runs our C need not run Python.
    same = answer.python.machine in (processor.architecture.name, *processor.architecture.machines)
    emulated = processor.emulator is not None and same
    notes = [explain_litert(lowered, answer, on_outputs, operators)]
    notes += [] if same else [f"it ran on {answer.python.machine}, our C on {processor.architecture.name}: no ratio"]
    record = ExecutorRecord(
        name=LITERT,
        version=" ".join(filter(None, [answer.python.package, answer.python.version])),
        architecture=answer.python.machine,
        kernels=answer.kernels,
        kind=EMULATED if emulated else MEASURED,
        threads=run.threads,
        warm_up=run.effort.warm_up,
        runs=run.effort.runs,
        instructions=beside.instructions,
        peak_bytes=None if emulated else answer.peak_bytes,
        note="; ".join(filter(None, [*notes, "memory with Python"])),
        **milliseconds(answer.times),  # type: ignore[arg-type]
    )
    record = _with_score(record, lowered, run.labels, beside.labelled_outputs)
    return (_with_bytes(record, on_outputs),), litert_differences(operators)


def _with_bytes(record: ExecutorRecord, found: Bytes) -> ExecutorRecord:
    return replace(record, compared_bytes=found.compared, differing_bytes=found.differing, max_lsb=found.max_lsb)


def _with_score(
    record: ExecutorRecord, lowered: Program, labels: Labelled | None, outputs: Sequence[Tensors]
) -> ExecutorRecord:
    scores: Scores | None = labelled.score(lowered, labels, outputs) if labels and outputs else None
    if scores is None:
        return record
    low, high = scores.interval.low, scores.interval.high
    return replace(record, accuracy=scores.value, accuracy_low=low, accuracy_high=high, samples=len(outputs))


def _accuracy(run: Run, ours: ExecutorRecord) -> Accuracy:
    if run.labels is None or ours.accuracy is None:
        return Accuracy()
    task = run.labels.task
    return Accuracy(
        metric=task.metric,
        samples=ours.samples,
        device=ours.accuracy,
        device_interval=_interval(ours),
        device_samples=ours.samples,
        unit="fraction" if task.higher_is_better else None,
        higher_is_better=task.higher_is_better,
    )


def _interval(record: ExecutorRecord) -> Interval | None:
    if record.accuracy_low is None or record.accuracy_high is None:
        return None
    return Interval(record.accuracy_low, record.accuracy_high)


def _layers(lowered: Program, run: Run, counts: Counts) -> tuple[Layer, ...]:
    """One record per operation; aliases take no time."""
    numbers = {layer.step: layer.index for layer in lowered.layers}
    times = run.answer.layer_times
    rows = []
    for step, row in enumerate(layer_rows(lowered)):
        number = numbers.get(step)
        time = float(np.median(times[:, number])) / 1e6 if number is not None and len(times) else None
        rows.append(
            replace(
                row,
                instructions=counts.layers[number] if number is not None and counts.layers else None,
                milliseconds=None if time is None else round(time, 6),
            )
        )
    return tuple(rows)


def _first_difference(comparison: Comparison) -> str:
    first = comparison.first
    if first is None:
        return "the generated C does not show every tensor"
    return f'the generated C differs first in operator {first.operator} {first.opcode} "{first.name}"'


def _throttling(machine: Machine) -> list[str]:
    words = sorted({*machine.before.throttling, *machine.after.throttling})
    if machine.before.throttled or machine.after.throttled:
        return [f"the processor was slowed down while it ran: {', '.join(words)}; times are too long"]
    return [f"before these runs the processor was slowed down: {', '.join(words)}"] if words else []
