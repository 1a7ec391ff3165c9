"""The work of `prune` on one model: scores, shares of kernels, masks, and a penalty that makes weights small first."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from edgecompress.compress.base import Context
from edgecompress.compress.models.kernels import KernelVariable, from_rows, to_rows
from edgecompress.compress.training.fine_tuning import validation_loss
from edgecompress.compress.weights.allocation import cheapest, count_zeros, whole
from edgecompress.compress.weights.sensitivity import SAMPLES, scan
from edgecompress.compress.weights.sparsity import Masks, Structure
from edgecompress.compress.weights.weight_scores import SCORES
from edgecompress.errors import RecipeError
from edgecompress.load.runtime import keras2

LEVELS = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
"""Shares of zeros that a sensitivity scan tries on every kernel; and all but one."""


class Pruner:
    """Takes units (weights, blocks, …) out of the kernels of a model, for good."""

    def __init__(
        self,
        model: Any,
        kernels: Sequence[KernelVariable],
        structure: Structure,
        score: str,
        threshold: str,
        context: Context,
    ) -> None:
        """For kernels of `model`, which change; `score` and `threshold` as in `Prune`."""
        self._model, self.kernels, self._structure, self._context = model, tuple(kernels), structure, context
        self._scores = SCORES[score](model, context, [one.variable for one in kernels])
        self._threshold = threshold
        self._masks = Masks(kernels, structure, context.pruned)
        self._plan: dict[str, int] = {}
        self._goal = self._reached = 0.0
        self._penalty: Any = None

    def penalize(self, strength: float) -> None:
        """Add the sum of the kernels' absolute weights to the model's loss, until the last of them is taken.

        Han et al., "Learning both weights and connections", 2015, https://arxiv.org/abs/1506.02626, section 3.1, compare it
        with L2. It belongs to the layers, whatever model they are trained in; a copy of the model is without it.
        """
        import tensorflow as tf

        self._penalty = tf.Variable(strength, trainable=False)
        for one in self.kernels:
            one.layer.add_loss(partial(self._penalty_of, one.variable))

    def aim(self, share: float) -> tuple[str, ...]:
        """Say which share of all units will be taken in the end; a note about each kernel, where their shares are found.

        Raises:
            RecipeError: too many to leave something of every kernel.
            DataError: the scan has no validation samples.
        """
        self._goal = share
        if self._threshold != "sensitivity":
            return ()
        rows = self._masks.rows(self._scores())
        counts = {name: self._structure.count((found.shape[0], found.shape[1])) for name, found in rows.items()}
        wanted = whole(share, sum(counts.values()))
        if wanted > sum(counts.values()) - len(counts):
            raise RecipeError(
                f"prune: sparsity={share:g} leaves nothing of some kernel.",
                found=f"{len(counts)} kernels, {sum(counts.values())} weights or blocks in all",
                hint="a smaller sparsity, or smaller blocks",
            )
        levels = {
            name: [0, *np.unique([max(whole(level, count), 1) for level in LEVELS] + [count - 1]).tolist()]
            for name, count in counts.items()
            if count > 1
        }
        curves = scan(
            [one for one in self.kernels if one.name in levels],
            levels,
            lambda one, level: self._without(one, rows[one.name], level),
            validation_loss(self._model, self._context, SAMPLES),
        )
        self._plan = dict.fromkeys(counts, 0) | cheapest(curves, levels, wanted)
        return tuple(f"prune: {name} gets {self._plan[name] / counts[name]:.1%} zeros" for name in counts)

    def cut(self, share: float) -> None:
        """Take more units, so that this share of them is zero at least, and keep them zero."""
        if share <= self._reached:
            self._masks.apply()
            return
        rows = self._masks.rows(self._scores())
        if self._plan:
            counts = {name: whole(share / self._goal, count) for name, count in self._plan.items()}
        else:
            units = {name: self._structure.scores(found) for name, found in rows.items()}
            counts = count_zeros(units, share, self._threshold)
        self._masks.cut(rows, counts)
        self._reached = share
        if share >= self._goal and self._penalty is not None:
            self._penalty.assign(0.0)

    def callback(self, schedule: Callable[[int], float | None]) -> Any:
        """A Keras callback that cuts behind every step as the schedule says; None there only keeps zeros zero."""
        pruner = self

        class Pruning(keras2().callbacks.Callback):  # type: ignore[misc, name-defined]
            def on_train_begin(self, logs: Any = None) -> None:
                self.step = 0

            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                pruner.cut(schedule(self.step) or 0.0)
                self.step += 1

        return Pruning()

    def _penalty_of(self, variable: Any) -> Any:
        import tensorflow as tf

        return self._penalty * tf.reduce_sum(tf.abs(variable))

    def _without(self, one: KernelVariable, rows: np.ndarray, count: int) -> np.ndarray:
        kept = to_rows(one.variable.numpy(), one.kind) * self._structure.kept(rows, count)
        return from_rows(kept, one.kind, tuple(one.variable.shape))
