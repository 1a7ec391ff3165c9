"""Variants that multiply by those weights only that are not zero, for processors with dual 16-bit multiplication."""

import numpy as np

from edgecompress.codegen.ops.activation import narrower_range
from edgecompress.codegen.ops.bands import by_window
from edgecompress.codegen.ops.base import Array, KernelCall
from edgecompress.codegen.ops.weighted import Parts
from edgecompress.codegen.variants.base import geometry_of, rows_of_filters
from edgecompress.codegen.variants.dual import DualVariant
from edgecompress.codegen.variants.joint import LARGEST_INPUT, LARGEST_JOINT_SUM, SCALING_LIMITS, form_of, pack_scalings
from edgecompress.codegen.variants.lists import Lists, pack_lists
from edgecompress.codegen.variants.quick import QuickLayer
from edgecompress.tflite.graph import Operation

LANES = 8
"""Output pixels of one step."""


class SparseConv2D(DualVariant):
    """Eight pixels at a time times one weight after the other."""

    opcode = "CONV_2D"
    limits = SCALING_LIMITS

    def rows(self, parts: Parts) -> np.ndarray | None:
        return rows_of_filters(parts)

    def call(self, parts: Parts, quick: QuickLayer, operation: Operation) -> KernelCall | None:
        layer = quick.with_zero_point(parts.zero_point)
        scalings, lists = pack_scalings(layer), pack_lists(layer.rows)
        largest = LARGEST_INPUT * np.abs(layer.rows.astype(np.int64)).sum(axis=1).max()
        if scalings is None or lists is None or largest > LARGEST_JOINT_SUM:
            return None
        source, result = parts.source, parts.result
        geometry, depth = geometry_of(parts, operation), layer.rows.shape[1]
        assert result.quantization
        strip = {**geometry.parameters(), "channels": source.shape[3], "depth": depth, "zero_point": parts.zero_point}
        parameters = {
            **{f"strip.{name}": value for name, value in strip.items()},
            "out_channels": result.shape[3],
            **lists.parameters(),
            "scalings": Array(scalings),
            "output_zero_point": result.quantization.zero_point,
        }
        call = KernelCall(
            f"conv_2d_sparse_{lists.form}_{form_of(result)}",
            parameters,
            (source, result),
            source="conv_2d_sparse",
            scratch_bytes=LANES * depth + source.shape[3],
            sweeps=(geometry.sweep(source.shape[3], result.shape[3], positions=LANES),),
            clamp=narrower_range(operation, result),
        )
        return by_window(call, "strip.window.")
