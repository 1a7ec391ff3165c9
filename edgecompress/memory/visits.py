"""What a program does to its arena, call by call: the values that planners, verifier, C writer and host share.

A step is an operation of the graph. A layer that runs whole is visited once. Layers of a group take turns, round by round:
each visit computes the next rows of one layer's output, of which only those are kept that later visits need.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from edgecompress.memory.sweep import Sweep, Window
from edgecompress.tflite.graph import Graph


@dataclass(frozen=True)
class Rows:
    """Some of a tensor's bytes, and where they lie in the tensor's buffer: whole rows are one run, a patch has one for each row.

    Attributes:
        tensor: its index.
        first: the first byte of the tensor.
        bytes: how many, in all runs.
        at: where `first` lies, bytes from the buffer's start.
        runs: of equal length.
        stride: from run to run, bytes of the tensor; 0 for a single run.
        pitch: from run to run, bytes of the buffer; 0 for a single run.
    """

    tensor: int
    first: int
    bytes: int
    at: int
    runs: int = 1
    stride: int = 0
    pitch: int = 0

    @property
    def run(self) -> int:
        return self.bytes // self.runs

    @property
    def end(self) -> int:
        """Behind the last byte of the tensor."""
        return self.first + (self.runs - 1) * self.stride + self.run

    @property
    def extent(self) -> int:
        """Bytes of the buffer from the first to the last one."""
        return (self.runs - 1) * self.pitch + self.run

    @property
    def is_contiguous(self) -> bool:
        """Whether the runs follow one another in the buffer, so that a kernel takes them for an image."""
        return self.extent == self.bytes

    def places(self) -> Iterator[tuple[int, int]]:
        """(byte of the tensor, byte of the buffer) at which every run begins."""
        return ((self.first + i * self.stride, self.at + i * self.pitch) for i in range(self.runs))


@dataclass(frozen=True)
class Tiling:
    """How a group goes over its last layer's output: a patch in each round.

    Attributes:
        rows, columns: of a patch, those at the edges may be smaller; 0 columns: all of them.
        downwards: strip after strip of patches below each other, each of which goes on with the rows that the one above
            left; else line after line of patches side by side, which share nothing.
    """

    rows: int
    columns: int = 0
    downwards: bool = True

    def patches(self, height: int, width: int) -> list[list["Patch"]]:
        """Strip by strip, or line by line."""
        tops, lefts = range(0, height, self.rows), range(0, width, self.columns or width)
        lines = [
            [Patch(y, min(y + self.rows, height), x, min(x + (self.columns or width), width)) for x in lefts]
            for y in tops
        ]
        return [list(strip) for strip in zip(*lines, strict=True)] if self.downwards else lines


@dataclass(frozen=True)
class Patch:
    """Rows [top, bottom) and columns [left, right) of an image."""

    top: int
    bottom: int
    left: int
    right: int


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
        staged: tensor -> where in the step's scratch its bytes are laid side by side, because they are not in its buffer: what
            is read before the kernel runs, what is written after it.
    """

    step: int
    reads: tuple[Rows, ...]
    write: Rows
    windows: Mapping[int, Window]
    sweeps: Mapping[int, Sweep]
    move: Move | None = None
    staged: Mapping[int, int] = field(default_factory=dict)

    @property
    def rows(self) -> tuple[Rows, ...]:
        """All that it reads and writes."""
        return (*self.reads, self.write)

    @property
    def staged_bytes(self) -> int:
        return sum(rows.bytes for rows in self.rows if rows.tensor in self.staged)


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
        kernel_scratch: step -> bytes that its kernel needs in any of its visits.
        scratch: step -> those, and behind them what is staged.
        tiling: one patch of it in each round.
        line: rounds in each of its strips or lines.
    """

    steps: range
    rounds: tuple[tuple[Visit | None, ...], ...]
    sizes: Mapping[int, int]
    kernel_scratch: Mapping[int, int]
    scratch: Mapping[int, int]
    tiling: Tiling
    line: int

    @property
    def visits(self) -> Iterator[Visit]:
        return (visit for turn in self.rounds for visit in turn if visit is not None)

    @property
    def moved_bytes(self) -> int:
        return sum(visit.move.bytes for visit in self.visits if visit.move)

    @property
    def staged_bytes(self) -> int:
        return sum(visit.staged_bytes for visit in self.visits)

    def computed(self) -> dict[int, int]:
        """Step -> bytes of its output that are computed, with those that are computed again."""
        computed = dict.fromkeys(self.steps, 0)
        for visit in self.visits:
            computed[visit.step] += visit.write.bytes
        return computed
