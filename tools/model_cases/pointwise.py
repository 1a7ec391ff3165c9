"""Cases of operators that take one value at a time, and of SOFTMAX: curves, clamps, and changes of representation."""

import numpy as np

from model_cases.case import LITERT_DIFFERS, LITERT_REFUSES, Case
from model_cases.network import Network
from model_cases.single import Operand, Single

EVERY_VALUE = (1, 16, 16, 2)
"""Room for the 256 values of int8, twice."""

SCALES = (1e-4, 0.003, 0.0157, 0.031, 0.0625, 0.11, 0.5, 7.0)
"""Of curves' inputs. From 8 on, TFLM's LOGISTIC and TANH shift by 31 bits and more: undefined in C."""

ZERO_POINTS = (-128, -1, 0, 31, 127)


def curve(
    opcode: str, scale: float, zero_point: int, result_scale: float, result_zero: int, options: str = ""
) -> Single:
    source = Operand(EVERY_VALUE, scale, zero_point)
    return Single(opcode, (source,), (Operand(EVERY_VALUE, result_scale, result_zero),), options, version=1)


def curve_cases(opcode: str, result_scale: float, result_zero: int) -> list[Case]:
    """LOGISTIC and TANH: their result's quantization is prescribed."""
    cases = [Case(opcode, f"scale_{scale:g}", curve(opcode, scale, 5, result_scale, result_zero)) for scale in SCALES]
    return cases + [
        Case(opcode, f"zero_point_{zero_point}", curve(opcode, 0.04, zero_point, result_scale, result_zero))
        for zero_point in ZERO_POINTS
    ]


def clamp_cases(opcode: str) -> list[Case]:
    """RELU and RELU6, also where scale and zero point change."""
    ways = {
        "same_quantization": (0.05, 10, 0.05, 10),
        "lowest_zero_point": (0.05, -128, 0.05, -128),
        "highest_zero_point": (0.05, 127, 0.05, 127),
        "to_lowest_zero_point": (0.05, 3, 0.0237, -128),
        "finer": (0.05, -20, 0.0011, -100),
        "coarser": (0.05, -20, 0.9, 17),
        "huge_ratio": (300.0, -20, 0.001, 17),
        "tiny_ratio": (1e-6, -20, 10.0, 17),
    }
    return [clamp_case(opcode, name, way) for name, way in ways.items()]


def clamp_case(opcode: str, name: str, way: tuple[float, int, float, int]) -> Case:
    build = curve(opcode, *way)
    if opcode == "RELU6" and way[:2] != way[2:]:
        return Case(opcode, name, build, LITERT_DIFFERS, "TFLM clamps as the input is quantized and converts nothing")
    return Case(opcode, name, build)


def converted(opcode: str, source: Operand, result: Operand, options: str = "") -> Single:
    return Single(opcode, (source,), (result,), options)


def real(shape: tuple[int, ...] = EVERY_VALUE) -> Operand:
    return Operand(shape, None, dtype="FLOAT32")


QUANTIZE = {
    "float_to_int8": (real(), Operand(EVERY_VALUE, 0.037, -9)),
    "float_to_int8_lowest_zero_point": (real(), Operand(EVERY_VALUE, 1 / 255, -128)),
    "float_to_int8_highest_zero_point": (real(), Operand(EVERY_VALUE, 3.0, 127)),
    "float_to_int8_tiny_scale": (real(), Operand(EVERY_VALUE, 1e-6, 0)),
    "float_to_int16": (real(), Operand(EVERY_VALUE, 0.00031, 0, "INT16")),
    "int8_to_int8_same": (Operand(EVERY_VALUE, 0.05, 3), Operand(EVERY_VALUE, 0.05, 3)),
    "int8_to_int8_finer": (Operand(EVERY_VALUE, 0.05, 3), Operand(EVERY_VALUE, 0.0193, -7)),
    "int8_to_int8_coarser": (Operand(EVERY_VALUE, 0.05, -128), Operand(EVERY_VALUE, 0.31, -20)),
    "int8_to_int8_huge_ratio": (Operand(EVERY_VALUE, 900.0, 3), Operand(EVERY_VALUE, 0.001, -7)),
    "int8_to_int8_tiny_ratio": (Operand(EVERY_VALUE, 1e-7, 3), Operand(EVERY_VALUE, 100.0, -7)),
    "int8_to_uint8_same_scale": (Operand(EVERY_VALUE, 0.05, 3), Operand(EVERY_VALUE, 0.05, 131, "UINT8")),
    "int8_to_uint8": (Operand(EVERY_VALUE, 0.05, 3), Operand(EVERY_VALUE, 0.071, 100, "UINT8")),
    "uint8_to_int8_same_scale": (Operand(EVERY_VALUE, 0.05, 131, "UINT8"), Operand(EVERY_VALUE, 0.05, 3)),
    "uint8_to_int8": (Operand(EVERY_VALUE, 0.05, 131, "UINT8"), Operand(EVERY_VALUE, 0.033, -20)),
    "int8_to_int16": (Operand(EVERY_VALUE, 0.05, 3), Operand(EVERY_VALUE, 0.0004, 0, "INT16")),
    "int16_to_int8": (Operand(EVERY_VALUE, 0.0004, 0, "INT16"), Operand(EVERY_VALUE, 0.09, -3)),
    "int8_to_int16_fine": (Operand(EVERY_VALUE, 0.05, 3), Operand(EVERY_VALUE, 0.0001, -900, "INT16")),
    "int16_to_int16": (Operand(EVERY_VALUE, 0.0004, 12, "INT16"), Operand(EVERY_VALUE, 0.0003, -700, "INT16")),
    "int16_to_int32": (Operand(EVERY_VALUE, 1 / 65536, -32768, "INT16"), Operand(EVERY_VALUE, 1 / 32768, 0, "INT32")),
    "int8_to_int32": (Operand(EVERY_VALUE, 0.05, 3), Operand(EVERY_VALUE, 0.0004, 0, "INT32")),
    "int32_to_int8": (Operand(EVERY_VALUE, 1e-8, 0, "INT32"), Operand(EVERY_VALUE, 0.09, -20)),
    "int32_to_int16": (Operand(EVERY_VALUE, 1e-8, 0, "INT32"), Operand(EVERY_VALUE, 0.0008, 0, "INT16")),
    "float_to_int16_zero_point": (real(), Operand(EVERY_VALUE, 3e-5, -32768, "INT16")),
    "float_to_uint8": (real(), Operand(EVERY_VALUE, 0.037, 119, "UINT8")),
    "uint8_to_uint8": (Operand(EVERY_VALUE, 0.05, 131, "UINT8"), Operand(EVERY_VALUE, 0.033, 20, "UINT8")),
}

DEQUANTIZE = {
    "int8": Operand(EVERY_VALUE, 0.0371, -9),
    "int8_lowest_zero_point": Operand(EVERY_VALUE, 1 / 256, -128),
    "int8_highest_zero_point": Operand(EVERY_VALUE, 1e-9, 127),
    "int8_huge_scale": Operand(EVERY_VALUE, 1e30, 1),
    "uint8": Operand(EVERY_VALUE, 0.0371, 131, "UINT8"),
    "int16": Operand(EVERY_VALUE, 0.00031, 0, "INT16"),
}


def softmax(shape: tuple[int, ...], scale: float, beta: float, zero_point: int = 4, dtype: str = "INT8") -> Single:
    result = Operand(shape, 1 / 256, -128) if dtype == "INT8" else Operand(shape, 1 / 65536, -32768, dtype)
    return Single("SOFTMAX", (Operand(shape, scale, zero_point),), (result,), "Softmax", {"beta": beta})


# A sum of 512 and more (that many equal inputs) fails an assertion in TFLM and in LiteRT: a shift by 32 bits.
SOFTMAX = {
    "ten": softmax((1, 10), 0.05, 1.0),
    "two": softmax((1, 2), 0.0391, 1.0),
    "one": softmax((1, 1), 0.05, 1.0),
    "five_hundred": softmax((1, 500), 0.08, 1.0),
    "rows": softmax((6, 7), 0.05, 1.0),
    "rank_4": softmax((1, 3, 4, 5), 0.05, 1.0),
    "beta_half": softmax((1, 12), 0.07, 0.5),
    "beta_2": softmax((1, 12), 0.07, 2.0),
    "beta_10": softmax((1, 12), 0.07, 10.0),
    "beta_tiny": softmax((1, 12), 0.07, 1e-3),
    "tiny_scale": softmax((4, 12), 1e-6, 1.0),
    "small_scale": softmax((4, 12), 0.004, 1.0),
    "scale_near_one": softmax((4, 12), 0.99, 1.0),
    "huge_scale": softmax((4, 12), 500.0, 1.0),
    "zero_point_lowest": softmax((4, 12), 0.05, 1.0, -128),
    "zero_point_highest": softmax((4, 12), 0.05, 1.0, 127),
    "int16": softmax((4, 12), 0.07, 1.0, dtype="INT16"),
    "int16_two": softmax((1, 2), 0.0391, 1.0, dtype="INT16"),
    "int16_many": softmax((2, 400), 0.3, 0.5, dtype="INT16"),
}


def thousand() -> bytes:
    """More classes than may be equal, which an addition spreads over the range."""
    network = Network()
    shape = (1, 1000)
    source, spread = network.tensor(shape, 0.01, 3), np.arange(1000) * 255 // 999 - 128
    constant, moved = network.tensor(shape, 0.08, 0, data=spread), network.tensor(shape, 0.09, 0)
    result = network.tensor(shape, 1 / 256, -128)
    network.operator("ADD", [source, constant], [moved], "Add", 2, fusedActivationFunction="NONE")
    network.operator("SOFTMAX", [moved], [result], "Softmax", 2, beta=1.0)
    return network.file([source], [result])


def quantize_case(name: str, source: Operand, result: Operand) -> Case:
    build = converted("QUANTIZE", source, result, "Quantize")
    if result.dtype == "INT32" and source.dtype == "INT8":
        return Case("QUANTIZE", name, build, LITERT_REFUSES, "it knows no int32 results of int8")
    if source.zero_point and source.dtype == result.dtype == "INT16":
        return Case("QUANTIZE", name, build, LITERT_REFUSES, "it knows symmetric int16 only")
    return Case("QUANTIZE", name, build, reference="litert" if name in ("float_to_uint8", "uint8_to_uint8") else "tflm")


def leaky_relu(alpha: float, result_scale: float) -> Single:
    operands, results = (Operand(EVERY_VALUE, 0.05, 6),), (Operand(EVERY_VALUE, result_scale, -8),)
    return Single("LEAKY_RELU", operands, results, "LeakyRelu", {"alpha": alpha})


def log_softmax(shape: tuple[int, ...], scale: float) -> Single:
    return Single("LOG_SOFTMAX", (Operand(shape, scale, 4),), (Operand(shape, 16 / 256, 127),), "LogSoftmax")


CASES = [
    *curve_cases("LOGISTIC", 1 / 256, -128),
    *curve_cases("TANH", 1 / 128, 0),
    *clamp_cases("RELU"),
    *clamp_cases("RELU6"),
    *(quantize_case(name, *pair) for name, pair in QUANTIZE.items()),
    *(Case("DEQUANTIZE", name, converted("DEQUANTIZE", a, real(), "Dequantize")) for name, a in DEQUANTIZE.items()),
    *(Case("SOFTMAX", name, build) for name, build in SOFTMAX.items()),
    Case("SOFTMAX", "thousand_spread", thousand),
    *(Case("LEAKY_RELU", f"alpha_{alpha:g}", leaky_relu(alpha, 0.04)) for alpha in (0.0, 0.1, 0.3, 1.5)),
    Case("LEAKY_RELU", "alpha_negative", leaky_relu(-0.5, 0.04), 1, "it rounds negative slopes otherwise"),
    Case("LEAKY_RELU", "coarse_result", leaky_relu(0.2, 2.0)),
    Case("LEAKY_RELU", "fine_result", leaky_relu(0.2, 0.0005)),
    *(Case("HARD_SWISH", f"scale_{s:g}", curve("HARD_SWISH", s, 5, s * 0.6, -100)) for s in SCALES[1:-1]),
    *(Case("LOG_SOFTMAX", f"scale_{scale:g}", log_softmax((3, 10), scale)) for scale in SCALES),
    Case("LOG_SOFTMAX", "thousand", log_softmax((1, 1000), 0.08)),
]
