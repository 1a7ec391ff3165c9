"""The order in which a program calls its layers: one after the other, or in turns, a band of rows at a time."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgecompress.codegen.program import Layer, Program
from edgecompress.memory.visits import Visit, whole_visit
from edgecompress.tflite.graph import Tensor


@dataclass(frozen=True)
class Turn:
    """Layers that follow one another, as often as there are rounds.

    Attributes:
        layers: their indices.
        rounds: 1 for layers that run whole.
    """

    layers: range
    rounds: int


@dataclass(frozen=True)
class Entry:
    """One call of a layer: what `<prefix>_run_layers` counts.

    Attributes:
        layer: whose function is called.
        round: with which argument.
        visit: what that does to the arena; None where the layer has nothing to do in this round.
    """

    layer: Layer
    round: int
    visit: Visit | None


def turns_of(program: Program) -> tuple[Turn, ...]:
    """All turns in order; neighbouring layers that run whole share one."""
    starts = {group.steps[0]: group for group in program.groups}
    turns: list[Turn] = []
    waiting = list(program.layers)
    while waiting:
        group = starts.get(waiting[0].step)
        count, rounds = (len(group.steps), len(group.rounds)) if group else (1, 1)
        layers, waiting = waiting[:count], waiting[count:]
        first = layers[0].index
        if not group and turns and turns[-1].rounds == 1:
            first = turns.pop().layers.start
        turns.append(Turn(range(first, layers[-1].index + 1), rounds))
    return tuple(turns)


def entries_of(program: Program) -> tuple[Entry, ...]:
    """Every call in order."""
    return tuple(
        Entry(program.layers[index], number, visits_of(program, program.layers[index])[number])
        for turn in turns_of(program)
        for number in range(turn.rounds)
        for index in turn.layers
    )


def visits_of(program: Program, layer: Layer) -> tuple[Visit | None, ...]:
    """A layer's visits, round by round."""
    for group in program.groups:
        if layer.step in group.steps:
            return tuple(turn[group.steps.index(layer.step)] for turn in group.rounds)
    return (whole_visit(program.graph, layer.step, {}),)


def collect(program: Program, run: Callable[[int], None], read: Callable[[int, int], bytes]) -> dict[int, np.ndarray]:
    """Every operation's outputs from a run that stops after every entry; tensors that never exist whole are put together.

    Of bytes that are computed again the last ones are taken; what the first ones were shows in the layers after them.

    Args:
        run: runs the entry of this number.
        read: (offset, bytes) of the arena.
    """
    raw: dict[int, bytearray] = {}
    offsets, tensors = program.plan.offsets, program.graph.tensors
    starts = {step: group.steps[0] for group in program.groups for step in group.steps}
    waiting = list(enumerate(entries_of(program)))
    layers = {layer.step for layer in program.layers}
    for step, operation in enumerate(program.graph.operations):
        while waiting and starts.get(waiting[0][1].layer.step, waiting[0][1].layer.step) <= step:
            number, entry = waiting.pop(0)
            run(number)
            for rows in [entry.visit.write] if entry.visit else []:
                data = raw.setdefault(rows.tensor, bytearray(tensors[rows.tensor].nbytes))
                for first, at in rows.places():
                    data[first : first + rows.run] = read(offsets[rows.tensor] + at, rows.run)
        if step not in layers:
            raw |= {i: bytearray(read(offsets[i], tensors[i].nbytes)) for i in operation.outputs}
    return {index: _array(tensors[index], bytes(data)) for index, data in raw.items()}


def _array(tensor: Tensor, data: bytes) -> np.ndarray:
    return np.frombuffer(data, tensor.dtype.newbyteorder("<")).astype(tensor.dtype).reshape(tensor.shape)
