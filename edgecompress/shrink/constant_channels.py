"""Constant channels: one value at every position, whatever the input. It goes into the biases of the sums that read it.

Sum and requantization see the same total as before, so this is exact wherever every output position sees the constant equally
often: without padding, with weights that add up to the same over the taps inside, or where the constant is the zero point, which
is what padding holds.
"""

import numpy as np

from edgecompress.codegen import ops
from edgecompress.codegen.arithmetic import INT32_MAX
from edgecompress.codegen.ops.base import describe
from edgecompress.codegen.ops.weighted import Weighted
from edgecompress.shrink.base import Facts
from edgecompress.shrink.channel_rewrite import ChannelRewrite, per_channel, problems, unused
from edgecompress.shrink.channels import Service
from edgecompress.shrink.sums import presence, taps
from edgecompress.tflite.graph import Graph, Operation

VARIES = "it is not constant"


class ConstantChannels(ChannelRewrite):
    name = "constant channels"

    def service(self, facts: Facts, operation: Operation) -> Service:
        graph = facts.graph
        known = facts.ranges[operation.inputs[0]]
        q = graph.tensors[operation.inputs[0]].quantization
        assert q
        needed = ~unused(graph, operation)
        where = describe(graph, operation)
        border = ~even(graph, operation) & (known.low != q.zero_point)
        large = np.full(len(needed), not sums_fit(graph, operation))
        texts = problems(
            (needed & ~known.is_constant, VARIES),
            (needed & border, f"{where} pads with zeros, and it is another constant"),
            (needed & large, f"the sums of {where} may leave 32 bits"),
        )
        return Service(operation, texts, known.low, needed & known.is_constant, np.full(len(needed), -1))

    def wanted(self, facts: Facts, operation: Operation) -> np.ndarray:
        return facts.ranges[operation.outputs[0]].is_constant


def even(graph: Graph, operation: Operation) -> np.ndarray:
    """The input channels whose weights add up to the same at every position, borders included; bool [channels]."""
    present = presence(graph, operation)
    weights = taps(graph, operation)
    if present is None:
        return np.zeros(weights.shape[2], np.bool_)
    sums = np.einsum("oti,kt->koi", weights, present.astype(np.float64), optimize=True)
    return per_channel(graph, operation, (sums == sums[:1]).all((0, 1)))


def sums_fit(graph: Graph, operation: Operation) -> bool:
    """Whether no sum can leave 32 bits, in whatever order it is added up and whatever part of it stands in the bias."""
    operator = ops.find(operation.opcode)
    assert isinstance(operator, Weighted)
    parts = operator.parts(graph, operation)
    limits = np.iinfo(parts.source.dtype)
    most = max(abs(limits.min - parts.zero_point), abs(limits.max - parts.zero_point))
    worst = np.abs(taps(graph, operation)).sum((1, 2)) * most + np.abs(parts.bias)
    return bool((worst <= INT32_MAX).all())
