"""Keeps what earlier passes promised while a model is trained further, by projecting the kernels after every step.

Zeros stay where they are; weights that share a value move together, by the mean of their own steps (gradient descent
projected on the set of kernels of the same pattern). It works for every layer kind, depthwise included, and inside
quantize wrappers, where TF-MOT's cluster- and prune-preserving schemes leave depthwise kernels unguarded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgecompress.compress.base import SHARED, SPARSE, Kind, Promise
from edgecompress.compress.models.kernels import KernelVariable, from_rows, kernel_variables, to_rows


@dataclass(frozen=True, eq=False)
class Pattern:
    """What must not change in a kernel, in Keras' layout.

    Attributes:
        mask: 1 where weights may be other than zero, float32; None without a promise of zeros.
        groups: weights of the same number share a value, int32; None without a promise of few values.
        frozen: the values themselves, where only the very values keep the promise; else None.
    """

    mask: np.ndarray | None = None
    groups: np.ndarray | None = None
    frozen: np.ndarray | None = None

    @property
    def empty(self) -> bool:
        return self.mask is None and self.groups is None and self.frozen is None


def pattern_of(values: np.ndarray, kind: str, promises: Sequence[Promise]) -> Pattern:
    """The pattern of a kernel that holds under these promises.

    Args:
        values: the kernel in Keras' layout.
        kind: as in `Kernel`.
        promises: those that speak of this kernel.
    """
    kinds = {promise.kind for promise in promises}
    if Kind.ALLOWED_VALUES in kinds or any(promise.units for promise in promises):
        return Pattern(frozen=values.astype(np.float32))
    mask = (values != 0).astype(np.float32) if kinds & SPARSE else None
    groups = None
    for promise in promises:
        if promise.kind in SHARED:
            groups = _groups(values, kind, promise.granularity)
    return Pattern(mask, groups)


def guard_callback(model: Any, promises: Sequence[Promise], exclude: frozenset[str] = frozenset()) -> Any:
    """A Keras callback that puts every guarded kernel back on its pattern after each step; None with none to guard.

    Args:
        model: about to be trained; its kernels keep the promises now.
        promises: to keep.
        exclude: names of kernels that the pass looks after itself.
    """
    import tensorflow as tf

    from edgecompress.load.runtime import keras2

    guarded = []
    for found in kernel_variables(model):
        mine = [promise for promise in promises if found.name in promise.layers and found.name not in exclude]
        pattern = pattern_of(found.variable.numpy(), found.kind, mine)
        if not pattern.empty:
            guarded.append((found, _projection(found, pattern)))
    if not guarded:
        return None

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def project() -> None:
        for found, projection in guarded:
            found.variable.assign(projection(found.variable))

    return keras2().callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: project())


def _groups(values: np.ndarray, kind: str, granularity: str) -> np.ndarray:
    rows = to_rows(values, kind)
    keys = rows.astype(np.float32)
    if granularity == "channel":
        numbers = np.zeros(rows.shape, np.int64)
        first = 0
        for channel, row in enumerate(keys):
            unique, inverse = np.unique(row, return_inverse=True)
            numbers[channel] = first + inverse.reshape(-1)
            first += len(unique)
    else:
        numbers = np.unique(keys, return_inverse=True)[1].reshape(rows.shape)
    return from_rows(numbers, kind, values.shape).astype(np.int32)


def _projection(found: KernelVariable, pattern: Pattern) -> Callable[[Any], Any]:
    import tensorflow as tf

    if pattern.frozen is not None:
        frozen = tf.constant(pattern.frozen)
        return lambda variable: frozen
    mask = None if pattern.mask is None else tf.constant(pattern.mask)
    shape = found.variable.shape

    def masked(values: Any) -> Any:
        return values if mask is None else values * mask

    if pattern.groups is None:
        return masked
    numbers = tf.constant(pattern.groups.reshape(-1))
    count = int(pattern.groups.max()) + 1

    def shared(variable: Any) -> Any:
        means = tf.math.unsorted_segment_mean(tf.reshape(variable, [-1]), numbers, count)
        return masked(tf.reshape(tf.gather(means, numbers), shape))

    return shared
