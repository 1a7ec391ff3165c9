"""What a program does to its arena, call by call: the values that planners, verifier, C writer and host share.

A step is an operation of the graph. A layer that runs whole is visited once. Layers of a group take turns, round by round:
each visit computes the next rows of one layer's output, of which only those are kept that later visits need.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from edgecompress.memory.sweep import Sweep, Window
from edgecompress.tflite.graph import Graph


@dataclass(frozen=True)
class Rows:
    """A run of a tensor's bytes, and where it lies in the tensor's buffer.

    Attributes:
        tensor: its index.
        first: the first byte of the tensor.
        bytes: how many.
        at: where `first` lies, bytes from the buffer's start.
    """

    tensor: int
    first: int
    bytes: int
    at: int


@dataclass(frozen=True)
class Move:
    """Bytes of a buffer that go to its start before a visit writes behind them; they may overlap their new place."""

    source: int
    bytes: int


@dataclass(frozen=True)
class Visit:
    """One call of a layer's kernel.

    Attributes:
        step: of the layer.
        reads: of every activation that it reads, in the operands' order.
        write: of its output.
        windows: input tensor -> how the rows of this visit's output lie over those that it reads.
        sweeps: input tensor -> how the kernel goes over these rows, where its output may lie on them.
        move: within the output's buffer, before anything else.
    """

    step: int
    reads: tuple[Rows, ...]
    write: Rows
    windows: Mapping[int, Window]
    sweeps: Mapping[int, Sweep]
    move: Move | None = None


def whole_visit(graph: Graph, step: int, sweeps: Mapping[int, Sweep]) -> Visit:
    """A layer that runs in one call."""
    operation = graph.operations[step]
    read = [key for key in dict.fromkeys(operation.inputs) if key >= 0 and not graph.tensors[key].is_constant]
    rows = {key: Rows(key, 0, graph.tensors[key].nbytes, 0) for key in (*read, operation.outputs[0])}
    windows = {key: sweep.window for key, sweep in sweeps.items()}
    return Visit(step, tuple(rows[key] for key in read), rows[operation.outputs[0]], windows, sweeps)


@dataclass(frozen=True)
class Group:
    """Layers that take turns.

    Attributes:
        steps: neighbouring ones.
        rounds: in each of them, every step's visit in order; None where it has nothing to do.
        sizes: inner tensor -> bytes of the buffer for the rows that are kept of it.
        scratch: step -> bytes that its kernel needs in any of its visits.
        rows: output rows of the last layer in one round.
    """

    steps: range
    rounds: tuple[tuple[Visit | None, ...], ...]
    sizes: Mapping[int, int]
    scratch: Mapping[int, int]
    rows: int

    @property
    def visits(self) -> Iterator[Visit]:
        return (visit for turn in self.rounds for visit in turn if visit is not None)

    @property
    def moved_bytes(self) -> int:
        return sum(visit.move.bytes for visit in self.visits if visit.move)
