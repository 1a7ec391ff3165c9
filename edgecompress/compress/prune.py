"""Magnitude pruning with TF-MOT's schedules and masks: the smallest weights become zero while the others learn on.

Zhu and Gupta, "To prune, or not to prune", 2017, https://arxiv.org/abs/1710.01878: the sparsity rises from 0 to its
end value along a cubic polynomial.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from edgecompress.compress.base import Context, Kind, Outcome, Promise, epochs_of
from edgecompress.compress.cloning import copy_model, tfmot, with_weights_of, wrap_layers
from edgecompress.compress.kernels import KernelVariable, kernel_variables
from edgecompress.compress.samples import steps
from edgecompress.compress.selection import layer_names, select
from edgecompress.compress.training import fine_tune
from edgecompress.recipe.schema import limits


@dataclass(frozen=True)
class Prune:
    """Set the smallest weights of every kernel to zero, depthwise kernels included.

    Attributes:
        sparsity: fraction of zeros in each kernel, 0..1.
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
        total = epochs_of(self, context.settings) * steps(context.samples, context.settings.batch)
        if total:
            pruned = self._train(model, chosen, context, total)
        else:
            pruned = copy_model(model)
        names = tuple(kernel.name for kernel in chosen)
        _cut(pruned, frozenset(names), self.sparsity)
        return Outcome(pruned, Promise(Kind.ZEROS, self.sparsity, layers=names), notes=notes)

    def _reason_against(self, kernel: KernelVariable) -> str:
        size = int(np.prod(kernel.variable.shape))
        return "" if int(self.sparsity * size) else f"{self.sparsity:g} of its {size} weights is less than one"

    def _train(self, model: Any, chosen: tuple[KernelVariable, ...], context: Context, total: int) -> Any:
        pruning = tfmot().sparsity.keras
        attributes = layer_names(chosen)
        schedule = self._schedule(total)

        def wrap(layer: Any) -> Any:
            # TF-MOT's own table says that a depthwise convolution has nothing to prune; a layer may say otherwise.
            layer.get_prunable_weights = lambda: [getattr(layer, name) for name in attributes[layer.name]]
            return pruning.prune_low_magnitude(layer, pruning_schedule=schedule)

        wrapped = wrap_layers(model, attributes, wrap)
        fine_tune(
            wrapped,
            context,
            epochs_of(self, context.settings),
            learning_rate=self.learning_rate,
            callbacks=[pruning.UpdatePruningStep()],
            unguarded=frozenset(kernel.name for kernel in chosen),
        )
        return with_weights_of(model, pruning.strip_pruning(wrapped))

    def _schedule(self, total: int) -> Any:
        pruning = tfmot().sparsity.keras
        begin = min(int(self.begin * total), total - 1)
        span = max(int(self.end * total) - begin, 1)
        frequency = min(self.frequency or max(span // 50, 1), span)
        if self.schedule == "constant":
            return pruning.ConstantSparsity(self.sparsity, begin_step=begin, frequency=frequency)
        # The masks change at multiples of the frequency only: the end must be one of them.
        end = begin + -(-span // frequency) * frequency
        return pruning.PolynomialDecay(0.0, self.sparsity, begin_step=begin, end_step=end, frequency=frequency)


def _cut(model: Any, names: frozenset[str], sparsity: float) -> None:
    """Exactly the promised number of zeros at least: TF-MOT keeps all weights that equal its threshold."""
    for kernel in kernel_variables(model):
        if kernel.name not in names:
            continue
        values = kernel.variable.numpy()
        wanted = int(sparsity * values.size + 1e-9)
        if np.count_nonzero(values == 0) < wanted:
            smallest = np.argsort(np.abs(values), axis=None, kind="stable")[:wanted]
            values.reshape(-1)[smallest] = 0
            kernel.variable.assign(values)
