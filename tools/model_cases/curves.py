"""Cases of functions of one value, at ends of scales and zero points: ELU, EXP, LOG, GELU, roots, ABS, NEG, HARD_SWISH and others."""

from dataclasses import replace

from model_cases.case import LITERT_REFUSES, Case
from model_cases.pointwise import curve

WAYS = {
    "usual": (0.031, -20, 0.017, -100),
    "same": (0.05, 10, 0.05, 10),
    "coarse": (0.7, 31, 0.21, -3),
    "fine": (0.0021, -128, 0.0037, 127),
    "highest_zero_point": (0.11, 127, 0.02, 5),
    "finer_result": (0.031, 0, 0.0011, -100),
    "coarser_result": (0.031, -20, 0.9, 17),
}
"""Scale and zero point of the input, then of the result."""
POSITIVE = {name: (way[0], -128, *way[2:]) for name, way in WAYS.items() if name != "highest_zero_point"} | {
    "exact_steps": (0.25, -128, 0.5, -128),
    "square_of_scale": (0.01, -128, 0.1, -128),
}
EXPONENTIAL = {name: way for name, way in WAYS.items() if name not in ("coarse", "finer_result")} | {
    "overflowing": (1.7, -128, 0.3, -100),
    "decreasing": (0.05, 127, 1 / 255, -128),
}
NO_INT8 = "TFLite's own kernel knows no int8"


def of(opcode: str, ways: dict[str, tuple[float, int, float, int]], options: str = "", **fields: object) -> list[Case]:
    return [
        Case(opcode, name, replace(curve(opcode, *way, options), fields=fields, version=2 if fields else 1))
        for name, way in ways.items()
    ]


def without_tflm(cases: list[Case]) -> list[Case]:
    return [replace(case, reference="litert") for case in cases]


def gelu(name: str, *, approximate: bool) -> list[Case]:
    cases = of("GELU", WAYS, "Gelu", approximate=approximate)
    return without_tflm([replace(case, name=f"{name}_{case.name}") for case in cases])


CASES = [
    *(replace(case, litert=LITERT_REFUSES, why=NO_INT8) for case in of("ELU", WAYS)),
    *of("ABS", WAYS, "Abs"),
    *of("RSQRT", POSITIVE),
    *of("HARD_SWISH", WAYS, "HardSwish"),
    *without_tflm(of("SQRT", POSITIVE)),
    *without_tflm(of("EXP", EXPONENTIAL, "Exp")),
    *without_tflm(of("LOG", WAYS)),
    *without_tflm(of("NEG", {"zero_point_0": (0.05, 0, 0.05, 0)}, "Neg")),
    *without_tflm(of("RELU_N1_TO_1", WAYS)),
    *gelu("exact", approximate=False),
    *gelu("approximate", approximate=True),
]
