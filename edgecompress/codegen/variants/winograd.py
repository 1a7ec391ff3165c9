"""Winograd's F(2 x 2, 3 x 3) for processors with dual multiplication: 2.25 times fewer multiplications, 3.6 times the weights."""

import numpy as np

from edgecompress.codegen.features import Features
from edgecompress.codegen.ops.activation import narrower_range
from edgecompress.codegen.ops.base import Array, KernelCall
from edgecompress.codegen.variants import estimates
from edgecompress.codegen.variants.base import Variant, geometry_of, parts_of
from edgecompress.codegen.variants.joint import SCALING_LIMITS, form_of, pack_scalings
from edgecompress.codegen.variants.quick import quicken
from edgecompress.memory.sweep import Window
from edgecompress.tflite.graph import Graph, Operation

TWICE_G = np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]], np.int64)
"""Of Lavin and Gray, section 4.1, times two: so the weights become four times their transform, all of them integers."""
LARGEST_INPUT, LARGEST_WEIGHT = 4 * 128, 9 * 128
"""After the transforms."""
TILES_AT_ONCE = 4


class WinogradConv2D(Variant):
    """Where flash may be spent: 3 x 3, stride 1, whole groups of four tiles of 2 x 2 outputs."""

    opcode = "CONV_2D"

    def suits(self, features: Features) -> bool:
        return features.dsp and features.spends_flash

    def lower(self, graph: Graph, operation: Operation) -> KernelCall | None:
        parts = parts_of(graph, operation)
        outputs, *_, channels = parts.weights.shape
        geometry = geometry_of(parts, operation)
        if not _suits(geometry, channels, parts.source.shape[3], outputs):
            return None
        quick = quicken(parts.values.reshape(outputs, -1), parts, operation, SCALING_LIMITS)
        if quick is None:
            return None
        scalings = pack_scalings(quick.with_zero_point(parts.zero_point))
        if scalings is None:
            return None
        shape = estimates.Shape(geometry, channels, outputs)
        assert parts.result.quantization
        parameters: dict[str, int | float | Array] = {
            **geometry.parameters(),
            "channels": channels,
            "out_channels": outputs,
            "zero_point": parts.zero_point,
            "output_zero_point": parts.result.quantization.zero_point,
            "weights": Array(pack_transformed(quick.rows.reshape(parts.weights.shape)), is_weights=True),
            "scalings": Array(scalings),
        }
        return KernelCall(
            f"conv_2d_winograd_{form_of(parts.result)}",
            parameters,
            (parts.source, parts.result),
            source="conv_2d_winograd",
            scratch_bytes=16 * TILES_AT_ONCE * channels * 2 + 16 * 2 * TILES_AT_ONCE * 4 + channels,
            clamp=narrower_range(operation, parts.result),
            cycles_a_mac=estimates.winograd(shape) / shape.macs,
        )


def _suits(w: Window, channels: int, in_channels: int, outputs: int) -> bool:
    taps = (w.filter_height, w.filter_width, w.stride_height, w.stride_width, w.dilation_height, w.dilation_width)
    tiles, rest = divmod(w.out_height * w.out_width, 4)
    return (
        taps == (3, 3, 1, 1, 1, 1)
        and channels == in_channels
        and channels % 4 == outputs % 2 == w.out_height % 2 == w.out_width % 2 == rest == tiles % TILES_AT_ONCE == 0
        and 9 * channels * LARGEST_INPUT * LARGEST_WEIGHT < 2**31
    )


def transform(filters: np.ndarray) -> np.ndarray:
    """Four times the transform of filters [outputs, 3, 3, channels]: [outputs, 4, 4, channels], int64."""
    return np.einsum("ay,bx,oyxc->oabc", TWICE_G, TWICE_G, filters.astype(np.int64))


def pack_transformed(filters: np.ndarray) -> np.ndarray:
    """Filters [outputs, 3, 3, channels] for the kernel: int16, by output pair, product, input pair, output.

    Of four inputs 0 and 2 are a pair, then 1 and 3: what SXTB16 makes of a word.
    """
    outputs, _, _, channels = filters.shape
    transformed = transform(filters).reshape(outputs // 2, 2, 16, channels // 4, 2, 2)  # four inputs as (half, parity)
    return np.ascontiguousarray(transformed.transpose(0, 2, 3, 5, 1, 4)).astype(np.int16).reshape(-1)
