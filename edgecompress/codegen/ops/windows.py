"""Sliding windows: the geometry and gathering that convolutions and pooling share."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np

from edgecompress.memory.sweep import Window
from edgecompress.tflite.graph import Operation, Tensor

MOST_EXTENT = 2**30
"""Of a filter with its dilation: the kernels' 32-bit arithmetic holds."""
EXPLICIT = "EXPLICIT"
"""A padding that no file can say, of graphs that are lowered: the option `paddings` gives ((top, bottom), (left, right)). Bottom and
right are what the last filter reaches beyond the input, negative where it ends before."""


def window(operation: Operation, source: Tensor, result: Tensor, filter_height: int, filter_width: int) -> Window:
    """The window of a convolution or pooling, padded as TFLite pads SAME and VALID, or explicitly."""
    options = operation.options
    strides = int(options["stride_h"]), int(options["stride_w"])  # type: ignore[call-overload]
    dilations = int(options.get("dilation_h_factor", 1)), int(options.get("dilation_w_factor", 1))  # type: ignore[call-overload]
    pads = []
    for axis, size in enumerate((filter_height, filter_width)):
        extent = (size - 1) * dilations[axis] + 1
        total = (result.shape[1 + axis] - 1) * strides[axis] + extent - source.shape[1 + axis]
        pads.append(max(0, total) // 2 if options["padding"] == "SAME" else explicit_paddings(operation)[axis][0])
    return Window(
        source.shape[0], source.shape[1], source.shape[2], result.shape[1], result.shape[2],
        filter_height, filter_width, *strides, *dilations, pads[0], pads[1],
    )  # fmt: skip


def explicit_paddings(operation: Operation) -> tuple[tuple[int, int], tuple[int, int]]:
    """((top, bottom), (left, right)) where these are explicit; zeros of VALID."""
    return operation.options["paddings"] if operation.options["padding"] == EXPLICIT else ((0, 0), (0, 0))  # type: ignore[return-value]


def with_window(operation: Operation, w: Window) -> Operation | None:
    """The operation with an explicit padding that gives it this window; None where a whole filter could lie outside the input, which
    kernels need not take."""
    pads = (
        _pads(w.filter_height, w.dilation_height, w.stride_height, w.out_height, w.pad_top, w.in_height),
        _pads(w.filter_width, w.dilation_width, w.stride_width, w.out_width, w.pad_left, w.in_width),
    )
    if None in pads:
        return None
    options = MappingProxyType({**operation.options, "padding": EXPLICIT, "paddings": pads})
    return replace(operation, options=options)


def _pads(taps: int, dilation: int, stride: int, outputs: int, before: int, size: int) -> tuple[int, int] | None:
    extent = (taps - 1) * dilation + 1
    after = (outputs - 1) * stride + extent - before - size
    return (before, after) if max(before, after) < extent else None


def expected_size(operation: Operation, size: int, filter_size: int, axis: str) -> int:
    """Output height (axis "h") or width ("w") that TFLite computes for an input of `size`."""
    stride = int(operation.options[f"stride_{axis}"])  # type: ignore[call-overload]
    extent = (filter_size - 1) * int(operation.options.get(f"dilation_{axis}_factor", 1)) + 1  # type: ignore[call-overload]
    if operation.options["padding"] == "SAME":
        return -(-size // stride)
    return (size + sum(explicit_paddings(operation)["hw".index(axis)]) - extent + stride) // stride


def shape_mismatch(operation: Operation, source: Tensor, result: Tensor, filter_height: int, filter_width: int) -> str:
    """ "" when the output's shape is the one that the window gives and the options make sense, else what was found."""
    if len(source.shape) != 4 or len(result.shape) != 4:
        return f"shapes {list(source.shape)} -> {list(result.shape)}"
    if operation.options.get("padding") not in ("SAME", "VALID", EXPLICIT):
        return f"padding {operation.options.get('padding')}"
    steps = [operation.options.get(k, 1) for k in ("stride_h", "stride_w", "dilation_h_factor", "dilation_w_factor")]
    if any(not 1 <= int(step) <= 2**15 for step in steps):  # type: ignore[call-overload]
        return f"strides and dilations {steps}"
    taps = zip((filter_height, filter_width), steps[2:], strict=True)
    extents = [(size - 1) * int(step) + 1 for size, step in taps]  # type: ignore[call-overload]
    if max(extents) > MOST_EXTENT:
        return f"a filter of {extents[0]} x {extents[1]} with its dilation"
    expected = [
        expected_size(operation, source.shape[1], filter_height, "h"),
        expected_size(operation, source.shape[2], filter_width, "w"),
    ]
    if min(expected) < 1 or list(result.shape[1:3]) != expected or result.shape[0] != source.shape[0]:
        return f"output {list(result.shape)} for input {list(source.shape)}"
    return ""


def patches(x: np.ndarray, w: Window, fill: int) -> np.ndarray:
    """The values under every window position.

    Args:
        x: [batch, height, width, channels].
        fill: what stands outside the input.

    Returns:
        [batch, out_height, out_width, filter_height, filter_width, channels], x's dtype.
    """
    extent_h = (w.filter_height - 1) * w.dilation_height + 1
    extent_w = (w.filter_width - 1) * w.dilation_width + 1
    bottom = max(0, (w.out_height - 1) * w.stride_height + extent_h - w.in_height - w.pad_top)
    right = max(0, (w.out_width - 1) * w.stride_width + extent_w - w.in_width - w.pad_left)
    padded = np.pad(x, ((0, 0), (w.pad_top, bottom), (w.pad_left, right), (0, 0)), constant_values=fill)
    rows = np.arange(w.out_height)[:, None] * w.stride_height + np.arange(w.filter_height) * w.dilation_height
    columns = np.arange(w.out_width)[:, None] * w.stride_width + np.arange(w.filter_width) * w.dilation_width
    return padded[:, rows[:, None, :, None], columns[None, :, None, :], :]
