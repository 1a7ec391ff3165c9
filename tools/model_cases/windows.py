"""Cases of AVERAGE_POOL_2D, MAX_POOL_2D, MEAN, SUM, REDUCE_MAX and REDUCE_MIN."""

from typing import Any

from model_cases.case import LITERT_DIFFERS, Case
from model_cases.single import Operand, Single, numbers


def pool(
    opcode: str,
    shape: tuple[int, int, int, int] = (1, 6, 7, 3),
    kernel: tuple[int, int] = (2, 2),
    stride: tuple[int, int] = (2, 2),
    padding: str = "VALID",
    activation: str = "NONE",
    scale: float = 0.05,
    zero_point: int = -7,
) -> Single:
    window = (1, 1) if padding == "SAME" else kernel
    height, width = (-(-(shape[1 + d] - window[d] + 1) // stride[d]) for d in (0, 1))
    result = Operand((shape[0], height, width, shape[3]), scale, zero_point)
    fields = {
        "padding": padding, "strideH": stride[0], "strideW": stride[1], "filterHeight": kernel[0],
        "filterWidth": kernel[1], "fusedActivationFunction": activation,
    }  # fmt: skip
    return Single(opcode, (Operand(shape, scale, zero_point),), (result,), "Pool2D", fields)


POOLS: dict[str, dict[str, Any]] = {
    "2x2_valid": {},
    "2x2_same": {"padding": "SAME"},
    "3x3_same_stride_1": {"kernel": (3, 3), "stride": (1, 1), "padding": "SAME"},
    "3x3_same_stride_2": {"kernel": (3, 3), "padding": "SAME"},
    "3x3_valid_stride_1": {"kernel": (3, 3), "stride": (1, 1)},
    "5x2_same": {"kernel": (5, 2), "stride": (1, 2), "padding": "SAME"},
    "global": {"kernel": (6, 7)},
    "global_25x5": {"shape": (1, 25, 5, 16), "kernel": (25, 5)},
    "larger_than_input_same": {"shape": (1, 3, 2, 4), "kernel": (7, 9), "stride": (1, 1), "padding": "SAME"},
    "1x1": {"kernel": (1, 1), "stride": (1, 1)},
    "1x1_stride_3": {"kernel": (1, 1), "stride": (3, 3)},
    "stride_larger_than_kernel": {"stride": (4, 3)},
    "one_channel": {"shape": (1, 8, 8, 1)},
    "channels_16": {"shape": (1, 5, 4, 16), "kernel": (3, 2), "stride": (1, 1), "padding": "SAME"},
    "channels_33_relu": {"shape": (1, 4, 4, 33), "activation": "RELU"},
    "global_16x16": {"shape": (1, 16, 16, 9), "kernel": (16, 16)},
    "global_19x15": {"shape": (1, 19, 15, 9), "kernel": (19, 15)},
    "odd_channels": {"shape": (1, 4, 4, 19)},
    "batch_3": {"shape": (3, 4, 4, 2)},
    "relu": {"activation": "RELU"},
    "relu6": {"activation": "RELU6", "padding": "SAME"},
    "relu_n1_to_1": {"activation": "RELU_N1_TO_1"},
    "zero_point_lowest": {"zero_point": -128, "padding": "SAME", "kernel": (3, 3)},
    "zero_point_highest": {"zero_point": 127, "padding": "SAME", "kernel": (3, 3)},
}

PLACE = (1, 5, 6, 7)


def reduction(
    opcode: str,
    axes: tuple[int, ...],
    keep: bool = False,
    shape: tuple[int, ...] = PLACE,
    source: tuple[float, int] = (0.05, -7),
    result: tuple[float, int] = (0.05, -7),
) -> Single:
    reduced = {axis % len(shape) for axis in axes}
    left = tuple(1 if place in reduced else size for place, size in enumerate(shape) if keep or place not in reduced)
    operands = (Operand(shape, *source), numbers(*axes))
    return Single(opcode, operands, (Operand(left, *result),), "Reducer", {"keepDims": keep})


MEANS: dict[str, dict[str, Any]] = {
    "height_width": {"axes": (1, 2)},
    "height_width_keep": {"axes": (1, 2), "keep": True},
    "width_height": {"axes": (2, 1)},
    "negative_axes": {"axes": (-3, -2)},
    "height": {"axes": (1,)},
    "width_keep": {"axes": (2,), "keep": True},
    "channels": {"axes": (3,)},
    "channels_keep": {"axes": (-1,), "keep": True},
    "all": {"axes": (0, 1, 2, 3)},
    "all_keep": {"axes": (0, 1, 2, 3), "keep": True},
    "repeated_axis": {"axes": (1, 2, 1)},
    "rank_2": {"axes": (1,), "shape": (3, 40)},
    "rank_3": {"axes": (1,), "shape": (2, 9, 5)},
    "batch": {"axes": (1, 2), "shape": (3, 4, 4, 5)},
    "large": {"axes": (1, 2), "shape": (1, 40, 41, 2)},
    "one_by_one": {"axes": (1, 2), "shape": (1, 1, 1, 9)},
    "finer_result": {"axes": (1, 2), "result": (0.0113, 20)},
    "finer_result_keep": {"axes": (1, 2), "keep": True, "result": (0.0113, 20)},
    "coarser_result": {"axes": (1, 2), "source": (0.4, -100), "result": (0.9, 3)},
    "other_zero_point": {"axes": (1, 2), "result": (0.05, 60)},
    "zero_points_lowest": {"axes": (1, 2), "source": (0.05, -128), "result": (0.04, -128)},
    "zero_points_highest": {"axes": (1, 2), "source": (0.05, 127), "result": (0.06, 127)},
    "huge_ratio": {"axes": (1, 2), "source": (500.0, 3), "result": (0.01, -3)},
    "tiny_ratio": {"axes": (1, 2), "source": (1e-6, 3), "result": (3.0, -3)},
    "channels_other_scale": {"axes": (3,), "result": (0.02, 4)},
    "all_other_scale": {"axes": (0, 1, 2, 3), "result": (0.003, 4)},
}

FEW = ("height_width", "height_width_keep", "channels", "all", "rank_2")

CASES = [
    *(Case(o, name, pool(o, **c)) for o in ("AVERAGE_POOL_2D", "MAX_POOL_2D") for name, c in POOLS.items()),
    *(Case("MEAN", name, reduction("MEAN", **change)) for name, change in MEANS.items()),
    *(
        Case(
            "SUM",
            name,
            reduction("SUM", **MEANS[name], result=(0.6, 2)),
            LITERT_DIFFERS,
            "it saturates before it scales",
        )
        for name in FEW
    ),
    *(Case(o, name, reduction(o, **MEANS[name])) for o in ("REDUCE_MAX", "REDUCE_MIN") for name in FEW),
]
