"""Low rank: layers whose kernels are nearly of low rank become two or three smaller ones, one behind the other.

Denton et al., "Exploiting linear structure within convolutional networks for efficient evaluation", 2014,
https://arxiv.org/abs/1404.0736. What can take a layer's place is in `factors.schemes`, which ranks a budget affords in
`factors.choice`, and how the error is that of the outputs, not of the weights, in `factors.metric`; then all learns on.
"""

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from edgecompress.compress.base import Context, Kind, Outcome, Promise, epochs_of
from edgecompress.compress.factors.choice import Chosen, Option, as_given, by_budget, by_energy, by_vbmf, options, saved
from edgecompress.compress.factors.layers import places_of, reason_against, replacements
from edgecompress.compress.factors.metric import inputs_of, metric_of_outputs, metric_of_weights
from edgecompress.compress.factors.schemes import Scheme, schemes_of
from edgecompress.compress.models.cloning import copy_model
from edgecompress.compress.models.kernels import KernelVariable, kernel_variables
from edgecompress.compress.models.rebuilding import nested_models, rebuild, unchanged
from edgecompress.compress.promises import macs
from edgecompress.compress.training.fine_tuning import fine_tune
from edgecompress.compress.weights.selection import select
from edgecompress.errors import PromiseError, RecipeError
from edgecompress.recipe.schema import limits

DEFAULT_PARAMETERS = 0.5
"""Where nothing says how far to go."""

_RANKS = re.compile(r"[^:]+(:[1-9][0-9]{0,5}){1,2}")


@dataclass(frozen=True)
class LowRank:
    """Replace Dense layers and convolutions by factors of low rank, wherever that takes fewer weights and MACs.

    Attributes:
        parameters: fraction of the weights of the model's kernels that may be left; half where nothing else is asked for.
        macs: instead: fraction of the multiply-accumulates of the kernels.
        energy: instead: the share of each kernel's energy (of its outputs', with error=outputs) that its factors keep.
        vbmf: instead: ranks as variational Bayesian matrix factorization finds them.
        ranks: instead: layers, by name or pattern, with their ranks: [fc1:40,conv2:8:12] (Tucker's two).
        method: of kernels larger than 1x1: "tucker", "spatial", or "auto", whichever loses least.
        error: what is lost least: "outputs" on training samples, or "weights".
        multiple: what ranks are rounded to, where a layer is large enough for that; 1 takes any.
        epochs: of training, None as the recipe says; 0 only factorises.
        exclude: layers to leave alone, by name or pattern ("block_*").
        learning_rate: None takes the recipe's.
    """

    name: ClassVar[str] = "low_rank"
    final: ClassVar[bool] = False
    least_epochs: ClassVar[int] = 0

    parameters: float | None = field(default=None, metadata=limits(above=0, high=0.99))
    macs: float | None = field(default=None, metadata=limits(above=0, high=0.99))
    energy: float | None = field(default=None, metadata=limits(above=0, high=0.999_999))
    vbmf: bool = False
    ranks: tuple[str, ...] = ()
    method: str = field(default="auto", metadata=limits(choices=("auto", "tucker", "spatial")))
    error: str = field(default="outputs", metadata=limits(choices=("outputs", "weights")))
    multiple: int = field(default=4, metadata=limits(low=1, high=64))
    epochs: int | None = field(default=None, metadata=limits(low=0, high=100_000))
    exclude: tuple[str, ...] = ()
    learning_rate: float | None = field(default=None, metadata=limits(above=0, high=100))

    def __post_init__(self) -> None:
        given = [key for key in ("parameters", "macs", "energy", "vbmf", "ranks") if getattr(self, key)]
        if len(given) > 1:
            raise RecipeError(
                "low_rank: one thing says how far to go, a budget, an energy, vbmf or ranks.",
                found=" and ".join(given),
                hint=f"leave out {given[-1]}",
            )

        for wish in self.ranks:
            if not _RANKS.fullmatch(wish):
                raise RecipeError(
                    "low_rank: ranks are layers with a rank, or Tucker's two.", found=wish, hint="[fc1:40,conv2:8:12]"
                )

    def apply(self, model: Any, context: Context) -> Outcome:
        whole = rebuild(model)
        notes = tuple(f"low_rank: the model {name} is replaced by its layers" for name in nested_models(model))
        kernels, left_out = select(whole, self.name, self.exclude, lambda one: reason_against(whole, one, self.method))
        notes += left_out
        if not kernels:
            return Outcome(
                copy_model(model), notes=notes, did_nothing_reason="there is no layer that factors make smaller"
            )
        schemes = {one.name: self._schemes(whole, one, context) for one in kernels}
        chosen = self._choose(whole, schemes)
        if not chosen:
            reason = "no layer gets smaller at the ranks that were asked for"
            return Outcome(copy_model(model), notes=notes, did_nothing_reason=reason)
        self._refuse_promised(chosen, context)
        made = replacements(whole, chosen)
        small = rebuild(whole, lambda layer: made.get(layer.name) or unchanged(layer))
        promise, *further = self._promises(whole, chosen)
        fine_tune(small, context, epochs_of(self, context.settings), learning_rate=self.learning_rate)
        names = {name: tuple(part.name for part in some) for name, some in made.items()}
        notes += (
            *self._said(whole, chosen),
            *(f"low_rank: {name} stays as it is" for name in schemes if name not in chosen),
        )
        return Outcome(small, promise, tuple(further), names, notes=notes)

    def _schemes(self, whole: Any, kernel: KernelVariable, context: Context) -> list[Scheme]:
        values = kernel.variable.numpy().astype(np.float64)
        if self.error == "weights":
            metric = metric_of_weights(values.size // values.shape[-1])
        else:
            metric = metric_of_outputs(inputs_of(whole, kernel.layer, context))
        return schemes_of(values, metric, places_of(whole, kernel.layer), self.method)

    def _choose(self, whole: Any, schemes: Mapping[str, list[Scheme]]) -> Chosen:
        found: dict[str, Option | None]
        if self.ranks:
            found = self._as_given(schemes)
        elif self.vbmf:
            found = {name: by_vbmf(some, self.multiple) for name, some in schemes.items()}
        elif self.energy is not None:
            found = {name: by_energy(options(some, self.multiple), self.energy) for name, some in schemes.items()}
        else:
            return self._by_budget(whole, schemes)
        return {name: one for name, one in found.items() if one is not None}

    def _as_given(self, schemes: Mapping[str, list[Scheme]]) -> dict[str, Option | None]:
        wishes = {pattern: tuple(map(int, numbers)) for pattern, *numbers in (wish.split(":") for wish in self.ranks)}
        idle = [pattern for pattern in wishes if not fnmatch.filter(schemes, pattern)]
        if idle:
            raise RecipeError(
                f"low_rank: ranks names no layer that factors make smaller: {idle[0]}",
                hint=f"there are {', '.join(schemes)}",
            )
        found = {}
        for name, some in schemes.items():
            mine = [numbers for pattern, numbers in wishes.items() if fnmatch.fnmatchcase(name, pattern)]
            found[name] = as_given(some, mine[0]) if mine else None
        return found

    def _budget(self) -> tuple[Kind, float]:
        if self.macs is not None:
            return Kind.MACS, self.macs
        return Kind.PARAMETERS, DEFAULT_PARAMETERS if self.parameters is None else self.parameters

    def _by_budget(self, whole: Any, schemes: Mapping[str, list[Scheme]]) -> Chosen:
        kind, fraction = self._budget()
        costs = _costs(whole, kind)
        total = sum(costs.values())
        spare = total - int(fraction * total)
        chosen = by_budget({name: options(some, self.multiple) for name, some in schemes.items()}, costs, kind, spare)
        least = total - saved(chosen, costs, kind)
        if total - least < spare:
            raise RecipeError(
                f"low_rank: {kind.value}={fraction:g} cannot be reached.",
                found=f"{least / total:.3f} of them are left at the lowest ranks",
                hint=f"a larger fraction, a smaller multiple ({self.multiple}), or fewer exclusions",
            )
        return chosen

    def _refuse_promised(self, chosen: Chosen, context: Context) -> None:
        """Factors keep nothing of what was promised of a kernel's values."""
        for promise in context.standing:
            lost = [name for name in promise.layers if name in chosen]
            if lost:
                other = promise.source.split("{")[0]
                raise PromiseError(
                    f"{context.label or self.name} would break what {promise.source} had promised for layer {lost[0]}: {promise}.",
                    found=f"{len(lost)} of its layers would be replaced by factors with other weights",
                    hint=f"put low_rank in front of {other}, or exclude=[{','.join(lost[:3])}]",
                )

    def _promises(self, whole: Any, chosen: Chosen) -> list[Promise]:
        """Weights and MACs of all kernels together, as the ranks and the budget say, the budget's kind first."""
        kinds = [self._budget()[0], *(kind for kind in (Kind.PARAMETERS, Kind.MACS) if kind is not self._budget()[0])]
        bounds = []
        for kind in kinds:
            costs = _costs(whole, kind)
            if all(costs.values()):  # MACs are 0 where the model leaves the size of its input open
                bounds.append(Promise(kind, sum(costs.values()) - saved(chosen, costs, kind)))
        return bounds

    def _said(self, whole: Any, chosen: Chosen) -> list[str]:
        weights = _costs(whole, Kind.PARAMETERS)
        return [
            f"low_rank: {name}: {one.scheme.name} of rank {' x '.join(map(str, one.ranks))}, {one.weights:,} of"
            f" {weights[name]:,} weights, {one.error:.1%} of the energy of its {self.error} lost"
            for name, one in chosen.items()
        ]


def _costs(model: Any, kind: Kind) -> dict[str, int]:
    """Of every kernel."""
    kernels = [kernel.kernel() for kernel in kernel_variables(model)]
    return {kernel.name: macs(kernel) if kind is Kind.MACS else kernel.rows.size for kernel in kernels}
