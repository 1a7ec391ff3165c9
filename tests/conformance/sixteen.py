"""The random networks and layers in 16 bits: activations of int16, weights of int8, biases of int64."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import overlapping

from edgecompress.codegen.ops.windows import expected_size
from edgecompress.tflite.graph import Graph, Operation, Quantization, Tensor

FINER = 256
WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")


def widened(graph: Graph) -> Graph:
    """The same network with scales 256 times finer and zero points of 0; biases reach beyond 32 bits now and then."""
    weights = {operation.inputs[1] for operation in graph.operations if operation.opcode in WEIGHTED}
    return replace(graph, tensors={k: t if k in weights else _wide(t) for k, t in graph.tensors.items()})


def _wide(tensor: Tensor) -> Tensor:
    if tensor.quantization is None:  # numbers of an operator
        return tensor
    finer = Quantization(tuple(scale / FINER for scale in tensor.quantization.scales), (0,))
    if tensor.dtype == np.int8:
        data = None if tensor.data is None else (tensor.data.astype(np.int16) * FINER + 77).astype(np.int16)
        return replace(tensor, dtype=np.dtype(np.int16), quantization=finer, data=data)
    assert tensor.dtype == np.int32 and tensor.data is not None
    data = tensor.data.astype(np.int64) * FINER
    data[::5] <<= 13
    return replace(tensor, dtype=np.dtype(np.int64), data=data)


def random_layer(random: np.random.Generator, opcode: str) -> Graph:
    """Of one operation, tensors 0 to 3 being its input, output, weights and bias."""
    return widened(transposed(random) if opcode == "TRANSPOSE_CONV" else overlapping.random_model(random, opcode))


def transposed(random: np.random.Generator) -> Graph:
    """A TRANSPOSE_CONV of int8 whose output has the size that the convolution back needs."""
    (height, width), taps, strides = (random.integers(1, high, 2).tolist() for high in (7, 4, 4))
    channels, outputs = (int(random.choice(sizes)) for sizes in ([1, 2, 3, 8, 12], [1, 2, 3, 4, 6, 16]))
    is_same = bool(random.integers(2))
    sizes = [
        n * stride if is_same else (n - 1) * stride + tap
        for n, stride, tap in zip((height, width), strides, taps, strict=True)
    ]
    options = {"padding": "SAME" if is_same else "VALID", "stride_h": strides[0], "stride_w": strides[1]}
    operation = Operation(0, "TRANSPOSE_CONV", (4, 2, 0, 3), (1,), MappingProxyType(options))
    assert [expected_size(operation, sizes[a], taps[a], "hw"[a]) for a in (0, 1)] == [height, width]
    kind, shape = np.dtype(np.int8), (1, *sizes, outputs)
    source, result = (
        Tensor(i, f"t{i}", s, kind, Quantization((0.05,), (int(random.integers(-128, 128)),)))
        for i, s in enumerate(((1, height, width, channels), shape))
    )
    constants = overlapping.weights_of(random, (outputs, *taps, channels), outputs, 0, int(np.prod(taps)) * channels)
    asked = Tensor(4, "shape", (4,), np.dtype(np.int32), data=np.array(shape, np.int32))
    tensors = {tensor.index: tensor for tensor in (source, result, *constants, asked)}
    return Graph(tensors, (operation,), (0,), (1,), "0" * 64)
