"""Writes the call of a kernel whose weights are decoded while it runs."""

from collections.abc import Sequence

from edgecompress.codegen.ops.base import Blocks, KernelCall


def block_by_block(call: KernelCall, scratch: int, name: str, params: str, operands: Sequence[str]) -> list[str]:
    """C statements: a copy of the kernel's parameters on the stack goes from block to block.

    Args:
        scratch: offset of the layer's scratch in the arena.
        name: of the layer's function; its constants begin with it.
        params: the constant that holds the kernel's parameters.
        operands: of the kernel, in C.
    """
    blocks, code = call.blocks, call.code
    assert blocks and code
    decode, words = f"ec_decode_{code.decoder}", blocks.unit_bytes // 4
    count, result = len(blocks.units), len(call.operands) - 1
    outputs = [*operands[:result], f"{operands[result]} + {blocks.outputs} * unit", *operands[result + 1 :]]
    inner = [
        f"const int32_t units = {_least(count, code.units)};",
        f"uint32_t *const words = (uint32_t *)(arena + {scratch + code.weights});",
        "for (int32_t i = 0; i < units; ++i) {",
        f"    {decode}_row{code.form}(&decoder, words + {words} * i);",
        "}",
        *([f"ec_{blocks.finish}(words, {blocks.unit_bytes} * units);"] if blocks.finish else []),
        *(f"params.{field} = {_outputs(blocks)};" for field in blocks.counts),
        f"ec_{call.kernel}(&params, {', '.join(outputs)});",
        *(f"params.{field} += {step} * units;" for field, step in blocks.steps.items()),
    ]
    return [
        f"{call.struct_name} params = {params};",
        f"{decode} decoder;",
        f"{decode}_begin(&decoder, &{name}_code, (uint32_t *)(arena + {scratch + code.tables}));",
        f"params.{blocks.weights} = (const int8_t *)(arena + {scratch + code.weights});",
        f"for (int32_t unit = 0; unit < {count}; unit += {code.units}) {{",
        *(f"    {line}" for line in inner),
        "}",
    ]


def _outputs(blocks: Blocks) -> str:
    """How many outputs there are in a block."""
    of_whole = f"{blocks.outputs} * units"
    return f"{of_whole} - (unit + units == {len(blocks.units)} ? {blocks.missing} : 0)" if blocks.missing else of_whole


def _least(count: int, at_once: int) -> str:
    """How many units there are in a block."""
    return f"{count} - unit < {at_once} ? {count} - unit : {at_once}" if count % at_once else f"{at_once}"


def decoder_files(call: KernelCall) -> set[str]:
    """The stems of what a coded call needs beside its kernel."""
    if not (call.blocks and call.code):
        return set()
    return {f"ec_decode_{call.code.decoder}"} | ({f"ec_{call.blocks.finish}"} if call.blocks.finish else set())
