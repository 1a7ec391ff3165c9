"""Magnitude pruning: the smallest weights become zero, step by step, while the others learn on.

Zhu and Gupta, "To prune, or not to prune", 2017, https://arxiv.org/abs/1710.01878: the sparsity rises from 0 to its
end value along a cubic polynomial. The schedules are TF-MOT's; its wrappers give every kernel of a layer the same
sparsity and know no depthwise kernels, so masks are kept here. `allocation` shares the zeros out.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from edgecompress.compress.allocation import THRESHOLDS, count_zeros, whole
from edgecompress.compress.base import Context, Kind, Outcome, Promise, epochs_of
from edgecompress.compress.cloning import copy_model
from edgecompress.compress.kernels import KernelVariable, kernel_variables
from edgecompress.compress.samples import steps
from edgecompress.compress.selection import select
from edgecompress.compress.training import fine_tune
from edgecompress.load.runtime import keras2
from edgecompress.recipe.schema import limits

UPDATES = 50
"""Of the masks, where nothing else is asked for."""


@dataclass(frozen=True)
class Prune:
    """Set the smallest weights to zero, depthwise kernels included.

    Attributes:
        sparsity: fraction of zeros, 0..1.
        threshold: "layer": that fraction of each kernel; "global": of all kernels together, more where more can be spared.
        epochs: of fine-tuning, None as the recipe says; with 0 the weights are cut at once and nothing learns.
        schedule: "polynomial" raises the sparsity step by step; "constant" cuts at `begin` and lets the rest recover.
        begin, end: where in the training the schedule starts and reaches its sparsity, as fractions of its steps.
        frequency: steps between two updates of the masks; None takes about fifty updates.
        exclude: layers to leave alone, by name or pattern ("block_*").
        learning_rate: None takes the recipe's.
    """

    name: ClassVar[str] = "prune"
    final: ClassVar[bool] = False
    least_epochs: ClassVar[int] = 0

    sparsity: float = field(default=0.5, metadata=limits(above=0, high=0.99))
    threshold: str = field(default="layer", metadata=limits(choices=THRESHOLDS))
    epochs: int | None = field(default=None, metadata=limits(low=0, high=100_000))
    schedule: str = field(default="polynomial", metadata=limits(choices=("polynomial", "constant")))
    begin: float = field(default=0.0, metadata=limits(low=0, high=0.95))
    end: float = field(default=0.7, metadata=limits(above=0, high=1))
    frequency: int | None = field(default=None, metadata=limits(low=1))
    exclude: tuple[str, ...] = ()
    learning_rate: float | None = field(default=None, metadata=limits(above=0, high=100))

    def apply(self, model: Any, context: Context) -> Outcome:
        chosen, notes = select(model, self.name, self.exclude, self._reason_against)
        if not chosen:
            return Outcome(copy_model(model), notes=notes, did_nothing_reason="there is no kernel to prune")
        names = frozenset(kernel.name for kernel in chosen)
        pruned = copy_model(model)
        masks = Masks(pruned, names, self.threshold)
        epochs = epochs_of(self, context.settings)
        total = epochs * steps(context.samples, context.settings.batch)
        fine_tune(
            pruned,
            context,
            epochs,
            learning_rate=self.learning_rate,
            callbacks=[self._callback(masks, total)],
            unguarded=names,
        )
        masks.update(self.sparsity)
        granularity = "tensor" if self.threshold == "layer" else "model"
        promise = Promise(Kind.ZEROS, self.sparsity, granularity, granularity, tuple(one.name for one in chosen))
        return Outcome(pruned, promise, notes=notes)

    def sparsity_at(self, step: int, total: int) -> float | None:
        """The sparsity that the schedule sets behind step 0, 1, … of `total`; None where the masks stay."""
        begin = min(int(self.begin * total), total - 1)
        span = max(int(self.end * total) - begin, 1)
        frequency = min(self.frequency or max(span // UPDATES, 1), span)
        if step < begin or (step - begin) % frequency:
            return None
        if self.schedule == "constant":
            return self.sparsity
        done = min((step - begin) / span, 1.0)
        return self.sparsity * (1 - (1 - done) ** 3)

    def _reason_against(self, kernel: KernelVariable) -> str:
        size = int(np.prod(kernel.variable.shape))
        enough = self.threshold == "global" or whole(self.sparsity, size)
        return "" if enough else f"{self.sparsity:g} of its {size} weights is less than one"

    def _callback(self, masks: "Masks", total: int) -> Any:
        schedule = self

        class Pruning(keras2().callbacks.Callback):  # type: ignore[misc, name-defined]
            def on_train_begin(self, logs: Any = None) -> None:
                self.step = 0

            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                sparsity = schedule.sparsity_at(self.step, total)
                self.step += 1
                if sparsity:
                    masks.update(sparsity)
                else:
                    masks.apply()

        return Pruning()


class Masks:
    """Which weights of a model may be other than zero; a weight that is zero once stays so."""

    def __init__(self, model: Any, names: frozenset[str], threshold: str) -> None:
        import tensorflow as tf

        self._variables = {one.name: one.variable for one in kernel_variables(model) if one.name in names}
        self._masks = {name: tf.Variable(tf.ones_like(variable)) for name, variable in self._variables.items()}
        self._threshold = threshold
        self._project = tf.function(self._multiply, autograph=False)

    def apply(self) -> None:
        """Zero what training has moved away from zero."""
        self._project()

    def update(self, sparsity: float) -> None:
        """Choose anew, so that exactly that share of the weights is zero at least, and zero it."""
        self._project()
        values = {name: variable.numpy() for name, variable in self._variables.items()}
        for name, count in count_zeros(values, sparsity, self._threshold).items():
            mask = np.ones(values[name].size, np.float32)
            mask[np.argsort(np.abs(values[name]), axis=None, kind="stable")[:count]] = 0
            self._masks[name].assign(mask.reshape(values[name].shape))
        self._project()

    def _multiply(self) -> None:
        for name, variable in self._variables.items():
            variable.assign(variable * self._masks[name])
