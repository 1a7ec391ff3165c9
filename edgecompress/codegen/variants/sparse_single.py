"""Variants for processors that multiply one pair of numbers at a time, which add the inputs that share a weight first."""

import numpy as np

from edgecompress.codegen.ops.bands import by_window
from edgecompress.codegen.ops.base import Array, KernelCall
from edgecompress.codegen.ops.weighted import Parts
from edgecompress.codegen.variants import estimates
from edgecompress.codegen.variants.base import rows_of_filters, rows_of_groups, shape_of
from edgecompress.codegen.variants.estimates import Shape
from edgecompress.codegen.variants.lists import count_values, pack_places
from edgecompress.codegen.variants.single import PIXELS, Ramps, SingleVariant
from edgecompress.tflite.graph import Operation


class SparseSingleConv2D(SingleVariant):
    opcode = "CONV_2D"

    def rows(self, parts: Parts) -> np.ndarray | None:
        return rows_of_filters(parts)

    def most_cycles(self, shape: Shape) -> float:
        """Of a MAC: with more it is no candidate."""
        return estimates.WORTH_TRYING * estimates.single(shape)

    def call(self, parts: Parts, rows: np.ndarray, ramps: Ramps, operation: Operation) -> KernelCall | None:
        """Four pixels times one output channel at a time: the inputs of every value are added, then multiplied once."""
        source, result, shape = parts.source, parts.result, shape_of(parts, operation)
        cycles_a_mac = estimates.sparse_single(shape, int(np.count_nonzero(rows)), count_values(rows))
        if cycles_a_mac > self.most_cycles(shape):
            return None
        parameters = {
            **shape.window.parameters(),
            "in_channels": shape.channels,
            "out_channels": shape.outputs,
            "depth": shape.depth,
            "zero_point": parts.zero_point,
            "lists": Array(pack_places(rows), is_weights=True),
            **ramps,
        }
        call = KernelCall(
            "conv_2d_sparse_single",
            parameters,
            (source, result),
            scratch_bytes=8 * shape.depth + shape.channels,
            sweeps=(shape.window.sweep(shape.channels, shape.outputs, positions=PIXELS),),
            cycles_a_mac=cycles_a_mac,
        )
        return by_window(call)


class GroupedSingleConv2D(SparseSingleConv2D):
    """To an output, the inputs of other groups are inputs without weights."""

    def rows(self, parts: Parts) -> np.ndarray | None:
        return rows_of_groups(parts)

    def most_cycles(self, shape: Shape) -> float:
        return np.inf
