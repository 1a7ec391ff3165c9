"""Which channels of a model must go together, found from how its layers are wired.

Every channel that a layer gives gets a number, and the numbers are followed through the model: an addition ties the
channels that it adds, a flattening repeats them for every position, a depthwise convolution passes them on. Channels that
are tied form a group, which is removed as a whole or stays. Where a layer cannot be followed, all channels that it reads stay.

Fang et al., "DepGraph: towards any structural pruning", 2023, https://arxiv.org/abs/2301.12900, find groups of layers in this
way; here single channels are followed, so that concatenations and flattened images need no cases of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np


class Role(StrEnum):
    """What a channel is to a weight: made by it, read by it, or passed on with it."""

    GIVES = "gives"
    READS = "reads"
    FOLLOWS = "follows"


@dataclass(frozen=True, eq=False)
class Channels:
    """The channels of a tensor.

    Attributes:
        axis: where they lie, the batch being axis 0.
        numbers: (size of that axis,) int64; a number may come several times.
    """

    axis: int
    numbers: np.ndarray


@dataclass(frozen=True, eq=False)
class Slot:
    """An axis of a weight that has an entry for every channel.

    Attributes:
        layer: its name.
        attribute: of the layer: "kernel", "gamma", ...
        axis: of the weight.
        numbers: (size of that axis,) the channels.
        role: of the channels.
    """

    layer: str
    attribute: str
    axis: int
    numbers: np.ndarray
    role: Role


@dataclass(frozen=True, eq=False)
class Size:
    """A number of channels in a layer's configuration.

    Attributes:
        layer: its name.
        key: in the configuration: "filters", "units", "target_shape".
        index: where in the list that the key holds; None for a plain number.
        numbers: the channels that it counts.
    """

    layer: str
    key: str
    index: int | None
    numbers: np.ndarray


@dataclass(frozen=True, eq=False)
class ChannelGraph:
    """The channels of a model.

    Attributes:
        groups: (numbers,) int64: channel number → its group, 0, 1, ...
        staying: group → why it has to stay.
        left: layers that have to stay as they are → why.
        slots, sizes: everything that changes when channels go.
        rectified: tensors behind a ReLU, with their channels.
    """

    groups: np.ndarray
    staying: Mapping[int, str]
    left: Mapping[str, str]
    slots: tuple[Slot, ...]
    sizes: tuple[Size, ...]
    rectified: tuple[tuple[Any, Channels], ...]

    @property
    def count(self) -> int:
        """How many groups there are."""
        return int(self.groups.max(initial=-1)) + 1

    @cached_property
    def makers(self) -> tuple[tuple[str, ...], ...]:
        """Group → the layers that give its channels, sorted."""
        makers: list[set[str]] = [set() for _ in range(self.count)]
        for slot in self.slots:
            if slot.role is Role.GIVES:
                for group in self.groups[slot.numbers]:
                    makers[group].add(slot.layer)
        return tuple(tuple(sorted(found)) for found in makers)

    @cached_property
    def given(self) -> Mapping[str, np.ndarray]:
        """Layer → the groups of the channels that it gives."""
        return {slot.layer: self.groups[slot.numbers] for slot in self.slots if slot.role is Role.GIVES}

    def reason_to_keep(self, layer: str) -> str:
        """Why a layer keeps all the channels that it gives; "" where some may go, or it gives none of its own."""
        if layer in self.left:
            return self.left[layer]
        groups = self.given.get(layer, ())
        reasons = [self.staying[group] for group in groups if group in self.staying]
        return f"its channels stay: {reasons[0]}" if reasons and len(reasons) == len(groups) else ""


class Flow:
    """A channel graph in the making: what the rules of the layers write to (see `channels.rules`)."""

    def __init__(self) -> None:
        self._parents: list[int] = []
        self._staying: dict[int, str] = {}
        self._slots: dict[tuple[str, str, int], Slot] = {}
        self._sizes: dict[tuple[str, str, int | None], Size] = {}
        self._given: dict[str, np.ndarray] = {}
        self._opaque: dict[str, str] = {}
        self._rectified: list[tuple[Any, Channels]] = []

    def new(self, count: int) -> np.ndarray:
        """Channels that nobody has seen before."""
        first = len(self._parents)
        self._parents.extend(range(first, first + count))
        return np.arange(first, first + count)

    def fixed(self, count: int, reason: str) -> np.ndarray:
        """New channels that have to stay."""
        numbers = self.new(count)
        self.keep(numbers, reason)
        return numbers

    def given(self, layer: Any, count: int) -> np.ndarray:
        """The channels that a layer gives: the same ones wherever it is used."""
        if layer.name not in self._given:
            self._given[layer.name] = self.new(count)
        return self._given[layer.name]

    def keep(self, numbers: np.ndarray, reason: str, *, above_all: bool = False) -> None:
        """These channels have to stay; the first reason counts, or one that is above all others."""
        for number in np.unique(numbers):
            self._staying[int(number)] = reason if above_all else self._staying.get(int(number), reason)

    def tie(self, numbers: np.ndarray, others: np.ndarray) -> None:
        """These channels go together, each with the one at its place."""
        for one, other in np.unique(np.stack([numbers, others], axis=1), axis=0):
            self._parents[self._root(int(one))] = self._root(int(other))

    def slot(self, layer: Any, attribute: str, axis: int, numbers: np.ndarray, role: Role = Role.FOLLOWS) -> None:
        """An axis of a weight has these channels; another use of the layer ties its own to them."""
        found = self._slots.setdefault((layer.name, attribute, axis), Slot(layer.name, attribute, axis, numbers, role))
        self.tie(found.numbers, numbers)

    def size(self, layer: Any, key: str, numbers: np.ndarray, index: int | None = None) -> None:
        """A number in the layer's configuration counts these channels."""
        found = self._sizes.setdefault((layer.name, key, index), Size(layer.name, key, index, numbers))
        self.tie(found.numbers, numbers)

    def leave(self, layer: Any, reason: str) -> None:
        """The layer has to stay as it is, wherever else it is used."""
        self._opaque.setdefault(layer.name, reason)

    def rectify(self, tensor: Any, channels: Channels) -> None:
        """The tensor comes out of a ReLU."""
        self._rectified.append((tensor, channels))

    def graph(self) -> ChannelGraph:
        """What came of it."""
        roots = [self._root(number) for number in range(len(self._parents))]
        _, groups = np.unique(np.array(roots, np.int64), return_inverse=True)
        entries: list[Slot | Size] = [*self._slots.values(), *self._sizes.values()]
        for entry in entries:
            if entry.layer in self._opaque:
                self.keep(entry.numbers, self._opaque[entry.layer])
        staying: dict[int, str] = {}
        for number, reason in self._staying.items():
            staying.setdefault(int(groups[number]), reason)
        slots, sizes = tuple(self._slots.values()), tuple(self._sizes.values())
        return ChannelGraph(groups.reshape(-1), staying, self._opaque, slots, sizes, tuple(self._rectified))

    def _root(self, number: int) -> int:
        parents = self._parents
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number
