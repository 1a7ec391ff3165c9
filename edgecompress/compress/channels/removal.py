"""Channels taken out of a model for real: smaller layers with the weights of what stays, wired as before.

Nothing that is left computes anything else: what read a removed channel now does what it did for a channel of zeros.
"""

import copy
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgecompress.compress.channels.graph import ChannelGraph, Role, Size, Slot
from edgecompress.compress.models.kernels import KernelVariable, kernel_variables, to_rows
from edgecompress.compress.models.rebuilding import Part, rebuild


def remove_channels(model: Any, graph: ChannelGraph, removed: np.ndarray) -> Any:
    """A functional model without some of its channels.

    Args:
        model: is not changed.
        graph: of the model.
        removed: (groups,) bool: which groups of channels go.
    """
    keeps = ~removed[graph.groups]
    slots: dict[str, list[Slot]] = defaultdict(list)
    sizes: dict[str, list[Size]] = defaultdict(list)
    for slot in graph.slots:
        slots[slot.layer].append(slot)
    for size in graph.sizes:
        sizes[size.layer].append(size)

    def smaller(layer: Any) -> Sequence[Part]:
        config = _resized(layer.get_config(), sizes[layer.name], keeps)
        return (Part(type(layer), config, _cut(layer, slots[layer.name], keeps)),)

    return rebuild(model, smaller)


def rows_that_stay(model: Any, graph: ChannelGraph, removed: np.ndarray) -> dict[str, tuple[int, ...]]:
    """Of every kernel that loses output channels: the numbers of those that stay, as rows (see `kernels.to_rows`)."""
    keeps = ~removed[graph.groups]
    slots = {(slot.layer, slot.attribute, slot.axis): slot for slot in graph.slots if slot.role is not Role.READS}
    found = {}
    for kernel in kernel_variables(model):
        mine = [slots.get((kernel.layer.name, kernel.attribute, axis)) for axis in range(len(kernel.variable.shape))]
        for axis, slot in ((axis, slot) for axis, slot in enumerate(mine) if slot is not None):
            rows = _rows(kernel, axis, keeps[slot.numbers])
            if not rows.all():
                found[kernel.name] = tuple(int(row) for row in np.flatnonzero(rows))
    return found


def _rows(kernel: KernelVariable, axis: int, keeps: np.ndarray) -> np.ndarray:
    spread = [1] * len(kernel.variable.shape)
    spread[axis] = -1
    weights = np.broadcast_to(keeps.reshape(spread), kernel.variable.shape)
    return np.asarray(to_rows(weights, kernel.kind)[:, 0])


def _resized(config: dict[str, Any], sizes: Sequence[Size], keeps: np.ndarray) -> dict[str, Any]:
    config = copy.deepcopy(config)
    for size in sizes:
        count = int(keeps[size.numbers].sum())
        if size.index is None:
            config[size.key] = count
        else:
            values = list(config[size.key])
            values[size.index] = count
            config[size.key] = tuple(values)
    return config


def _cut(layer: Any, slots: Sequence[Slot], keeps: np.ndarray) -> list[np.ndarray]:
    mine = [(id(getattr(layer, slot.attribute)), slot) for slot in slots]
    weights = []
    for variable in layer.weights:
        values = variable.numpy()
        for number, slot in mine:
            if number == id(variable):
                values = np.compress(keeps[slot.numbers], values, axis=slot.axis)
        weights.append(values)
    return weights
