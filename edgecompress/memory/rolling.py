"""Rolling rows: layers that take turns so that of the tensors between them only some rows exist at a time.

Nothing is computed twice: in every round each layer computes the rows that the last layer's next rows need and that are not
there yet. Rows that are needed again are moved to the start of their buffer first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from edgecompress.memory.overlap import Sweeps
from edgecompress.memory.sweep import Sweep, Window
from edgecompress.memory.visits import Group, Move, Rows, Visit
from edgecompress.tflite.graph import Graph, Operation

Bands = Mapping[int, Callable[[Window], int]]
"""Step -> bytes of scratch that its kernel needs for a window over some rows; steps that only run whole are missing."""

WORD = 4
"""Rows begin at words: kernels may rely on the alignment of what they are given."""


@dataclass
class _Progress:
    """Of one tensor that a group writes.

    Attributes:
        done: rows computed so far.
        base: the row at the start of the buffer.
        size: bytes that the buffer has needed so far.
    """

    done: int = 0
    base: int = 0
    size: int = 0


@dataclass
class _Roller:
    graph: Graph
    steps: range
    sweeps: Sweeps
    progress: dict[int, _Progress] = field(default_factory=dict)

    def operations(self) -> list[tuple[int, Operation]]:
        return [(step, self.graph.operations[step]) for step in self.steps]

    def height(self, tensor: int) -> int:
        return self.graph.tensors[tensor].shape[1]

    def row_bytes(self, tensor: int) -> int:
        return self.graph.tensors[tensor].nbytes // self.height(tensor)

    def readers(self, tensor: int) -> list[tuple[int, Sweep]]:
        """(output, sweep) of the layers of the group that read a tensor."""
        return [(o.outputs[0], self.sweeps[s][tensor]) for s, o in self.operations() if tensor in self.sweeps[s]]

    def needed(self, output: int, source: int, sweep: Sweep, first: int, end: int) -> tuple[int, int]:
        """The rows [a, b) of a source that the output rows [first, end) need."""
        if is_line(sweep):
            return first, end
        w = sweep.window
        extent = (w.filter_height - 1) * w.dilation_height + 1
        low = first * w.stride_height - w.pad_top
        return max(0, low), min(self.height(source), low + (end - 1 - first) * w.stride_height + extent)


def roll(graph: Graph, steps: range, sweeps: Sweeps, bands: Bands, rows: int) -> Group | None:
    """The steps as a group that computes `rows` rows of its last layer's output in a round.

    None where they cannot take turns: a kernel cannot be called for some rows, a tensor is no image of whole words a row, a
    tensor in between is needed elsewhere, or a window lies outside its input.
    """
    roller = _Roller(graph, steps, sweeps)
    if not all(step in bands for step in steps) or not _can_roll(roller):
        return None
    exit_tensor = graph.operations[steps[-1]].outputs[0]
    roller.progress = {operation.outputs[0]: _Progress() for _, operation in roller.operations()}
    rounds = []
    for end in range(rows, roller.height(exit_tensor) + rows, rows):
        turn = _round(roller, exit_tensor, min(end, roller.height(exit_tensor)))
        if turn is None:
            return None
        rounds.append(turn)
    inner = {key: p.size for key, p in roller.progress.items() if key != exit_tensor}
    scratch: dict[int, int] = {}
    windows = {(visit.step, next(iter(visit.windows.values()))) for turn in rounds for visit in turn if visit}
    for step, window in windows:
        scratch[step] = max(scratch.get(step, 0), bands[step](window))
    return Group(steps, tuple(rounds), MappingProxyType(inner), MappingProxyType(scratch), rows)


def is_line(sweep: Sweep) -> bool:
    """Whether it goes over elements, whatever the shape."""
    w = sweep.window
    return w.in_height == w.out_height == w.filter_height == w.filter_width == 1 and w.in_width == w.out_width


def _can_roll(roller: _Roller) -> bool:
    graph, operations = roller.graph, roller.operations()
    inner = {operation.outputs[0] for _, operation in operations[:-1]}
    for step, operation in operations:
        activations = [key for key in operation.inputs if key >= 0 and not graph.tensors[key].is_constant]
        if len(operation.outputs) != 1 or any(key not in roller.sweeps.get(step, {}) for key in activations):
            return False
        if not all(_has_rows(graph, key) for key in (*activations, operation.outputs[0])):
            return False
        if not all(_keeps_rows(roller, operation.outputs[0], key, roller.sweeps[step][key]) for key in activations):
            return False
    outside = [key for s, o in enumerate(graph.operations) if s not in roller.steps for key in o.inputs]
    read_inside = {key for _, operation in operations for key in operation.inputs}
    return inner <= read_inside and not inner & {*outside, *graph.outputs}


def _has_rows(graph: Graph, key: int) -> bool:
    tensor = graph.tensors[key]
    whole_words = len(tensor.shape) == 4 and tensor.shape[1] > 0 and tensor.nbytes // tensor.shape[1] % WORD == 0
    return whole_words and tensor.shape[0] == 1 and tensor.dtype.itemsize == 1


def _keeps_rows(roller: _Roller, output: int, source: int, sweep: Sweep) -> bool:
    """Whether the sweep is over the rows of both."""
    w, heights = sweep.window, (roller.height(source), roller.height(output))
    if is_line(sweep) and heights != (1, 1):
        elements = roller.row_bytes(source) // sweep.in_bytes, roller.row_bytes(output) // sweep.out_bytes
        return heights[0] == heights[1] and elements[0] == elements[1]
    return heights == (w.in_height, w.out_height)


def _round(roller: _Roller, exit_tensor: int, end: int) -> tuple[Visit | None, ...] | None:
    """The visits that bring the last layer's output to `end` rows; the last ones bring every tensor to all of its rows."""
    ends = {exit_tensor: end}
    is_last = end == roller.height(exit_tensor)
    for _, operation in reversed(roller.operations()):
        output = operation.outputs[0]
        goal = roller.height(output) if is_last else ends.get(output, 0)
        for reader, sweep in roller.readers(output):
            done = roller.progress[reader].done
            if ends[reader] > done:
                goal = max(goal, roller.needed(reader, output, sweep, done, ends[reader])[1])
        ends[output] = max(goal, roller.progress[output].done)
    turn: list[Visit | None] = []
    for step, operation in roller.operations():
        output = operation.outputs[0]
        if ends[output] == roller.progress[output].done:
            turn.append(None)
            continue
        visit = _visit(roller, step, output, ends[output], whole=output == exit_tensor)
        if visit is None:
            return None
        turn.append(visit)
    return tuple(turn)


def _visit(roller: _Roller, step: int, output: int, end: int, *, whole: bool) -> Visit | None:
    """The layer computes its rows up to `end`; `whole`: its output keeps all of them."""
    own = roller.progress[output]
    first, row = own.done, roller.row_bytes(output)
    reads, windows, lines = [], {}, {}
    for source, sweep in roller.sweeps[step].items():
        low, high = roller.needed(output, source, sweep, first, end)
        if low >= high:
            return None
        windows[source] = _window(sweep, first, end, low, high, roller.row_bytes(source))
        if is_line(sweep):
            lines[source] = replace(sweep, window=windows[source])
        base = roller.progress[source].base if source in roller.progress else 0
        size = roller.row_bytes(source)
        reads.append(Rows(source, low * size, (high - low) * size, (low - base) * size))
    move = None
    if not whole:
        kept = min([first, *(_first_needed(roller, output, reader, sweep) for reader, sweep in roller.readers(output))])
        if kept > own.base:
            move = Move((kept - own.base) * row, (first - kept) * row) if first > kept else None
            own.base = kept
        own.size = max(own.size, (end - own.base) * row)
    own.done = end
    write = Rows(output, first * row, (end - first) * row, (first - own.base) * row)
    return Visit(step, tuple(reads), write, MappingProxyType(windows), MappingProxyType(lines), move)


def _first_needed(roller: _Roller, tensor: int, reader: int, sweep: Sweep) -> int:
    """The first row of a tensor that a reader's next rows need; beyond the last row when it has none to come."""
    done = roller.progress[reader].done
    if done == roller.height(reader):
        return roller.height(tensor)
    return roller.needed(reader, tensor, sweep, done, done + 1)[0]


def _window(sweep: Sweep, first: int, end: int, low: int, high: int, row_bytes: int) -> Window:
    """Of the output rows [first, end) over the input rows [low, high)."""
    w = sweep.window
    if is_line(sweep):
        length = (end - first) * row_bytes // sweep.in_bytes
        return replace(w, in_width=length, out_width=length)
    pad = low - (first * w.stride_height - w.pad_top)
    return replace(w, in_height=high - low, out_height=end - first, pad_top=pad)
