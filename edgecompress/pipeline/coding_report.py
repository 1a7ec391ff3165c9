"""From the choice of kernels and codes to the report's record of it."""

from dataclasses import replace

from edgecompress.codegen.program import Layer, Program
from edgecompress.pipeline.codings import Lowered
from edgecompress.pipeline.firmware import codec_of, int8_bytes, layer_weight_bytes, weight_bytes
from edgecompress.report.coding_records import CodedLayer, Coding
from edgecompress.report.records import Report

NONE = "--optimize size: no code that a kernel on this processor can decode makes the firmware smaller"


def record(lowered: Lowered) -> Coding | None:
    """None where every layer has its first kernel, without a code."""
    coding, program = lowered.coding, lowered.program
    if coding is None:
        return None
    rows = [_row(program, layer, coding.decoding.get(layer.step, 0)) for layer in program.layers]
    weights = weight_bytes(program)
    return Coding(
        coding.reason,
        tuple(row for row in rows if row.codec != "dense"),
        sum(weights),
        sum(int8_bytes(program, layer) for layer, size in zip(program.layers, weights, strict=True) if size),
        coding.flash,
        coding.plain_flash,
        coding.flash_limit,
        program.plan.arena_bytes,
        coding.plain.plan.arena_bytes,
        round(coding.cycles / coding.plain_cycles, 3) if coding.plain_cycles else 1.0,
    )


def with_coding(report: Report, lowered: Lowered) -> Report:
    """The report with the record, and a word where codes were asked for and nothing is gained by them."""
    found = record(lowered)
    notes = report.notes
    if found is None and lowered.program.wish.codes_weights:
        notes = (*notes, NONE)
    return replace(report, coding=found, notes=notes)


def _row(program: Program, layer: Layer, decoding: int) -> CodedLayer:
    code, blocks = layer.call.code, layer.call.blocks
    return CodedLayer(
        layer.operation.index,
        codec_of(layer),
        layer_weight_bytes(layer),
        int8_bytes(program, layer),
        decoding,
        -(-len(blocks.units) // code.units) if code and blocks else 0,
        layer.call.scratch_bytes - code.tables if code else 0,
    )
