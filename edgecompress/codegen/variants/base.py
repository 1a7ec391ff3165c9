"""What a kernel made for some processors must say: where it serves, and how an operation is lowered to it."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from edgecompress.codegen import ops
from edgecompress.codegen.features import Features
from edgecompress.codegen.ops.base import KernelCall
from edgecompress.codegen.ops.weighted import Parts, Weighted
from edgecompress.codegen.ops.windows import window
from edgecompress.codegen.variants.estimates import Shape
from edgecompress.memory.sweep import Window
from edgecompress.tflite.graph import Graph, Operation


class Variant(ABC):
    """One way to compute an operation faster than the plain kernel, bit for bit the same.

    To add one: a subclass in the file of its processor family, its kernel in `runtime/kernels/` with a twin in plain C
    for every other processor, and its place in the table of `codegen/variants/__init__.py`.
    """

    opcode: ClassVar[str]

    @abstractmethod
    def suits(self, features: Features) -> bool:
        """Whether it is made for processors with these features."""

    @abstractmethod
    def lower(self, graph: Graph, operation: Operation) -> KernelCall | None:
        """The kernel call; None where the operation's shape or numbers are outside what it can do exactly.

        The operation has passed all rules of its operator.
        """


def parts_of(graph: Graph, operation: Operation) -> Parts:
    """The tensors of a weighted operation."""
    operator = ops.find(operation.opcode)
    assert isinstance(operator, Weighted)
    return operator.parts(graph, operation)


def geometry_of(parts: Parts, operation: Operation) -> Window:
    """How the filter of a convolution, depthwise or not, slides over its input."""
    return window(operation, parts.source, parts.result, *parts.weights.shape[1:3])


def shape_of(parts: Parts, operation: Operation) -> Shape:
    """Of a convolution, a depthwise one of a single channel included."""
    groups = groups_of(parts) if operation.opcode == "CONV_2D" else 1
    return Shape(geometry_of(parts, operation), parts.source.shape[3], parts.result.shape[3], groups)


def groups_of(parts: Parts) -> int:
    """Of a convolution's channels: each output sees the inputs of one group."""
    return parts.source.shape[3] // parts.weights.shape[3]


def rows_of_filters(parts: Parts) -> np.ndarray | None:
    """Weights [outputs, inputs of one output] of a convolution; None where it is grouped."""
    return None if groups_of(parts) > 1 else parts.values.reshape(parts.result.shape[3], -1)


def rows_of_groups(parts: Parts) -> np.ndarray | None:
    """Weights [outputs, inputs of all groups] of a grouped convolution, zeros for those of other groups; None for any other."""
    groups = groups_of(parts)
    if groups == 1:
        return None
    outputs, height, width, channels = parts.weights.shape
    rows = np.zeros((outputs, height, width, groups, channels), np.int8)
    number = np.arange(outputs)
    rows[number, :, :, number * groups // outputs] = parts.values.reshape(parts.weights.shape)
    return rows.reshape(outputs, -1)


def rows_of_one_channel(parts: Parts) -> np.ndarray | None:
    """Weights [outputs, taps] of a depthwise filter over a single input channel, which is a convolution; else None."""
    outputs = parts.result.shape[3]
    return parts.values.reshape(-1, outputs).T if parts.source.shape[3] == 1 else None
