"""What a graph costs to analyse and to run here: an untrusted file can ask for more than there is."""

import math

from edgecompress.codegen.ops import is_supported
from edgecompress.codegen.program import MOST_ELEMENTS, MOST_OPERATORS, macs
from edgecompress.shrink.surgery import channels_of
from edgecompress.tflite.graph import Graph, Operation, Tensor

MOST_CHANNELS = 2**19
"""Of all tensors together."""
MOST_TAPS = 2**27
"""Values that one operation reads, counted as often as it reads them: what its NumPy reference holds at once."""
MOST_WORK = 2**30
"""Multiply-accumulates, or values read, of one inference."""

WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def too_large(graph: Graph) -> str:
    """Why a graph is not analysed; "" when it can be."""
    if len(graph.operations) > MOST_OPERATORS:
        return f"{len(graph.operations):,} operators"
    used = {i for operation in graph.operations for i in (*operation.inputs, *operation.outputs) if i >= 0}
    tensors = [graph.tensors[i] for i in sorted({*used, *graph.inputs})]
    if large := [tensor for tensor in tensors if not tensor.is_constant and tensor.elements > MOST_ELEMENTS]:
        return f"an activation of {large[0].elements:,} elements"
    if (channels := sum(channels_of(tensor) for tensor in tensors)) > MOST_CHANNELS:
        return f"{channels:,} channels"
    costs = [_reads(graph, operation) for operation in graph.operations]
    if max(costs, default=0) > MOST_TAPS:
        return f"an operator that reads {max(costs):,} values"
    return f"{work(graph):,} multiply-accumulates" if work(graph) > MOST_WORK else ""


def work(graph: Graph) -> int:
    """About how many steps one inference takes."""
    return sum(max(counted_macs(graph, operation), _reads(graph, operation)) for operation in graph.operations)


def counted_macs(graph: Graph, operation: Operation) -> int:
    """Multiply-accumulates of an operation; 0 of one that the back end does not accept."""
    return macs(graph, operation) if is_supported(graph, operation) else 0


def weights_of(graph: Graph, operation: Operation) -> Tensor | None:
    """The weights of a convolution or FULLY_CONNECTED."""
    if operation.opcode not in WEIGHTED or len(operation.inputs) < 2 or operation.inputs[1] < 0:
        return None
    return graph.tensors[operation.inputs[1]]


def _reads(graph: Graph, operation: Operation) -> int:
    """Output values times the window that each of them is made from."""
    elements = sum(tensor.elements for tensor in graph.results(operation))
    weights = weights_of(graph, operation)
    if not is_supported(graph, operation):
        return elements
    if weights is not None and operation.opcode != "FULLY_CONNECTED":
        (result,) = graph.results(operation)
        depth = graph.tensors[operation.inputs[0]].shape[-1]
        return result.elements // max(result.shape[-1], 1) * math.prod(weights.shape[1:3]) * depth
    height, width = (operation.options.get(name, 1) for name in ("filter_height", "filter_width"))
    return elements * int(height) * int(width)  # type: ignore[call-overload, no-any-return]
