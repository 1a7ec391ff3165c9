"""How important channels are: what a network is thought to lose with each group of them.

Scores of different layers are compared with each other, so those that know only weights are divided by their mean over the
layer. Gradients speak of the loss, batch norms and zeros of activations; these are compared as they are. A group that several layers
give has the mean of its scores in them (gradients: the sum, which is what the loss feels when all of it goes).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from types import MappingProxyType
from typing import Any

import numpy as np

from edgecompress.compress.base import Context
from edgecompress.compress.channels.graph import ChannelGraph, Role, Slot
from edgecompress.compress.models.kernels import KERNEL_NAMES
from edgecompress.compress.training.fine_tuning import loss_gradients
from edgecompress.errors import DataError
from edgecompress.load.runtime import keras2

SAMPLES = 512
"""Training samples that scores by gradients and activations look at."""

Score = Callable[[Any, ChannelGraph, Context], np.ndarray]


def _l1(model: Any, graph: ChannelGraph, context: Context) -> np.ndarray:
    """The sum of absolute weights of each filter: Li et al., "Pruning filters for efficient convnets", 2016,
    https://arxiv.org/abs/1608.08710."""
    return _of_weights(model, graph, lambda filters: np.abs(filters).sum(axis=1))


def _l2(model: Any, graph: ChannelGraph, context: Context) -> np.ndarray:
    """The Euclidean norm of each filter: He et al., "Soft filter pruning", 2018, https://arxiv.org/abs/1808.06866."""
    return _of_weights(model, graph, lambda filters: np.linalg.norm(filters, axis=1))


def _fpgm(model: Any, graph: ChannelGraph, context: Context) -> np.ndarray:
    """The distances of each filter to all others of its layer: one near the geometric median can be replaced by them.

    He et al., "Filter pruning via geometric median", 2019, https://arxiv.org/abs/1811.00250.
    """
    return _of_weights(model, graph, _distances)


def _taylor(model: Any, graph: ChannelGraph, context: Context) -> np.ndarray:
    """The square of the loss's first-order change without the channel, over batches.

    Molchanov et al., "Importance estimation for neural network pruning", 2019, https://arxiv.org/abs/1906.10771: the
    sum of weight times gradient, here over the weights that read the channel, which is the gradient of a gate on it.
    """
    return _of_gates(model, graph, context, context.settings.batch)


def _second_order(model: Any, graph: ChannelGraph, context: Context) -> np.ndarray:
    """Half the Fisher information of a gate on the channel: the mean over samples of its squared gradient.

    Theis et al., "Faster gaze prediction with dense networks and Fisher pruning", 2018,
    https://arxiv.org/abs/1801.05787; for tied channels Liu et al., "Group Fisher pruning", 2021,
    https://arxiv.org/abs/2108.00708.
    """
    return 0.5 * _of_gates(model, graph, context, 1)


def _bn_gamma(model: Any, graph: ChannelGraph, context: Context) -> np.ndarray:
    """The factor of the batch norm behind the channel: Liu et al., "Learning efficient convolutional networks through
    network slimming", 2017, https://arxiv.org/abs/1708.06519."""
    mean = _Mean(graph)
    for slot in graph.slots:
        if slot.attribute == "gamma":
            mean.add(slot.numbers, np.abs(_values(model, slot)))
    return mean.value()


def _apoz(model: Any, graph: ChannelGraph, context: Context) -> np.ndarray:
    """One minus the average percentage of zeros behind a ReLU: Hu et al., "Network trimming", 2016,
    https://arxiv.org/abs/1607.03250."""
    mean = _Mean(graph)
    if not graph.rectified:
        return mean.value()
    activations = keras2().Model(model.inputs, [tensor for tensor, _ in graph.rectified])
    for inputs in _some_inputs(context):
        found = activations(inputs, training=False)
        for values, (_, channels) in zip(found if isinstance(found, list) else [found], graph.rectified, strict=True):
            active = np.moveaxis(np.asarray(values) > 0, channels.axis, -1).reshape(-1, len(channels.numbers))
            mean.add(channels.numbers, active.mean(axis=0), weight=values.shape[0])
    return mean.value()


def _random(model: Any, graph: ChannelGraph, context: Context) -> np.ndarray:
    """By lot: the control that every other score has to beat."""
    return np.random.default_rng(context.settings.seed).random(graph.count)


SCORES: Mapping[str, Score] = MappingProxyType(
    {
        "l1": _l1,
        "l2": _l2,
        "fpgm": _fpgm,
        "taylor": _taylor,
        "second_order": _second_order,
        "bn_gamma": _bn_gamma,
        "apoz": _apoz,
        "random": _random,
    }
)
"""Name → function of model, graph and context: (groups,) float64, NaN for a group that it knows nothing of."""

NEEDS: Mapping[str, str] = MappingProxyType({"bn_gamma": "batch norm", "apoz": "ReLU"})
"""What must lie behind a channel for a score to know it."""

PER_COST = frozenset({"taylor", "second_order"})
"""Scores in units of the loss: what counts is the loss for what is saved (Liu et al. 2021 divide alike)."""


class _Mean:
    """Averages over what is known of each group."""

    def __init__(self, graph: ChannelGraph) -> None:
        self._groups = graph.groups
        self._sums = np.zeros(graph.count)
        self._weights = np.zeros(graph.count)

    def add(self, numbers: np.ndarray, values: np.ndarray, weight: float = 1.0) -> None:
        np.add.at(self._sums, self._groups[numbers], weight * values)
        np.add.at(self._weights, self._groups[numbers], weight)

    def value(self) -> np.ndarray:
        return np.divide(self._sums, self._weights, out=np.full(len(self._sums), np.nan), where=self._weights > 0)


def _of_weights(model: Any, graph: ChannelGraph, score: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """`score` of all filters of a layer, (channels, weights), for kernels that give channels or filter them one by one."""
    mean = _Mean(graph)
    for slot in graph.slots:
        if slot.role is not Role.READS and slot.attribute in KERNEL_NAMES:
            values = np.moveaxis(_values(model, slot).astype(np.float64), slot.axis, 0)
            found = score(values.reshape(len(values), -1))
            mean.add(slot.numbers, found / max(float(found.mean()), 1e-30))
    return mean.value()


def _distances(filters: np.ndarray) -> np.ndarray:
    squares = (filters**2).sum(axis=1)
    products = squares[:, None] + squares[None, :] - 2 * filters @ filters.T
    return np.asarray(np.sqrt(np.maximum(products, 0)).sum(axis=1))


def _of_gates(model: Any, graph: ChannelGraph, context: Context, batch: int) -> np.ndarray:
    """The mean over batches of the squared gradient of the loss with respect to a gate on each group."""
    reading = [slot for slot in graph.slots if slot.role is Role.READS]
    variables = [getattr(model.get_layer(slot.layer), slot.attribute) for slot in reading]
    settings = replace(context.settings, batch=batch)
    sums, count = np.zeros(graph.count), _batches(context, batch)
    for gradients in islice(loss_gradients(model, replace(context, settings=settings), variables), count):
        gates = np.zeros(graph.count)
        for slot, variable, gradient in zip(reading, variables, gradients, strict=True):
            products = np.moveaxis(variable.numpy().astype(np.float64) * gradient, slot.axis, 0)
            np.add.at(gates, graph.groups[slot.numbers], products.reshape(len(products), -1).sum(axis=1))
        sums += gates**2
    return sums / count


def _some_inputs(context: Context) -> Iterator[Any]:
    """Batches of training inputs, SAMPLES in all at most."""
    size = context.settings.batch
    count = _batches(context, size)
    for inputs, _ in islice(context.samples.batches("train", size, context.settings.seed), count):
        many = isinstance(inputs, tuple)
        yield [np.asarray(x, np.float32) for x in inputs] if many else np.asarray(inputs, np.float32)


def _batches(context: Context, size: int) -> int:
    """How many batches a score looks at.

    Raises:
        DataError: when there are no samples.
    """
    if not context.samples.count("train"):
        raise DataError("There are no training samples.", hint="give the train split a share: data.split")
    return -(-min(SAMPLES, context.samples.count("train")) // size)


def _values(model: Any, slot: Slot) -> np.ndarray:
    return np.asarray(getattr(model.get_layer(slot.layer), slot.attribute).numpy())
