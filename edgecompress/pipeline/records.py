"""From what the back end found out to the report's records."""

import platform
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from edgecompress.codegen import ops
from edgecompress.codegen.program import Program, macs
from edgecompress.emulate import Profile
from edgecompress.files import sha256, size
from edgecompress.inspection import tensor_record
from edgecompress.memory.choice import computed_again
from edgecompress.pipeline.evidence import Expected
from edgecompress.pipeline.firmware import OPTIMIZATION, Firmware, codec_of, int8_bytes, weight_bytes
from edgecompress.pipeline.shrinking import SHRUNK, Source
from edgecompress.reference.compare import Comparison
from edgecompress.report.kernel_records import FlashWaits
from edgecompress.report.memory_records import MemoryMap, Schedule, Turns
from edgecompress.report.records import (
    MODELLED,
    BitExact,
    Board,
    Cycles,
    Flash,
    Layer,
    LitertDifference,
    Milliseconds,
    ModelFile,
    Ram,
    Report,
)
from edgecompress.report.shrink_records import Shrinking
from edgecompress.targets import Target

PACKAGES = ("edgecompress", "numpy", "ziglang", "unicorn", "capstone", "ai-edge-litert", "tflite-micro")


def back_end(
    path: Path,
    program: Program,
    target: Target,
    built: Firmware,
    profile: Profile,
    comparison: Comparison,
    expected: Expected,
    seed: int,
) -> Report:
    """All that running a program on its emulated target tells."""
    warnings = []
    if profile.status != 0:
        warnings.append(f"the self-test of standalone.elf failed with status {profile.status}")
    if expected.litert_problem:
        warnings.append(f"LiteRT could not be shown beside: {expected.litert_problem}")
    if target.flash_timing and profile.waits is None:
        warnings.append(f"the cycles are those of flash that never waits: {target.name}'s could not be modelled here")
    layers, cycles = _layers(program, profile), _cycles(profile)
    return Report(
        model=ModelFile(str(path), sha256(path), size(path), "tflite"),
        target=target.name,
        board=board(target),
        macs=program.macs,
        parameters=sum(layer.parameters or 0 for layer in layers),
        bit_exact=BitExact(comparison.samples, len(comparison.tensors), comparison.differing_bytes, expected.reference),
        flash=Flash(
            built.mailbox.flash.code,
            built.mailbox.flash.constants,
            built.mailbox.flash.weights,
            built.mailbox.flash.total,
        ),
        ram=_ram(program, built, profile),
        instructions=profile.instructions,
        cycles=cycles,
        flash_waits=_flash_waits(profile, target),
        milliseconds=milliseconds(cycles, target),
        layers=layers,
        inputs=tuple(tensor_record(program.graph.tensors[i]) for i in program.graph.inputs),
        outputs=tuple(tensor_record(program.graph.tensors[i]) for i in program.graph.outputs),
        memory=MemoryMap(program.plan.planner, program.plan.blocks),
        schedule=schedule(program),
        litert=litert_differences(expected.litert),
        notes=_price_of_speed(program),
        warnings=tuple(warnings),
        seed=seed,
        compiler=built.compiler,
        compiler_flags=(OPTIMIZATION,),
        versions=versions(),
        hashes={
            "model.tflite": program.graph.sha256,
            "firmware.elf": sha256(built.mailbox.path),
            "standalone.elf": sha256(built.standalone.path),
        },
    )


def with_shrinking(report: Report, source: Source, found: Shrinking | None) -> Report:
    """The report with what was taken out of the model; its hash is that of the file that came in."""
    hashes = {**report.hashes, "model.tflite": source.original.sha256}
    if source.content is not None:
        hashes[SHRUNK] = source.graph.sha256
    if found is None:
        return replace(report, hashes=hashes)
    defects = (f"shrinking: a rewrite is wrong and was undone: {text}" for text in found.defects)
    notes = (f"not shrunk: {found.reason}",) if found.reason else ()
    warnings = (*report.warnings, *defects)
    return replace(report, shrinking=found, hashes=hashes, warnings=warnings, notes=(*report.notes, *notes))


def _price_of_speed(program: Program) -> tuple[str, ...]:
    """What `--optimize speed` takes of the flash beside the weights' int8 bytes."""
    if not program.wish.spends_flash:
        return ()
    pairs = zip(program.layers, weight_bytes(program), strict=True)
    bytes_in_file = sum(int8_bytes(program, layer) for layer, size in pairs if size)
    taken = sum(weight_bytes(program))
    return (f"--optimize speed: weights take {taken:,} bytes, in the model they are {bytes_in_file:,}",)


def schedule(program: Program) -> Schedule:
    """Which layers take turns, as the report shows it."""
    operations = program.graph.operations
    work = {layer.step: macs(program.graph, layer.operation) for layer in program.layers}
    turns = tuple(
        Turns(
            operations[group.steps[0]].index,
            operations[group.steps[-1]].index,
            group.tiling.rows,
            len(group.rounds),
            sum(1 for _ in group.visits),
            group.moved_bytes,
            group.tiling.columns or None,
            group.tiling.downwards,
            group.staged_bytes,
            computed_again(program.graph, work, group),
        )
        for group in program.groups
    )
    wish = program.wish
    return Schedule(wish.optimize, wish.ram_bytes, program.whole_bytes, program.reason, turns, wish.flash_bytes)


def board(target: Target) -> Board:
    return Board(
        cpu=target.cpu.name,
        description=target.description,
        flash_bytes=target.flash.bytes,
        ram_bytes=sum(region.bytes for region in target.ram),
        clock_hz=target.clock_hz,
        runner=target.cpu.runner,
    )


def versions() -> Mapping[str, str]:
    """Of Python and the packages that shape the result, where installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _ram(program: Program, built: Firmware, profile: Profile) -> Ram:
    stack = profile.stack_bytes
    static = built.mailbox.ram.static
    return Ram(
        arena=program.plan.arena_bytes,
        bound_without_sharing=program.plan.bound_without_sharing,
        bound_of_schedule=program.plan.bound_of_schedule,
        static=static,
        stack=stack,
        total=None if stack is None else program.plan.arena_bytes + static + stack,
        state=program.plan.state_bytes,
    )


def _cycles(profile: Profile) -> Cycles:
    return Cycles(MODELLED, profile.cycles.min, profile.cycles.typical, profile.cycles.max, profile.confidence)


def _flash_waits(profile: Profile, target: Target) -> FlashWaits | None:
    timing, waits = target.flash_timing, profile.waits
    if timing is None or waits is None:
        return None
    loads = profile.loads or 0
    return FlashWaits(timing.wait_states, waits.min, waits.typical, waits.max, loads, timing.source)


def milliseconds(cycles: Cycles, target: Target) -> Milliseconds:
    """At the target's clock; unknown where it has none, or where cycles are unknown."""
    if target.clock_hz is None or cycles.min is None or cycles.typical is None or cycles.max is None:
        return Milliseconds()
    low, typical, high = (round(1000 * c / target.clock_hz, 4) for c in (cycles.min, cycles.typical, cycles.max))
    return Milliseconds(low, typical, high, target.clock_hz)


def layer_rows(program: Program) -> tuple[Layer, ...]:
    """One record per operation of the graph with what is known before anything runs."""
    weights = {layer.step: count for layer, count in zip(program.layers, weight_bytes(program), strict=True)}
    kernels = {layer.step: layer.call.kernel for layer in program.layers}
    codecs = {layer.step: codec_of(layer) for layer in program.layers}
    return tuple(
        Layer(
            index=operation.index,
            op=operation.opcode,
            name=program.graph.results(operation)[0].name,
            macs=macs(program.graph, operation),
            weight_bytes=weights.get(step, 0),
            kernel=kernels.get(step),
            codec=codecs[step] if weights.get(step) else None,
            output_shape=program.graph.results(operation)[0].shape,
            parameters=sum(
                t.elements
                for t in program.graph.operands(operation)
                if t is not None and t.is_constant and weights.get(step)
            ),
        )
        for step, operation in enumerate(program.graph.operations)
    )


def _layers(program: Program, profile: Profile) -> tuple[Layer, ...]:
    """The same with what each of them cost; aliases cost nothing."""
    costs = {layer.step: profile.layers[layer.index] for layer in program.layers} if profile.layers else {}
    records = []
    for step, row in enumerate(layer_rows(program)):
        cost = costs.get(step)
        is_alias = ops.find(row.op).is_alias
        records.append(
            replace(
                row,
                instructions=cost.instructions if cost else 0 if is_alias else None,
                cycles=cost.cycles.typical if cost else 0 if is_alias else None,
                cycles_min=cost.cycles.min if cost else 0 if is_alias else None,
                cycles_max=cost.cycles.max if cost else 0 if is_alias else None,
                flash_wait_cycles=cost.waits.typical if cost and cost.waits else None,
                flash_loads=cost.loads if cost else None,
            )
        )
    return tuple(records)


def litert_differences(operators: Comparison | None) -> tuple[LitertDifference, ...] | None:
    """The operators in which LiteRT differs, and by how many LSB; None where it was not compared."""
    if operators is None:
        return None
    return tuple(
        LitertDifference(t.operator, t.opcode, t.name, t.differing_bytes, int(t.largest or 0))
        for t in operators.tensors
        if t.differing_bytes and t.unit == "LSB"
    )
