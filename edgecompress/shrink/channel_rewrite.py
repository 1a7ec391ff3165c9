"""What the rewrites that take out channels share: each only says how sums do without some of their inputs."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence

import numpy as np

from edgecompress.codegen.ops import is_supported
from edgecompress.shrink.base import Facts, Item, Outcome, Rewrite, item
from edgecompress.shrink.channels import Decision, Service, decide
from edgecompress.shrink.cutting import cut
from edgecompress.shrink.sums import column_channels, taps
from edgecompress.shrink.surgery import channels_of
from edgecompress.tflite.graph import Graph, Operation

MAKERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
"""The operators whose channels are counted as taken out or left."""


class ChannelRewrite(Rewrite):
    """Takes out the groups of channels that every sum can do without."""

    @abstractmethod
    def service(self, facts: Facts, operation: Operation) -> Service:
        """How one sum does without channels of its input."""

    @abstractmethod
    def wanted(self, facts: Facts, operation: Operation) -> np.ndarray:
        """Which channels of an operation's output are of the kind that this rewrite takes out; bool [channels]."""

    def apply(self, facts: Facts) -> Outcome:
        graph, groups = facts.graph, facts.groups
        services = [self.service(facts, operation) for operation in groups.sums]
        decision = decide(graph, groups, services, facts.multiple)
        after = cut(graph, decision) if decision.kept else graph
        return Outcome(after, decision.kept, tuple(_done(graph, decision)), tuple(self._left(facts, decision)))

    def _left(self, facts: Facts, decision: Decision) -> list[Item]:
        """The channels that stay although they are of this kind, together by what keeps them."""
        items = []
        for operation in _makers(facts.graph):
            result = operation.outputs[0]
            labels, wanted = facts.groups.of(facts.graph, result), self.wanted(facts, operation)
            reasons = Counter(
                decision.problems[int(label)] for label in labels[wanted] if int(label) in decision.problems
            )
            items += [item(facts.graph, operation, count, reason) for reason, count in reasons.items()]
        return items


def _makers(graph: Graph) -> list[Operation]:
    return [one for one in graph.operations if one.opcode in MAKERS and is_supported(graph, one)]


def _done(graph: Graph, decision: Decision) -> list[Item]:
    found = []
    for operation in _makers(graph):
        result = graph.tensors[operation.outputs[0]]
        if result.index in decision.kept:
            count = channels_of(result) - len(decision.kept[result.index])
            found.append(item(graph, operation, count, f"of {channels_of(result)} channels"))
    return found


def unused(graph: Graph, operation: Operation) -> np.ndarray:
    """The channels of a sum's input whose weights are all zero; bool [channels]."""
    zero = np.logical_not(np.any(taps(graph, operation), axis=(0, 1)))
    return per_channel(graph, operation, np.asarray(zero))


def per_channel(graph: Graph, operation: Operation, columns: np.ndarray) -> np.ndarray:
    """Where all columns of an input channel are true; bool [columns] -> bool [channels]."""
    if operation.opcode != "FULLY_CONNECTED":
        return columns
    result = np.ones(channels_of(graph.tensors[operation.inputs[0]]), np.bool_)
    np.logical_and.at(result, column_channels(graph, operation), columns)
    return result


def problems(*cases: tuple[np.ndarray, str]) -> Sequence[str]:
    """Per channel the text of the first case that holds for it; "" where none does."""
    texts = np.select([case for case, _ in cases], [text for _, text in cases], "")
    return [str(text) for text in texts]
