"""Writes a layer as C: its tables, and the function that calls its kernel, whole or band by band."""

from collections.abc import Mapping, Sequence

import numpy as np

from edgecompress.codegen.blocks import block_by_block, next_unit
from edgecompress.codegen.literals import C_TYPES, array, c_number, comment
from edgecompress.codegen.ops.base import Array, KernelCall
from edgecompress.codegen.program import Layer, Program
from edgecompress.codegen.rounds import Band, bands_of, group_of
from edgecompress.memory import Group, scratch_key


def write_layer(program: Program, layer: Layer, prefix: str) -> str:
    """Its arrays, its parameters and its function `<prefix>_layer_<index>`."""
    name = f"{prefix}_layer_{layer.index}"
    shapes = " ".join("x".join(map(str, t.shape)) for t in layer.call.operands)
    result = program.graph.results(layer.operation)[0]
    title = f"/* {layer.operation.index} {comment(layer.operation.opcode)}: {comment(result.name)} ({shapes}) */"
    bands = bands_of(program, layer)
    calls = list({id(band.call): band.call for band in bands}.values())
    arrays = _arrays(calls, name)
    for i, tensor in enumerate(layer.call.operands):
        if tensor.data is not None:
            arrays.append(array(f"{name}_constant_{i}", tensor.data.reshape(-1), "EC_WEIGHTS"))
    names = {id(call): f"{name}_params" + (f"_{i}" if len(calls) > 1 else "") for i, call in enumerate(calls)}
    structs = [_struct(call.struct_name, call.parameters, names[id(call)], name) for call in calls]
    if layer.call.code:
        code, tables = f"{name}_code", layer.call.code.arrays
        arrays += [array(_array_name(code, f), a.values.reshape(-1), "EC_WEIGHTS") for f, a in tables.items()]
        structs.append(_struct(f"ec_decode_{layer.call.code.decoder}_params", layer.call.code.parameters, code, code))
    statements = [(band, _statements(program, layer, name, band, names[id(band.call)])) for band in bands]
    return "\n".join(
        [title, *arrays, *structs, *next_unit(layer.call, name), _function(name, statements, group_of(program, layer))]
    )


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


def _struct(kind: str, parameters: Mapping[str, int | float | Array], name: str, layer: str) -> str:
    lines = []
    for field, value in parameters.items():
        text = _array_name(layer, field) if isinstance(value, Array) else c_number(value)
        lines.append(f"    .{field} = {text},")
    return "\n".join([f"static const {kind} {name} = {{", *lines, "};"])


def _function(name: str, calls: Sequence[tuple[Band, list[str]]], group: Group | None) -> str:
    """One call, or a choice of the band by the round, and by the line where rounds have several."""
    head = f"static EC_NOINLINE void {name}(uint8_t *arena, int32_t round) {{"
    if group is None or len(group.rounds) == 1:
        lines = ["    (void)round;", *(f"    {line}" for line in calls[0][1])]
        return "\n".join([head, *lines, "}\n"])
    lines = []
    has_lines = len(group.rounds) > group.line
    if has_lines:
        lines += [f"    const int32_t line = round / {group.line};", f"    round -= {group.line} * line;"]
    for band, statements in calls:
        condition = f"round >= {band.first} && round < {band.end}"
        if has_lines:
            condition += f" && line >= {band.line} && line < {band.last}"
        lines += [f"    if ({condition}) {{", *(f"        {line}" for line in statements), "    }"]
    return "\n".join([head, *lines, "}\n"])


def _statements(program: Program, layer: Layer, name: str, band: Band, params: str) -> list[str]:
    """The move, the call, the clamp and the copies of a band."""
    before: list[str] = []
    after: list[str] = []
    operands = []
    if band.move:
        start = program.plan.offsets[layer.operation.outputs[0]]
        before.append(f"ec_move_rows(arena + {start}, arena + {start + band.move[0]}, {band.move[1]});")
    for i, (tensor, copy) in enumerate(zip(layer.call.operands, band.copies, strict=True)):
        if tensor.is_constant:
            operands.append(f"{name}_constant_{i}")
            continue
        place, is_result = _place(band, i), tensor.index in layer.operation.outputs
        if copy:
            staged = f"arena + {program.plan.offsets[scratch_key(layer.step)] + copy.at}"
            ends = (place, staged) if is_result else (staged, place)
            pitches = (copy.pitch, copy.bytes) if is_result else (copy.bytes, copy.pitch)
            statement = f"ec_copy_rows({ends[0]}, {pitches[0]}, {ends[1]}, {pitches[1]}, {copy.rows}, {copy.bytes});"
            (after if is_result else before).append(statement)
            place = staged
        is_changed = is_result or tensor.is_variable
        operands.append(f"({'' if is_changed else 'const '}{C_TYPES[tensor.dtype.name]} *)({place})")
    result = operands[-1]
    if layer.call.joins:
        before.append(f"const void *const inputs[] = {{{', '.join(operands[:-1])}}};")
        operands = ["inputs", result]
    if band.call.takes_scratch:
        operands.append(f"arena + {program.plan.offsets[scratch_key(layer.step)]}")
    calls = [f"ec_{layer.call.kernel}(&{params}, {', '.join(operands)});"]
    if band.call.code:
        calls = block_by_block(band.call, program.plan.offsets[scratch_key(layer.step)], name, params, operands)
    if layer.call.clamp:
        low, high = layer.call.clamp
        calls.append(f"ec_clamp_bytes({result}, {band.bytes}, {low}, {high});")
    return [*before, *calls, *after]


def _place(band: Band, operand: int) -> str:
    """Where an operand lies in a round and a line, of which the first may lie before the arena."""
    offset, stride, line_stride = band.offsets[operand], band.strides[operand], band.line_strides[operand]
    terms = [f"{offset}"]
    terms += [f"{stride} * round"] if stride else []
    terms += [f"{line_stride} * line"] if line_stride else []
    return f"arena + {terms[0]}" if len(terms) == 1 else f"arena + ({' + '.join(terms)})"
