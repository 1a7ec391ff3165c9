"""The geometry of `ec_depthwise_tiles`: an image as lines, and how many lines are worth doing together."""

from dataclasses import dataclass

from edgecompress.memory.sweep import Window

OUTPUTS_OF_TILE = 128
"""As many outputs of a channel as make its preparation cheap."""
PAIR_BYTES = 16
"""Of the strip: a pair of neighbours, widened, of four channels."""
COST_OF_FOUR, COST_OF_TWO = 75, 50
"""Cycles of four outputs at a time, and of the one or two that are left of a line; a Cortex-M4's, counted by hand."""


@dataclass(frozen=True)
class Lines:
    """An NHWC image as lines: its rows, or its columns. Steps and pitches are bytes.

    Attributes:
        filter_length: taps along a line.
    """

    batches: int
    channels: int
    in_length: int
    in_lines: int
    in_step: int
    in_pitch: int
    out_length: int
    out_lines: int
    out_step: int
    out_pitch: int
    pad_before: int
    pad_lines: int
    stride: int
    filter_lines: int
    filter_length: int

    @staticmethod
    def of_rows(w: Window, channels: int) -> "Lines":
        return Lines(
            w.batches, channels,
            w.in_width, w.in_height, channels, w.in_width * channels,
            w.out_width, w.out_height, channels, w.out_width * channels,
            w.pad_left, w.pad_top, w.stride_height, w.filter_height, w.filter_width,
        )  # fmt: skip

    @staticmethod
    def of_columns(w: Window, channels: int) -> "Lines":
        return Lines(
            w.batches, channels,
            w.in_height, w.in_width, w.in_width * channels, channels,
            w.out_height, w.out_width, w.out_width * channels, channels,
            w.pad_top, w.pad_left, w.stride_width, w.filter_width, w.filter_height,
        )  # fmt: skip

    @property
    def cost(self) -> int:
        """About the cycles of a channel."""
        fours, rest = divmod(self.out_length, 4)
        return self.out_lines * (fours * COST_OF_FOUR + (rest + 1) // 2 * COST_OF_TWO)

    @property
    def tile(self) -> int:
        """Lines of outputs done together."""
        return min(self.out_lines, -(-OUTPUTS_OF_TILE // self.out_length))

    @property
    def is_one_tile(self) -> bool:
        """Whether all lines are done together; only then columns are allowed where outputs replace inputs."""
        return self.tile == self.out_lines

    def parameters(self) -> dict[str, int]:
        """The fields of the struct `ec_depthwise_tiles` that follow from the geometry."""
        fields = {**vars(self), "tile": self.tile}
        del fields["filter_length"]
        return fields

    def strip_bytes(self, pairs: int) -> int:
        """The scratch for the inputs of a tile."""
        return ((self.tile - 1) * self.stride + self.filter_lines) * pairs * PAIR_BYTES
