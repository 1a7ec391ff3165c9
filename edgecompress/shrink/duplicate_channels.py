"""Duplicate channels: the same weights, bias and factor make the same values. One stays, with the weights of all that read them.

The sum is the same, since the readers' weights have no zero point. Constants of the same value are duplicates too, which helps
where padding keeps them from being folded into a bias.
"""

import numpy as np

from edgecompress.codegen.ops.base import describe
from edgecompress.shrink.base import Facts
from edgecompress.shrink.channel_rewrite import ChannelRewrite, unused
from edgecompress.shrink.channels import Service
from edgecompress.shrink.sums import column_channels, taps
from edgecompress.shrink.surgery import channels_of
from edgecompress.tflite.graph import Graph, Operation

LARGEST_WEIGHT = 127
"""Of symmetric int8, on both sides."""


class DuplicateChannels(ChannelRewrite):
    name = "duplicate channels"

    def service(self, facts: Facts, operation: Operation) -> Service:
        graph = facts.graph
        numbers = facts.values[operation.inputs[0]]
        texts = np.where(unused(graph, operation), "", "it has no duplicate").astype(object)
        merged = np.full(len(numbers), -1)
        weights = by_channel(graph, operation)
        for number in np.flatnonzero(np.bincount(numbers) > 1):
            first, *others = np.flatnonzero(numbers == number)
            texts[first] = "it stands for its duplicates"
            total = weights[first]
            for other in others:
                more = total + weights[other]
                if np.abs(more).max() > LARGEST_WEIGHT:
                    texts[other] = f"the sum of the weights for it in {describe(graph, operation)} leaves int8"
                    continue
                total, texts[other], merged[other] = more, "", first
        count = len(numbers)
        return Service(operation, list(texts), np.zeros(count, np.int64), np.zeros(count, np.bool_), merged)

    def wanted(self, facts: Facts, operation: Operation) -> np.ndarray:
        numbers = facts.values[operation.outputs[0]]
        _, firsts = np.unique(numbers, return_index=True)
        result = np.ones(len(numbers), np.bool_)
        result[firsts] = False
        return result


def by_channel(graph: Graph, operation: Operation) -> np.ndarray:
    """A sum's weights in int64, first axis its input channels."""
    weights = np.moveaxis(taps(graph, operation), 2, 0).astype(np.int64)
    if operation.opcode != "FULLY_CONNECTED":
        return weights
    count = channels_of(graph.tensors[operation.inputs[0]])
    order = np.argsort(column_channels(graph, operation), kind="stable")
    return weights[order].reshape(count, -1, *weights.shape[1:])
