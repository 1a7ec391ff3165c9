"""Variants for processors with the integer vector unit (M-profile Vector Extension of ARMv8.1-M: M55).

The kernels multiply the inputs as they are: what their zero point adds is part of the bias.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import ClassVar

import numpy as np

from edgecompress.codegen import ops
from edgecompress.codegen.features import Features
from edgecompress.codegen.ops import pool_2d
from edgecompress.codegen.ops.activation import activation_range
from edgecompress.codegen.ops.bands import by_length, by_window
from edgecompress.codegen.ops.base import Array, Blocks, KernelCall
from edgecompress.codegen.ops.broadcasting import broadcast_parameters
from edgecompress.codegen.ops.fully_connected import sizes
from edgecompress.codegen.ops.sweeps import by_rows, elementwise
from edgecompress.codegen.ops.units import WORD, requantization_steps, rows_in_blocks
from edgecompress.codegen.ops.weighted import Parts
from edgecompress.codegen.variants.base import Variant, geometry_of, parts_of, rows_of_filters, rows_of_one_channel
from edgecompress.codegen.variants.linear_add import function_of
from edgecompress.codegen.variants.quick import Limits, QuickLayer, quicken
from edgecompress.memory.sweep import Window
from edgecompress.tflite.graph import Graph, Operation

LANES = 16
"""Bytes of a vector."""
PIXELS = 3
"""That a convolution computes together."""
BLOCK = 64
"""The most output channels of a convolution that share sums in the scratch memory."""
SLICE = 32
"""Inputs of one pixel that a convolution keeps in registers."""
MOST_OUTPUTS = 32
"""Of a fully connected layer, that are summed up before they are written."""
TOGETHER = 4
"""Outputs of a fully connected layer that are summed up together."""
UNIT_BYTES = 1024
"""Of a convolution's weights that are decoded together, at most, or two outputs'."""
PIXEL_CYCLES, GATHER_CYCLES = 50, 0.25
"""Of a pixel of a convolution, beside its products, and of each of its inputs that is laid beside others, roughly."""
MOST_TAPS = 32
"""Of a depthwise filter: the kernel keeps the place of each on the stack."""
MOST_AVERAGED = 256
"""Taps of a window: their sum stays within 16 bits."""
ORDER = (0, 4, 8, 12, 2, 6, 10, 14, 1, 5, 9, 13, 3, 7, 11, 15)
"""Of 16 channels after their lanes were widened twice, even ones first: the order of the depthwise kernel's tables."""


class VectorVariant(Variant):
    def suits(self, features: Features) -> bool:
        return features.mve


class VectorWeighted(VectorVariant):
    """Sums of 8-bit products, requantized within the limits of `quick`."""

    def lower(self, graph: Graph, operation: Operation) -> KernelCall | None:
        parts = parts_of(graph, operation)
        rows = self.rows(parts)
        if rows is None:
            return None
        quick = quicken(rows, parts, operation, Limits())
        return None if quick is None else self.call(parts, quick.with_zero_point(parts.zero_point), operation)

    @abstractmethod
    def rows(self, parts: Parts) -> np.ndarray | None:
        """The weights as [outputs, inputs of one output]; None where the shape does not suit."""

    @abstractmethod
    def call(self, parts: Parts, quick: QuickLayer, operation: Operation) -> KernelCall:
        """The kernel call of a layer within the limits, the input's zero point in its bias."""


class VectorConv2D(VectorWeighted):
    opcode = "CONV_2D"

    def rows(self, parts: Parts) -> np.ndarray | None:
        return rows_of_filters(parts)

    def call(self, parts: Parts, quick: QuickLayer, operation: Operation) -> KernelCall:
        """Three pixels times all output channels of a block."""
        source, result = parts.source, parts.result
        geometry = geometry_of(parts, operation)
        outputs, depth = quick.rows.shape
        are_runs = geometry.dilation_width == 1 or geometry.filter_width == 1
        by_lines = are_runs and lines_pay(outputs, geometry.filter_height, depth)
        lines = geometry.filter_height if by_lines else 1
        parameters = {
            **geometry.parameters(),
            "in_channels": source.shape[3],
            "out_channels": outputs,
            "out_pitch": outputs,
            "lines": lines,
            "depth": depth // lines,
            "line_step": 0,
            "zero_point": parts.zero_point,
            "weights": Array(pack_slices(quick.rows, lines), is_weights=True),
            **quick.parameters(operation, result),
        }
        sweep = geometry.sweep(source.shape[3], outputs, positions=PIXELS, part=BLOCK)
        sweep_cycles = _sweep_cycles(geometry, 0 if by_lines and geometry.is_inside else depth)
        blocks = slices_in_blocks(quick.rows, lines, requantization_steps(parameters), sweep_cycles)
        operands = (source, result)
        call = KernelCall("conv_2d_mve", parameters, operands, sweeps=(sweep,), blocks=blocks, cycles_a_mac=0.3)
        call = by_window(call)
        return replace(_over(call, by_lines, geometry), band=partial(_band, call, by_lines))


def _sweep_cycles(w: Window, gathered: int) -> int:
    """Of going over the input without multiplying; `gathered`: inputs of a pixel that are laid side by side."""
    return round((PIXEL_CYCLES + GATHER_CYCLES * gathered) * w.out_height * w.out_width)


def _band(call: KernelCall, by_lines: bool, window: Window) -> KernelCall:
    assert call.band
    return _over(call.band(window), by_lines, window)


def _over(call: KernelCall, by_lines: bool, w: Window) -> KernelCall:
    """The convolution with what follows from the size of the images; `by_lines`: windows are read from where they are."""
    source, result = call.operands
    outputs, in_channels = result.shape[3], source.shape[3]
    channels = min(outputs, BLOCK)
    steps = w.filter_height, w.filter_width, w.stride_height, w.stride_width
    in_one_row = steps == (1, 1, 1, 1) or w.out_width % PIXELS == 0
    depth = w.filter_height * w.filter_width * in_channels
    gathered = 0 if by_lines and in_one_row and w.is_inside else PIXELS * depth
    line_step = w.dilation_height * w.in_width * in_channels if by_lines else 0
    return replace(
        call,
        parameters={**call.parameters, "line_step": line_step},
        scratch_bytes=4 * PIXELS * (channels + -channels % 4) + gathered,
    )


class VectorDepthwiseConv2D(VectorWeighted):
    opcode = "DEPTHWISE_CONV_2D"

    def rows(self, parts: Parts) -> np.ndarray | None:
        taps, channels = parts.weights.shape[1] * parts.weights.shape[2], parts.result.shape[3]
        rows = parts.values.reshape(taps, channels).T
        suits = channels == parts.source.shape[3] and taps <= MOST_TAPS and pairs_fit(rows)
        return rows if suits else None

    def call(self, parts: Parts, quick: QuickLayer, operation: Operation) -> KernelCall:
        """16 channels and two taps at a time."""
        source, result = parts.source, parts.result
        geometry, channels = geometry_of(parts, operation), result.shape[3]
        is_divisor = channels < LANES and LANES % channels == 0
        together = LANES // channels if is_divisor and geometry.stride_width == 1 else 1
        low, high = activation_range(operation, result)
        assert result.quantization
        parameters: dict[str, int | float | Array] = {
            **geometry.parameters(),
            "channels": channels,
            "together": together,
            "zero_point": parts.zero_point,
            "weights": Array(pack_lanes(np.tile(quick.rows, (together, 1))), is_weights=True),
            "tables": Array(depthwise_tables(quick, channels, together)),
            "output_offset": result.quantization.zero_point,
            "activation_min": low,
            "activation_max": high,
        }
        sweeps = (geometry.sweep(channels, channels, part=LANES, own=True),)
        call = "depthwise_conv_2d_mve"
        return by_window(KernelCall(call, parameters, (source, result), scratch_bytes=channels, sweeps=sweeps))


class VectorDepthwiseConv2DOfOneChannel(VectorConv2D):
    """Whose output channels share their only input channel: an ordinary convolution."""

    opcode = "DEPTHWISE_CONV_2D"

    def rows(self, parts: Parts) -> np.ndarray | None:
        return rows_of_one_channel(parts)


class VectorFullyConnected(VectorWeighted):
    opcode = "FULLY_CONNECTED"

    def rows(self, parts: Parts) -> np.ndarray | None:
        return parts.values

    def call(self, parts: Parts, quick: QuickLayer, operation: Operation) -> KernelCall:
        """16 inputs times four outputs at a time."""
        parameters = {
            **sizes(parts),
            "out_pitch": len(quick.rows),
            "weights": Array(quick.rows, is_weights=True),
            **quick.parameters(operation, parts.result),
        }
        sweeps = (by_rows(**sizes(parts), at_once=MOST_OUTPUTS),)
        steps = requantization_steps(parameters)
        blocks = rows_in_blocks(quick.rows, ("outputs",), steps, least=TOGETHER, is_cheap=True)
        operands = (parts.source, parts.result)
        return KernelCall("fully_connected_mve", parameters, operands, sweeps=sweeps, blocks=blocks, cycles_a_mac=0.4)


class VectorAdd(VectorVariant):
    opcode = "ADD"

    def lower(self, graph: Graph, operation: Operation) -> KernelCall | None:
        """Four elements at a time, where neither operand repeats within a row."""
        a, b = (graph.tensors[i] for i in operation.inputs)
        (result,) = graph.results(operation)
        loops = broadcast_parameters(a, b, result)
        found = function_of(graph, operation) if loops["strides_a[3]"] == loops["strides_b[3]"] == 1 else None
        if found is None:
            return None
        sweeps = tuple(elementwise(t, result) if t.elements == result.elements else None for t in (a, b))
        call = KernelCall("add_mve", {**loops, **found}, (a, b, result), sweeps=sweeps)
        is_one_loop = all(t.elements == result.elements and not t.is_constant for t in (a, b))
        return by_length(call, "sizes[3]") if is_one_loop else call


class VectorPool2D(VectorVariant):
    """`lanes` channels at a time, with the plain kernel's parameters."""

    lanes: ClassVar[int]
    most_taps: ClassVar[int]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall | None:
        plain = ops.find(operation.opcode).lower(graph, operation)
        assert plain
        fits = np.prod(pool_2d.filter_size(operation)) <= self.most_taps
        sweeps = tuple(replace(sweep, part=self.lanes) if sweep else None for sweep in plain.sweeps)
        call = replace(plain, kernel=f"{plain.kernel}_mve", source="pool_2d_mve", sweeps=sweeps)
        return by_window(call) if fits else None


class VectorMaxPool2D(VectorPool2D):
    opcode = "MAX_POOL_2D"
    lanes = LANES
    most_taps = pool_2d.MOST_TAPS[0]


class VectorAveragePool2D(VectorPool2D):
    opcode = "AVERAGE_POOL_2D"
    lanes = LANES // 2
    most_taps = MOST_AVERAGED


def slice_ends(depth: int) -> list[int]:
    """Where the slices of a line of inputs end: 32 each, at the end 16 and what is left."""
    whole = depth - depth % SLICE
    return [*range(SLICE, whole + 1, SLICE), *range(whole + LANES, depth, LANES), *([depth] if depth > whole else [])]


def lines_pay(outputs: int, lines: int, depth: int) -> bool:
    """Whether a convolution needs fewer instructions when the lines of a window are multiplied from where they are.

    Slices end with the line then, but nothing is copied. The numbers are those of the kernel's loops: of a pair of outputs
    and a slice of 32 or less; of a slice; of a line; of a window and each of its lines that are copied.
    """

    def products(inputs: int) -> int:
        whole, slices = inputs // SLICE, len(slice_ends(inputs))
        return (outputs + 1) // 2 * (19 * whole + 13 * (slices - whole)) + 14 * slices

    line = depth // lines
    copies = PIXELS * (50 + lines * (9 + 3 * -(-line // LANES)))
    return lines * (products(line) + 9) <= products(depth) + copies


def pack_slices(rows: np.ndarray, lines: int = 1) -> np.ndarray:
    """Weights [outputs, inputs] in the order of the kernel `ec_gemm_3x2_mve`, outputs padded to an even number with zeros.

    By blocks of outputs; in a block by lines of the inputs; in a line by slices; in a slice by outputs. Vectors reach up to
    15 bytes beyond the last weight.
    """
    outputs, inputs = rows.shape
    padded = np.pad(rows, ((0, outputs % 2), (0, 0)))
    ends = [line * inputs // lines + end for line in range(lines) for end in slice_ends(inputs // lines)]
    slices = list(zip([0, *ends], ends, strict=False))
    blocks = [padded[first : first + BLOCK] for first in range(0, len(padded), BLOCK)]
    pieces = [block[:, first:end].reshape(-1) for block in blocks for first, end in slices]
    return np.concatenate([*pieces, np.zeros(LANES - 1, np.int8)])


def slices_in_blocks(rows: np.ndarray, lines: int, steps: Mapping[str, int], sweep_cycles: int) -> Blocks:
    """Blocks of one unit each, for the order of weights depends on how many outputs there are: as many as UNIT_BYTES hold.

    Args:
        rows, lines: as of `pack_slices`.
        steps: field -> elements from one output to the next.
        sweep_cycles: as of `Blocks`.
    """
    most = min(BLOCK, max(2, UNIT_BYTES // rows.shape[1] // 2 * 2))
    count = -(-len(rows) // most)
    outputs = -(-len(rows) // count)
    outputs += outputs % 2
    units = [pack_slices(rows[first : first + outputs], lines)[: 1 - LANES] for first in range(0, len(rows), outputs)]
    words = -(-max(map(len, units)) // WORD)
    every = {field: outputs * step for field, step in steps.items()}
    return Blocks(
        np.stack([np.pad(unit, (0, WORD * words - len(unit))) for unit in units]),
        outputs,
        "weights",
        ("out_channels",),
        every,
        sweep_cycles=sweep_cycles,
        missing=-len(rows) % outputs,
        most=1,
    )


def pack_lanes(rows: np.ndarray) -> np.ndarray:
    """Weights [channels, taps] by 16 channels, filled up with zeros, then by taps."""
    channels, taps = rows.shape
    padded = np.pad(rows, ((0, -channels % LANES), (0, 0)))
    return np.ascontiguousarray(padded.reshape(-1, LANES, taps).transpose(0, 2, 1)).reshape(-1)


def depthwise_tables(quick: QuickLayer, channels: int, together: int = 1) -> np.ndarray:
    """By 16 channels in the kernel's order: the shifts (as bytes), the biases, the multipliers; int32.

    The channels are there once for each of the pixels computed together; what is missing to 16 is filled up with zeros.
    """

    def in_order(values: np.ndarray) -> np.ndarray:
        repeated = np.tile(np.broadcast_to(values, channels), together)
        padded = np.pad(repeated, (0, -len(repeated) % LANES))
        return np.ascontiguousarray(padded.reshape(-1, LANES)[:, ORDER])

    shifts = in_order(quick.shift.astype(np.int8)).view("<i4").astype(np.int32)
    tables = [shifts, in_order(quick.bias.astype(np.int32)), in_order(quick.multiplier.astype(np.int32))]
    return np.concatenate(tables, axis=1).reshape(-1)


def pairs_fit(rows: np.ndarray) -> bool:
    """Whether the products of two neighbouring taps, any 8-bit inputs, add up within 16 bits.

    Args:
        rows: weights [channels, taps].
    """
    channels, taps = rows.shape
    pairs = np.pad(rows.astype(np.int64), ((0, 0), (0, taps % 2))).reshape(channels, -1, 2)
    ends = np.stack([pairs * -128, pairs * 127])
    return bool(ends.min(axis=0).sum(axis=2).min() >= -(2**15) and ends.max(axis=0).sum(axis=2).max() < 2**15)
