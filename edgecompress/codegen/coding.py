"""Kernel calls whose weights stay coded in flash and are decoded block by block while the layer runs."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from edgecompress.codecs import Encoded
from edgecompress.codegen.ops.base import Array, Blocks, Code, KernelCall
from edgecompress.memory.sweep import Window

WORD = 4
BLOCK_BYTES = 2048
"""Of decoded weights at a time, or one unit where that is larger."""
OVERSHOOT = 12
"""Bytes that a decoder may write behind the last row of a block."""


def coded(call: KernelCall, encoded: Encoded, *, cycles: int, block_bytes: int = BLOCK_BYTES) -> KernelCall:
    """The call with its weights in a code.

    Every block goes over all of the input, so the output lies apart from it.

    Args:
        call: one that can run in blocks.
        encoded: its `blocks.units`.
        cycles: that decoding all of it takes.
        block_bytes: of decoded weights at a time; one unit where that is larger.
    """
    assert call.blocks
    units = units_at_once(call.blocks, block_bytes)
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
        encoded.tables,
        cycles,
    )
    return replace(
        call,
        parameters=_without_weights(call.parameters, call.blocks.weights),
        scratch_bytes=weights + units * call.blocks.unit_bytes + OVERSHOOT,
        sweeps=tuple(sweep and replace(sweep, apart=True) for sweep in call.sweeps),
        band=partial(_band, call.band, encoded, cycles, block_bytes) if call.band else None,
        code=code,
    )


def _band(
    band: Callable[[Window], KernelCall], encoded: Encoded, cycles: int, block_bytes: int, window: Window
) -> KernelCall:
    return coded(band(window), encoded, cycles=cycles, block_bytes=block_bytes)


def units_at_once(blocks: Blocks, block_bytes: int) -> int:
    return min(len(blocks.units), max(1, block_bytes // blocks.unit_bytes))


def _without_weights(parameters: Mapping[str, int | float | Array], field: str) -> dict[str, int | float | Array]:
    """A null pointer: the layer sets it to the decoded block."""
    return {**parameters, field: 0}


def _aligned(size: int) -> int:
    return -(-size // WORD) * WORD
