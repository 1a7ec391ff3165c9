"""Pruning of structure: neurons, filters and channels are taken out, and what is left is a smaller plain model.

Li et al., "Pruning filters for efficient convnets", 2016, https://arxiv.org/abs/1608.08710. Which channels go together is
found from the wiring (`channels.graph`, `channels.rules`), which matter least by a score (`channels.scores`), how many go by
a budget (`channels.choice`); then layers are built anew without them (`channels.removal`) and learn on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from edgecompress.compress.allocation import count_zeros
from edgecompress.compress.base import Context, Kind, Outcome, Promise, epochs_of
from edgecompress.compress.channels.choice import Budget, choose, cost_of
from edgecompress.compress.channels.graph import ChannelGraph
from edgecompress.compress.channels.removal import remove_channels, rows_that_stay
from edgecompress.compress.channels.rules import trace
from edgecompress.compress.channels.scores import NEEDS, PER_COST, SCORES
from edgecompress.compress.cloning import copy_model
from edgecompress.compress.kernels import keras_kernels, kernel_variables
from edgecompress.compress.promises import demand, measure
from edgecompress.compress.rebuilding import Part, nested_models, rebuild
from edgecompress.compress.selection import select
from edgecompress.compress.training import fine_tune
from edgecompress.errors import RecipeError
from edgecompress.recipe.schema import limits

Rows = Mapping[str, tuple[int, ...]]

DEFAULT_MACS = 0.5
"""Where no budget is given."""

_NO_SLIMMING = "filters: slimming needs score=bn_gamma, and epochs to train in."


@dataclass(frozen=True)
class Filters:
    """Take whole channels out, the least important first, until a budget is met.

    Attributes:
        macs: fraction of the multiply-accumulates of the model's kernels that may be left; half without any budget.
        parameters: instead: fraction of the weights of the kernels that may be left.
        score: what is least important (see `channels.scores`): l1, l2, fpgm, taylor, second_order, bn_gamma, apoz, random.
        scope: "global" compares the channels of all layers; "layer" takes about the same share of each.
        multiple: what numbers of channels are rounded to; 1 takes any.
        least: fraction of a layer's channels that stays in any case.
        rounds: how often a part is taken out and the rest fine-tuned; the epochs are shared out.
        slimming: strength of the L1 penalty on the factors of batch norms in the first half of the epochs, before
            anything goes (network slimming); with score=bn_gamma.
        epochs: of training, None as the recipe says; 0 only takes channels out.
        exclude: layers that keep their output channels, by name or pattern ("block_*").
        learning_rate: None takes the recipe's.
    """

    name: ClassVar[str] = "filters"
    final: ClassVar[bool] = False
    least_epochs: ClassVar[int] = 0

    macs: float | None = field(default=None, metadata=limits(above=0, high=0.99))
    parameters: float | None = field(default=None, metadata=limits(above=0, high=0.99))
    score: str = field(default="l2", metadata=limits(choices=tuple(SCORES)))
    scope: str = field(default="global", metadata=limits(choices=("global", "layer")))
    multiple: int = field(default=4, metadata=limits(low=1, high=64))
    least: float = field(default=0.1, metadata=limits(low=0, high=1))
    rounds: int = field(default=1, metadata=limits(low=1, high=100))
    slimming: float = field(default=0.0, metadata=limits(low=0, high=1))
    epochs: int | None = field(default=None, metadata=limits(low=0, high=100_000))
    exclude: tuple[str, ...] = ()
    learning_rate: float | None = field(default=None, metadata=limits(above=0, high=100))

    def __post_init__(self) -> None:
        if self.macs is not None and self.parameters is not None:
            raise RecipeError(
                "filters: one budget at a time, macs or parameters.",
                hint=f"filters{{macs={self.macs:g}}},filters{{parameters={self.parameters:g}}}",
            )
        if self.slimming and (self.score != "bn_gamma" or self.epochs == 0):
            raise RecipeError(_NO_SLIMMING)

    def apply(self, model: Any, context: Context) -> Outcome:
        whole = rebuild(model)
        notes = tuple(f"filters: the model {name} is replaced by its layers" for name in nested_models(model))
        graph = trace(whole)
        chosen, left_out = select(
            whole, self.name, self.exclude, lambda kernel: graph.reason_to_keep(kernel.layer.name)
        )
        notes += left_out
        if not any(kernel.layer.name in graph.given for kernel in chosen):
            return Outcome(copy_model(model), notes=notes, did_nothing_reason="there is no channel that may go")
        epochs = epochs_of(self, context.settings)
        if self.slimming and not epochs:
            raise RecipeError(_NO_SLIMMING)
        before = (epochs + 1) // 2 if self.slimming else 0
        if before:
            self._slim(whole, context, before)
        pruned, rows, said = self._prune(
            whole, frozenset(kernel.layer.name for kernel in chosen), context, epochs - before
        )
        kind, fraction = self._budget()
        total = cost_of(kind, kernel_variables(whole), graph).of(np.zeros(graph.count, bool))
        return Outcome(pruned, Promise(kind, int(fraction * total)), rows=rows, notes=(*notes, *said))

    def _budget(self) -> tuple[Kind, float]:
        if self.parameters is not None:
            return Kind.PARAMETERS, self.parameters
        return Kind.MACS, DEFAULT_MACS if self.macs is None else self.macs

    def _slim(self, model: Any, context: Context, epochs: int) -> None:
        """Train with a penalty that drives the factors of useless channels to zero."""

        def penalized(layer: Any) -> Sequence[Part]:
            config = layer.get_config()
            if "gamma_regularizer" in config:
                config["gamma_regularizer"] = {"class_name": "L1", "config": {"l1": self.slimming}}
            return (Part(type(layer), config, layer.get_weights()),)

        slimmed = rebuild(model, penalized)
        fine_tune(slimmed, context, epochs, learning_rate=self.learning_rate)
        model.set_weights(slimmed.get_weights())

    def _prune(
        self, model: Any, layers: frozenset[str], context: Context, epochs: int
    ) -> tuple[Any, Rows, tuple[str, ...]]:
        """The model after all rounds, the rows that stayed, and notes."""
        kind, fraction = self._budget()
        original = {kernel.name: kernel.rows.shape[0] for kernel in keras_kernels(model).values()}
        rows: Rows = {name: tuple(range(count)) for name, count in original.items()}
        total, notes = 0, []
        for number in range(1, self.rounds + 1):
            graph = trace(model)
            cost = cost_of(kind, kernel_variables(model), graph)
            total = total or cost.of(np.zeros(graph.count, bool))
            bound = int(total * fraction ** (number / self.rounds))
            scores, unknown = self._scores(model, graph, layers, context)
            per_cost = self.score in PER_COST
            budget = Budget(kind, bound, self.scope, self.multiple, self.least, per_cost)
            removed = choose(graph, scores, cost, budget)
            if cost.of(removed) > bound:
                raise self._out_of_reach(cost.of(removed) / total)
            stay = rows_that_stay(model, graph, removed)
            model = remove_channels(model, graph, removed)
            rows = {name: tuple(rows[name][row] for row in stay.get(name, range(len(rows[name])))) for name in rows}
            context = replace(context, standing=tuple(promise.carried({}, stay) for promise in context.standing))
            notes += [*(unknown if number == 1 else ()), *_keep_promises(model, context, self.name)]
            share = epochs // self.rounds + (number > self.rounds - epochs % self.rounds)
            fine_tune(model, context, share, learning_rate=self.learning_rate)
        changed = {name: found for name, found in rows.items() if len(found) < original[name]}
        kept = ", ".join(f"{name} {len(found)} of {original[name]}" for name, found in changed.items())
        return model, changed, (*notes, f"filters: channels that stay: {kept or 'all'}")

    def _scores(
        self, model: Any, graph: ChannelGraph, layers: frozenset[str], context: Context
    ) -> tuple[np.ndarray, tuple[str, ...]]:
        """Scores, NaN for what must stay; and a note for each layer that the score does not know."""
        scores = SCORES[self.score](model, graph, context)
        unknown = tuple(
            f"filters: {name} keeps its channels, since no {NEEDS[self.score]} lies behind it"
            for name, groups in graph.given.items()
            if name in layers and np.isnan(scores[groups]).all()
        )
        others = [group for group, makers in enumerate(graph.makers) if not layers.issuperset(makers)]
        scores[others] = np.nan
        return scores, unknown

    def _out_of_reach(self, reached: float) -> RecipeError:
        what = "macs" if self._budget()[0] is Kind.MACS else "parameters"
        return RecipeError(
            f"filters: {what}={self._budget()[1]:g} cannot be reached.",
            found=f"{reached:.3f} of them are left when every channel that may go is gone",
            hint=f"a larger fraction, a smaller least ({self.least:g}) or multiple ({self.multiple}), or fewer exclusions",
        )


def _keep_promises(model: Any, context: Context, name: str) -> list[str]:
    """Add the zeros that what is left lacks of a promised share; refuse what is broken otherwise, before training.

    Raises:
        PromiseError: naming both passes.
    """
    notes = []
    for promise in context.standing:
        added = _add_zeros(model, promise) if promise.kind is Kind.ZEROS else ()
        notes += [f"filters: zeros were added to {layer}, as {promise.source} had promised" for layer in added]
        demand(measure(promise, keras_kernels(model)), context.label or name)
    return notes


def _add_zeros(model: Any, promise: Promise) -> tuple[str, ...]:
    """Set the smallest weights to zero where fewer are than promised; the kernels where."""
    assert isinstance(promise.bound, float), "a share of zeros is one number"
    kernels = {kernel.name: kernel.variable for kernel in kernel_variables(model) if kernel.name in promise.layers}
    found = {name: variable.numpy() for name, variable in kernels.items()}
    squares = {name: values.astype(np.float64) ** 2 for name, values in found.items()}
    wanted = count_zeros(squares, promise.bound, "global" if promise.granularity == "model" else "layer")
    added = []
    for name, values in found.items():
        if np.count_nonzero(values == 0) < wanted[name]:
            values.reshape(-1)[np.argsort(np.abs(values), axis=None, kind="stable")[: wanted[name]]] = 0
            kernels[name].assign(values)
            added.append(name)
    return tuple(added)
