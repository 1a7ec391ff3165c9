"""Activations of 8 or of 16 bits. TensorFlow Lite's int16 is symmetric, and beside it weights are int8 and biases int64."""

import numpy as np

from edgecompress.codegen.ops.activation import bad_quantization
from edgecompress.codegen.ops.base import types_of
from edgecompress.tflite.graph import Graph, Operation, Tensor

WIDTHS = (np.dtype(np.int8), np.dtype(np.int16))


def require_integers(graph: Graph, operation: Operation, operands: tuple[int, ...] = (0,)) -> str:
    """ "" when the named inputs and all outputs are int8, or all are int16 with zero points of 0, with one scale each; else what
    was found."""
    tensors = [graph.tensors[operation.inputs[i]] for i in operands if i < len(operation.inputs)]
    tensors += list(graph.results(operation))
    if len({tensor.dtype for tensor in tensors}) > 1 or tensors[0].dtype not in WIDTHS:
        return types_of(graph, operation)
    return next(filter(None, map(bad_integer, tensors)), "")


def bad_integer(tensor: Tensor) -> str:
    """ "" when a tensor has one scale, and a zero point that is 0 in int16; else what was found."""
    if found := bad_quantization(tensor):
        return found
    assert tensor.quantization
    if is_wide(tensor) and tensor.quantization.zero_point:
        return f'tensor {tensor.index} "{tensor.name}" of int16 with zero point {tensor.quantization.zero_point}'
    return ""


def is_wide(tensor: Tensor) -> bool:
    """Whether an activation has 16 bits."""
    return tensor.dtype == np.int16


def sized(kernel: str, tensor: Tensor) -> str:
    """The kernel's name for activations like this one."""
    return f"{kernel}_s16" if is_wide(tensor) else kernel
