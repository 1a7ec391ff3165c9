"""Filters whose outer rows or columns are zero in every channel, as smaller ones: what was trained away at their borders.

Their padding is then one that only our windows can say. Depthwise filters stay: their kernels are best at 3 x 3.
"""

from dataclasses import replace
from types import MappingProxyType

import numpy as np

from edgecompress.codegen import ops
from edgecompress.codegen.ops.windows import window, with_window
from edgecompress.tflite.graph import Graph, Operation


def crop_filters(graph: Graph) -> Graph:
    """The graph with smaller filters where these make the same sums; their weights are new tensors."""
    for operation in graph.operations:
        if operation.opcode == "CONV_2D" and ops.is_supported(graph, operation):
            graph = _cropped(graph, operation)
    return graph


def _cropped(graph: Graph, operation: Operation) -> Graph:
    weights = graph.tensors[operation.inputs[1]]
    assert weights.data is not None
    own = window(operation, graph.tensors[operation.inputs[0]], graph.results(operation)[0], *weights.shape[1:3])
    nonzeros = (weights.data != 0).sum(axis=(0, 3))
    rows = _kept(nonzeros.sum(axis=1), own.dilation_height, own.pad_top)
    columns = _kept(nonzeros.sum(axis=0), own.dilation_width, own.pad_left)
    data = np.ascontiguousarray(weights.data[:, rows, columns])
    smaller = replace(
        own,
        filter_height=data.shape[1],
        filter_width=data.shape[2],
        pad_top=own.pad_top - rows.start * own.dilation_height,
        pad_left=own.pad_left - columns.start * own.dilation_width,
    )
    index = max(graph.tensors) + 1
    inputs = (operation.inputs[0], index, *operation.inputs[2:])
    cropped = with_window(replace(operation, inputs=inputs), smaller)
    if smaller == own or cropped is None:
        return graph
    data.flags.writeable = False
    tensors = MappingProxyType({**graph.tensors, index: replace(weights, index=index, shape=data.shape, data=data)})
    operations = tuple(cropped if one is operation else one for one in graph.operations)
    return replace(graph, tensors=tensors, operations=operations)


def _kept(used: np.ndarray, dilation: int, before: int) -> slice:
    """Of rows or columns of taps, those from the first to the last that is used. In front only as many go as are padding: filters
    begin within the input or before it. Where none is used, all stay."""
    places = np.flatnonzero(used)
    if not places.size:
        return slice(0, len(used))
    return slice(min(int(places[0]), before // dilation), int(places[-1]) + 1)
