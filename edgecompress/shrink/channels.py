"""Which channels can only go together, which have to stay, and why.

Channels that an element-wise operator, a pooling or a depthwise convolution ties together form a group. A group can be taken out
of the graph when no sum needs it: every convolution and FULLY_CONNECTED that reads one of its channels must be served otherwise
(`Service`), and no operator may need the channel in its place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from edgecompress.codegen.ops.base import describe
from edgecompress.shrink.flow import Flow, flow
from edgecompress.shrink.surgery import channels_of
from edgecompress.tflite.graph import ABSENT, Graph, Operation

MOST_PASSES = 64
"""Over all tensors, to round up their channels; each settles whole chains of layers."""


@dataclass(frozen=True, eq=False)
class Service:
    """How a sum does without channels of its input.

    Attributes:
        operation: a convolution or FULLY_CONNECTED.
        problems: one text per channel of its input: why it cannot do without, "" where it can.
        values: int64 per channel: the constant that the channel is, where that is folded into the bias.
        folded: bool per channel: whether it is.
        merged: int64 per channel: the channel that takes over its weights; -1: none.
    """

    operation: Operation
    problems: Sequence[str]
    values: np.ndarray
    folded: np.ndarray
    merged: np.ndarray


def no_service(operation: Operation, problems: Sequence[str]) -> Service:
    """Nothing is folded or merged: channels without a problem are simply not needed."""
    count = len(problems)
    return Service(operation, problems, np.zeros(count, np.int64), np.zeros(count, np.bool_), np.full(count, -1))


@dataclass(frozen=True, eq=False)
class Groups:
    """The groups of a graph's channels.

    Attributes:
        first: tensor -> the slot of its channel 0; the channels of a tensor are neighbouring slots.
        labels: slot -> group, the lowest slot in it; int64.
        sums: the operations that sum over the channels of their first input.
        held: group -> why an operator, an input or an output needs it in its place.
    """

    first: Mapping[int, int]
    labels: np.ndarray
    sums: tuple[Operation, ...]
    held: Mapping[int, str]

    def of(self, graph: Graph, tensor: int) -> np.ndarray:
        """The group of each channel of a tensor."""
        start = self.first[tensor]
        return self.labels[start : start + channels_of(graph.tensors[tensor])]


def groups_of(graph: Graph) -> Groups:
    """The groups of all channels that could go."""
    flows = [(operation, flow(graph, operation)) for operation in graph.operations]
    first, slots = _numbered(graph, flows)
    ties = [tie for _, one in flows for tie in one.ties]
    sources = [first[tie.source] + tie.source_channels for tie in ties]
    targets = [first[tie.target] + tie.target_channels for tie in ties]
    nothing = [np.zeros(0, np.int64)]
    labels = _components(slots, np.concatenate(sources + nothing), np.concatenate(targets + nothing))
    sums = tuple(operation for operation, one in flows if one.summed)
    return Groups(first, labels, sums, _held(graph, flows, first, labels))


def _numbered(graph: Graph, flows: Sequence[tuple[Operation, Flow]]) -> tuple[dict[int, int], int]:
    used = [i for operation, _ in flows for i in (operation.inputs[:1] + operation.outputs) if i != ABSENT]
    used += [i for _, one in flows for tie in one.ties for i in (tie.source, tie.target)]
    used += [i for _, one in flows for i in one.whole]
    first: dict[int, int] = {}
    count = 0
    for index in dict.fromkeys((*graph.inputs, *used, *graph.outputs)):
        first[index] = count
        count += channels_of(graph.tensors[index])
    return first, count


def _components(count: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The connected components of the edges a-b, each named by its lowest member."""
    labels = np.arange(count)
    while True:
        least = np.minimum(labels[a], labels[b])
        if np.array_equal(labels[a], labels[b]):
            return labels
        np.minimum.at(labels, labels[a].copy(), least)
        np.minimum.at(labels, labels[b].copy(), least)
        while not np.array_equal(labels, labels[labels]):
            labels = labels[labels]


def _held(
    graph: Graph, flows: Sequence[tuple[Operation, Flow]], first: Mapping[int, int], labels: np.ndarray
) -> dict[int, str]:
    held: dict[int, str] = {}

    def hold(tensor: int, reason: str) -> None:
        start = first[tensor]
        for label in labels[start : start + channels_of(graph.tensors[tensor])].tolist():
            held.setdefault(label, reason)

    for index in graph.inputs:
        hold(index, "it is an input of the model")
    for index in graph.outputs:
        hold(index, "it is an output of the model")
    for operation, one in flows:
        for index in one.whole:
            hold(index, f"{describe(graph, operation)} needs every channel in its place")
    return held


@dataclass(frozen=True, eq=False)
class Decision:
    """Which channels go.

    Attributes:
        kept: tensor -> the channels that it keeps (int64, ascending), of those that lose some.
        services: by the index of the operation.
        problems: group -> why it stays, of those that have a channel worth taking out.
    """

    kept: Mapping[int, np.ndarray]
    services: Mapping[int, Service] = field(default_factory=dict)
    problems: Mapping[int, str] = field(default_factory=dict)


def decide(graph: Graph, groups: Groups, services: Sequence[Service], multiple: int) -> Decision:
    """Takes out every group that all its readers can do without, as long as tensors keep a multiple of channels.

    Args:
        multiple: what the number of channels of a tensor that loses some must be a multiple of.
    """
    problems = dict(groups.held)
    for service in services:
        for label, problem in zip(groups.of(graph, service.operation.inputs[0]), service.problems, strict=True):
            if problem:
                problems.setdefault(int(label), problem)
    activations = [groups.of(graph, index) for index in groups.first if not graph.tensors[index].is_constant]
    if not _round_up(activations, problems, multiple):
        return Decision({})
    stays = np.isin(groups.labels, list(problems))
    kept = {}
    for index, start in groups.first.items():
        chosen = np.flatnonzero(stays[start : start + channels_of(graph.tensors[index])])
        if len(chosen) < channels_of(graph.tensors[index]):
            kept[index] = chosen
    return Decision(kept, {service.operation.index: service for service in services}, problems)


def _round_up(activations: Sequence[np.ndarray], problems: dict[int, str], multiple: int) -> bool:
    """Lets groups stay until every tensor has a multiple of channels; False where that takes too long."""
    for _ in range(MOST_PASSES):
        before = len(problems)
        for labels in activations:
            problems |= _rest(labels, problems, multiple)
        if len(problems) == before:
            return True
    return False


def _rest(labels: np.ndarray, problems: Mapping[int, str], multiple: int) -> dict[int, str]:
    """The groups of a tensor that have to stay after all, for its channels to be a multiple, at least one."""
    gone = [label for label in labels.tolist() if label not in problems]
    stay = len(labels) - len(gone)
    wanted = max(multiple * -(-stay // multiple), min(multiple, len(labels)))
    reason = f"kernels take {multiple} channels at a time" if multiple > 1 else "every tensor keeps one channel"
    return dict.fromkeys(gone[: wanted - stay], reason)
