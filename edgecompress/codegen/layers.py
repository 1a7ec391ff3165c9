"""Writes a layer as C: its tables, and the function that calls its kernel, whole or band by band."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgecompress.codegen.literals import C_TYPES, array, c_number, comment
from edgecompress.codegen.ops.base import Array, KernelCall
from edgecompress.codegen.program import Layer, Program
from edgecompress.codegen.turns import visits_of
from edgecompress.memory import scratch_key
from edgecompress.memory.sweep import Window
from edgecompress.tflite.graph import Tensor


@dataclass(frozen=True)
class _Band:
    """What a layer does in one round, or in several that differ only in where they read and write.

    Attributes:
        call: of the kernel.
        offsets: of each operand in the arena; 0 for constants.
        move: (from, bytes) within the output's buffer before it.
        bytes: of the output that it writes.
        first, end: rounds.
        strides: what each round adds to the offsets.
    """

    call: KernelCall
    offsets: tuple[int, ...]
    move: tuple[int, int] | None
    bytes: int
    first: int
    end: int
    strides: tuple[int, ...]


def write_layer(program: Program, layer: Layer, prefix: str) -> str:
    """Its arrays, its parameters and its function `<prefix>_layer_<index>`."""
    name = f"{prefix}_layer_{layer.index}"
    shapes = " ".join("x".join(map(str, t.shape)) for t in layer.call.operands)
    result = program.graph.results(layer.operation)[0]
    title = f"/* {layer.operation.index} {comment(layer.operation.opcode)}: {comment(result.name)} ({shapes}) */"
    bands = _bands(program, layer)
    calls = list({id(band.call): band.call for band in bands}.values())
    arrays = _arrays(calls, name)
    for i, tensor in enumerate(layer.call.operands):
        if tensor.data is not None:
            arrays.append(array(f"{name}_constant_{i}", tensor.data.reshape(-1), "EC_WEIGHTS"))
    names = {id(call): f"{name}_params" + (f"_{i}" if len(calls) > 1 else "") for i, call in enumerate(calls)}
    structs = [_struct(call, names[id(call)], name) for call in calls]
    statements = [(band, _statements(program, layer, name, band, names[id(band.call)])) for band in bands]
    return "\n".join([title, *arrays, *structs, _function(name, statements, rounds=len(visits_of(program, layer)))])


def _arrays(calls: Sequence[KernelCall], name: str) -> list[str]:
    """The arrays of the parameters; all calls share them."""
    first, *others = calls
    arrays = {field: value for field, value in first.parameters.items() if isinstance(value, Array)}
    for call in others:
        same = (_is_same(value, call.parameters[field]) for field, value in arrays.items())
        assert all(same), f"{call.kernel}: its bands have other tables"
    return [
        array(_array_name(name, field), value.values.reshape(-1), "EC_WEIGHTS" if value.is_weights else "")
        for field, value in arrays.items()
    ]


def _is_same(array: Array, other: object) -> bool:
    return isinstance(other, Array) and (array is other or np.array_equal(array.values, other.values))


def _array_name(name: str, field: str) -> str:
    return f"{name}_{field.rpartition('.')[2]}"


def _struct(call: KernelCall, name: str, layer: str) -> str:
    lines = []
    for field, value in call.parameters.items():
        text = _array_name(layer, field) if isinstance(value, Array) else c_number(value)
        lines.append(f"    .{field} = {text},")
    return "\n".join([f"static const {call.struct_name} {name} = {{", *lines, "};"])


def _function(name: str, calls: Sequence[tuple[_Band, list[str]]], *, rounds: int) -> str:
    """One call, or a choice of the band by the round."""
    head = f"static EC_NOINLINE void {name}(uint8_t *arena, int32_t round) {{"
    if rounds == 1:
        lines = ["    (void)round;", *(f"    {line}" for line in calls[0][1])]
        return "\n".join([head, *lines, "}\n"])
    lines = []
    for band, statements in calls:
        condition = f"round >= {band.first} && round < {band.end}"
        lines += [f"    if ({condition}) {{", *(f"        {line}" for line in statements), "    }"]
    return "\n".join([head, *lines, "}\n"])


def _statements(program: Program, layer: Layer, name: str, band: _Band, params: str) -> list[str]:
    """The move, the call and the clamp of a band."""
    lines = []
    if band.move:
        start = program.plan.offsets[layer.operation.outputs[0]]
        lines.append(f"ec_move_rows(arena + {start}, arena + {start + band.move[0]}, {band.move[1]});")
    operands = []
    for i, (tensor, offset, stride) in enumerate(zip(layer.call.operands, band.offsets, band.strides, strict=True)):
        is_result = tensor.index in layer.operation.outputs
        operands.append(f"{name}_constant_{i}" if tensor.is_constant else _address(tensor, offset, stride, is_result))
    result = operands[-1]
    if band.call.scratch_bytes:
        operands.append(f"arena + {program.plan.offsets[scratch_key(layer.step)]}")
    lines.append(f"ec_{layer.call.kernel}(&{params}, {', '.join(operands)});")
    if layer.call.clamp:
        low, high = layer.call.clamp
        lines.append(f"ec_clamp_bytes({result}, {band.bytes}, {low}, {high});")
    return lines


def _address(tensor: Tensor, offset: int, stride: int, is_result: bool) -> str:
    """`offset` is that of round 0, which may lie before the arena."""
    place = f"{offset}" if not stride else f"({offset} + {stride} * round)"
    return f"({'' if is_result else 'const '}{C_TYPES[tensor.dtype.name]} *)(arena + {place})"


def _bands(program: Program, layer: Layer) -> list[_Band]:
    """The layer's rounds, neighbouring ones together where a multiple of the round is all that they differ in."""
    bands: list[_Band] = []
    for one in _rounds(program, layer):
        last = bands[-1] if bands else None
        joined = _joined(last, one) if last else None
        if joined:
            bands[-1] = joined
        else:
            bands.append(one)
    # as written in C: the offsets of round 0
    return [
        replace(b, offsets=tuple(o - s * b.first for o, s in zip(b.offsets, b.strides, strict=True))) for b in bands
    ]


def _rounds(program: Program, layer: Layer) -> Iterator[_Band]:
    made: dict[Window, KernelCall] = {}
    for number_of_round, visit in enumerate(visits_of(program, layer)):
        if visit is None:
            continue
        call = layer.call
        if layer.call.band and any(layer.step in group.steps for group in program.groups):
            window = next(iter(visit.windows.values()))
            call = made.get(window) or made.setdefault(window, layer.call.band(window))
        assert (call.kernel, call.file) == (layer.call.kernel, layer.call.file), (
            f"{call.kernel} for {layer.call.kernel}"
        )
        rows = {part.tensor: part for part in (*visit.reads, visit.write)}
        places = [0 if t.is_constant else program.plan.offsets[t.index] + rows[t.index].at for t in call.operands]
        move = (visit.move.source, visit.move.bytes) if visit.move else None
        none = tuple(0 for _ in places)
        yield _Band(call, tuple(places), move, visit.write.bytes, number_of_round, number_of_round + 1, none)


def _joined(last: _Band, one: _Band) -> _Band | None:
    if last.call is not one.call or (last.move, last.bytes, last.end) != (one.move, one.bytes, one.first):
        return None
    length = last.end - last.first
    differences = [new - old for new, old in zip(one.offsets, last.offsets, strict=True)]
    strides = tuple(difference // length for difference in differences)
    exact = all(difference == stride * length for difference, stride in zip(differences, strides, strict=True))
    if not exact or (length > 1 and strides != last.strides):
        return None
    return replace(last, end=one.end, strides=strides)
