"""Cycles of layers on a Cortex-M4 by their shape, within some 5 %: what the choice between kernels goes by.

Other cores of the family take fewer or more, of all of these kernels alike. `--tune` does not estimate.
"""

from dataclasses import dataclass

import numpy as np

from edgecompress.memory.sweep import Window

WORTH_TRYING = 1.5
"""So many times the cycles of the kernel with all weights may lists take, else they are no candidate."""

SINGLE = 5.0
"""A MAC of `ec_fully_connected_single`."""
SINGLE_TO_DUAL = 1.6
"""Times the cycles of lists on a core without dual multiplication: 1.1 on a Cortex-M3, 1.8 on an M0+."""


@dataclass(frozen=True)
class Shape:
    """Of a convolution: all that matters to its time."""

    window: Window
    channels: int
    outputs: int
    groups: int = 1

    @property
    def depth(self) -> int:
        return self.window.filter_height * self.window.filter_width * self.channels

    @property
    def pixels(self) -> int:
        return self.window.batches * self.window.out_height * self.window.out_width

    @property
    def macs(self) -> int:
        return self.pixels * self.outputs * self.depth // self.groups

    @property
    def is_inside(self) -> bool:
        """Whether the rows of all windows are runs in memory."""
        return self.window.is_inside and self.window.dilation_width == 1


def joint(shape: Shape) -> float:
    """Of `ec_conv_2d_joint`: four pixels at a time, then those that are left one by one."""
    strips, rest = divmod(shape.pixels, 4)
    inputs = shape.depth * (1.4 if shape.is_inside else 2.9) + 60
    strip = shape.outputs / 2 * (8 * shape.depth + 6 * -(-shape.depth // 16) + 100) + 4 * inputs
    return strips * strip + rest * (shape.outputs * (2 * shape.depth + 30) + inputs)


def winograd(shape: Shape) -> float:
    """Of `ec_conv_2d_winograd`: the transforms are shared by all channels of the other side."""
    return shape.macs * (1 / 2.25 + 5.5 / shape.channels + 5.5 / shape.outputs)


def sparse(shape: Shape, entries: np.ndarray, cycles_an_entry: int) -> float:
    """Of `ec_conv_2d_sparse`: eight pixels at a time.

    Args:
        entries: of each output's list.
    """
    outputs = cycles_an_entry * entries.sum() + 6 * (-(-entries // 8)).sum() + 110 * shape.outputs
    return lanes(shape) + -(-shape.pixels // 8) * float(outputs)


def lanes(shape: Shape) -> float:
    """Of that, what laying inputs side by side takes."""
    runs = shape.window.filter_height * (1 if shape.is_inside else shape.window.filter_width)
    inputs = shape.depth * (14.4 if shape.depth // runs >= 4 else 30) + 180 * runs + 600
    return -(-shape.pixels // 8) * inputs


def fully_connected(rows: int, inputs: int, outputs: int) -> float:
    """Of `ec_fully_connected_joint`."""
    return rows * outputs * (1.28 * inputs + 32) + 300


def fully_connected_sparse(rows: int, entries: np.ndarray, cycles_an_entry: float) -> float:
    """Of `ec_fully_connected_sparse`; entries: of each output's list."""
    return rows * float(cycles_an_entry * entries.sum() + 85 * len(entries)) + 100


def single(shape: Shape) -> float:
    """A MAC of `ec_conv_2d_single`, on a Cortex-M0+ or M3."""
    return 2.8 + 48 / shape.depth + 7.4 / shape.outputs


def sparse_single(shape: Shape, weights: int, values: int) -> float:
    """A MAC of `ec_conv_2d_sparse_single`, likewise.

    Args:
        weights: that are not zero.
        values: times that one is multiplied, for a pixel.
    """
    pixel = 3.25 * weights + 7.5 * values + 100 * shape.outputs + 7.4 * shape.depth
    return pixel * shape.groups / (shape.outputs * shape.depth)
