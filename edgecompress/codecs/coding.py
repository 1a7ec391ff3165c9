"""Kernel calls whose weights stay coded in flash and are decoded block by block while the layer runs."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from edgecompress.codecs.base import Encoded
from edgecompress.codegen.ops.base import Array, Blocks, Code, KernelCall
from edgecompress.memory.sweep import Window

WORD = 4
MOST_BYTES = 4096
"""Of RAM for the decoder's tables and a block of decoded weights."""
OVERSHOOT = 16
"""Bytes that a decoder may write, or a kernel read, behind the last row of a block, at most."""


def coded(call: KernelCall, encoded: Encoded, *, cycles: int, most_bytes: int = MOST_BYTES) -> KernelCall:
    """The call with its weights in a code.

    Every block goes over all of the input, so the output lies apart from it.

    Args:
        call: one that can run in blocks.
        encoded: its `blocks.units`.
        cycles: that decoding all of it takes.
        most_bytes: of RAM for tables and decoded weights; more where one unit alone needs it.
    """
    assert call.blocks
    call = call.blocks.call or call
    assert call.blocks
    assert encoded.row_bytes - call.blocks.unit_bytes <= OVERSHOOT
    units = _units_at_once(call.blocks, most_bytes - OVERSHOOT - _aligned(encoded.scratch_bytes))
    tables = _aligned(call.scratch_bytes)
    weights = tables + _aligned(encoded.scratch_bytes)
    code = Code(
        encoded.codec,
        encoded.decoder,
        encoded.row_form,
        encoded.parameters,
        units,
        tables,
        weights,
        cycles,
    )
    return replace(
        call,
        parameters=_without_weights(call.parameters, call.blocks.weights),
        scratch_bytes=weights + units * call.blocks.unit_bytes + OVERSHOOT,
        sweeps=tuple(sweep and replace(sweep, apart=True) for sweep in call.sweeps),
        band=partial(_band, call.band, encoded, cycles, most_bytes) if call.band else None,
        code=code,
    )


def _band(
    band: Callable[[Window], KernelCall], encoded: Encoded, cycles: int, most_bytes: int, window: Window
) -> KernelCall:
    return coded(band(window), encoded, cycles=cycles, most_bytes=most_bytes)


def ram_bytes(blocks: Blocks, encoded: Encoded) -> int:
    """The least that decoding takes: tables, and one unit."""
    return _aligned(encoded.scratch_bytes) + blocks.unit_bytes + OVERSHOOT


def _units_at_once(blocks: Blocks, size: int) -> int:
    """As many as there is room for: every block goes over the input again. One where that is nothing."""
    most = blocks.most or len(blocks.units)
    return 1 if blocks.is_cheap else min(most, max(1, size // blocks.unit_bytes))


def _without_weights(parameters: Mapping[str, int | float | Array], field: str) -> dict[str, int | float | Array]:
    """A null pointer: the layer sets it to the decoded block."""
    return {**parameters, field: 0}


def _aligned(size: int) -> int:
    return -(-size // WORD) * WORD
