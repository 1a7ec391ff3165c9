"""From the choice of kernels and codes to the report's record of it."""

from dataclasses import replace

from edgecompress.codegen.program import Layer
from edgecompress.pipeline.codings import Lowered
from edgecompress.pipeline.firmware import layer_weight_bytes, weight_bytes
from edgecompress.report.coding_records import CodedLayer, Coding
from edgecompress.report.records import Report

NONE = "--optimize size: no layer's weights become fewer bytes by a code that its kernel on this processor can decode"


def record(lowered: Lowered) -> Coding | None:
    """None where every layer has its first kernel and plain weights."""
    coding, program = lowered.coding, lowered.program
    if coding is None:
        return None
    pairs = zip(program.layers, coding.plain.layers, strict=True)
    rows = [_row(layer, plain, coding.decoding.get(layer.step, 0)) for layer, plain in pairs if _differ(layer, plain)]
    return Coding(
        coding.reason,
        tuple(rows),
        sum(weight_bytes(program)),
        sum(weight_bytes(coding.plain)),
        coding.flash,
        coding.plain_flash,
        coding.flash_limit,
        program.plan.arena_bytes,
        coding.plain.plan.arena_bytes,
        round(coding.cycles / coding.plain_cycles, 3) if coding.plain_cycles else 1.0,
    )


def with_coding(report: Report, lowered: Lowered) -> Report:
    """The report with the record, and a word where codes were asked for and none is there."""
    found = record(lowered)
    notes = report.notes
    if found is None and lowered.program.wish.codes_weights:
        notes = (*notes, NONE)
    return replace(report, coding=found, notes=notes)


def _differ(layer: Layer, plain: Layer) -> bool:
    return layer.call.code is not None or layer.call.kernel != plain.call.kernel


def _row(layer: Layer, plain: Layer, decoding: int) -> CodedLayer:
    code, blocks = layer.call.code, layer.call.blocks
    return CodedLayer(
        layer.operation.index,
        code.name if code else "dense",
        layer_weight_bytes(layer),
        layer_weight_bytes(plain),
        decoding,
        -(-len(blocks.units) // code.units) if code and blocks else 0,
        layer.call.scratch_bytes - code.tables if code else 0,
    )
