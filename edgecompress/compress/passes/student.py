"""A smaller network takes the model's place, and a teacher's answers teach it.

Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015, https://arxiv.org/abs/1503.02531. The student
is a thinner copy (`channels.width`), has its convolutions redesigned (`students.designs`), both, or is a model of the user's own
(`students.own`). Who teaches, and how much of the loss that is, stands in the recipe, as for every pass.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from edgecompress.compress.base import Context, Kind, Outcome, Promise, epochs_of
from edgecompress.compress.channels.removal import remove_channels, rows_that_stay
from edgecompress.compress.channels.rules import trace
from edgecompress.compress.channels.scores import SCORES
from edgecompress.compress.channels.width import thinned
from edgecompress.compress.models.cloning import copy_model
from edgecompress.compress.models.kernels import keras_kernels
from edgecompress.compress.models.rebuilding import Part, nested_models, rebuild, unchanged
from edgecompress.compress.students.convolution import convolutions
from edgecompress.compress.students.designs import DESIGNS, Parts, Proportions, costs, kernels_of, redesigned
from edgecompress.compress.students.own import read_student
from edgecompress.compress.training.fine_tuning import fine_tune
from edgecompress.compress.weights.selection import select
from edgecompress.errors import PromiseError, RecipeError
from edgecompress.recipe.schema import limits

DEFAULT_WIDTH = 0.5
"""Where nothing says what the student is."""

_SCORES = tuple(name for name in SCORES if name not in ("bn_gamma", "apoz"))
"""That know every channel."""

_BOTTLENECKS = ("fire", "shuffle")


@dataclass(frozen=True, eq=False)
class Draft:
    """A student before it is taught.

    Attributes:
        model: with initial values, or those of the model's best channels.
        successors, rows: as in `Outcome`.
        notes: layers left out and why.
    """

    model: Any
    successors: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    rows: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Student:
    """Replace the model by a smaller one and train that.

    Attributes:
        width: share of its channels that every layer keeps; half where nothing else is asked for.
        design: what takes the place of k×k convolutions: depthwise_separable, stacked, fire, shuffle (see `students.designs`).
        model: instead of both: a model file, relative to the recipe, of the same inputs and outputs.
        weights: with which a thinner copy begins: "inherited" from the best channels, or "fresh" ones, which go for all
            layers. Designs begin with fresh ones in any case, a model of one's own with its file's, if inherited.
        score: which channels are best: l1, l2, fpgm, taylor, second_order, random.
        multiple: what numbers of channels are rounded to; 1 takes any.
        squeeze: channels in the bottlenecks of fire and shuffle, as a share of those given; None is the papers' (1/8, 1/4).
        groups: of shuffle's 1x1 convolutions.
        epochs: of training, None as the recipe says; 0 only builds the student.
        exclude: layers to leave as they are, by name or pattern ("block_*").
        learning_rate: None takes the recipe's.
    """

    name: ClassVar[str] = "student"
    final: ClassVar[bool] = False
    least_epochs: ClassVar[int] = 0

    width: float | None = field(default=None, metadata=limits(above=0, high=0.99))
    design: str = field(default="", metadata=limits(choices=("", *DESIGNS)))
    model: str = ""
    weights: str = field(default="inherited", metadata=limits(choices=("inherited", "fresh")))
    score: str = field(default="l2", metadata=limits(choices=_SCORES))
    multiple: int = field(default=4, metadata=limits(low=1, high=64))
    squeeze: float | None = field(default=None, metadata=limits(above=0, high=1))
    groups: int = field(default=4, metadata=limits(low=2, high=64))
    epochs: int | None = field(default=None, metadata=limits(low=0, high=100_000))
    exclude: tuple[str, ...] = ()
    learning_rate: float | None = field(default=None, metadata=limits(above=0, high=100))

    def __post_init__(self) -> None:
        others = [key for key in ("width", "design", "exclude") if getattr(self, key)]
        if self.model and others:
            raise RecipeError(
                "student: a model of your own is taken as it is.",
                found=f"model and {others[0]}",
                hint=f"leave out {others[0]}, or model",
            )
        if self.squeeze is not None and self.design not in _BOTTLENECKS:
            raise RecipeError("student: only fire and shuffle have a bottleneck to squeeze.", hint="design=fire")

    def apply(self, model: Any, context: Context) -> Outcome:
        whole = rebuild(model)
        draft = self._own(model, whole) if self.model else self._derived(whole, context)
        if draft.model is whole:
            reason = "there is no layer that a student could have smaller"
            return Outcome(copy_model(model), notes=draft.notes, did_nothing_reason=reason)
        self._refuse_promised(context)
        student = rebuild(draft.model, _fresh) if self.weights == "fresh" else draft.model
        self._refuse_frozen(whole, student, context)
        before, after = costs(whole), costs(student)
        promise, *further = (Promise(kind, after[kind]) for kind in (Kind.MACS, Kind.PARAMETERS) if after[kind])
        notes = (
            *(f"student: the model {name} is replaced by its layers" for name in nested_models(model)),
            *draft.notes,
            *_said(before, after, context),
        )
        fine_tune(student, context, epochs_of(self, context.settings), learning_rate=self.learning_rate)
        return Outcome(student, promise, tuple(further), successors=draft.successors, rows=draft.rows, notes=notes)

    def _own(self, model: Any, whole: Any) -> Draft:
        return Draft(read_student(self.model, model), {name: () for name in keras_kernels(whole)})

    def _derived(self, whole: Any, context: Context) -> Draft:
        """The thinner copy, its convolutions redesigned; `whole` itself where there is nothing to do."""
        draft = Draft(whole)
        if self.width is not None or not self.design:
            draft = self._thinner(whole, context)
        return self._redesigned(draft) if self.design else draft

    def _thinner(self, whole: Any, context: Context) -> Draft:
        graph = trace(whole)
        chosen, notes = select(whole, self.name, self.exclude, lambda one: graph.reason_to_keep(one.layer.name))
        scores = SCORES[self.score](whole, graph, context) if graph.given and chosen else np.zeros(graph.count)
        width = DEFAULT_WIDTH if self.width is None else self.width
        removed = thinned(graph, scores, {one.layer.name for one in chosen}, width, self.multiple)
        if not removed.any():
            return Draft(whole, notes=notes)
        return Draft(remove_channels(whole, graph, removed), rows=rows_that_stay(whole, graph, removed), notes=notes)

    def _redesigned(self, draft: Draft) -> Draft:
        found, against = convolutions(draft.model)
        proportions = Proportions(self.squeeze, self.groups, self.multiple)
        parts: dict[str, Parts] = {}
        for name, one in found.items():
            made = redesigned(one, self.design, proportions)
            if isinstance(made, str):
                against[name] = made
            else:
                parts[name] = made
        chosen, notes = select(draft.model, self.name, self.exclude, lambda one: against.get(one.layer.name, ""))
        parts = {one.layer.name: parts[one.layer.name] for one in chosen if one.layer.name in parts}
        notes = (*draft.notes, *notes)
        if not parts:
            return Draft(draft.model, rows=draft.rows, notes=notes)
        small = rebuild(draft.model, lambda layer: parts.get(layer.name) or unchanged(layer))
        rows = {name: stay for name, stay in draft.rows.items() if name not in parts}
        return Draft(small, {name: kernels_of(made) for name, made in parts.items()}, rows, notes)

    def _refuse_promised(self, context: Context) -> None:
        """A student's weights are others; budgets of MACs and parameters may stand."""
        for promise in context.standing:
            if promise.layers:
                other = promise.source.split("{")[0]
                raise PromiseError(
                    f"{context.label or self.name} would break what {promise.source} had promised for layer"
                    f" {promise.layers[0]}: {promise}.",
                    found="a student is another network with other weights",
                    hint=f"put student in front of {other}",
                )

    def _refuse_frozen(self, whole: Any, student: Any, context: Context) -> None:
        """A batch norm that is frozen before it has seen anything is none."""
        known = {layer.name for layer in whole.layers} if self.weights == "inherited" else set()
        norms = [layer.name for layer in student.layers if type(layer).__name__.endswith("BatchNormalization")]
        new = [name for name in norms if name not in known]
        if new and context.settings.frozen_norms and not self.model:
            raise RecipeError(
                f"student: training.batch_norm is frozen, but the batch norm {new[0]} is new and has seen nothing yet.",
                hint="leave training.batch_norm out, or take a student{width=0.5} with inherited weights",
            )


def _fresh(layer: Any) -> tuple[Part, ...]:
    return (Part(type(layer), layer.get_config(), None),)


def _said(before: Mapping[Kind, int], after: Mapping[Kind, int], context: Context) -> tuple[str, ...]:
    sizes = f"{after[Kind.PARAMETERS]:,} of {before[Kind.PARAMETERS]:,} weights"
    if after[Kind.MACS]:
        sizes += f" and {after[Kind.MACS]:,} of {before[Kind.MACS]:,} MACs"
    alone = context.teacher is None and context.task.target != "teacher"
    untaught = "student: it learns from labels alone; training.distillation above 0 adds a teacher's answers"
    return (f"student: it has {sizes}", *((untaught,) if alone else ()))
