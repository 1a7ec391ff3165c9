"""The geometry of `ec_depthwise_conv_2d_3x3`: an image as lines, and how many lines are worth doing together."""

from dataclasses import dataclass

from edgecompress.codegen.ops.windows import Window

OUTPUTS_OF_TILE = 128
"""As many outputs of a channel as make its preparation cheap."""
PAIR_BYTES = 16
"""Of the strip: a pair of neighbours, widened, of four channels."""
COST_OF_FOUR, COST_OF_TWO = 75, 50
"""Cycles of four outputs at a time, and of the one or two that are left of a line; a Cortex-M4's, counted by hand."""


@dataclass(frozen=True)
class Lines:
    """An NHWC image as lines: its rows, or its columns. Steps and pitches are bytes; the fields of the kernel's struct."""

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

    @staticmethod
    def of_rows(w: Window, channels: int) -> "Lines":
        return Lines(
            w.batches, channels,
            w.in_width, w.in_height, channels, w.in_width * channels,
            w.out_width, w.out_height, channels, w.out_width * channels,
            w.pad_left, w.pad_top,
        )  # fmt: skip

    @staticmethod
    def of_columns(w: Window, channels: int) -> "Lines":
        return Lines(
            w.batches, channels,
            w.in_height, w.in_width, w.in_width * channels, channels,
            w.out_height, w.out_width, w.out_width * channels, channels,
            w.pad_top, w.pad_left,
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

    def strip_bytes(self, stride: int) -> int:
        """The scratch for the inputs of a tile."""
        pairs = (self.out_length + 1) // 2 + 1 if stride == 1 else self.out_length + 1 + self.out_length % 2
        return ((self.tile - 1) * stride + 3) * pairs * PAIR_BYTES
