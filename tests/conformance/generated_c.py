"""Many cases' generated C in one program: a file per operator, one copy of the kernels, a table of all cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from edgecompress.codegen import variants, writer
from edgecompress.codegen.features import Features
from edgecompress.codegen.program import Program, lower
from edgecompress.codegen.turns import collect, entries_of
from edgecompress.errors import EdgecompressError
from edgecompress.reference.executor import Answer, Job, Tensors
from edgecompress.tflite import reader

RESET = -(2**31)
GARBAGE = 0xA5
"""What the arena holds before a run: a kernel that reads what nothing has written gives other bytes than TFLM."""


@dataclass(frozen=True, eq=False)
class Written:
    """A case in the program; `number` is its place in the table of cases."""

    number: int
    program: Program
    sources: Mapping[str, str]
    job: Job


def write(jobs: Sequence[Job], features: Features, number: int = 0) -> list[Written | EdgecompressError]:
    """The C of every job's model, or why there is none.

    Args:
        number: which candidate computes every layer; the plain kernel where there are fewer.
    """
    made: list[Written | EdgecompressError] = []
    count = 0
    for job in jobs:
        try:
            program = lowered(job.model, features, number)
        except EdgecompressError as error:
            made.append(error)
            continue
        made.append(Written(count, program, writer.write(program, f"case_{count}"), job))
        count += 1
    return made


def lowered(model: Path, features: Features, number: int) -> Program:
    """The program with every layer's candidate of this number, the last one where there are fewer."""
    program = lower(reader.read(model), features)
    if number == 0:
        return program
    counts = {
        layer.step: len(list(variants.candidates(program.graph, layer.operation, features))) for layer in program.layers
    }
    return lower(reader.read(model), features, {step: min(number, count - 1) for step, count in counts.items()})


def program_of(cases: Sequence[Written]) -> dict[str, str]:
    """The sources of all cases together, without a main."""
    files: dict[str, str] = {}
    units: dict[str, list[str]] = {}
    for case in cases:
        operator = case.job.model.stem.partition("-")[0]
        for name, text in case.sources.items():
            if name == f"case_{case.number}.c":
                units.setdefault(f"cases_{operator}.c", []).append(text)
            else:
                assert files.setdefault(name, text) == text, f"{name} differs from model to model"
    headers = "".join(f'#include "case_{case.number}.h"\n' for case in cases)
    rows = "".join(
        f"    {{case_{n}_run_layers, case_{n}_reset, CASE_{n}_ARENA_BYTES, CASE_{n}_LAYERS}},\n"
        for n in (case.number for case in cases)
    )
    table = f'#include "cases.h"\n{headers}\nconst struct ec_case ec_cases[] = {{\n{rows}}};\n'
    return {**files, **{name: "\n".join(texts) for name, texts in units.items()}, "cases.h": CASES_H, "cases.c": table}


CASES_H = """\
#ifndef CASES_H
#define CASES_H
struct ec_case {
    int (*run_layers)(void *arena, int first, int count);
    int (*reset)(void *arena);
    int arena_bytes;
    int layers;
};
extern const struct ec_case ec_cases[];

/* reset where `first` is the lowest number */
static inline int ec_run_case(const struct ec_case *c, void *arena, int first, int count)
{
    return first == -2147483647 - 1 ? c->reset(arena) : c->run_layers(arena, first, count);
}
#endif
"""


class Device(Protocol):
    """Where the program runs."""

    def load(self, case: Written, arena: bytes) -> None:
        """Chooses a case and fills its arena."""

    def run(self, first: int, count: int) -> int:
        """Runs some layers of the chosen case, or resets its state where `first` is RESET; returns the status."""

    def read(self, offset: int, size: int) -> bytes:
        """Bytes of the arena."""


def answer(case: Written, device: Device) -> Answer:
    """Every operator's outputs for all inputs of a case, read layer by layer; the same again in one go."""
    outputs = []
    before = fresh_state(case, device)
    for number, sample in enumerate(case.job.inputs):
        if number % case.job.length == 0:
            before = fresh_state(case, device)
        device.load(case, filled_arena(case.program, sample, before))
        layer_by_layer = run_layers(case.program, device)
        device.load(case, filled_arena(case.program, sample, before))
        assert device.run(0, len(entries_of(case.program))) == 0
        before = state_of(case.program, device)
        for index in case.program.graph.outputs:
            place = case.program.plan.offsets[index]
            assert device.read(place, case.program.graph.tensors[index].nbytes) == layer_by_layer[index].tobytes(), (
                "in one go it gives other bytes"
            )
        outputs.append(layer_by_layer)
    return Answer(tuple(outputs))


def fresh_state(case: Written, device: Device) -> bytes:
    """What resetting makes of garbage."""
    if not case.program.graph.states:
        return b""
    garbage = bytes([GARBAGE]) * case.program.plan.arena_bytes
    device.load(case, garbage)
    assert device.run(RESET, 0) == 0
    passing = case.program.plan.arena_bytes - case.program.plan.state_bytes
    assert device.read(0, passing) == garbage[:passing], "resetting writes beside the state"
    return state_of(case.program, device)


def state_of(program: Program, device: Device) -> bytes:
    return device.read(program.plan.arena_bytes - program.plan.state_bytes, program.plan.state_bytes)


def filled_arena(program: Program, sample: Tensors, state: bytes = b"") -> bytes:
    """The arena before an inference: garbage, the inputs in their places, and the state that the last one left."""
    arena = bytearray([GARBAGE]) * program.plan.arena_bytes
    arena[len(arena) - len(state) :] = state
    for index in program.graph.inputs:
        place, data = program.plan.offsets[index], np.ascontiguousarray(sample[index]).tobytes()
        arena[place : place + len(data)] = data
    return bytes(arena)


def run_layers(program: Program, device: Device) -> dict[int, np.ndarray]:
    """Every operator's outputs, each read as soon as its layer has run; those that were folded among them."""

    def run(entry: int) -> None:
        assert device.run(entry, 1) == 0

    folded = {i: t.data for i, t in program.graph.tensors.items() if t.data is not None}
    return folded | collect(program, run, device.read)
