"""Variants for processors with dual 16-bit multiplication (ARMv7E-M: M4, M7; ARMv8-M with DSP: M33)."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgecompress.codegen.features import Features
from edgecompress.codegen.ops.activation import activation_range, narrower_range
from edgecompress.codegen.ops.bands import by_window
from edgecompress.codegen.ops.base import Array, Blocks, KernelCall
from edgecompress.codegen.ops.fully_connected import sizes
from edgecompress.codegen.ops.sweeps import by_rows
from edgecompress.codegen.ops.units import requantization_steps
from edgecompress.codegen.ops.weighted import Parts
from edgecompress.codegen.variants import estimates, fully_connected_units
from edgecompress.codegen.variants.base import (
    Variant,
    geometry_of,
    parts_of,
    rows_of_filters,
    rows_of_one_channel,
    shape_of,
)
from edgecompress.codegen.variants.joint import (
    SCALING_LIMITS,
    form_of,
    in_twos,
    pack_fours,
    pack_joint,
    pack_scalings,
)
from edgecompress.codegen.variants.quick import Limits, QuickLayer, quicken
from edgecompress.memory.sweep import Sweep
from edgecompress.tflite.graph import Graph, Operation

INT8 = np.iinfo(np.int8)
PIXELS = 4
"""Output pixels whose inputs `ec_strip_fill` widens at a time."""
PIXEL_CYCLES, STRIP_CYCLES = 120, (2.8, 1.6)
"""Of an output pixel, and of an input in its strip, roughly: where windows leave the image, and where they do not."""
PLAIN_TO_JOINT = 1.3
"""Times the cycles of joint weights, where weights do not share halfwords."""
MOST_OUTPUTS = 16
"""That `ec_fully_connected_joint` sums up before it writes them."""
MOST_TAPS = 32
"""Of a depthwise filter: the kernel keeps a pointer to each on the stack."""


class DualVariant(Variant):
    """Sums by SMLAD, requantized in a third of the instructions."""

    def limits(self, parts: Parts) -> Limits:
        """Of the numbers that the kernel takes."""
        return Limits()

    def suits(self, features: Features) -> bool:
        return features.dsp

    def lower(self, graph: Graph, operation: Operation) -> KernelCall | None:
        parts = parts_of(graph, operation)
        rows = self.rows(parts)
        if rows is None:
            return None
        quick = quicken(rows, parts, operation, self.limits(parts))
        return None if quick is None else self.call(parts, quick, operation)

    @abstractmethod
    def rows(self, parts: Parts) -> np.ndarray | None:
        """The weights as [outputs, inputs of one output]; None where the shape does not suit."""

    @abstractmethod
    def call(self, parts: Parts, quick: QuickLayer, operation: Operation) -> KernelCall | None:
        """The kernel call of a layer within the limits; None where its numbers still do not suit."""


class DualConv2D(DualVariant):
    opcode = "CONV_2D"

    def rows(self, parts: Parts) -> np.ndarray | None:
        return rows_of_filters(parts)

    def call(self, parts: Parts, quick: QuickLayer, operation: Operation) -> KernelCall | None:
        """Four pixels times two output channels at a time."""
        weights = pack_pairs(strip_order(quick.rows, parts))
        parameters = {
            **strip(parts, operation),
            "out_channels": parts.result.shape[3],
            "out_pitch": parts.result.shape[3],
            "weights": Array(weights, is_weights=True),
            **quick.with_zero_point(parts.zero_point).parameters(operation, parts.result),
        }
        call = KernelCall(
            "conv_2d_dsp",
            parameters,
            (parts.source, parts.result),
            scratch_bytes=strip_bytes(parts, operation),
            sweeps=(strip_sweep(parts, operation),),
            blocks=_twos_of_outputs(
                weights,
                parts.result.shape[3],
                requantization_steps(parameters),
                sweep_cycles=strip_cycles(parts, operation),
            ),
            cycles_a_mac=PLAIN_TO_JOINT * _joint_cycles_a_mac(parts, operation),
        )
        return by_window(call, "strip.window.")


class JointConv2D(DualConv2D):
    """The same with the weights of two output channels in one halfword, and eight bytes of constants per channel."""

    def limits(self, parts: Parts) -> Limits:
        return SCALING_LIMITS

    def call(self, parts: Parts, quick: QuickLayer, operation: Operation) -> KernelCall | None:
        outputs = parts.result.shape[3]
        pairs = [*range(outputs - outputs % 2), *([outputs - 2, outputs - 1] if outputs % 2 else [])]
        layer = quick.with_zero_point(parts.zero_point)
        scalings = pack_scalings(layer)
        if outputs < 2 or scalings is None:
            return None
        rows = strip_order(layer.rows[pairs], parts)
        weights = pack_joint(rows)
        if weights is None:
            return None
        assert parts.result.quantization
        parameters = {
            **strip(parts, operation),
            "out_channels": outputs,
            "out_pitch": outputs,
            "weights": Array(weights, is_weights=True),
            "scalings": Array(scalings[pairs]),
            "output_zero_point": parts.result.quantization.zero_point,
        }
        call = KernelCall(
            f"conv_2d_joint_{form_of(parts.result)}",
            parameters,
            (parts.source, parts.result),
            source="conv_2d_joint",
            scratch_bytes=strip_bytes(parts, operation),
            sweeps=(strip_sweep(parts, operation),),
            clamp=narrower_range(operation, parts.result),
            blocks=_twos_of_outputs(
                in_twos(rows),
                outputs,
                {"scalings": 2},
                finish="join_bytes",
                sweep_cycles=strip_cycles(parts, operation),
            ),
            cycles_a_mac=_joint_cycles_a_mac(parts, operation),
        )
        return by_window(call, "strip.window.")


def _twos_of_outputs(
    weights: np.ndarray, outputs: int, steps: Mapping[str, int], *, sweep_cycles: int, finish: str = ""
) -> Blocks:
    """Weights in the order of the kernel, by pairs of outputs, of which an odd number's last one is a pair, too.

    Args:
        steps: field -> elements from one output to the next.
        sweep_cycles, finish: as of `Blocks`.
    """
    missing = outputs % 2
    units = weights.reshape((outputs + missing) // 2, -1)
    pairs = {field: 2 * step for field, step in steps.items()}
    return Blocks(units, 2, "weights", ("out_channels",), pairs, finish, sweep_cycles=sweep_cycles, missing=missing)


def _joint_cycles_a_mac(parts: Parts, operation: Operation) -> float:
    shape = shape_of(parts, operation)
    return estimates.joint(shape) / shape.macs


class JointDepthwiseConv2D(JointConv2D):
    """Of a single input channel: that is a convolution."""

    opcode = "DEPTHWISE_CONV_2D"

    def rows(self, parts: Parts) -> np.ndarray | None:
        return rows_of_one_channel(parts)


class DualDepthwiseConv2D(DualVariant):
    opcode = "DEPTHWISE_CONV_2D"

    def rows(self, parts: Parts) -> np.ndarray | None:
        taps, channels = parts.weights.shape[1] * parts.weights.shape[2], parts.result.shape[3]
        suits = channels == parts.source.shape[3] and channels % 4 == 0 and taps <= MOST_TAPS
        return parts.values.reshape(taps, channels).T if suits else None

    def call(self, parts: Parts, quick: QuickLayer, operation: Operation) -> KernelCall:
        """Four channels and two taps at a time; the channels are a multiple of four."""
        source, result = parts.source, parts.result
        geometry, channels = geometry_of(parts, operation), result.shape[3]
        parameters = {
            **geometry.parameters(),
            "channels": channels,
            "zero_point": parts.zero_point,
            "weights": Array(pack_taps(quick.rows), is_weights=True),
            **quick.with_zero_point(parts.zero_point).parameters(operation, result),
        }
        sweeps = (geometry.sweep(channels, channels, part=4, own=True),)
        call = "depthwise_conv_2d_dsp"
        return by_window(KernelCall(call, parameters, (source, result), scratch_bytes=channels, sweeps=sweeps))


class JointFullyConnected(DualVariant):
    """One row of inputs times four outputs at a time, where the sums allow that they share halfwords."""

    opcode = "FULLY_CONNECTED"

    def limits(self, parts: Parts) -> Limits:
        """Biases are beside a scaling that all outputs share."""
        return replace(SCALING_LIMITS, bias=Limits().bias) if len(parts.scales) == 1 else SCALING_LIMITS

    def rows(self, parts: Parts) -> np.ndarray | None:
        return parts.values if parts.weights.shape[1] >= 4 else None

    def call(self, parts: Parts, quick: QuickLayer, operation: Operation) -> KernelCall | None:
        layer = quick.with_zero_point(parts.zero_point)
        joint, whole = (size // 4 * 4 for size in quick.rows.shape)
        weights = pack_fours(quick.rows[:joint, :whole])
        if weights is None:
            joint, weights = 0, quick.rows[:0]
        low, high = activation_range(operation, parts.result)
        scalings = scalings_of(layer)
        if scalings is None:
            return None
        assert parts.result.quantization
        parameters = {
            **sizes(parts),
            "joint": joint,
            "weights": _weights(weights),
            "tails": _weights(quick.rows[:joint, whole:]),
            "singles": _weights(quick.rows[joint:]),
            **scalings,
            "output_zero_point": parts.result.quantization.zero_point,
            "activation_min": low,
            "activation_max": high,
        }
        form = form_of(parts.result) if (low, high) == (INT8.min, INT8.max) else "linear"
        sweeps = (by_rows(**sizes(parts), at_once=MOST_OUTPUTS),)
        call = KernelCall(
            f"fully_connected_joint_{form}",
            parameters,
            (parts.source, parts.result),
            source="fully_connected_joint",
            sweeps=sweeps,
            cycles_a_mac=estimates.fully_connected(**sizes(parts)) / (sizes(parts)["rows"] * quick.rows.size),
        )
        field = "bias" if "bias" in scalings else "scalings"
        per_output = {field: scalings[field].values}
        return replace(call, blocks=fully_connected_units.blocks_of(call, quick.rows, per_output))


def scalings_of(layer: QuickLayer) -> dict[str, Array] | None:
    """The field `scalings` of a FULLY_CONNECTED, and `bias` where all outputs share one scaling and their biases are beside it.

    None where a number is outside the limits of `ec_scaling`.
    """
    is_one = len(layer.multiplier) == 1
    scalings = pack_scalings(replace(layer, bias=np.zeros(1, np.int64)) if is_one else layer)
    if scalings is None:
        return None
    return {**({"bias": Array(layer.bias.astype(np.int32))} if is_one else {}), "scalings": Array(scalings)}


def _weights(values: np.ndarray) -> Array | int:
    """None are a null pointer."""
    return Array(np.ascontiguousarray(values), is_weights=True) if values.size else 0


def strip(parts: Parts, operation: Operation) -> dict[str, int | float | Array]:
    """The fields `strip.*` of a kernel's struct: what `ec_strip_fill` slides over."""
    fields = {
        **geometry_of(parts, operation).parameters(),
        "channels": parts.source.shape[3],
        "depth": _depth(parts),
        "zero_point": parts.zero_point,
    }
    return {f"strip.{name}": value for name, value in fields.items()}


def strip_bytes(parts: Parts, operation: Operation) -> int:
    """The scratch that `ec_strip_fill` needs: the strip, and a patch where a window is not simply inside the input."""
    w = geometry_of(parts, operation)
    is_simple = w.is_inside and w.dilation_height == w.dilation_width == 1
    return 8 * _depth(parts) + (0 if is_simple else _depth(parts))


def strip_cycles(parts: Parts, operation: Operation) -> int:
    """That going over the whole input takes beside the products, roughly."""
    geometry = geometry_of(parts, operation)
    cycles = STRIP_CYCLES[strip_bytes(parts, operation) == 8 * _depth(parts)]
    return round(geometry.out_height * geometry.out_width * (PIXEL_CYCLES + cycles * _depth(parts)))


def strip_sweep(parts: Parts, operation: Operation) -> Sweep | None:
    """Four pixels are read before they are written; where two or three are left in the end, one by one."""
    geometry = geometry_of(parts, operation)
    rest = geometry.out_height * geometry.out_width % PIXELS
    return geometry.sweep(parts.source.shape[3], parts.result.shape[3], positions=PIXELS if rest <= 1 else 1)


def strip_order(rows: np.ndarray, parts: Parts) -> np.ndarray:
    """Weights [outputs, inputs] in the order in which the strip holds inputs: whole words by row, then what is left."""
    height, width = parts.weights.shape[1:3]
    run = width * parts.source.shape[3]
    filters = rows.reshape(len(rows), height, run)
    words = run // 4 * 4
    return np.concatenate(
        [half.reshape(len(rows), -1) for half in (filters[..., :words], filters[..., words:])], axis=1
    )


def _depth(parts: Parts) -> int:
    """Inputs of one output, rounded up to 4."""
    inputs = int(np.prod(parts.weights.shape[1:3])) * parts.source.shape[3]
    return inputs + -inputs % 4


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
