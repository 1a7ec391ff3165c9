"""DEPTHWISE_CONV_2D line by line, for processors with dual 16-bit multiplication; see `runtime/kernels/ec_depthwise_tiles.h`."""

from abc import abstractmethod
from dataclasses import replace
from functools import partial

import numpy as np

from edgecompress.codegen.ops.activation import narrower_range
from edgecompress.codegen.ops.base import Array, KernelCall
from edgecompress.codegen.ops.weighted import Parts
from edgecompress.codegen.variants.base import geometry_of
from edgecompress.codegen.variants.dual import MOST_TAPS, DualVariant
from edgecompress.codegen.variants.joint import SCALING_LIMITS, form_of, pack_scalings
from edgecompress.codegen.variants.lines import Lines
from edgecompress.codegen.variants.quick import Limits, QuickLayer
from edgecompress.memory.sweep import Sweep, Window
from edgecompress.tflite.graph import Operation

MOST_WORDS = 128
"""EC_DEPTHWISE_MOST_WORDS: pairs of weights of a channel that a kernel keeps on its stack."""


class DepthwiseByLines(DualVariant):
    """Four channels of some lines taken apart, then two taps in each multiplication. No dilation, stride 1 or 2."""

    opcode = "DEPTHWISE_CONV_2D"

    def limits(self, parts: Parts) -> Limits:
        return SCALING_LIMITS

    @abstractmethod
    def pairs(self, lines: Lines) -> int:
        """Pairs of neighbours that the kernel reads of a line of inputs."""

    @abstractmethod
    def call_of(self, lines: Lines, weights: np.ndarray) -> tuple[str, dict[str, int | float | Array]]:
        """(the kernel's file, its own fields); weights: [channels, lines of the filter, taps along a line]."""

    def rows(self, parts: Parts) -> np.ndarray | None:
        channels = parts.result.shape[3]
        suits = channels == parts.source.shape[3] and channels % 4 == 0
        return parts.values.reshape(-1, channels).T if suits else None

    def call(self, parts: Parts, quick: QuickLayer, operation: Operation) -> KernelCall | None:
        geometry, channels = geometry_of(parts, operation), parts.result.shape[3]
        scalings = pack_scalings(quick.with_zero_point(parts.zero_point))
        if not self.suits_window(geometry) or scalings is None:
            return None
        assert parts.result.quantization
        in_place = parts.source.shape == parts.result.shape
        rows, columns = (make(geometry, channels) for make in (Lines.of_rows, Lines.of_columns))
        transposed = in_place and columns.is_one_tile and columns.cost < rows.cost and self.suits_lines(columns)
        lines = columns if transposed else rows
        filters = quick.rows.reshape(channels, geometry.filter_height, geometry.filter_width)
        source, own = self.call_of(lines, filters.transpose(0, 2, 1) if transposed else filters)
        call = KernelCall(
            f"{source}_s{lines.stride}_{form_of(parts.result)}",
            {
                **self._tiles(lines, by_channels=in_place),
                "tiles.zero_point": parts.zero_point,
                **own,
                "output_zero_point": parts.result.quantization.zero_point,
                "scalings": Array(scalings),
            },
            (parts.source, parts.result),
            source=source,
            scratch_bytes=lines.strip_bytes(self.pairs(lines)),
            sweeps=(_tile_sweep(geometry, lines, by_channels=in_place),),
            clamp=narrower_range(operation, parts.result),
        )
        return replace(call, band=partial(self._band, call, self.call_of(rows, filters)[1]))

    def suits_window(self, w: Window) -> bool:
        simple = w.dilation_height == w.dilation_width == 1 and w.stride_height == w.stride_width <= 2
        return simple and w.filter_height >= w.stride_height and self.suits_lines(Lines.of_rows(w, 4))

    @abstractmethod
    def suits_lines(self, lines: Lines) -> bool:
        """Whether the kernel takes the filter."""

    def _tiles(self, lines: Lines, *, by_channels: bool) -> dict[str, int | float | Array]:
        fields = {**lines.parameters(), "pairs": self.pairs(lines), "by_channels": int(by_channels)}
        return {f"tiles.{name}": value for name, value in fields.items()}

    def _band(self, call: KernelCall, own: dict[str, int | float | Array], window: Window) -> KernelCall:
        """Some rows: tile by tile, whichever way the whole image goes."""
        lines = Lines.of_rows(window, call.operands[0].shape[3])
        parameters = {**call.parameters, **self._tiles(lines, by_channels=False), **own}
        scratch = lines.strip_bytes(self.pairs(lines))
        return replace(call, parameters=parameters, scratch_bytes=scratch, sweeps=(), band=None)


class Depthwise3x3(DepthwiseByLines):
    """The filter that most networks have, in assembly."""

    def pairs(self, lines: Lines) -> int:
        return (lines.out_length + 1) // 2 + 1 if lines.stride == 1 else lines.out_length + 1 + lines.out_length % 2

    def suits_lines(self, lines: Lines) -> bool:
        return (lines.filter_lines, lines.filter_length) == (3, 3)

    def call_of(self, lines: Lines, weights: np.ndarray) -> tuple[str, dict[str, int | float | Array]]:
        padded = np.pad(weights.reshape(-1), (0, 2))
        return "depthwise_conv_2d_3x3", {"weights": Array(padded, is_weights=True)}


class DepthwiseAnyFilter(DepthwiseByLines):
    """Four outputs of a line at a time, computed whole: lines that would waste much of the last four are left to the kernel that
    goes position by position, where that takes the filter."""

    def pairs(self, lines: Lines) -> int:
        fours = lines.out_length + -lines.out_length % 4
        return (fours // 2 if lines.stride == 1 else fours) + lines.filter_length // 2 + 1

    def suits_lines(self, lines: Lines) -> bool:
        computed = lines.out_length + -lines.out_length % 4
        words = lines.filter_lines * 2 * (lines.filter_length // 2 + 1)
        is_cheap = 3 * computed <= 4 * lines.out_length or lines.filter_lines * lines.filter_length > MOST_TAPS
        return words <= MOST_WORDS and is_cheap

    def call_of(self, lines: Lines, weights: np.ndarray) -> tuple[str, dict[str, int | float | Array]]:
        values = Array(np.ascontiguousarray(weights), is_weights=True)
        return "depthwise_conv_2d_lines", {"filter_length": lines.filter_length, "weights": values}


def _tile_sweep(geometry: Window, lines: Lines, *, by_channels: bool) -> Sweep | None:
    """A tile of four channels is read before it is written; by channels what the next tile needs of it is kept."""
    channels = lines.channels
    tile = geometry.sweep(channels, channels, positions=lines.tile * lines.out_length, part=4, own=True)
    return replace(tile, channels_first=True, reads_once=True) if tile and by_channels else tile
