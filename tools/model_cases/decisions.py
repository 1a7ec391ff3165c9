"""Cases of DIV, CAST, comparisons, logical operators and SELECT_V2: int8, int32 and truth values beside one another."""

from typing import Any

import numpy as np

from model_cases.case import LITERT_REFUSES, Case
from model_cases.network import Network
from model_cases.single import Operand, Single

SHAPE = (1, 4, 3, 5)
Q = (0.05, -7)


def spread(count: int, least: int, most: int, but: int) -> tuple[int, ...]:
    """So many constants over a range, none of them the one that is excluded."""
    return tuple(x if x != but else x + 1 for x in np.linspace(least, most, count).astype(int).tolist())


def quotient(a: Operand, b: Operand, scale: float, zero_point: int, activation: str = "NONE") -> Single:
    result = Operand(np.broadcast_shapes(a.shape, b.shape), scale, zero_point)
    return Single("DIV", (a, b), (result,), "Div", {"fusedActivationFunction": activation}, 2)


QUOTIENTS = {
    "number": quotient(Operand(SHAPE, 0.05, 3), Operand((), 0.05, -5, constant=(40,)), 0.05, 3),
    "negative_number": quotient(Operand(SHAPE, 0.05, 3), Operand((1,), 0.05, -5, constant=(-9,)), 0.5, 3),
    "channels": quotient(Operand(SHAPE, 0.05, -128), Operand((5,), 0.05, 7, constant=spread(5, -50, 60, 7)), 0.05, -9),
    "everywhere": quotient(
        Operand((2, 64), 0.05, 127), Operand((2, 64), 0.05, -128, constant=spread(128, -127, 127, -128)), 1e-3, 11
    ),
    "divisors_of_both_signs": quotient(
        Operand((2, 64), 0.05, 3), Operand((2, 64), 0.05, 2, constant=spread(128, -128, 127, 2)), 0.01, -30
    ),
    "columns": quotient(Operand(SHAPE, 0.05, 3), Operand((3, 1), 0.05, 7, constant=(-100, 8, 90)), 0.01, 0),
    "relu6": quotient(Operand(SHAPE, 0.05, 3), Operand((5,), 0.05, 7, constant=spread(5, 8, 90, 7)), 0.03, -3, "RELU6"),
    "coarse": quotient(Operand(SHAPE, 0.05, 3), Operand((5,), 0.05, 7, constant=spread(5, -128, 90, 7)), 0.7, 0),
}


def cast(source: str, result: str) -> Single:
    scales = {"INT8": Q, "UINT8": (0.05, 120), "INT16": (0.001, 0)}
    first = Operand((1, 3, 5), *scales.get(source, (None, 0)), dtype=source)
    return Single("CAST", (first,), (Operand((1, 3, 5), *scales.get(result, (None, 0)), dtype=result),), "Cast", {}, 1)


WIDE = ("BOOL", "INT8", "INT16", "INT32")
CASTS = [(a, b) for a in (*WIDE, "UINT8") for b in (*WIDE, "UINT8", "FLOAT32") if a != b]

COMPARISONS = {
    "EQUAL": "Equal",
    "NOT_EQUAL": "NotEqual",
    "GREATER": "Greater",
    "GREATER_EQUAL": "GreaterEqual",
    "LESS": "Less",
    "LESS_EQUAL": "LessEqual",
}


def compared(opcode: str, a: Operand, b: Operand, twice: bool = False) -> Single:
    result = Operand(np.broadcast_shapes(a.shape, b.shape), None, dtype="BOOL")
    operands = (a,) if twice else (a, b)
    return Single(opcode, operands, (result,), COMPARISONS[opcode], {}, 2, twice)


def comparison_cases(opcode: str) -> dict[str, Single]:
    a, whole = Operand(SHAPE, 0.031, 7), Operand(SHAPE, None, dtype="INT32")
    ends = (-(2**31), 2**31 - 1, 0, -1, 1)
    return {
        "same_shape": compared(opcode, a, Operand(SHAPE, 0.047, -11)),
        "same_quantization": compared(opcode, a, Operand(SHAPE, 0.031, 7)),
        "with_itself": compared(opcode, a, a, twice=True),
        "number": compared(opcode, a, Operand((), 0.047, -11, constant=(31,))),
        "number_first": compared(opcode, Operand((1,), 0.047, -11, constant=(-40,)), a),
        "constant": compared(opcode, a, Operand(SHAPE, 0.031, 7, constant=3)),
        "channels": compared(opcode, Operand((5,), 0.047, -11), a),
        "both_broadcast": compared(opcode, Operand((1, 4, 1, 5), 0.031, 7), Operand((3, 1), 0.9999, -128)),
        "tiny_scales": compared(opcode, Operand(SHAPE, 1e-9, 127), Operand(SHAPE, 1e-4, -128)),
        "int32": compared(opcode, whole, whole),
        "int32_ends": compared(opcode, whole, Operand((5,), None, dtype="INT32", constant=ends)),
        "int32_rows": compared(opcode, Operand((4, 1, 1), None, dtype="INT32"), whole),
    }


TRUTHS = Operand(SHAPE, None, dtype="BOOL")


def logical(opcode: str, options: str, *operands: Operand) -> Single:
    shape = np.broadcast_shapes(*(operand.shape for operand in operands))
    return Single(opcode, operands, (Operand(shape, None, dtype="BOOL"),), options, {}, 2 if options in BOTH else 1)


BOTH = ("Equal", "NotEqual")
CONSTANT_TRUTHS = Operand((5,), None, dtype="BOOL", constant=(0, 1, 1, 0, 1))
LOGICAL = [
    (opcode, name, logical(opcode, options, TRUTHS, other))
    for opcode, options in (
        ("LOGICAL_AND", "LogicalAnd"),
        ("LOGICAL_OR", "LogicalOr"),
        ("EQUAL", "Equal"),
        ("NOT_EQUAL", "NotEqual"),
    )
    for name, other in (
        ("truths", TRUTHS),
        ("truths_of_rows", Operand((3, 1), None, dtype="BOOL")),
        ("truths_constant", CONSTANT_TRUTHS),
    )
]


def selected(condition: Operand, x: Operand, y: Operand, dtype: str = "INT8") -> Single:
    shape = np.broadcast_shapes(condition.shape, x.shape, y.shape)
    result = Operand(shape, x.scale, x.zero_point, dtype)
    return Single("SELECT_V2", (condition, x, y), (result,), "SelectV2", {}, 1)


def operand_of(dtype: str, shape: tuple[int, ...] = SHAPE) -> Operand:
    scales = {"INT8": Q, "UINT8": (0.05, 120), "INT16": (0.001, 0)}
    return Operand(shape, *scales.get(dtype, (None, 0)), dtype=dtype)


SELECTIONS = {
    "same_shape": selected(TRUTHS, operand_of("INT8"), Operand(SHAPE, 0.1, 3)),
    "condition_of_channels": selected(Operand((5,), None, dtype="BOOL"), operand_of("INT8"), operand_of("INT8")),
    "condition_constant": selected(CONSTANT_TRUTHS, operand_of("INT8"), operand_of("INT8")),
    "number": selected(TRUTHS, operand_of("INT8"), Operand((), *Q, constant=(-99,))),
    "all_broadcast": selected(
        Operand((4, 1, 1), None, dtype="BOOL"), operand_of("INT8", (3, 1)), operand_of("INT8", (5,))
    ),
    "int16": selected(TRUTHS, operand_of("INT16"), operand_of("INT16"), "INT16"),
}
OTHER_SELECTIONS = {dtype.lower(): selected(TRUTHS, *(operand_of(dtype),) * 2, dtype) for dtype in ("UINT8", "INT32")}


def rectified() -> bytes:
    """What is larger than a number, or the largest of a row, is kept; the rest is another number."""
    network = Network()
    source = network.tensor((1, 6, 8), *Q)
    above, top = network.tensor((1, 6, 8), dtype="BOOL"), network.tensor((1, 6, 1), *Q)
    largest, either = network.tensor((1, 6, 8), dtype="BOOL"), network.tensor((1, 6, 8), dtype="BOOL")
    result, truths = network.tensor((1, 6, 8), *Q), network.tensor((1, 6, 8), 0.01, 0)
    number = network.tensor((), *Q, data=np.array(20))
    network.operator("GREATER", [source, number], [above], "Greater", 2)
    network.operator("REDUCE_MAX", [source, network.integers([2])], [top], "Reducer", 2, keepDims=True)
    network.operator("EQUAL", [source, top], [largest], "Equal", 2)
    network.operator("LOGICAL_OR", [above, largest], [either], "LogicalOr")
    network.operator("SELECT_V2", [either, source, number], [result], "SelectV2")
    network.operator("CAST", [either], [truths], "Cast")
    return network.file([source], [result, truths, either])


REFUSED_BY_TFLM: dict[str, Any] = {"reference": "litert"}


def reference_of(*types: str) -> dict[str, Any]:
    """TFLM casts no uint8."""
    return REFUSED_BY_TFLM if "UINT8" in types else {}


CASES = [
    *(Case("DIV", name, build, 1, "it multiplies scales in float32") for name, build in QUOTIENTS.items()),
    Case(
        "DIV",
        "by_anything",
        quotient(Operand(SHAPE, *Q), Operand(SHAPE, *Q), 0.05, 3),
        LITERT_REFUSES,
        "it stops at a zero",
    ),
    *(Case("CAST", f"{a.lower()}_to_{b.lower()}", cast(a, b), **reference_of(a, b)) for a, b in CASTS),
    *(Case(opcode, name, build) for opcode in COMPARISONS for name, build in comparison_cases(opcode).items()),
    *(Case(opcode, name, build) for opcode, name, build in LOGICAL),
    Case("LOGICAL_NOT", "truths", logical("LOGICAL_NOT", "LogicalNot", TRUTHS)),
    *(Case("SELECT_V2", name, build) for name, build in SELECTIONS.items()),
    *(Case("SELECT_V2", name, build, **REFUSED_BY_TFLM) for name, build in OTHER_SELECTIONS.items()),
    *(Case(opcode, "rectified", rectified) for opcode in ("GREATER", "LOGICAL_OR", "SELECT_V2", "CAST")),
]
