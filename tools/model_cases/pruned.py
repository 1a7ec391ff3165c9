"""Cases of layers most of whose weights are zero: what kernels that go by lists of the others treat differently."""

from dataclasses import replace
from typing import Any

from model_cases.case import Case
from model_cases.convolutions import LOWEST, convolution_cases, fully_connected_case
from model_cases.layers import PLAIN, SPREAD

WINDOWS: dict[str, dict[str, Any]] = {
    "same": {"input_shape": (1, 8, 8, 16)},
    "kernel_1x1": {"kernel": (1, 1), "input_shape": (1, 5, 5, 64), **LOWEST},
    "kernel_1x1_stride_2": {"kernel": (1, 1), "stride": (2, 2), "input_shape": (1, 9, 9, 32)},
    "valid_stride_2": {"padding": "VALID", "stride": (2, 2), "input_shape": (1, 11, 9, 13)},
    "dilation_2x3": {"dilation": (2, 3), "input_shape": (1, 7, 8, 12), **LOWEST},
    "batch_2": {"input_shape": (2, 5, 3, 20)},
    "odd_channels": {"input_shape": (1, 4, 6, 27), "filters": 15},
    "one_filter": {"input_shape": (1, 8, 4, 32), "filters": 1},
    "deep": {"input_shape": (1, 4, 4, 100), "filters": 3},
    **{f"{pixels}_pixels": {"kernel": (1, 1), "input_shape": (1, 1, pixels, 130)} for pixels in range(4, 12)},
    "zero_points_lowest": {"input_shape": (1, 8, 8, 16), "input_zero": -128, "output_zero": -128},
    "zero_points_highest": {"input_shape": (1, 8, 8, 16), "input_zero": 127, "output_zero": 127},
    "relu6": {"input_shape": (1, 8, 8, 16), "activation": "RELU6", "gain": 60.0},
    "extreme_scales": {"input_shape": (1, 8, 8, 16), "spread": SPREAD},
    "per_tensor": {"input_shape": (1, 8, 8, 16), "spread": ()},
    "saturating": {"input_shape": (1, 8, 8, 16), "gain": 900.0},
}
"""Variations for CONV_2D."""

ROWS: dict[str, dict[str, Any]] = {
    "one_row": {"input_shape": (1, 200), "filters": 10},
    "three_rows": {"input_shape": (3, 64), "filters": 9, "activation": "RELU"},
    "per_channel": {"input_shape": (1, 300), "filters": 5, "spread": (1.0, 0.6, 1.7)},
    "odd_sizes": {"input_shape": (1, 77), "filters": 13, "input_zero": -128, "output_zero": 127},
}
"""Variations for FULLY_CONNECTED."""

CASES: list[Case] = []
for kind in ("pruned", "thinned"):
    CASES += convolution_cases(
        "CONV_2D",
        replace(PLAIN, weights=kind, filters=8),
        {f"{kind}_{name}": change for name, change in WINDOWS.items()},
    )
    CASES += [
        fully_connected_case(f"{kind}_{name}", replace(PLAIN, **{"spread": (), "weights": kind, **change}))
        for name, change in ROWS.items()
    ]
