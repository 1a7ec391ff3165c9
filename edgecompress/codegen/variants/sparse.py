"""Variants that go by lists of those weights that are not zero; of convolutions for processors with dual 16-bit multiplication."""

import numpy as np

from edgecompress.codegen.features import Features
from edgecompress.codegen.ops.activation import activation_range, narrower_range
from edgecompress.codegen.ops.bands import by_window
from edgecompress.codegen.ops.base import Array, Blocks, KernelCall
from edgecompress.codegen.ops.fully_connected import sizes
from edgecompress.codegen.ops.sweeps import by_rows
from edgecompress.codegen.ops.weighted import Parts
from edgecompress.codegen.variants import estimates
from edgecompress.codegen.variants.base import rows_of_filters, rows_of_groups, shape_of
from edgecompress.codegen.variants.dual import DualVariant, scalings_of
from edgecompress.codegen.variants.estimates import Shape
from edgecompress.codegen.variants.joint import LARGEST_INPUT, LARGEST_JOINT_SUM, SCALING_LIMITS, form_of, pack_scalings
from edgecompress.codegen.variants.lists import (
    CYCLES_AN_ENTRY,
    CYCLES_AN_INPUT,
    HEAD,
    MOST_ENTRIES,
    Lists,
    bytes_in_rows,
    pack_lists,
)
from edgecompress.codegen.variants.quick import Limits, QuickLayer
from edgecompress.tflite.graph import Operation

LANES = 8
"""Output pixels of one step."""


class ListVariant(DualVariant):
    """One weight after the other, which vectors outdo."""

    def suits(self, features: Features) -> bool:
        return features.dsp and not features.mve


class SparseConv2D(ListVariant):
    """Eight pixels at a time times one weight after the other."""

    opcode = "CONV_2D"

    def limits(self, parts: Parts) -> Limits:
        return SCALING_LIMITS

    def rows(self, parts: Parts) -> np.ndarray | None:
        return rows_of_filters(parts)

    def most_cycles(self, shape: Shape) -> float:
        """With more it is no candidate."""
        return estimates.WORTH_TRYING * estimates.joint(shape)

    def call(self, parts: Parts, quick: QuickLayer, operation: Operation) -> KernelCall | None:
        layer, shape = quick.with_zero_point(parts.zero_point), shape_of(parts, operation)
        scalings, lists = pack_scalings(layer), pack_lists(layer.rows)
        largest = LARGEST_INPUT * np.abs(layer.rows.astype(np.int64)).sum(axis=1).max()
        if scalings is None or lists is None or largest > LARGEST_JOINT_SUM:
            return None
        cycles = estimates.sparse(shape, lists.entries, CYCLES_AN_ENTRY[lists.form])
        if cycles > self.most_cycles(shape):
            return None
        source, result = parts.source, parts.result
        assert result.quantization
        strip = {"channels": shape.channels, "depth": shape.depth, "zero_point": parts.zero_point}
        parameters = {
            **{f"strip.{name}": value for name, value in {**shape.window.parameters(), **strip}.items()},
            "out_channels": shape.outputs,
            "out_pitch": shape.outputs,
            **lists.parameters(),
            "scalings": Array(scalings),
            "output_zero_point": result.quantization.zero_point,
        }
        call = KernelCall(
            f"conv_2d_sparse_{lists.form}_{form_of(result)}",
            parameters,
            (source, result),
            source="conv_2d_sparse",
            scratch_bytes=LANES * shape.depth + shape.channels,
            sweeps=(shape.window.sweep(shape.channels, shape.outputs, positions=LANES),),
            clamp=narrower_range(operation, result),
            blocks=_blocks(layer.rows, lists, round(estimates.lanes(shape))),
            cycles_a_mac=cycles / shape.macs,
        )
        return by_window(call, "strip.window.")


class GroupedConv2D(SparseConv2D):
    """To an output, the inputs of other groups are inputs without weights: the only kernel for groups beside the plain one."""

    def suits(self, features: Features) -> bool:
        return features.dsp

    def rows(self, parts: Parts) -> np.ndarray | None:
        return rows_of_groups(parts)

    def most_cycles(self, shape: Shape) -> float:
        return np.inf


def _blocks(rows: np.ndarray, lists: Lists, sweep_cycles: int) -> Blocks | None:
    """Some outputs at a time, from lists in RAM; None where the form or a row's entries are not those of a decoder."""
    sizes = bytes_in_rows(rows)
    if lists.form != "shared" or sizes.max() > HEAD + MOST_ENTRIES:
        return None
    steps = {"scalings": 2}
    return Blocks(rows, 1, "lists", ("out_channels",), steps, sweep_cycles=sweep_cycles, sizes=sizes, table="values")


class SparseFullyConnected(ListVariant):
    """One output after the other, from its list of weights."""

    opcode = "FULLY_CONNECTED"

    def rows(self, parts: Parts) -> np.ndarray | None:
        return parts.values

    def call(self, parts: Parts, quick: QuickLayer, operation: Operation) -> KernelCall | None:
        scalings, lists = scalings_of(quick.with_zero_point(parts.zero_point)), pack_lists(quick.rows)
        if scalings is None or lists is None:
            return None
        size, macs = sizes(parts), parts.source.elements * len(quick.rows)
        cycles = estimates.fully_connected_sparse(size["rows"], lists.entries, CYCLES_AN_INPUT[lists.form])
        cycles_a_mac, dense = self.compared(cycles / macs, estimates.fully_connected(**size) / macs)
        if cycles_a_mac > estimates.WORTH_TRYING * dense:
            return None
        low, high = activation_range(operation, parts.result)
        assert parts.result.quantization
        parameters = {
            **size,
            **lists.parameters(),
            **scalings,
            "output_zero_point": parts.result.quantization.zero_point,
            "activation_min": low,
            "activation_max": high,
        }
        return KernelCall(
            f"fully_connected_sparse_{lists.form}",
            parameters,
            (parts.source, parts.result),
            source="fully_connected_sparse",
            sweeps=(by_rows(**size, at_once=1),),
            cycles_a_mac=cycles_a_mac,
        )

    def compared(self, lists: float, dense: float) -> tuple[float, float]:
        """Cycles of a MAC with lists and without, from what they are with dual multiplication."""
        return lists, dense


class SparseSingleFullyConnected(SparseFullyConnected):
    """The same, where all products are single ones."""

    def suits(self, features: Features) -> bool:
        return features.single

    def compared(self, lists: float, dense: float) -> tuple[float, float]:
        return estimates.SINGLE_TO_DUAL * lists, estimates.SINGLE
