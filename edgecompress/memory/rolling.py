"""Layers that take turns, so that of the tensors between them only some rows exist at a time, or only a patch.

In every round each layer computes what the last layer's next patch needs and what is not there yet. Rows that are needed again
are moved to the start of their buffer first. Rolling over whole rows computes nothing twice; patches compute again what their
windows share with the patches beside them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from edgecompress.memory.overlap import Sweeps
from edgecompress.memory.reach import fits_images, is_line, needed, window_over
from edgecompress.memory.sweep import Sweep, Window
from edgecompress.memory.visits import Group, Move, Patch, Rows, Tiling, Visit
from edgecompress.tflite.graph import Graph

Bands = Mapping[int, Callable[[Window], int]]
"""Step -> bytes of scratch that its kernel needs for a window over a patch; steps that only run whole are missing."""

WORD = 4
"""Rows begin at words: kernels may rely on the alignment of what they are given."""


@dataclass
class _Progress:
    """Of one tensor that a group writes.

    Attributes:
        done: rows computed so far.
        above: rows computed by the line of patches above.
        base: the row at the start of the buffer.
        left, right: the columns that the buffer holds.
        size: bytes that the buffer has needed so far.
    """

    done: int = 0
    above: int = 0
    base: int = 0
    left: int = 0
    right: int = 0
    size: int = 0


class _Roller:
    """The layers of a group, and how far they are."""

    def __init__(self, graph: Graph, steps: range, sweeps: Sweeps) -> None:
        self.graph = graph
        self.steps = steps
        self.sweeps = sweeps
        self.operations = [(step, graph.operations[step]) for step in steps]
        self.exit = graph.operations[steps[-1]].outputs[0]
        self.progress: dict[int, _Progress] = {}
        self._shapes: dict[int, tuple[int, int, int]] = {}
        self._readers: dict[int, list[tuple[int, Sweep]]] = {}
        for step, operation in self.operations:
            for tensor, sweep in sweeps.get(step, {}).items():
                self._readers.setdefault(tensor, []).append((operation.outputs[0], sweep))

    def height(self, tensor: int) -> int:
        return self._shape(tensor)[0]

    def width(self, tensor: int) -> int:
        return self._shape(tensor)[1]

    def pixel_bytes(self, tensor: int) -> int:
        return self._shape(tensor)[2]

    def _shape(self, tensor: int) -> tuple[int, int, int]:
        """(height, width, bytes of a pixel)"""
        if tensor not in self._shapes:
            found = self.graph.tensors[tensor]
            _, height, width, _ = found.shape
            self._shapes[tensor] = height, width, found.nbytes // (height * width)
        return self._shapes[tensor]

    def readers(self, tensor: int) -> list[tuple[int, Sweep]]:
        """(output, sweep) of the layers of the group that read a tensor."""
        return self._readers.get(tensor, [])

    def rows_needed(self, source: int, sweep: Sweep, first: int, end: int) -> tuple[int, int]:
        return needed(sweep, "height", first, end, self.height(source))

    def columns_needed(self, source: int, sweep: Sweep, output: int, first: int, end: int) -> tuple[int, int]:
        """Whole rows need whole rows, also where a stride leaves out the last columns."""
        if (first, end) == (0, self.width(output)):
            return 0, self.width(source)
        return needed(sweep, "width", first, end, self.width(source))

    def rows_of(self, tensor: int, patch: Patch) -> Rows:
        """Where a patch of a tensor lies: the last layer's output and what comes from outside are whole."""
        pixel, width = self.pixel_bytes(tensor), self.width(tensor)
        own = self.progress.get(tensor)
        inner = own if own and tensor != self.exit else _Progress(right=width)
        pitch = (inner.right - inner.left) * pixel
        at = (patch.top - inner.base) * pitch + (patch.left - inner.left) * pixel
        first, runs = (patch.top * width + patch.left) * pixel, patch.bottom - patch.top
        size = runs * (patch.right - patch.left) * pixel
        if patch.right - patch.left == width or runs == 1:
            return Rows(tensor, first, size, at)
        return Rows(tensor, first, size, at, runs, width * pixel, pitch)


def roll(graph: Graph, steps: range, sweeps: Sweeps, bands: Bands, tiling: Tiling) -> Group | None:
    """The steps as a group that computes a patch of its last layer's output in a round.

    None where they cannot take turns: a kernel cannot be called for a patch, a tensor is no image of whole words a row, a
    tensor in between is needed elsewhere, or a window lies outside its input.
    """
    roller = _Roller(graph, steps, sweeps)
    if not all(step in bands for step in steps) or not _can_roll(roller):
        return None
    roller.progress = {o.outputs[0]: _Progress(right=roller.width(o.outputs[0])) for _, o in roller.operations}
    lines = tiling.patches(roller.height(roller.exit), roller.width(roller.exit))
    rounds = []
    for line in lines:
        for patch in line:
            if patch is line[0] or not tiling.downwards:
                _begin(roller, patch)
            turn = _round(roller, patch.bottom)
            if turn is None:
                return None
            rounds.append(turn)
    return _grouped(roller, rounds, bands, tiling, len(lines[0]))


def _can_roll(roller: _Roller) -> bool:
    graph, operations = roller.graph, roller.operations
    inner = {operation.outputs[0] for _, operation in operations[:-1]}
    for step, operation in operations:
        activations = [key for key in operation.inputs if key >= 0 and not graph.tensors[key].is_constant]
        if len(operation.outputs) != 1 or any(key not in roller.sweeps.get(step, {}) for key in activations):
            return False
        if not all(_has_rows(graph, key) for key in (*activations, operation.outputs[0])):
            return False
        shape = graph.tensors[operation.outputs[0]].shape
        if not all(fits_images(roller.sweeps[step][key], graph.tensors[key].shape, shape) for key in activations):
            return False
    outside = [key for s, o in enumerate(graph.operations) if s not in roller.steps for key in o.inputs]
    read_inside = {key for _, operation in operations for key in operation.inputs}
    return inner <= read_inside and not inner & {*outside, *graph.outputs}


def _has_rows(graph: Graph, key: int) -> bool:
    tensor = graph.tensors[key]
    whole_words = len(tensor.shape) == 4 and tensor.shape[1] > 0 and tensor.nbytes // tensor.shape[1] % WORD == 0
    return whole_words and tensor.shape[0] == 1 and tensor.dtype.itemsize <= WORD


def _begin(roller: _Roller, patch: Patch) -> None:
    """From here on the buffers hold what the patch needs, and those below it that go on from it.

    Every pixel is computed by some patch, also what no window reads: a patch begins where the one before it ended, if not
    before that, and those at the right and lower edges go to the end.
    """
    for _, operation in reversed(roller.operations):
        output = operation.outputs[0]
        own = roller.progress[output]
        if output == roller.exit:
            own.done, own.left, own.right = patch.top, patch.left, patch.right
            continue
        columns, firsts = [], []
        for reader, sweep in roller.readers(output):
            its = roller.progress[reader]
            columns.append(roller.columns_needed(output, sweep, reader, its.left, its.right))
            firsts.append(roller.rows_needed(output, sweep, its.done, its.done + 1)[0])
        own.above = own.done if patch.left == 0 else own.above
        own.left = min(own.right if patch.left else 0, *(left for left, _ in columns))
        is_last = patch.right == roller.width(roller.exit)
        own.right = roller.width(output) if is_last else max(right for _, right in columns)
        own.done = own.base = min(own.above, *firsts) if patch.top else 0


def _round(roller: _Roller, end: int) -> tuple[Visit | None, ...] | None:
    """The visits that bring the last layer's output to `end` rows; the last ones bring every tensor to all of its rows."""
    ends = {roller.exit: end}
    is_last = end == roller.height(roller.exit)
    for _, operation in reversed(roller.operations):
        output = operation.outputs[0]
        goal = roller.height(output) if is_last else ends.get(output, 0)
        for reader, sweep in roller.readers(output):
            done = roller.progress[reader].done
            if ends[reader] > done:
                goal = max(goal, roller.rows_needed(output, sweep, done, ends[reader])[1])
        ends[output] = max(goal, roller.progress[output].done)
    turn: list[Visit | None] = []
    for step, operation in roller.operations:
        output = operation.outputs[0]
        if ends[output] == roller.progress[output].done:
            turn.append(None)
            continue
        visit = _visit(roller, step, output, ends[output])
        if visit is None:
            return None
        turn.append(visit)
    return tuple(turn)


def _visit(roller: _Roller, step: int, output: int, end: int) -> Visit | None:
    """The layer computes its rows up to `end`."""
    own = roller.progress[output]
    patch = Patch(own.done, end, own.left, own.right)
    reads, windows, lines = [], {}, {}
    for source, sweep in roller.sweeps[step].items():
        top, bottom = roller.rows_needed(source, sweep, patch.top, patch.bottom)
        left, right = roller.columns_needed(source, sweep, output, patch.left, patch.right)
        if top >= bottom or left >= right:
            return None
        below = Patch(top, bottom, left, right)
        windows[source] = window_over(sweep, patch, below, roller.pixel_bytes(source))
        reads.append(roller.rows_of(source, below))
        if is_line(sweep) and not sweep.apart:
            lines[source] = replace(sweep, window=windows[source])
    is_inner = output != roller.exit
    if is_inner and (own.right - own.left) * roller.pixel_bytes(output) % WORD:
        return None
    move = _make_room(roller, output, end) if is_inner else None
    write = roller.rows_of(output, patch)
    own.done = end
    return Visit(step, tuple(reads), write, MappingProxyType(windows), MappingProxyType(lines), move)


def _make_room(roller: _Roller, output: int, end: int) -> Move | None:
    """Rows that are not needed any more make room for those up to `end`."""
    own = roller.progress[output]
    row = (own.right - own.left) * roller.pixel_bytes(output)
    move, first = None, own.done
    kept = min([first, *(_first_needed(roller, output, reader, sweep) for reader, sweep in roller.readers(output))])
    if kept > own.base:
        move = Move((kept - own.base) * row, (first - kept) * row) if first > kept else None
        own.base = kept
    own.size = max(own.size, (end - own.base) * row)
    return move


def _first_needed(roller: _Roller, tensor: int, reader: int, sweep: Sweep) -> int:
    """The first row of a tensor that a reader's next rows need; beyond the last row when it has none to come."""
    done = roller.progress[reader].done
    if done == roller.height(reader):
        return roller.height(tensor)
    return roller.rows_needed(tensor, sweep, done, done + 1)[0]


def _grouped(roller: _Roller, rounds: list[tuple[Visit | None, ...]], bands: Bands, tiling: Tiling, line: int) -> Group:
    """The rounds with what is staged in them: behind the scratch of each step's kernel."""
    inner = {key: own.size for key, own in roller.progress.items() if key != roller.exit}
    windows = {(visit.step, next(iter(visit.windows.values()))) for turn in rounds for visit in turn if visit}
    kernels: dict[int, int] = {}
    for step, window in windows:
        kernels[step] = max(kernels.get(step, 0), bands[step](window))
    places, scratch = _staging(rounds, kernels)
    staged = tuple(tuple(visit and _with_staged(visit, places[visit.step]) for visit in turn) for turn in rounds)
    return Group(
        roller.steps,
        staged,
        MappingProxyType(inner),
        MappingProxyType(kernels),
        MappingProxyType(scratch),
        tiling,
        line,
    )


def _staging(
    rounds: list[tuple[Visit | None, ...]], kernels: Mapping[int, int]
) -> tuple[dict[int, dict[int, int]], dict[int, int]]:
    """(step -> tensor -> its place in the scratch, step -> bytes of scratch in all)"""
    sizes: dict[int, dict[int, int]] = {step: {} for step in kernels}
    for visit in (visit for turn in rounds for visit in turn if visit):
        for rows in visit.rows:
            if _is_staged(rows):
                sizes[visit.step][rows.tensor] = max(sizes[visit.step].get(rows.tensor, 0), rows.bytes)
    places: dict[int, dict[int, int]] = {}
    scratch = dict(kernels)
    for step, staged in sizes.items():
        places[step] = {}
        for tensor, size in staged.items():
            places[step][tensor] = -(-scratch[step] // WORD) * WORD
            scratch[step] = places[step][tensor] + size
    return places, scratch


def _is_staged(rows: Rows) -> bool:
    return not rows.is_contiguous or rows.at % WORD != 0


def _with_staged(visit: Visit, places: Mapping[int, int]) -> Visit:
    staged = {rows.tensor: places[rows.tensor] for rows in visit.rows if _is_staged(rows)}
    if not staged:
        return visit
    sweeps = {} if visit.write.tensor in staged else {key: s for key, s in visit.sweeps.items() if key not in staged}
    return replace(visit, staged=MappingProxyType(staged), sweeps=MappingProxyType(sweeps))
