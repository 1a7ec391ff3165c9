"""Cases of operators that move values, of types that have no scale, and of uint8."""

from typing import Any

from model_cases.case import Case
from model_cases.places import looked_up
from model_cases.single import Operand, Single, numbers

KINDS = ("BOOL", "INT32", "UINT8")
BY_LITERT = {
    "CONCATENATION": ("UINT8",),
    "GATHER": KINDS,
    "PACK": ("UINT8",),
    "SLICE": ("UINT8",),
    "STRIDED_SLICE": ("UINT8",),
    "TILE": KINDS,
    "TRANSPOSE": KINDS,
}
"""What TFLM refuses."""


def operand(kind: str, shape: tuple[int, ...]) -> Operand:
    scale, zero_point = (0.05, 120) if kind == "UINT8" else (None, 0)
    return Operand(shape, scale, zero_point, kind)


def moved(
    opcode: str, kind: str, target: tuple[int, ...], controls: tuple[Operand, ...], options: str, fields: Any
) -> Single:
    return Single(opcode, (operand(kind, (2, 4, 3)), *controls), (operand(kind, target),), options, fields)


MOVES: dict[str, tuple[tuple[int, ...], tuple[Operand, ...], str, dict[str, Any]]] = {
    "BROADCAST_TO": ((2, 2, 4, 3), (numbers(2, 2, 4, 3),), "BroadcastTo", {}),
    "CONCATENATION": ((2, 8, 3), (), "Concatenation", {"axis": 1, "fusedActivationFunction": "NONE"}),
    "GATHER": ((2, 3, 3), (numbers(3, 0, 3),), "Gather", {"axis": 1}),
    "PACK": ((2, 2, 4, 3), (), "Pack", {"axis": 1, "valuesCount": 2}),
    "REVERSE_V2": ((2, 4, 3), (numbers(1),), "ReverseV2", {}),
    "SLICE": ((2, 2, 3), (numbers(0, 1, 0), numbers(2, 2, 3)), "Slice", {}),
    "STRIDED_SLICE": ((2, 2, 3), (numbers(0, 0, 0), numbers(2, 4, 3), numbers(1, 2, 1)), "StridedSlice", {}),
    "TILE": ((4, 4, 3), (numbers(2, 1, 1),), "Tile", {}),
    "TRANSPOSE": ((3, 2, 4), (numbers(2, 0, 1),), "Transpose", {}),
}


def build(opcode: str, kind: str) -> Single:
    target, controls, options, fields = MOVES[opcode]
    if opcode in ("CONCATENATION", "PACK"):
        others = (operand(kind, (2, 4, 3)), operand(kind, (2, 4, 3)))
        return Single(opcode, others, (operand(kind, target),), options, fields)
    return moved(opcode, kind, target, controls, options, fields)


CASES = [
    Case(opcode, kind.lower(), build(opcode, kind), reference="litert" if kind in BY_LITERT.get(opcode, ()) else "tflm")
    for opcode in MOVES
    for kind in KINDS
    if (opcode, kind) != ("PACK", "BOOL")
] + [
    Case("GATHER", f"{kind.lower()}_at_run_time", looked_up(build("GATHER", kind)), reference="litert")
    for kind in (*KINDS, "INT16")
]
