"""What a layer does in its rounds, gathered: neighbouring rounds that differ only in where they read and write are one entry."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from edgecompress.codegen.ops.base import KernelCall
from edgecompress.codegen.program import Layer, Program
from edgecompress.codegen.turns import visits_of
from edgecompress.memory.sweep import Window
from edgecompress.memory.visits import Group, Rows, Visit
from edgecompress.tflite.graph import Tensor


@dataclass(frozen=True)
class Copy:
    """What is laid side by side in the step's scratch.

    Attributes:
        at: where in the scratch.
        rows: how many.
        bytes: of each.
        pitch: from row to row in the tensor's buffer.
    """

    at: int
    rows: int
    bytes: int
    pitch: int


@dataclass(frozen=True)
class Band:
    """A call in the rounds [first, end) of the lines [line, last), where rounds are numbered in each line.

    Attributes:
        call: of the kernel.
        offsets: of each operand in the arena, in the round and line 0, which may lie before the arena; 0 for constants.
        copies: of each operand; None where the kernel takes it from its buffer.
        move: (from, bytes) within the output's buffer before it.
        bytes: of the output that it writes.
        strides: what each round adds to the offsets.
        line_strides: what each line adds.
    """

    call: KernelCall
    offsets: tuple[int, ...]
    copies: tuple[Copy | None, ...]
    move: tuple[int, int] | None
    bytes: int
    first: int
    end: int
    line: int
    last: int
    strides: tuple[int, ...]
    line_strides: tuple[int, ...]


def bands_of(program: Program, layer: Layer) -> list[Band]:
    """All of a layer's rounds in as few bands as neighbours allow."""
    by_line: dict[int, list[Band]] = {}
    for one in _rounds(program, layer):
        line = by_line.setdefault(one.line, [])
        joined = _joined(line[-1], one) if line else None
        line[-1:] = [joined] if joined else [*line[-1:], one]
    bands: list[Band] = []
    for line in by_line.values():
        for one in (_from_round_zero(band) for band in line):
            merged = ((i, _merged(band, one)) for i, band in enumerate(bands))
            place, both = next(((i, band) for i, band in merged if band), (len(bands), one))
            bands[place : place + 1] = [both]
    return [_from_line_zero(band) for band in bands]


def group_of(program: Program, layer: Layer) -> Group | None:
    return next((group for group in program.groups if layer.step in group.steps), None)


def _rounds(program: Program, layer: Layer) -> Iterator[Band]:
    made: dict[Window, KernelCall] = {}
    group = group_of(program, layer)
    for number, visit in enumerate(visits_of(program, layer)):
        if visit is None:
            continue
        call = layer.call
        if layer.call.band and group:
            window = next(iter(visit.windows.values()))
            call = made.get(window) or made.setdefault(window, layer.call.band(window))
            assert call.scratch_bytes <= group.kernel_scratch[layer.step], f"{call.kernel}: more scratch than planned"
        assert (call.kernel, call.file) == (layer.call.kernel, layer.call.file), (
            f"{call.kernel} for {layer.call.kernel}"
        )
        rows = {part.tensor: part for part in visit.rows}
        places = [0 if t.is_constant else program.plan.offsets[t.index] + rows[t.index].at for t in call.operands]
        copies = tuple(_copy(visit, tensor, rows) for tensor in call.operands)
        move = (visit.move.source, visit.move.bytes) if visit.move else None
        none = tuple(0 for _ in places)
        line, round_ = divmod(number, group.line) if group else (0, number)
        yield Band(call, tuple(places), copies, move, visit.write.bytes, round_, round_ + 1, line, line + 1, none, none)


def _copy(visit: Visit, tensor: Tensor, rows: dict[int, Rows]) -> Copy | None:
    if tensor.index not in visit.staged:
        return None
    part = rows[tensor.index]
    return Copy(visit.staged[tensor.index], part.runs, part.run, part.pitch)


def _joined(last: Band, one: Band) -> Band | None:
    """Two neighbours of a line as one; their offsets are those of their own first round."""
    same = (last.copies, last.move, last.bytes, last.end) == (one.copies, one.move, one.bytes, one.first)
    if last.call is not one.call or not same:
        return None
    length = last.end - last.first
    differences = [new - old for new, old in zip(one.offsets, last.offsets, strict=True)]
    strides = tuple(difference // length for difference in differences)
    exact = all(difference == stride * length for difference, stride in zip(differences, strides, strict=True))
    if not exact or (length > 1 and strides != last.strides):
        return None
    return replace(last, end=one.end, strides=strides)


def _merged(last: Band, one: Band) -> Band | None:
    """The same rounds of neighbouring lines as one; offsets are those of their own first line."""
    same = (last.copies, last.move, last.first, last.end, last.last) == (
        one.copies, one.move, one.first, one.end, one.line,
    )  # fmt: skip
    joined = same and _joined(_across(last), _across(one))
    if not joined or last.strides != one.strides:
        return None
    return replace(last, last=one.last, line_strides=joined.strides)


def _across(band: Band) -> Band:
    """Lines for rounds."""
    return replace(band, first=band.line, end=band.last, strides=band.line_strides)


def _from_round_zero(band: Band) -> Band:
    return replace(band, offsets=_less(band.offsets, band.strides, band.first))


def _from_line_zero(band: Band) -> Band:
    return replace(band, offsets=_less(band.offsets, band.line_strides, band.line))


def _less(offsets: tuple[int, ...], strides: tuple[int, ...], times: int) -> tuple[int, ...]:
    return tuple(offset - stride * times for offset, stride in zip(offsets, strides, strict=True))
