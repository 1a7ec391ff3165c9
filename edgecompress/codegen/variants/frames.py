"""The input of a convolution with its padding around it (`ec_frame.h`): then every tap is as far from the first as any other's."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgecompress.codegen.ops.base import Array, KernelCall
from edgecompress.memory.sweep import Window
from edgecompress.tflite.graph import Tensor

MOST_TIMES, MOST_MORE = 4, 1 << 16
"""A frame has at most so many times the input's bytes, and so many more: far dilated taps would need endless padding."""


@dataclass(frozen=True)
class Frame:
    """A frame in the scratch memory, or the input as its own frame where it needs none.

    Attributes:
        window: how the filter slides.
        channels: of the input.
        zero_point: of the input: what the padding holds.
        over: bytes beyond the last tap that the kernel may read.
    """

    window: Window
    channels: int
    zero_point: int
    over: int = 0

    @property
    def height(self) -> int:
        """Every filter lies inside, and all of the input."""
        w = self.window
        used = (w.out_height - 1) * w.stride_height + (w.filter_height - 1) * w.dilation_height + 1
        return max(used, w.pad_top + w.in_height)

    @property
    def width(self) -> int:
        w = self.window
        used = (w.out_width - 1) * w.stride_width + (w.filter_width - 1) * w.dilation_width + 1
        return max(used, w.pad_left + w.in_width)

    @property
    def bytes(self) -> int:
        """0 where the input has no padding and nothing is read beyond its end: it is its own frame."""
        own = (self.height, self.width) == (self.window.in_height, self.window.in_width) and not self.over
        return 0 if own else self.height * self.width * self.channels + self.over

    @property
    def is_reasonable(self) -> bool:
        return self.bytes <= MOST_TIMES * self.window.in_height * self.window.in_width * self.channels + MOST_MORE

    def offsets(self) -> np.ndarray:
        """[filter height, filter width], int32: bytes from the first tap to each."""
        rows = np.arange(self.window.filter_height) * self.window.dilation_height * self.width
        columns = np.arange(self.window.filter_width) * self.window.dilation_width
        return ((rows[:, None] + columns) * self.channels).astype(np.int32)

    def call(
        self, source: str, parameters: Mapping[str, int | float | Array], operands: tuple[Tensor, ...]
    ) -> KernelCall:
        """The call of `ec_<source>_framed`, or of `ec_<source>` where the input is its own frame."""
        kernel = f"{source}_framed" if self.bytes else source
        both = {**self._fields(), **parameters}
        return KernelCall(kernel, both, operands, source=source, scratch_bytes=self.bytes)

    def _fields(self) -> dict[str, int]:
        w = self.window
        fields = {
            "batches": w.batches,
            "in_rows": w.in_height,
            "in_row_bytes": w.in_width * self.channels,
            "bytes": self.bytes,
            "row_bytes": self.width * self.channels,
            "first": (w.pad_top * self.width + w.pad_left) * self.channels,
            "zero_point": self.zero_point,
            "out_height": w.out_height,
            "out_width": w.out_width,
            "row_step": w.stride_height * self.width * self.channels,
            "pixel_step": w.stride_width * self.channels,
        }
        return {f"frame.{name}": value for name, value in fields.items()}
