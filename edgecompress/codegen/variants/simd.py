"""Variants for processors whose registers hold vectors (NEON, SDOT, AVX2, VNNI: see `ec_simd.h`), eight channels at a time."""

from dataclasses import replace

import numpy as np

from edgecompress.codegen import ops
from edgecompress.codegen.features import Features
from edgecompress.codegen.ops.activation import activation_range
from edgecompress.codegen.ops.add import LEFT_SHIFT, ONE_HALF, Add
from edgecompress.codegen.ops.base import Array, KernelCall
from edgecompress.codegen.ops.pool_2d import AveragePool2D
from edgecompress.codegen.ops.weighted import Parts
from edgecompress.codegen.variants.base import Variant, geometry_of, parts_of
from edgecompress.codegen.variants.frames import Frame
from edgecompress.codegen.variants.quick import Limits, QuickLayer, quicken
from edgecompress.memory.sweep import Window
from edgecompress.tflite.graph import Graph, Operation, Tensor

LANES, QUAD = 8, 4
"""As in `ec_simd.h`."""
STEP = 16
"""Bytes of a run that can be read at once."""


class SimdVariant(Variant):
    """A kernel for vectors."""

    def suits(self, features: Features) -> bool:
        return features.simd


class SimdWeighted(SimdVariant):
    """Sums of products, requantized quickly; no weight is -128, so that two products fit 16 bits."""

    def quick(self, parts: Parts, rows: np.ndarray, operation: Operation) -> QuickLayer | None:
        """The layer, its bias holding what the zero point adds; None outside of the limits.

        Args:
            rows: weights [outputs, inputs of one output].
        """
        if rows.min() == np.iinfo(np.int8).min:
            return None
        quick = quicken(rows, parts, operation, Limits())
        return quick.with_zero_point(parts.zero_point) if quick else None

    def product(self, parts: Parts, operation: Operation, filters: np.ndarray, w: Window) -> KernelCall | None:
        """The convolution of all input channels, as products of pixels and weights.

        Args:
            filters: [outputs, filter height, filter width, input channels].
        """
        quick = self.quick(parts, filters.reshape(len(filters), -1), operation)
        taps_touch = w.dilation_width == 1
        run_bytes = filters.shape[3] * (w.filter_width if taps_touch else 1)
        frame = Frame(w, filters.shape[3], parts.zero_point, over=-run_bytes % STEP)
        if quick is None or not frame.is_reasonable:
            return None
        rows = quick.rows.reshape(len(filters), -1, run_bytes)
        offsets = frame.offsets()[:, :1] if taps_touch else frame.offsets()
        parameters = {
            "runs": rows.shape[1],
            "quads": -(-run_bytes // QUAD),
            "offsets": Array(offsets),
            "channels.weights": Array(pack_quads(rows), is_weights=True),
            **tables(quick, np.arange(len(filters)), operation, parts.result),
        }
        return frame.call("conv_2d_simd", parameters, (parts.source, parts.result))


class SimdConv2D(SimdWeighted):
    """Four pixels times eight or sixteen output channels at a time."""

    opcode = "CONV_2D"

    def lower(self, graph: Graph, operation: Operation) -> KernelCall | None:
        parts = parts_of(graph, operation)
        if parts.weights.shape[3] != parts.source.shape[3]:
            return None
        w = geometry_of(parts, operation)
        return self.product(parts, operation, parts.values, w)


class SimdFullyConnected(SimdWeighted):
    """A convolution of one by one: every row of inputs is a pixel."""

    opcode = "FULLY_CONNECTED"

    def lower(self, graph: Graph, operation: Operation) -> KernelCall | None:
        parts = parts_of(graph, operation)
        rows = parts.source.elements // parts.weights.shape[1]
        w = Window(1, 1, rows, 1, rows, 1, 1, 1, 1, 1, 1, 0, 0)
        return self.product(parts, operation, parts.values[:, None, None, :], w)


class SimdDepthwiseConv2D(SimdWeighted):
    """Eight or sixteen channels and two taps at a time; of one input channel, it is a convolution."""

    opcode = "DEPTHWISE_CONV_2D"

    def lower(self, graph: Graph, operation: Operation) -> KernelCall | None:
        parts = parts_of(graph, operation)
        source, result = parts.source, parts.result
        w = geometry_of(parts, operation)
        if source.shape[3] == 1:
            return self.product(parts, operation, parts.values.transpose(3, 1, 2, 0), w)
        taps, channels = w.filter_height * w.filter_width, result.shape[3]
        if channels != source.shape[3] or channels < LANES:
            return None
        quick = self.quick(parts, parts.values.reshape(taps, channels).T, operation)
        frame = Frame(w, channels, parts.zero_point)
        if quick is None or not frame.is_reasonable:
            return None
        width = 2 * LANES if channels >= 2 * LANES else LANES
        blocks = block_channels(channels, width)
        parameters = {
            "width": width,
            "taps": taps + taps % 2,
            "offsets": Array(np.pad(frame.offsets().reshape(-1), (0, taps % 2))),
            "channels.weights": Array(pack_tap_pairs(quick.rows[blocks], width), is_weights=True),
            **tables(quick, blocks, operation, result),
        }
        return frame.call("depthwise_conv_2d_simd", parameters, (source, result))


class SimdAdd(SimdVariant):
    """Operands of one shape; the one with the larger scale, whose factor is one half exactly, comes first."""

    opcode = "ADD"

    def lower(self, graph: Graph, operation: Operation) -> KernelCall | None:
        operator = ops.find(operation.opcode)
        assert isinstance(operator, Add)
        tensors = [graph.tensors[i] for i in operation.inputs]
        (result,) = graph.results(operation)
        *factors, (multiplier, shift) = operator.multipliers(graph, operation)
        if any(tensor.elements != result.elements for tensor in tensors) or not -31 <= shift <= -1:
            return None
        (a, _), (b, (multiplier_b, shift_b)) = sorted(
            zip(tensors, factors, strict=True), key=lambda pair: pair[1] != ONE_HALF
        )
        assert a.quantization and b.quantization
        # a factor of one half is a rounding shift of twice the value, too: exactly
        left_b, shift_b = (LEFT_SHIFT, shift_b) if shift_b else (LEFT_SHIFT + 1, -1)
        fields = {
            "offset_a": -a.quantization.zero_point,
            "offset_b": -b.quantization.zero_point,
            "left_b": left_b,
            "multiplier_b": multiplier_b,
            "shift_b": shift_b,
            "multiplier": multiplier,
            "shift": shift,
            **output_range(operation, result),
        }
        parameters = {"elements": result.elements} | {f"sum.{name}": value for name, value in fields.items()}
        return KernelCall("add_simd", parameters, (a, b, result))


class SimdAveragePool2D(SimdVariant):
    """At least eight channels."""

    opcode = "AVERAGE_POOL_2D"

    def lower(self, graph: Graph, operation: Operation) -> KernelCall | None:
        operator = ops.find(operation.opcode)
        assert isinstance(operator, AveragePool2D)
        call = operator.lower(graph, operation)
        if call.operands[0].shape[3] < LANES:
            return None
        return replace(call, kernel="average_pool_2d_simd", source="average_pool_2d_simd", sweeps=(), band=None)


def block_channels(channels: int, width: int) -> np.ndarray:
    """The channels of all blocks of `width`, one block after the other; the last one ends with the last channel."""
    firsts = np.minimum(np.arange(0, channels, width), channels - width)
    return (firsts[:, None] + np.arange(width)).reshape(-1)


def pack_quads(rows: np.ndarray) -> np.ndarray:
    """Weights [outputs, runs, inputs of a run], padded with zeros, by eight outputs, then by runs and four inputs: [8][4]."""
    padded = np.pad(rows, ((0, -rows.shape[0] % LANES), (0, 0), (0, -rows.shape[2] % QUAD)))
    blocks = padded.reshape(padded.shape[0] // LANES, LANES, -1, QUAD)
    return np.ascontiguousarray(blocks.transpose(0, 2, 1, 3)).reshape(-1)


def pack_tap_pairs(rows: np.ndarray, width: int) -> np.ndarray:
    """Weights [channels of all blocks, taps] by blocks, then by two taps: [2][width]; a missing last tap is zero."""
    padded = np.pad(rows, ((0, 0), (0, rows.shape[1] % 2)))
    blocks = padded.reshape(-1, width, padded.shape[1] // 2, 2)
    return np.ascontiguousarray(blocks.transpose(0, 2, 3, 1)).reshape(-1)


def tables(
    quick: QuickLayer, entries: np.ndarray, operation: Operation, result: Tensor
) -> dict[str, int | float | Array]:
    """The fields of `ec_simd_channels` besides the weights.

    Args:
        entries: the channels of the tables, in order; they are filled up to whole vectors.
    """
    sums = quick.rows.astype(np.int64).sum(axis=1)
    columns = np.stack(np.broadcast_arrays(quick.bias, sums, quick.multiplier, quick.shift))
    padded = np.pad(columns[:, entries], ((0, 0), (0, -len(entries) % LANES)), mode="edge")
    vectors = padded.reshape(len(columns), -1, LANES).transpose(1, 0, 2).astype(np.int32)
    fields: dict[str, int | float | Array] = {"channels": len(sums), "tables": Array(vectors)}
    fields |= output_range(operation, result)
    return {f"channels.{name}": value for name, value in fields.items()}


def output_range(operation: Operation, result: Tensor) -> dict[str, int]:
    """The field `range`."""
    assert result.quantization
    low, high = activation_range(operation, result)
    return {"range.offset": result.quantization.zero_point, "range.low": low, "range.high": high}
