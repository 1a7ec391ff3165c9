"""What a layer's weights are multiplied with: the windows of an image as rows of a matrix (im2col), TFLite's padding included."""

import numpy as np

from edgecompress.quantization.twin import Layer
from edgecompress.tflite.graph import Graph

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def is_linear(graph: Graph, layer: Layer) -> bool:
    """Whether `patches` knows the layer: CONV_2D without groups, DEPTHWISE_CONV_2D, FULLY_CONNECTED."""
    weights, activation = (graph.tensors[index].shape for index in (layer.float_weights, layer.float_activation))
    if layer.opcode == "CONV_2D":
        return len(activation) == 4 and weights[-1] == activation[-1]
    return layer.opcode == "FULLY_CONNECTED" or (layer.opcode == "DEPTHWISE_CONV_2D" and len(activation) == 4)


def patches(graph: Graph, layer: Layer, values: np.ndarray) -> np.ndarray:
    """The windows of one sample.

    Args:
        graph: the float one.
        layer: one that `is_linear`.
        values: of the layer's input, its batch axis of one included or not.

    Returns:
        (1, positions, weights of a row), or for a depthwise layer (channels, positions, weights of a row), one matrix per
        output channel: a row of weights times a row of this is an output before bias and activation.
    """
    weights = graph.tensors[layer.float_weights].shape
    if layer.opcode == "FULLY_CONNECTED":
        return values.reshape(1, -1, weights[1])
    image = values.reshape(graph.tensors[layer.float_activation].shape[1:])
    windows = _windows(image, weights[1], weights[2], layer)
    positions, taps, channels = windows.shape
    if layer.opcode == "CONV_2D":
        return windows.reshape(1, positions, taps * channels)
    multiplier = weights[3] // channels
    return np.repeat(windows.transpose(2, 0, 1), multiplier, axis=0)


def _windows(image: np.ndarray, height: int, width: int, layer: Layer) -> np.ndarray:
    """(positions, taps, channels)."""
    options = layer.twin.options
    strides = _pair(options, "stride_h", "stride_w")
    dilations = _pair(options, "dilation_h_factor", "dilation_w_factor")
    spans = [(size - 1) * dilation + 1 for size, dilation in zip((height, width), dilations, strict=True)]
    if options["padding"] == "SAME":
        before = []
        for size, span, stride in zip(image.shape[:2], spans, strides, strict=True):
            total = max(0, (-(-size // stride) - 1) * stride + span - size)
            before.append((total // 2, total - total // 2))
        image = np.pad(image, (*before, (0, 0)))
    seen = np.lib.stride_tricks.sliding_window_view(image, tuple(spans), axis=(0, 1))
    seen = seen[:: strides[0], :: strides[1], :, :: dilations[0], :: dilations[1]]
    rows, columns, channels = seen.shape[:3]
    return seen.transpose(0, 1, 3, 4, 2).reshape(rows * columns, height * width, channels)


def _pair(options: object, first: str, second: str) -> tuple[int, int]:
    values = options
    return int(values[first]), int(values[second])  # type: ignore[index]
