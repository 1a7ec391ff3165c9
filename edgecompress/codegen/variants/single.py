"""Variants for processors that multiply one pair of numbers at a time (ARMv6-M: M0+; ARMv7-M without DSP: M3)."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgecompress.codegen.features import Features
from edgecompress.codegen.ops.bands import by_window
from edgecompress.codegen.ops.base import Array, Blocks, KernelCall
from edgecompress.codegen.ops.fully_connected import sizes
from edgecompress.codegen.ops.sweeps import by_rows
from edgecompress.codegen.ops.units import rows_in_blocks
from edgecompress.codegen.ops.weighted import Parts
from edgecompress.codegen.variants import estimates
from edgecompress.codegen.variants.base import (
    Variant,
    geometry_of,
    parts_of,
    rows_of_filters,
    rows_of_one_channel,
    shape_of,
)
from edgecompress.codegen.variants.ramp import exact_parameters, ramps_of
from edgecompress.tflite.graph import Graph, Operation

Ramps = dict[str, int | Array]

PIXELS = 4
"""Output pixels of one step."""
LANES = 8
"""Output channels whose weights lie side by side."""
GROUP = 4
"""Inputs whose products are added in 16 bits."""
MOST_IN_16_BITS = 255
"""Of the magnitudes of a group's weights: times an input of -128, their sum stays within 16 bits."""
MOST_GROUPS = 255
"""In a run: its length is a byte."""
TOGETHER = 4
"""Outputs of a fully connected layer that share inputs where weights lie row by row."""
UNIT_BYTES = 256
"""Of the weights of a fully connected layer that are decoded together, at least: every row takes some time by itself."""
GATHER_CYCLES = 6
"""Of an input in a strip, roughly."""
MOST_TAPS = 49
"""Of a depthwise filter: the kernel keeps four pointers to each on the stack."""


class SingleVariant(Variant):
    """Sums of single products, requantized by ramps, or where there are none as TFLM does it."""

    def suits(self, features: Features) -> bool:
        return features.single

    def lower(self, graph: Graph, operation: Operation) -> KernelCall | None:
        parts = parts_of(graph, operation)
        rows = self.rows(parts)
        if rows is None:
            return None
        ramps = ramps_of(rows, parts.bias, parts.scales, parts.source, operation, parts.result)
        fields = exact_parameters(rows, parts, operation) if ramps is None else ramps.parameters()
        return self.call(parts, rows, fields, operation)

    @abstractmethod
    def rows(self, parts: Parts) -> np.ndarray | None:
        """The weights as [outputs, inputs of one output]; None where the shape does not suit."""

    @abstractmethod
    def call(self, parts: Parts, rows: np.ndarray, ramps: Ramps, operation: Operation) -> KernelCall | None:
        """The kernel call of a layer with these fields `ramps.*`; None where the weights do not suit."""


class SingleConv2D(SingleVariant):
    opcode = "CONV_2D"

    def rows(self, parts: Parts) -> np.ndarray | None:
        return rows_of_filters(parts)

    def call(self, parts: Parts, rows: np.ndarray, ramps: Ramps, operation: Operation) -> KernelCall | None:
        """Four pixels times one output channel at a time, two pixels in each multiplication."""
        source, result = parts.source, parts.result
        padded = np.pad(rows, ((0, 0), (0, -rows.shape[1] % GROUP)))
        whole = len(rows) - len(rows) % LANES
        runs = [pack_runs(row) for row in padded[:whole]]
        if any(run is None for run in runs):
            return None
        depth = padded.shape[1]
        geometry = geometry_of(parts, operation)
        parameters = {
            **geometry.parameters(),
            "in_channels": source.shape[3],
            "out_channels": result.shape[3],
            "out_pitch": result.shape[3],
            "depth": depth,
            "zero_point": parts.zero_point,
            "weights": Array(pack_lanes(padded), is_weights=True),
            "runs": Array(np.array([n for run in runs for n in run or ()] or [0], np.uint8)),
            **ramps,
        }
        call = KernelCall(
            "conv_2d_single",
            parameters,
            (source, result),
            scratch_bytes=8 * depth + source.shape[3],
            sweeps=(geometry.sweep(source.shape[3], result.shape[3], positions=PIXELS),),
            cycles_a_mac=estimates.single(shape_of(parts, operation)),
        )
        gathering = GATHER_CYCLES * geometry.out_height * geometry.out_width * depth
        return by_window(replace(call, blocks=_rows_of_outputs(call, padded, gathering)))


def _rows_of_outputs(call: KernelCall, rows: np.ndarray, gathering: int) -> Blocks | None:
    """Blocks of the kernel that takes the weights [outputs, a multiple of four inputs]; None where two products are too large.

    Args:
        gathering: cycles that it takes to lay all windows side by side.
    """
    if any(pack_runs(row) is None for row in rows):
        return None
    parameters = {**call.parameters, "weights": Array(rows, is_weights=True), "runs": 0}
    blocks = replace(rows_in_blocks(rows, ("out_channels",), _ramp_steps(parameters)), sweep_cycles=gathering)
    kernel = f"{call.kernel}_rows"
    of_rows = replace(call, kernel=kernel, source=call.kernel, parameters=parameters, blocks=blocks, cycles_a_mac=4.3)
    return replace(blocks, call=by_window(of_rows))


def _ramp_steps(parameters: Mapping[str, int | float | Array]) -> dict[str, int]:
    """From one output to the next, of kernels with the fields `ramps.*`."""
    step = parameters["ramps.step"]
    assert isinstance(step, int)
    return {"ramps.starts": 1, **({"ramps.ramps": step} if step else {})}


class SingleDepthwiseConv2DOfOneChannel(SingleConv2D):
    """Of a single input channel: that is a convolution."""

    opcode = "DEPTHWISE_CONV_2D"

    def rows(self, parts: Parts) -> np.ndarray | None:
        return rows_of_one_channel(parts)


class SingleDepthwiseConv2D(SingleVariant):
    opcode = "DEPTHWISE_CONV_2D"

    def rows(self, parts: Parts) -> np.ndarray | None:
        taps, channels = parts.weights.shape[1] * parts.weights.shape[2], parts.result.shape[3]
        suits = channels == parts.source.shape[3] and taps <= MOST_TAPS
        return parts.values.reshape(taps, channels).T if suits else None

    def call(self, parts: Parts, rows: np.ndarray, ramps: Ramps, operation: Operation) -> KernelCall:
        """Four pixels times one channel at a time."""
        source, result, channels = parts.source, parts.result, parts.result.shape[3]
        geometry = geometry_of(parts, operation)
        parameters = {
            **geometry.parameters(),
            "channels": channels,
            "zero_point": parts.zero_point,
            "weights": Array(parts.values, is_weights=True),
            **ramps,
        }
        call = KernelCall(
            "depthwise_conv_2d_single",
            parameters,
            (source, result),
            scratch_bytes=channels,
            sweeps=(geometry.sweep(channels, channels, positions=PIXELS, part=1, own=True),),
            cycles_a_mac=12,
        )
        return by_window(call)


class SingleFullyConnected(SingleVariant):
    opcode = "FULLY_CONNECTED"

    def rows(self, parts: Parts) -> np.ndarray:
        return parts.values

    def call(self, parts: Parts, rows: np.ndarray, ramps: Ramps, operation: Operation) -> KernelCall:
        """One row of inputs times eight outputs at a time."""
        offset = (pack_lanes(rows).view(np.uint8) ^ 128).astype(np.uint8)
        pitch = {"out_pitch": len(rows)}
        parameters = {**sizes(parts), **pitch, "weights": Array(offset, is_weights=True), **ramps}
        at_once = LANES if len(rows) % LANES <= 1 else 1  # those left over come one by one
        call = KernelCall(
            "fully_connected_single",
            parameters,
            (parts.source, parts.result),
            sweeps=(by_rows(**sizes(parts), at_once=at_once),),
            cycles_a_mac=5,
        )
        return replace(call, blocks=_rows_of_weights(call, rows))


def _rows_of_weights(call: KernelCall, rows: np.ndarray) -> Blocks:
    """Blocks of the kernel that takes the weights [outputs, inputs]."""
    least = max(TOGETHER, -(-UNIT_BYTES // rows.shape[1]))
    blocks = rows_in_blocks(rows, ("outputs",), _ramp_steps(call.parameters), least=least, is_cheap=True)
    of_rows = replace(
        call,
        kernel=f"{call.kernel}_rows",
        source=call.kernel,
        parameters={**call.parameters, "weights": Array(rows, is_weights=True)},
        sweeps=tuple(sweep and replace(sweep, part=1) for sweep in call.sweeps),
        blocks=blocks,
        cycles_a_mac=6,
    )
    return replace(blocks, call=of_rows)


def pack_lanes(rows: np.ndarray) -> np.ndarray:
    """Weights [outputs, inputs] as [outputs / 8][inputs][8], then those of the outputs left over, row by row."""
    whole = len(rows) - len(rows) % LANES
    lanes = rows[:whole].reshape(-1, LANES, rows.shape[1]).transpose(0, 2, 1)
    return np.concatenate([np.ascontiguousarray(lanes).reshape(-1), rows[whole:].reshape(-1)])


def pack_runs(row: np.ndarray) -> list[int] | None:
    """One output's weights, a multiple of four, as numbers of groups of four whose products can be added in 16 bits.

    Behind every number but the last, or behind all, stands a group whose halves are added apart. None where even two
    products are too large.
    """
    sizes_of = np.abs(row.astype(np.int64)).reshape(-1, 2)
    if (sizes_of.sum(axis=1) > MOST_IN_16_BITS).any():
        return None
    runs = [0]
    for size in sizes_of.reshape(-1, GROUP).sum(axis=1):
        if size > MOST_IN_16_BITS or runs[-1] == MOST_GROUPS:
            runs.append(0)
        else:
            runs[-1] += 1
    return runs if runs[-1] else runs[:-1]
