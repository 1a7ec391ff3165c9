"""Cases of ADD, SUB, MUL, MAXIMUM and MINIMUM: broadcasting, activations, scales far apart."""

from dataclasses import replace
from typing import Any

from model_cases.case import LITERT_REFUSES, Case
from model_cases.single import Operand, Single

SHAPE = (1, 4, 3, 5)

OPERANDS: dict[str, tuple[Operand, Operand]] = {
    "same_shape": (Operand(SHAPE, 0.031, 7), Operand(SHAPE, 0.047, -11)),
    "constant": (Operand(SHAPE, 0.031, 7), Operand(SHAPE, 0.047, -11, constant=1)),
    "constant_first": (Operand(SHAPE, 0.031, 7, constant=2), Operand(SHAPE, 0.047, -11)),
    "channel_vector": (Operand(SHAPE, 0.031, 7), Operand((5,), 0.047, -11, constant=3)),
    "channel_vector_first": (Operand((5,), 0.047, -11, constant=3), Operand(SHAPE, 0.031, 7)),
    "scalar_of_rank_0": (Operand(SHAPE, 0.031, 7), Operand((), 0.047, -11, constant=(93,))),
    "scalar_of_rank_1": (Operand(SHAPE, 0.031, 7), Operand((1,), 0.047, -11, constant=(-128,))),
    "both_broadcast": (Operand((1, 4, 1, 5), 0.031, 7), Operand((1, 1, 3, 1), 0.047, -11)),
    "rows": (Operand(SHAPE, 0.031, 7), Operand((1, 4, 1, 1), 0.047, -11)),
    "rank_2": (Operand((3, 17), 0.031, 7), Operand((3, 17), 0.047, -11)),
    "zero_points_lowest": (Operand(SHAPE, 0.031, -128), Operand(SHAPE, 0.047, -128)),
    "zero_points_highest": (Operand(SHAPE, 0.031, 127), Operand(SHAPE, 0.047, 127)),
    "zero_points_opposite": (Operand(SHAPE, 0.031, -128), Operand(SHAPE, 0.047, 127)),
    "equal_scales": (Operand(SHAPE, 0.04, 1), Operand(SHAPE, 0.04, 1)),
    "scale_ratio_1e4": (Operand(SHAPE, 1.0, 7), Operand(SHAPE, 1e-4, -11)),
    "scale_ratio_1e9": (Operand(SHAPE, 1e-7, 7), Operand(SHAPE, 100.0, -11)),
    "irregular_scales": (Operand((1, 5, 7, 3), 0.0313472, 7), Operand((1, 5, 7, 3), 0.0471213, -11)),
    "irregular_scales_one_pixel": (Operand((1, 1, 1, 3), 0.0713472, -128), Operand((1, 1, 1, 3), 0.0171213, 127)),
    "irregular_scales_rows": (Operand((1, 4, 3, 18), 0.0313472, 7), Operand((1, 4, 1, 18), 0.0871213, -11)),
    "scale_ratio_power_of_two": (Operand(SHAPE, 0.5, 0), Operand(SHAPE, 0.25, 0)),
}

RESULTS: dict[str, tuple[float, int, str]] = {
    "relu": (0.06, -3, "RELU"),
    "relu6": (0.06, -3, "RELU6"),
    "relu_n1_to_1": (0.06, -3, "RELU_N1_TO_1"),
    "relu_zero_point_lowest": (0.06, -128, "RELU"),
    "result_zero_point_highest": (0.06, 127, "NONE"),
    "coarse_result": (1.3, 4, "NONE"),
    "fine_result": (0.004, 4, "NONE"),
}
"""Scale, zero point and activation of the result, for operands of the same shape."""


OPTIONS = {
    "MAXIMUM": "MaximumMinimum",
    "MINIMUM": "MaximumMinimum",
    "SQUARED_DIFFERENCE": "SquaredDifference",
    "PRELU": "",
}
"""Of operators without a fused activation."""


def broadcast(a: Operand, b: Operand) -> tuple[int, ...]:
    """The result's shape."""
    rank = max(len(a.shape), len(b.shape))
    padded = [(1,) * (rank - len(operand.shape)) + operand.shape for operand in (a, b)]
    return tuple(max(pair) for pair in zip(*padded, strict=True))


def model(opcode: str, a: Operand, b: Operand, scale: float, zero_point: int, activation: str) -> Single:
    result = Operand(broadcast(a, b), scale, zero_point)
    options = OPTIONS.get(opcode, opcode.capitalize())
    fields = {} if opcode in OPTIONS else {"fusedActivationFunction": activation}
    return Single(opcode, (a, b), (result,), options, fields, 1 if opcode == "PRELU" else 2)


def result_scale(opcode: str, a: Operand, b: Operand) -> float:
    """A scale that uses the range without much saturation."""
    assert a.scale
    assert b.scale
    if opcode == "SQUARED_DIFFERENCE":
        return 40 * (a.scale + b.scale) ** 2
    return a.scale * b.scale * 60 if opcode in ("MUL", "PRELU") else 0.8 * (a.scale + b.scale)


def arithmetic_cases(opcode: str) -> list[Case]:
    cases = [
        Case(opcode, name, model(opcode, a, b, result_scale(opcode, a, b), -5, "NONE"))
        for name, (a, b) in OPERANDS.items()
    ]
    a, b = OPERANDS["same_shape"]
    cases += [Case(opcode, name, model(opcode, a, b, *result)) for name, result in RESULTS.items()]
    if opcode in OPTIONS:
        return cases
    fields = {"fusedActivationFunction": "NONE"}
    twice = Single(opcode, (a,), (Operand(SHAPE, 0.07, -5),), opcode.capitalize(), fields, twice=True)
    return [*cases, Case(opcode, "with_itself", twice)]


def selection_cases(opcode: str) -> list[Case]:
    """MAXIMUM and MINIMUM compare raw values: TFLM demands nothing of the scales, converters make them equal."""
    names = ("same_shape", "constant", "channel_vector", "scalar_of_rank_1", "both_broadcast", "rank_2")
    chosen = {name: tuple(Operand(o.shape, 0.05, 2, constant=o.constant) for o in OPERANDS[name]) for name in names}
    return [Case(opcode, name, model(opcode, a, b, 0.05, 2, "NONE")) for name, (a, b) in chosen.items()]


def without_activation(opcode: str) -> list[Case]:
    return [case for case in arithmetic_cases(opcode) if not case.name.startswith("relu")]


def beside_prelu(name: str) -> dict[str, Any]:
    """What LiteRT makes of a case of PRELU."""
    if name in ("channel_vector_first", "both_broadcast"):
        return {"litert": LITERT_REFUSES, "why": "its result must be as large as its input"}
    return {"litert": 1, "why": "it rounds negative values otherwise"}


CASES = [
    *(case for opcode in ("ADD", "SUB", "MUL") for case in arithmetic_cases(opcode)),
    *without_activation("SQUARED_DIFFERENCE"),
    *(replace(case, **beside_prelu(case.name)) for case in without_activation("PRELU")),
    *selection_cases("MAXIMUM"),
    *selection_cases("MINIMUM"),
]
