"""How important single weights are: what a network is thought to lose with each of them.

All scores count like squares of weights or changes of the loss, so that those of a block or of a layer can be added up.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from types import MappingProxyType
from typing import Any

import numpy as np

from edgecompress.compress.base import Context
from edgecompress.compress.training.fine_tuning import loss_gradients
from edgecompress.errors import DataError

SAMPLES = 512
"""Training samples that scores by gradients look at, the next ones each time."""
BATCH = 8
"""Of them at a time: squares of gradients over more samples vanish in their mean, over fewer they take longer."""

Scores = Callable[[], list[np.ndarray]]
"""The scores of all weights as they are now, an array of each variable's shape, float64, none negative."""


def _magnitude(model: Any, context: Context, variables: Sequence[Any]) -> Scores:
    """The square of the weight: Han et al., "Learning both weights and connections", 2015,
    https://arxiv.org/abs/1506.02626."""
    return lambda: [variable.numpy().astype(np.float64) ** 2 for variable in variables]


def _taylor(model: Any, context: Context, variables: Sequence[Any]) -> Scores:
    """The loss's first-order change without the weight, |weight · gradient|, the mean over batches.

    Molchanov et al., "Pruning convolutional neural networks for resource efficient inference", 2017,
    https://arxiv.org/abs/1611.06440, there for whole feature maps.
    """
    means = _means(model, context, variables, np.abs)
    return lambda: [np.abs(variable.numpy()) * mean for variable, mean in zip(variables, means(), strict=True)]


def _second_order(model: Any, context: Context, variables: Sequence[Any]) -> Scores:
    """Half the weight's square times the loss's curvature along it, the change of the loss at a minimum.

    LeCun, Denker and Solla, "Optimal brain damage", 1990. The curvature is the diagonal of the empirical Fisher
    information, the mean of squared gradients over small batches, as in Theis et al., 2018,
    https://arxiv.org/abs/1801.05787.
    """
    means = _means(model, context, variables, np.square)
    return lambda: [
        0.5 * BATCH * variable.numpy().astype(np.float64) ** 2 * mean
        for variable, mean in zip(variables, means(), strict=True)
    ]


def _random(model: Any, context: Context, variables: Sequence[Any]) -> Scores:
    """By lot, once: the control that every other score has to beat."""
    generator = np.random.default_rng(context.settings.seed)
    drawn = [generator.random(variable.shape) for variable in variables]
    return lambda: drawn


SCORES: Mapping[str, Callable[[Any, Context, Sequence[Any]], Scores]] = MappingProxyType(
    {"magnitude": _magnitude, "taylor": _taylor, "second_order": _second_order, "random": _random}
)
"""Name → function of the model, the context and the kernels' variables."""

BY_GRADIENTS = frozenset({"taylor", "second_order"})
"""Scores that look at samples."""


def _means(
    model: Any, context: Context, variables: Sequence[Any], of: Callable[[np.ndarray], np.ndarray]
) -> Callable[[], list[np.ndarray]]:
    """The mean of a function of the gradients over the next batches.

    Raises:
        DataError: when there are no training samples.
    """
    present = context.samples.count("train")
    if not present:
        raise DataError("There are no training samples.", hint="give the train split a share: data.split")
    count = -(-min(SAMPLES, present) // BATCH)
    small = replace(context, settings=replace(context.settings, batch=BATCH))
    gradients = loss_gradients(model, small, variables)

    def means() -> list[np.ndarray]:
        sums = [np.zeros(variable.shape) for variable in variables]
        for found in islice(gradients, count):
            for total, gradient in zip(sums, found, strict=True):
                total += of(gradient.astype(np.float64))
        return [total / count for total in sums]

    return means
