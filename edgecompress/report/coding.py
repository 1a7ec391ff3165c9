"""What coding the weights did, in words and rows: the same for the terminal and for the page."""

from collections.abc import Mapping
from dataclasses import dataclass

from edgecompress.report import format as fmt
from edgecompress.report.coding_records import CodedLayer, Coding
from edgecompress.report.records import Layer, Report


@dataclass(frozen=True)
class CodingRow:
    """A layer whose weights are coded, as text."""

    index: str
    op: str
    name: str
    codec: str
    weights: str
    saved: str
    decoding: str
    share: str
    blocks: str
    ram: str


def coding_line(coding: Coding) -> str:
    """All in one sentence; it is printed before the firmware is built, too."""
    limit = f" of {fmt.number(coding.flash_limit)}" if coding.flash_limit is not None else ""
    return (
        f"codes of weights ({coding.reason}): weights {_change(coding.int8_weights, coding.weights)} bytes,"
        f" firmware {_change(coding.plain_flash, coding.flash)}{limit}, arena {_change(coding.plain_arena, coding.arena)},"
        f" for an estimated {coding.times:.2f} times the cycles"
    )


def coding_rows(report: Report) -> list[CodingRow]:
    """One for every layer whose weights do not lie in flash as int8."""
    if report.coding is None:
        return []
    layers = {layer.index: layer for layer in report.layers}
    return [_row(one, layers) for one in report.coding.layers]


def _row(one: CodedLayer, layers: Mapping[int, Layer]) -> CodingRow:
    layer = layers[one.index]
    share = one.decoding_cycles / layer.cycles if layer.cycles else None
    return CodingRow(
        index=str(one.index),
        op=layer.op,
        name=fmt.layer_name(layer.name),
        codec=one.codec,
        weights=_change(one.int8_bytes, one.bytes),
        saved=fmt.percent(1 - one.bytes / one.int8_bytes if one.int8_bytes else 0),
        decoding=fmt.number(one.decoding_cycles) if one.blocks else fmt.BLANK,
        share=fmt.percent(share) if one.blocks else fmt.BLANK,
        blocks=fmt.number(one.blocks) if one.blocks else fmt.BLANK,
        ram=fmt.number(one.ram_bytes) if one.blocks else fmt.BLANK,
    )


def _change(before: int, after: int) -> str:
    return f"{fmt.number(before)} -> {fmt.number(after)}"
