"""Makes clustered models: few distinct integers in every weight tensor of an int8 .tflite."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from edgecompress.compress.weights.codebook_forms import LARGEST, optimal
from edgecompress.compress.weights.codebooks import nearest
from edgecompress.tflite.graph import Graph, Operation

WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def weighted(graph: Graph) -> Iterator[tuple[Operation, int]]:
    """(operator, index of its constant weights) of every layer that multiplies."""
    for operation in graph.operations:
        if operation.opcode in WEIGHTED and graph.tensors[operation.inputs[1]].is_constant:
            yield operation, operation.inputs[1]


def clustered(graph: Graph, values: int) -> Graph:
    """The graph with at most so many integers in each weight tensor, those of the least squared error, and nothing else changed."""
    tensors = dict(graph.tensors)
    for _, index in weighted(graph):
        data = tensors[index].data
        assert data is not None
        codes = np.maximum(data.astype(np.int64), -LARGEST)
        book = optimal(
            np.bincount(codes.ravel() + LARGEST, minlength=2 * LARGEST + 1).astype(float), values, zero=False
        )
        near = nearest(codes.reshape(1, -1), book[None]).reshape(data.shape)
        tensors[index] = replace(tensors[index], data=near.astype(np.int8))
    return replace(graph, tensors=tensors)
