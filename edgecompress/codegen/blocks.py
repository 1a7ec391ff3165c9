"""Writes the call of a kernel whose weights are decoded while it runs, all at once or block by block."""

from collections.abc import Sequence

from edgecompress.codegen.ops.base import Blocks, KernelCall


def block_by_block(call: KernelCall, scratch: int, name: str, params: str, operands: Sequence[str]) -> list[str]:
    """C statements: a copy of the kernel's parameters on the stack points to the decoded weights, and goes from block to block.

    Args:
        scratch: offset of the layer's scratch in the arena.
        name: of the layer's function; its constants begin with it.
        params: the constant that holds the kernel's parameters.
        operands: of the kernel, in C.
    """
    blocks, code = call.blocks, call.code
    assert blocks and code
    begin = [
        f"ec_decode_{code.decoder} decoder;",
        f"ec_decode_{code.decoder}_begin(&decoder, &{name}_code, (uint32_t *)(arena + {scratch + code.tables}));",
        f"uint32_t *const words = (uint32_t *)(arena + {scratch + code.weights});",
    ]
    if blocks.by:
        units = f"const ec_units units = {{{name}_next, &decoder, words}};"
        return [*begin, units, f"ec_{call.kernel}(&{params}, {', '.join([*operands, '&units'])});"]
    begin += [f"{call.struct_name} params = {params};", f"params.{blocks.weights} = (const void *)words;"]
    begin += [f"params.{blocks.table} = {name}_code.values;"] if blocks.table else []
    count = len(blocks.units)
    if code.units >= count:
        return [*begin, *_decode(call, count), f"ec_{call.kernel}(&params, {', '.join(operands)});"]
    result = len(call.operands) - 1
    outputs = [*operands[:result], f"{operands[result]} + {blocks.outputs} * unit", *operands[result + 1 :]]
    units = f"{count} - unit < {code.units} ? {count} - unit : {code.units}" if count % code.units else f"{code.units}"
    inner = [
        f"const int32_t units = {units};",
        *_decode(call, "units"),
        *(f"params.{field} = {_outputs(blocks)};" for field in blocks.counts),
        f"ec_{call.kernel}(&params, {', '.join(outputs)});",
        *(f"params.{field} += {step} * units;" for field, step in blocks.steps.items()),
    ]
    return [
        *begin,
        f"for (int32_t unit = 0; unit < {count}; unit += {code.units}) {{",
        *(f"    {line}" for line in inner),
        "}",
    ]


def next_unit(call: KernelCall, name: str) -> list[str]:
    """C: the function `<name>_next` that decodes a unit for a kernel that fetches them."""
    if not (call.blocks and call.code and call.blocks.by):
        return []
    decoder = f"ec_decode_{call.code.decoder}"
    finish = f"ec_{call.blocks.finish}(unit, {call.blocks.unit_bytes});"
    return [
        f"static void {name}_next(void *decoder, uint32_t *unit) {{",
        f"    {decoder}_row(({decoder} *)decoder, unit);",
        *([f"    {finish}"] if call.blocks.finish else []),
        "}",
    ]


def _decode(call: KernelCall, units: int | str) -> list[str]:
    """So many units, brought into the kernel's order."""
    blocks, code = call.blocks, call.code
    assert blocks and code
    if blocks.sizes is not None:
        room = blocks.block_bytes(code.units)
        return [f"ec_decode_{code.decoder}_lists(&decoder, (uint8_t *)words, {units}, {room});"]
    row, words = f"ec_decode_{code.decoder}_row", blocks.unit_bytes // 4
    lines = [f"{row}(&decoder, words);"]
    if units != 1:
        lines = [f"for (int32_t i = 0; i < {units}; ++i) {{", f"    {row}(&decoder, words + {words} * i);", "}"]
    return [*lines, *([f"ec_{blocks.finish}(words, {blocks.unit_bytes} * {units});"] if blocks.finish else [])]


def _outputs(blocks: Blocks) -> str:
    """How many outputs there are in a block."""
    of_whole = f"{blocks.outputs} * units"
    return f"{of_whole} - (unit + units == {len(blocks.units)} ? {blocks.missing} : 0)" if blocks.missing else of_whole


def decoder_files(call: KernelCall) -> set[str]:
    """The stems of what a coded call needs beside its kernel."""
    if not (call.blocks and call.code):
        return set()
    return {f"ec_decode_{call.code.decoder}"} | ({f"ec_{call.blocks.finish}"} if call.blocks.finish else set())
