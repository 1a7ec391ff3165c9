"""What a patch of a layer's output needs of its input, and the window of the one over the other."""

from dataclasses import replace
from typing import Literal

from edgecompress.memory.sweep import Sweep, Window
from edgecompress.memory.visits import Patch

Axis = Literal["height", "width"]


def is_line(sweep: Sweep) -> bool:
    """Whether it goes over elements, whatever the shape."""
    w = sweep.window
    return w.in_height == w.out_height == w.filter_height == w.filter_width == 1 and w.in_width == w.out_width


def fits_images(sweep: Sweep, source: tuple[int, ...], output: tuple[int, ...]) -> bool:
    """Whether the sweep is over the rows and columns of both NHWC shapes."""
    w = sweep.window
    if is_line(sweep) and (source[1], output[1]) != (1, 1):
        same_bytes = source[3] * sweep.out_bytes == output[3] * sweep.in_bytes
        return source[1:3] == output[1:3] and same_bytes
    return (source[1], output[1]) == (w.in_height, w.out_height)


def needed(sweep: Sweep, axis: Axis, first: int, end: int, size: int) -> tuple[int, int]:
    """The rows or columns [a, b) of an input, which has `size` of them, that those of the output [first, end) need."""
    if is_line(sweep):
        return first, end
    stride, pad, taps, dilation = _along(sweep.window, axis)
    low = first * stride - pad
    return max(0, low), min(size, low + (end - 1 - first) * stride + (taps - 1) * dilation + 1)


def window_over(sweep: Sweep, output: Patch, source: Patch, in_bytes: int) -> Window:
    """Of a patch of the output over the patch of the input that it needs; `in_bytes`: of a pixel of the input."""
    w = sweep.window
    height, width = source.bottom - source.top, source.right - source.left
    if is_line(sweep):
        length = height * width * in_bytes // sweep.in_bytes
        return replace(w, in_width=length, out_width=length)
    return replace(
        w,
        in_height=height,
        in_width=width,
        out_height=output.bottom - output.top,
        out_width=output.right - output.left,
        pad_top=source.top - (output.top * w.stride_height - w.pad_top),
        pad_left=source.left - (output.left * w.stride_width - w.pad_left),
    )


def _along(w: Window, axis: Axis) -> tuple[int, int, int, int]:
    """(stride, padding before, taps, dilation)"""
    if axis == "height":
        return w.stride_height, w.pad_top, w.filter_height, w.dilation_height
    return w.stride_width, w.pad_left, w.filter_width, w.dilation_width
