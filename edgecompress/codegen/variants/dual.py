"""Variants for processors with dual 16-bit multiplication (ARMv7E-M: M4, M7; ARMv8-M with DSP: M33)."""

from abc import abstractmethod

import numpy as np

from edgecompress.codegen import ops
from edgecompress.codegen.features import Features
from edgecompress.codegen.ops.base import Array, KernelCall
from edgecompress.codegen.ops.fully_connected import sizes
from edgecompress.codegen.ops.sweeps import by_rows
from edgecompress.codegen.ops.weighted import Parts, Weighted
from edgecompress.codegen.ops.windows import window
from edgecompress.codegen.variants.base import Variant
from edgecompress.codegen.variants.quick import QuickLayer, quicken
from edgecompress.tflite.graph import Graph, Operation

PIXELS = 4
"""Output pixels whose inputs `ec_conv_2d_dsp` widens before it writes any of them."""
MOST_TAPS = 32
"""Of a depthwise filter: the kernel keeps a pointer to each on the stack."""


class DualVariant(Variant):
    """Sums by SMLAD, requantized in a third of the instructions."""

    def suits(self, features: Features) -> bool:
        return features.dsp

    def lower(self, graph: Graph, operation: Operation) -> KernelCall | None:
        operator = ops.find(operation.opcode)
        assert isinstance(operator, Weighted)
        parts = operator.parts(graph, operation)
        rows = self.rows(parts)
        if rows is None:
            return None
        quick = quicken(rows, parts.bias, parts.scales, parts.source, operation, parts.result)
        return None if quick is None else self.call(parts, quick, operation)

    @abstractmethod
    def rows(self, parts: Parts) -> np.ndarray | None:
        """The weights as [outputs, inputs of one output]; None where the shape does not suit."""

    @abstractmethod
    def call(self, parts: Parts, quick: QuickLayer, operation: Operation) -> KernelCall:
        """The kernel call of a layer within the limits."""


class DualConv2D(DualVariant):
    opcode = "CONV_2D"

    def rows(self, parts: Parts) -> np.ndarray | None:
        grouped = parts.weights.shape[3] != parts.source.shape[3]
        return None if grouped else parts.values.reshape(parts.result.shape[3], -1)

    def call(self, parts: Parts, quick: QuickLayer, operation: Operation) -> KernelCall:
        """Four pixels times two output channels at a time."""
        source, weights, result = parts.source, parts.weights, parts.result
        depth = quick.rows.shape[1] + -quick.rows.shape[1] % 4
        geometry = window(operation, source, result, *weights.shape[1:3])
        parameters = {
            **geometry.parameters(),
            "in_channels": source.shape[3],
            "out_channels": result.shape[3],
            "depth": depth,
            "input_offset": -parts.zero_point,
            "weights": Array(pack_pairs(quick.rows), is_weights=True),
            **quick.parameters(operation, result),
        }
        scratch = 8 * depth + (depth if source.shape[3] % 4 else 0)
        sweeps = (geometry.sweep(source.shape[3], result.shape[3], positions=PIXELS),)
        return KernelCall("conv_2d_dsp", parameters, (source, result), scratch_bytes=scratch, sweeps=sweeps)


class DualDepthwiseConv2D(DualVariant):
    opcode = "DEPTHWISE_CONV_2D"

    def rows(self, parts: Parts) -> np.ndarray | None:
        taps, channels = parts.weights.shape[1] * parts.weights.shape[2], parts.result.shape[3]
        suits = channels == parts.source.shape[3] and channels % 4 == 0 and taps <= MOST_TAPS
        return parts.values.reshape(taps, channels).T if suits else None

    def call(self, parts: Parts, quick: QuickLayer, operation: Operation) -> KernelCall:
        """Four channels and two taps at a time; the channels are a multiple of four."""
        source, result = parts.source, parts.result
        geometry, channels = window(operation, source, result, *parts.weights.shape[1:3]), result.shape[3]
        parameters = {
            **geometry.parameters(),
            "channels": channels,
            "zero_point": parts.zero_point,
            "weights": Array(pack_taps(quick.rows), is_weights=True),
            **quick.with_zero_point(parts.zero_point).parameters(operation, result),
        }
        sweeps = (geometry.sweep(channels, channels, part=4, own=True),)
        call = "depthwise_conv_2d_dsp"
        return KernelCall(call, parameters, (source, result), scratch_bytes=channels, sweeps=sweeps)


class DualFullyConnected(DualVariant):
    opcode = "FULLY_CONNECTED"

    def rows(self, parts: Parts) -> np.ndarray | None:
        return parts.values if parts.weights.shape[1] % 4 == 0 else None

    def call(self, parts: Parts, quick: QuickLayer, operation: Operation) -> KernelCall:
        """One row of inputs times four outputs at a time; the inputs are a multiple of four."""
        parameters = {
            **sizes(parts),
            "weights": Array(pack_fours(quick.rows), is_weights=True),
            **quick.with_zero_point(parts.zero_point).parameters(operation, parts.result),
        }
        sweeps = (by_rows(**sizes(parts), at_once=4),)
        return KernelCall("fully_connected_dsp", parameters, (parts.source, parts.result), sweeps=sweeps)


def pack_pairs(rows: np.ndarray) -> np.ndarray:
    """Weights [outputs, inputs] in the order of the kernel `ec_gemm_4x2`, padded with zeros.

    For two outputs and four inputs: inputs 0 and 2 of both outputs, then inputs 1 and 3, the outputs side by side.
    """
    outputs, inputs = rows.shape
    padded = np.pad(rows, ((0, outputs % 2), (0, -inputs % 4)))
    blocks = padded.reshape(padded.shape[0] // 2, 2, padded.shape[1] // 4, 4)
    return np.ascontiguousarray(blocks[..., [0, 2, 1, 3]].transpose(0, 2, 3, 1)).reshape(-1)


def pack_taps(rows: np.ndarray) -> np.ndarray:
    """Weights [channels, taps] in the order of the kernel: by four channels, then by two taps.

    For two taps and four channels, eight bytes: the first tap of channels 0 and 1, the second tap of both; then of
    channels 2 and 3. A missing last tap is zero.
    """
    channels, taps = rows.shape
    padded = np.pad(rows, ((0, 0), (0, taps % 2)))
    blocks = padded.reshape(channels // 4, 2, 2, -1, 2)  # four channels as two by two, taps by two
    return np.ascontiguousarray(blocks.transpose(0, 3, 1, 4, 2)).reshape(-1)


def pack_fours(rows: np.ndarray) -> np.ndarray:
    """Weights [outputs, inputs] in the order of the kernel, outputs padded to a multiple of four with zeros.

    For four outputs and four inputs: inputs 0 and 2 of outputs 0 and 1, of outputs 2 and 3, then inputs 1 and 3 likewise.
    """
    outputs, inputs = rows.shape
    padded = np.pad(rows, ((0, -outputs % 4), (0, 0)))
    blocks = padded.reshape(-1, 2, 2, inputs // 4, 2, 2)  # outputs by two and two, inputs by four as (half, parity)
    return np.ascontiguousarray(blocks.transpose(0, 3, 5, 1, 4, 2)).reshape(-1)
