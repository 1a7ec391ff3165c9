"""Pruning of structure: neurons, filters and channels are taken out, and what is left is a smaller plain model.

Li et al., "Pruning filters for efficient convnets", 2016, https://arxiv.org/abs/1608.08710. Which channels go together is
found from the wiring (`channels.graph`, `channels.rules`), which matter least by a score (`channels.scores`), how many go by
a budget (`channels.choice`, `channels.fitting`); then layers are built anew without them (`channels.removal`) and learn on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from edgecompress.compress.base import ON_DEVICE, UNITS, Context, Gauge, Kind, Outcome, Promise, Reading, epochs_of
from edgecompress.compress.budgets import Limit, the_only_limit
from edgecompress.compress.channels.choice import Budget, Step, choose, cost_of, gone, ranked_steps
from edgecompress.compress.channels.fitting import Fitting
from edgecompress.compress.channels.graph import ChannelGraph
from edgecompress.compress.channels.removal import remove_channels, rows_that_stay
from edgecompress.compress.channels.rules import trace
from edgecompress.compress.channels.scores import NEEDS, PER_COST, SCORES
from edgecompress.compress.models.cloning import copy_model
from edgecompress.compress.models.kernels import keras_kernels, kernel_variables
from edgecompress.compress.models.rebuilding import Part, nested_models, rebuild
from edgecompress.compress.promises import demand, measure
from edgecompress.compress.training.fine_tuning import fine_tune
from edgecompress.compress.weights.allocation import count_zeros
from edgecompress.compress.weights.selection import select
from edgecompress.errors import RecipeError
from edgecompress.recipe.schema import limits

Rows = Mapping[str, tuple[int, ...]]

DEFAULT = Limit(Kind.MACS, 0.5, "macs=0.5")
"""Where no budget is given."""

COUNTED = {Kind.CYCLES: Kind.MACS, Kind.RAM: Kind.MACS, Kind.FLASH: Kind.PARAMETERS}
"""What channels are weighed by where a score is for each unit of cost, and the device knows the cost only as a whole."""

ROOM = {Kind.CYCLES: 0.01, Kind.FLASH: 0.01, Kind.RAM: 0.0}
"""The share of a budget that is kept back, since what is read of a model before it is trained may change a little."""

_NO_SLIMMING = "filters: slimming needs score=bn_gamma, and epochs to train in."


@dataclass(frozen=True)
class Filters:
    """Take whole channels out, the least important first, until a budget is met.

    Attributes:
        macs: fraction of the multiply-accumulates of the model's kernels that may be left; half without any budget.
        parameters: instead: fraction of the weights of the kernels that may be left.
        cycles, flash, ram: instead: what may be left of the modelled cycles, the bytes of the firmware or those of the arena on
            the build's target, as a fraction or as a number (4M, 64k, 20k); the firmware is made and run to see.
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
    cycles: float | str | None = None
    flash: float | str | None = None
    ram: float | str | None = None
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
        _ = self._limit
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
        total = self._total(whole, graph, context)
        bound = self._limit.of(total)
        if total <= bound:
            reason = f"the model takes {total:,} {UNITS[self._limit.kind]} already"
            return Outcome(copy_model(model), notes=notes, did_nothing_reason=reason)
        before = (epochs + 1) // 2 if self.slimming else 0
        if before:
            self._slim(whole, context, before)
        layers = frozenset(kernel.layer.name for kernel in chosen)
        pruned, rows, said = self._prune(whole, layers, context, epochs - before, total)
        target = context.gauge.target if context.gauge and self._limit.kind in ON_DEVICE else ""
        promise = Promise(self._limit.kind, bound, target=target)
        return Outcome(pruned, promise, rows=rows, notes=(*notes, *said))

    @cached_property
    def _limit(self) -> Limit:
        kinds = (Kind.MACS, Kind.PARAMETERS, *sorted(ON_DEVICE))
        return the_only_limit(self.name, {kind: getattr(self, kind) for kind in kinds}, DEFAULT)

    def _total(self, model: Any, graph: ChannelGraph, context: Context) -> int:
        """What the model takes of what the budget is about."""
        kind = self._limit.kind
        if kind in ON_DEVICE:
            return self._gauge(context).read(model, kind, context.samples).value
        return cost_of(kind, kernel_variables(model), graph).of(np.zeros(graph.count, bool))

    def _gauge(self, context: Context) -> Gauge:
        if context.gauge is None:
            raise RecipeError(
                f"filters: {self._limit.text} is known on a device only, and there is none here.",
                hint="`edgecompress build` or `compress`, with target in [build] of the recipe; or macs, or parameters",
            )
        return context.gauge

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
        self, model: Any, layers: frozenset[str], context: Context, epochs: int, total: int
    ) -> tuple[Any, Rows, tuple[str, ...]]:
        """The model after all rounds, the rows that stayed, and notes."""
        original = {kernel.name: kernel.rows.shape[0] for kernel in keras_kernels(model).values()}
        rows: Rows = {name: tuple(range(count)) for name, count in original.items()}
        notes: list[str] = []
        fraction = self._limit.of(total) / total
        for number in range(1, self.rounds + 1):
            graph = trace(model)
            scores, unknown = self._scores(model, graph, layers, context)
            bound = int(total * fraction ** (number / self.rounds) + 1e-6)
            removed, said = self._removed(model, graph, scores, context, bound, total)
            stay = rows_that_stay(model, graph, removed)
            model = remove_channels(model, graph, removed)
            rows = {name: tuple(rows[name][row] for row in stay.get(name, range(len(rows[name])))) for name in rows}
            context = replace(context, standing=tuple(promise.carried({}, stay) for promise in context.standing))
            notes += [*(unknown if number == 1 else ()), *said, *_keep_promises(model, context, self.name)]
            share = epochs // self.rounds + (number > self.rounds - epochs % self.rounds)
            fine_tune(model, context, share, learning_rate=self.learning_rate)
        changed = {name: found for name, found in rows.items() if len(found) < original[name]}
        kept = ", ".join(f"{name} {len(found)} of {original[name]}" for name, found in changed.items())
        return model, changed, (*notes, f"filters: channels that stay: {kept or 'all'}")

    def _removed(
        self, model: Any, graph: ChannelGraph, scores: np.ndarray, context: Context, bound: int, total: int
    ) -> tuple[np.ndarray, tuple[str, ...]]:
        """(groups,) bool, so that at most `bound` is left of what was `total`; and notes."""
        kind = self._limit.kind
        cost = cost_of(COUNTED.get(kind, kind), kernel_variables(model), graph)
        budget = Budget(kind, bound, self.scope, self.multiple, self.least, self.score in PER_COST)
        if kind in ON_DEVICE:
            return self._fitted(model, graph, ranked_steps(graph, scores, cost, budget), context, bound, total)
        removed = choose(graph, scores, cost, budget)
        if cost.of(removed) > bound:
            raise self._out_of_reach(cost.of(removed), total)
        return removed, ()

    def _fitted(
        self, model: Any, graph: ChannelGraph, steps: Sequence[Step], context: Context, bound: int, total: int
    ) -> tuple[np.ndarray, tuple[str, ...]]:
        """The same on the device, by candidates that are built."""
        gauge, kind = self._gauge(context), self._limit.kind

        def say(done: int, expected: int) -> None:
            stage = f"filters: candidates on {gauge.target}"
            context.emit({"kind": "progress", "stage": stage, "step": done, "total": expected})

        def read(removed: np.ndarray) -> Reading:
            return gauge.read(remove_channels(model, graph, removed), kind, context.samples)

        fitting = Fitting(graph, read, int(bound * (1 - ROOM[kind])), say)
        chosen = fitting.fit(steps, spare=kind is Kind.RAM)
        found = fitting.reading(chosen)
        if found.value > bound:
            raise self._out_of_reach(found.value, total, found.holder)
        words = f"{found.value:,} of {total:,} {UNITS[kind]} on {gauge.target} ({gauge.setting})"
        return gone(chosen, graph), (f"filters: {words}, the best of {fitting.candidates} candidates before training",)

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

    def _out_of_reach(self, left: int, total: int, holder: str = "") -> RecipeError:
        share = f"{left:,} of {total:,} {UNITS[self._limit.kind]} ({left / total:.3f})"
        found = f"{share} are left when every channel that may go is gone"
        return RecipeError(
            f"filters: {self._limit.text} cannot be reached.",
            found=f"{found}; largest then: {holder}" if holder else found,
            hint=f"a larger budget, a smaller least ({self.least:g}) or multiple ({self.multiple}), or fewer exclusions",
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
