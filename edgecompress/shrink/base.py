"""What the driver asks of every rewrite, and what a rewrite can know of the graph.

To add a rewrite: one file here with a subclass of `Rewrite`, and its row in `shrink/__init__.py`. The driver repeats all rewrites
until none finds anything, and proves each step, so a rewrite only has to be right about what it says in `Outcome`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np

from edgecompress.shrink.channels import Groups, groups_of
from edgecompress.shrink.ranges import Range, ranges
from edgecompress.shrink.values import Values, values
from edgecompress.tflite.graph import Graph, Operation


@dataclass(frozen=True)
class Item:
    """Something that a rewrite took out, or left and why.

    Attributes:
        operation: the operator's index in the file that came in.
        opcode, name: of that operator, and its first output.
        count: how many channels; 1 for a whole operator.
        text: what was done, or why it was left.
    """

    operation: int
    opcode: str
    name: str
    count: int
    text: str


def item(graph: Graph, operation: Operation, count: int, text: str) -> Item:
    """About one operation of a graph."""
    name = graph.tensors[operation.outputs[0]].name if operation.outputs else ""
    return Item(operation.index, operation.opcode, name, count, text)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a rewrite made of a graph.

    Attributes:
        graph: the graph that came in, where there was nothing to do.
        kept: tensor -> the channels that it keeps (ascending indices of its last dimension), of those that lose some. All other
            tensors that are in both graphs must hold the same values: the proof looks at every one.
        done: what was taken out.
        left: what could not be, and why.
    """

    graph: Graph
    kept: Mapping[int, np.ndarray] = field(default_factory=dict)
    done: tuple[Item, ...] = ()
    left: tuple[Item, ...] = ()


class Facts:
    """A graph, and what analyses say about it, each made when it is first asked for.

    Attributes:
        graph: the graph.
        multiple: what the number of channels of a tensor that loses some must be a multiple of.
    """

    def __init__(self, graph: Graph, multiple: int = 1) -> None:
        self.graph = graph
        self.multiple = multiple

    @cached_property
    def ranges(self) -> dict[int, Range]:
        return ranges(self.graph)

    @cached_property
    def values(self) -> Values:
        return values(self.graph, self.ranges)

    @cached_property
    def groups(self) -> Groups:
        return groups_of(self.graph)


class Rewrite(ABC):
    """A graph into another one with the same outputs, byte by byte, for every input."""

    name: ClassVar[str]
    """What it takes out, as the report says it: "constant channels"."""

    @abstractmethod
    def apply(self, facts: Facts) -> Outcome:
        """Rewrites everything that it finds at once."""
