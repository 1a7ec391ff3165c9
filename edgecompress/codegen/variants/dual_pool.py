"""Poolings for processors with instructions on the bytes and halves of a word (ARMv7E-M, ARMv8-M with DSP)."""

from dataclasses import replace

from edgecompress.codegen import ops
from edgecompress.codegen.features import Features
from edgecompress.codegen.ops.bands import by_window
from edgecompress.codegen.ops.base import KernelCall
from edgecompress.codegen.ops.pool_2d import Pool2D
from edgecompress.codegen.variants.base import Variant
from edgecompress.tflite.graph import Graph, Operation

MOST_TAPS = 255
"""Of an average: sums stay within 16 bits."""


class DualMaxPool2D(Variant):
    """Four channels at a time."""

    opcode = "MAX_POOL_2D"

    def suits(self, features: Features) -> bool:
        return features.dsp

    def lower(self, graph: Graph, operation: Operation) -> KernelCall | None:
        operator = ops.find(operation.opcode)
        assert isinstance(operator, Pool2D)
        geometry, channels = operator.window(graph, operation), graph.results(operation)[0].shape[3]
        if channels % 4 or not self.allows(geometry.filter_height * geometry.filter_width):
            return None
        plain = operator.lower(graph, operation)
        sweeps = (geometry.sweep(channels, channels, part=4, own=True),)
        return by_window(replace(plain, kernel=f"{plain.kernel}_dsp", source="pool_2d_dsp", sweeps=sweeps))

    def allows(self, taps: int) -> bool:
        return True


class DualAveragePool2D(DualMaxPool2D):
    opcode = "AVERAGE_POOL_2D"

    def allows(self, taps: int) -> bool:
        return taps <= MOST_TAPS
