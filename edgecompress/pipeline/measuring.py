"""Cycles as the processor itself counts them: many runs on the device, and what they say in the report."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from edgecompress.codegen.program import Program
from edgecompress.codegen.turns import entries_of
from edgecompress.device.connection import Connection
from edgecompress.device.mailbox import Mailbox
from edgecompress.device.places import Place
from edgecompress.pipeline.records import milliseconds
from edgecompress.report.records import MEASURED, Cycles, Layer, Milliseconds, Report, Run
from edgecompress.targets import Target

DUAL_ISSUE = ("cortex-m7", "cortex-m55")
"""CPUs that may execute two instructions in one cycle."""


@dataclass(frozen=True)
class Measurement:
    """Cycles, run by run.

    Attributes:
        counter: "dwt" or "systick".
        totals: of each whole inference.
        layers: one row per entry of the program's turns, each as long as `totals`; the reading of the counter around a layer is in
            them, some tens of cycles.
    """

    counter: str
    totals: tuple[int, ...]
    layers: tuple[tuple[int, ...], ...]


def measure(
    mailbox: Mailbox, inputs: Sequence[bytes], runs: int, on_progress: Callable[[int, int], None] | None = None
) -> Measurement | None:
    """Times whole inferences, then the layers one by one, each `runs` times on the same input after one untimed run.

    Returns:
        None where nothing counts cycles.

    Raises:
        DeviceError: as `Mailbox.run` does.
    """
    if mailbox.counter == "none":
        return None
    mailbox.run(inputs)
    totals: list[int] = []
    rows: list[tuple[int, ...]] = []
    for number in range(runs):
        mailbox.run(inputs)
        totals.append(mailbox.cycles() or 0)
        mailbox.write_inputs(inputs)
        mailbox.run_layers(0, mailbox.layers)
        rows.append(mailbox.layer_cycles() or ())
        if on_progress:
            on_progress(number + 1, runs)
    return Measurement(mailbox.counter, tuple(totals), tuple(zip(*rows, strict=True)))


def with_run(
    report: Report,
    program: Program,
    target: Target,
    place: Place,
    connection: Connection,
    measurement: Measurement | None,
) -> Report:
    """The report of a run somewhere else than on our own emulator: measured cycles where something counted them.

    What the emulator modelled stays in the report, under another name.
    """
    writes = len(connection.writes)
    run = Run(place.text, None, None, writes if connection.is_silicon else None)
    report = replace(report, board=replace(report.board, runner=connection.runner), run=run)
    origin = f"instructions are counted on the emulator's {target.cpu.name}"
    why = _implausible(measurement, report.instructions, target) if measurement else ""
    if measurement is None or why:
        why = why or ("its cycle counter does not count" if connection.is_silicon else "it is an emulator")
        note = f"{connection.runner} measured no cycles ({why}): those shown are modelled; {origin}"
        return replace(report, notes=(*report.notes, note))
    clocked = bool(writes) and target.clock_hz is not None
    notes = [f"{origin}; modelled cycles too"]
    if not clocked:
        reason = f"no register writes are known for {target.name}" if target.clock_hz else f"{target.name} has no clock"
        notes.append(f"no milliseconds: {reason}, so its wait states are those after reset")
    cycles = _spread(measurement.totals)
    return replace(
        report,
        run=replace(run, counter=measurement.counter, runs=len(measurement.totals)),
        modelled=report.cycles,
        cycles=cycles,
        milliseconds=milliseconds(cycles, target) if clocked else Milliseconds(),
        layers=_layers(report.layers, program, measurement),
        notes=(*report.notes, *notes),
    )


def _implausible(measurement: Measurement, instructions: int | None, target: Target) -> str:
    """Why these cannot be the cycles of such a core; empty where they can. An emulator's timer follows another clock."""
    at_once = 2 if target.cpu.name in DUAL_ISSUE else 1
    fewest = min(measurement.totals)
    if instructions is None or fewest * at_once >= instructions:
        return ""
    return f"its counter says {fewest:,} cycles for {instructions:,} instructions, as no {target.cpu.name} can: an emulator?"


def _spread(totals: Sequence[int]) -> Cycles:
    return Cycles(MEASURED, min(totals), statistics.median_low(totals), max(totals))


def _layers(layers: Sequence[Layer], program: Program, measurement: Measurement) -> tuple[Layer, ...]:
    """Measured instead of modelled, the modelled ones beside; an alias costs nothing either way."""
    rows: dict[int, tuple[int, ...]] = {}
    for entry, cycles in zip(entries_of(program), measurement.layers, strict=True):
        index = program.graph.operations[entry.layer.step].index
        rows[index] = tuple(map(sum, zip(rows.get(index, (0,) * len(cycles)), cycles, strict=True)))
    result = []
    for layer in layers:
        counted = rows.get(layer.index)
        if counted is None:
            result.append(replace(layer, modelled_cycles=layer.cycles))
            continue
        result.append(
            replace(
                layer,
                modelled_cycles=layer.cycles,
                cycles=statistics.median_low(counted),
                cycles_min=min(counted),
                cycles_max=max(counted),
            )
        )
    return tuple(result)
