"""From what the back end found out to the report's records."""

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from edgecompress.codegen import ops
from edgecompress.codegen.program import Program, macs
from edgecompress.emulate import Profile
from edgecompress.files import sha256, size
from edgecompress.inspection import tensor_record
from edgecompress.pipeline.evidence import Expected
from edgecompress.pipeline.firmware import OPTIMIZATION, Firmware, weight_bytes
from edgecompress.reference.compare import Comparison
from edgecompress.report.records import (
    MODELLED,
    BitExact,
    Board,
    Cycles,
    Flash,
    Layer,
    LitertDifference,
    MemoryMap,
    Milliseconds,
    ModelFile,
    Ram,
    Report,
)
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
    return Report(
        model=ModelFile(str(path), sha256(path), size(path), "tflite"),
        target=target.name,
        board=board(target),
        macs=program.macs,
        parameters=sum(layer.parameters or 0 for layer in _layers(program, profile)),
        bit_exact=BitExact(comparison.samples, len(comparison.tensors), comparison.differing_bytes, expected.reference),
        flash=Flash(
            built.mailbox.flash.code,
            built.mailbox.flash.constants,
            built.mailbox.flash.weights,
            built.mailbox.flash.total,
        ),
        ram=_ram(program, built, profile),
        instructions=profile.instructions,
        cycles=_cycles(profile),
        milliseconds=_milliseconds(profile, target),
        layers=_layers(program, profile),
        inputs=tuple(tensor_record(program.graph.tensors[i]) for i in program.graph.inputs),
        outputs=tuple(tensor_record(program.graph.tensors[i]) for i in program.graph.outputs),
        memory=MemoryMap(program.plan.planner, program.plan.blocks),
        litert=_litert(expected),
        warnings=tuple(warnings),
        seed=seed,
        compiler_flags=(OPTIMIZATION,),
        versions=versions(),
        hashes={
            "model.tflite": program.graph.sha256,
            "firmware.elf": sha256(built.mailbox.path),
            "standalone.elf": sha256(built.standalone.path),
        },
    )


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
    )


def _cycles(profile: Profile) -> Cycles:
    return Cycles(MODELLED, profile.cycles.min, profile.cycles.typical, profile.cycles.max, profile.confidence)


def _milliseconds(profile: Profile, target: Target) -> Milliseconds:
    if target.clock_hz is None:
        return Milliseconds()
    low, typical, high = (
        round(1000 * c / target.clock_hz, 4) for c in (profile.cycles.min, profile.cycles.typical, profile.cycles.max)
    )
    return Milliseconds(low, typical, high, target.clock_hz)


def _layers(program: Program, profile: Profile) -> tuple[Layer, ...]:
    """One record per operation of the graph; aliases cost nothing."""
    costs = {layer.step: profile.layers[layer.index] for layer in program.layers} if profile.layers else {}
    weights = {layer.step: count for layer, count in zip(program.layers, weight_bytes(program), strict=True)}
    records = []
    for step, operation in enumerate(program.graph.operations):
        result = program.graph.results(operation)[0]
        cost = costs.get(step)
        is_alias = ops.find(operation.opcode).is_alias
        records.append(
            Layer(
                index=operation.index,
                op=operation.opcode,
                name=result.name,
                macs=macs(program.graph, operation),
                weight_bytes=weights.get(step, 0),
                instructions=cost.instructions if cost else 0 if is_alias else None,
                cycles=cost.cycles.typical if cost else 0 if is_alias else None,
                cycles_min=cost.cycles.min if cost else 0 if is_alias else None,
                cycles_max=cost.cycles.max if cost else 0 if is_alias else None,
                output_shape=result.shape,
                parameters=sum(
                    t.elements
                    for t in program.graph.operands(operation)
                    if t is not None and t.is_constant and weights.get(step)
                ),
                codec="dense" if weights.get(step) else None,
            )
        )
    return tuple(records)


def _litert(expected: Expected) -> tuple[LitertDifference, ...] | None:
    if expected.litert is None:
        return None
    return tuple(
        LitertDifference(t.operator, t.opcode, t.name, t.differing_bytes, int(t.largest or 0))
        for t in expected.litert.tensors
        if t.differing_bytes and t.unit == "LSB"
    )
