"""Kernel calls whose weights stay coded in flash and are decoded, all at once or block by block, while the layer runs."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from edgecompress.codecs import LEAST_TABLE_BYTES, codecs_within
from edgecompress.codecs.base import Encoded
from edgecompress.codegen.ops.base import Array, Blocks, Code, KernelCall
from edgecompress.memory.sweep import Window

WORD = 4
JOINT = "join_bytes"
"""What makes joint halfwords of decoded bytes, if the decoder has not."""
OVERSHOOT = 16
"""Bytes that a decoder may write, or a kernel read, behind the last row of a block, at most."""


def codable(call: KernelCall) -> KernelCall:
    """The call of the kernel that takes decoded weights; as it is where no kernel does."""
    return call.blocks.call if call.blocks and call.blocks.call else in_one_block(call)


def in_one_block(call: KernelCall) -> KernelCall:
    """The call with what a code of all its weights at once takes, in the kernel's own order, if it has no blocks of its own.

    As it is where its weights are not one array of bytes.
    """
    arrays = {name: v for name, v in call.parameters.items() if isinstance(v, Array) and v.is_weights}
    if call.blocks or len(arrays) != 1 or any(tensor.is_constant for tensor in call.operands):
        return call
    ((field, array),) = arrays.items()
    if array.values.dtype != np.int8 or not array.values.size:
        return call
    padded = np.pad(array.values.reshape(-1), (0, -array.values.size % WORD))
    band = partial(_band_in_one_block, call.band) if call.band else None
    return replace(call, blocks=Blocks(padded[None], 0, field, (), {}), band=band)


def _band_in_one_block(band: Callable[[Window], KernelCall], window: Window) -> KernelCall:
    return in_one_block(band(window))


def coded(call: KernelCall, encoded: Encoded, *, cycles: int, units: int) -> KernelCall:
    """The call with its weights in a code.

    Where there are several blocks, each goes over all of the input, so the output lies apart from it.

    Args:
        call: one that can run in blocks.
        encoded: its `blocks.units`.
        cycles: that decoding all of it takes.
        units: in a block, at most; a kernel that fetches them takes one.
    """
    assert call.blocks and call.blocks.call is None
    assert call.blocks.sizes is not None or encoded.row_bytes - call.blocks.unit_bytes <= OVERSHOOT
    kernel, wanted = call.blocks.by or call, as_wanted(call.blocks, encoded)
    assert wanted
    encoded = wanted
    units = 1 if call.blocks.by else min(units, call.blocks.most or units, len(call.blocks.units))
    tables = _aligned(kernel.scratch_bytes)
    weights = tables + _aligned(encoded.scratch_bytes)
    code = Code(
        encoded.codec,
        encoded.decoder,
        encoded.parameters,
        units,
        tables,
        weights,
        cycles,
    )
    apart = units < len(call.blocks.units)
    return replace(
        kernel,
        parameters=kernel.parameters if call.blocks.by else _without_weights(call),
        blocks=replace(call.blocks, finish=finish_of(call.blocks, encoded)),
        scratch_bytes=call.scratch_bytes + ram_bytes(call, encoded, units),
        sweeps=tuple(sweep and replace(sweep, apart=sweep.apart or apart) for sweep in call.sweeps),
        band=_coded_band(call, encoded, cycles, units),
        code=code,
    )


def ram_bytes(call: KernelCall, encoded: Encoded, units: int) -> int:
    """What decoding so many units at a time takes beside the kernel's own scratch: tables, and weights."""
    assert call.blocks
    own = _aligned((call.blocks.by or call).scratch_bytes) - call.scratch_bytes
    return own + _aligned(encoded.scratch_bytes) + call.blocks.block_bytes(units) + OVERSHOOT


def as_wanted(blocks: Blocks, encoded: Encoded) -> Encoded | None:
    """The code such that its decoder writes what the kernel wants, if it can; None where the kernel wants lists and it cannot."""
    if blocks.sizes is not None:
        return None if encoded.lists is None else replace(encoded, writes="lists", work=encoded.lists)
    if blocks.finish != JOINT or "is_joint" not in encoded.parameters:
        return encoded
    work = {name: times for name, times in encoded.work.items() if name != "word apart"}
    return replace(encoded, parameters={**encoded.parameters, "is_joint": 1}, work=work)


def finish_of(blocks: Blocks, encoded: Encoded) -> str:
    """The function that decoded units still need; "" where they need none."""
    return "" if encoded.parameters.get("is_joint") else blocks.finish


def _coded_band(call: KernelCall, encoded: Encoded, cycles: int, units: int) -> Callable[[Window], KernelCall] | None:
    """Bands of the call, whose kernel may want its weights in another order; None where the codec cannot write that."""
    sweep = next((sweep for sweep in call.sweeps if sweep), None)
    if call.band is None or call.blocks is None or sweep is None:
        return None
    blocks = call.band(sweep.window).blocks
    if blocks is None:
        return None
    if not np.array_equal(blocks.units, call.blocks.units):
        other = codecs_within(max(LEAST_TABLE_BYTES, encoded.scratch_bytes))[encoded.codec].encode(blocks.units)
        if not isinstance(other, Encoded):
            return None
        encoded = other
    return partial(_band, call.band, encoded, cycles, units)


def _band(
    band: Callable[[Window], KernelCall], encoded: Encoded, cycles: int, units: int, window: Window
) -> KernelCall:
    return coded(band(window), encoded, cycles=cycles, units=units)


def _without_weights(call: KernelCall) -> dict[str, int | float | Array]:
    """Null pointers: the layer sets them to the decoded block, and to the code's table."""
    assert call.blocks
    fields = filter(None, (call.blocks.weights, call.blocks.table))
    return {**call.parameters, **dict.fromkeys(fields, 0)}


def _aligned(size: int) -> int:
    return -(-size // WORD) * WORD
