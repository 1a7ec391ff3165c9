"""Tiny .tflite models in a table, operator × case: the material of the conformance suite."""

from model_cases import (
    blocks,
    convolutions,
    curves,
    decisions,
    elementwise,
    four_bits,
    kinds,
    legacy,
    movement,
    narrow,
    networks,
    paddings,
    places,
    pointwise,
    pruned,
    recurrent,
    rows,
    simd,
    sixteen_bits,
    state,
    transposed,
    windows,
)
from model_cases.case import LITERT_DIFFERS, LITERT_EXACT, LITERT_REFUSES, Case

CASES: tuple[Case, ...] = (
    *convolutions.CASES, *elementwise.CASES, *windows.CASES, *pointwise.CASES, *curves.CASES, *decisions.CASES,
    *movement.CASES, *places.CASES, *kinds.CASES, *rows.CASES, *transposed.CASES, *networks.CASES, *blocks.CASES,
    *simd.CASES, *narrow.CASES, *paddings.CASES, *pruned.CASES, *legacy.CASES, *four_bits.CASES, *sixteen_bits.CASES,
    *state.CASES, *recurrent.CASES,
)  # fmt: skip


ONE_OPERATOR = frozenset(
    case.id
    for module in (elementwise, curves, decisions, kinds, legacy, movement, places, rows, transposed)
    for case in module.CASES
)  # fmt: skip
"""Cases whose model is one operator, give or take a few that only show it."""
PLAIN = frozenset(case.id for case in sixteen_bits.CASES)
"""Cases that plain kernels alone compute, whatever the processor."""


def model_of(name: str) -> bytes:
    """The .tflite file's bytes of the case with this id."""
    return next(case for case in CASES if case.id == name).build()


__all__ = ["CASES", "LITERT_DIFFERS", "LITERT_EXACT", "LITERT_REFUSES", "ONE_OPERATOR", "PLAIN", "Case", "model_of"]
