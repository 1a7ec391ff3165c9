"""Batch-norm statistics estimated anew after weights have changed.

A short fine-tuning moves weights faster than moving averages follow (momentum 0.99 needs some 500 steps), and a pruned
network is then judged with the statistics of the dense one. Averaging the statistics of some batches with the weights
as they are now costs seconds; see Li et al., "EagleEye", 2020, https://arxiv.org/abs/2007.02491, on its effect.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np

from edgecompress.compress.training.augmentation import Augmentation
from edgecompress.compress.training.samples import Inputs, Samples

BATCHES = 64
"""Enough for an average whose noise is far below that of a single batch."""


def refresh_statistics(model: Any, samples: Samples, batch: int, seed: int, augmentation: Augmentation) -> int:
    """Set moving mean and variance of every trainable batch norm to their averages over training batches.

    Args:
        model: is changed in place; quantize wrappers are seen through.
        samples: its train split is used.
        batch: samples per batch.
        seed: which batches.
        augmentation: of the training; mixtures have statistics of their own, and the weights are right with those.

    Returns:
        How many batch norms were set.
    """
    norms = [norm for norm in _batch_norms(model) if norm.trainable]
    if not norms or not samples.count("train"):
        return 0
    momenta = [norm.momentum for norm in norms]
    variables = [variable for norm in norms for variable in (norm.moving_mean, norm.moving_variance)]
    for norm in norms:
        norm.momentum = 0.0  # a moving average without memory: the statistics of the last batch
    try:
        averages = _averages(model, _inputs(samples, batch, seed, augmentation), variables)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
    for variable, average in zip(variables, averages, strict=True):
        variable.assign(average.astype(np.float32))
    return len(norms)


@contextmanager
def frozen(model: Any, wanted: bool) -> Iterator[None]:
    """While it lasts, batch norms neither learn nor follow the batches, if that is wanted."""
    norms = [norm for norm in _batch_norms(model) if norm.trainable] if wanted else []
    for norm in norms:
        norm.trainable = False
    try:
        yield
    finally:
        for norm in norms:
            norm.trainable = True


def _inputs(samples: Samples, batch: int, seed: int, augmentation: Augmentation) -> Iterator[Inputs]:
    generator = np.random.default_rng(seed)
    for inputs, _ in islice(samples.batches("train", batch, seed=seed), BATCHES):
        yield augmentation(inputs, generator)


def _averages(model: Any, batches: Iterator[Inputs], variables: list[Any]) -> list[np.ndarray]:
    import tensorflow as tf

    @tf.function(autograph=False, reduce_retracing=True)  # type: ignore[untyped-decorator]
    def step(inputs: Any) -> None:
        model(inputs, training=True)

    sums = [np.zeros(variable.shape, np.float64) for variable in variables]
    weight = 0
    for inputs in batches:
        count = _step(step, inputs)
        weight += count
        for total, variable in zip(sums, variables, strict=True):
            total += count * variable.numpy().astype(np.float64)
    return [total / weight for total in sums]


def _step(step: Any, inputs: Inputs) -> int:
    """Run one batch; the number of its samples."""
    import tensorflow as tf

    if isinstance(inputs, tuple):
        step([tf.constant(x, tf.float32) for x in inputs])
        return len(inputs[0])
    step(tf.constant(inputs, tf.float32))
    return len(inputs)


def _batch_norms(model: Any) -> list[Any]:
    layers = [layer.layer if type(layer).__name__.startswith("QuantizeWrapper") else layer for layer in model.layers]
    return [layer for layer in layers if type(layer).__name__ in ("BatchNormalization", "SyncBatchNormalization")]
