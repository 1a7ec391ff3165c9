"""Tiny .tflite models in a table, operator × case: the material of the conformance suite."""

from model_cases import convolutions, elementwise, movement, networks, pointwise, windows
from model_cases.case import LITERT_DIFFERS, LITERT_EXACT, LITERT_REFUSES, Case

CASES: tuple[Case, ...] = (
    *convolutions.CASES, *elementwise.CASES, *windows.CASES, *pointwise.CASES, *movement.CASES, *networks.CASES,
)  # fmt: skip

__all__ = ["CASES", "LITERT_DIFFERS", "LITERT_EXACT", "LITERT_REFUSES", "Case"]
