"""Which ranks: by a budget over all layers, by the energy that is kept, as EVBMF finds them, or as given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgecompress.compress.base import Kind
from edgecompress.compress.factors.schemes import Ranks, Scheme, grid


@dataclass(frozen=True, eq=False)
class Option:
    """A way to factorise one layer.

    Attributes:
        scheme, ranks: which.
        error: share of the kernel's energy that is lost, 0..1.
        weights: of the factors.
        macs: multiply-accumulates of the factors in one inference.
    """

    scheme: Scheme
    ranks: Ranks
    error: float
    weights: int
    macs: int

    def cost(self, kind: Kind) -> int:
        """In what a budget of this kind counts."""
        return self.macs if kind is Kind.MACS else self.weights


Chosen = Mapping[str, Option]
"""Layer → what becomes of it; layers not named stay."""


def option(scheme: Scheme, ranks: Ranks) -> Option:
    """What these ranks cost and lose."""
    sizes = [(int(np.prod(shape)), places) for shape, places in scheme.sizes(ranks)]
    weights, macs = sum(size for size, _ in sizes), sum(size * places for size, places in sizes)
    return Option(scheme, ranks, scheme.error(ranks), weights, macs)


def options(schemes: Sequence[Scheme], multiple: int) -> list[Option]:
    """All that take less than the layer."""
    return [option(scheme, ranks) for scheme in schemes for ranks in grid(scheme, multiple)]


def by_budget(layers: Mapping[str, Sequence[Option]], whole: Mapping[str, int], kind: Kind, spare: int) -> Chosen:
    """The least sum of errors that saves so much, greedily by error for each unit that is saved.

    Steps along the lower convex hull of each layer's errors are taken in the order of their slopes, which is optimal but for
    the last step (Shoham and Gersho, 1988, https://doi.org/10.1109/29.90373); what that saves too much is given back.

    Args:
        layers: name → what it may become.
        whole: name → its cost as it is.
        kind: MACS or PARAMETERS.
        spare: cost to be saved; less is where all steps are not enough.
    """
    steps = [(slope, name, one) for name, found in layers.items() for slope, one in _hull(found, whole[name], kind)]
    chosen: dict[str, Option] = {}
    for _, name, one in sorted(steps, key=lambda step: step[:2]):
        if saved(chosen, whole, kind) >= spare:
            break
        chosen[name] = one
    return _given_back(chosen, layers, whole, kind, spare)


def saved(chosen: Chosen, whole: Mapping[str, int], kind: Kind) -> int:
    """What a choice saves of the layers' costs."""
    return sum(whole[name] - one.cost(kind) for name, one in chosen.items())


def by_energy(found: Sequence[Option], energy: float) -> Option | None:
    """The smallest that keeps this share of the kernel's energy; None where that makes nothing smaller."""
    return min((one for one in found if one.error <= 1 - energy), key=lambda one: one.weights, default=None)


def by_vbmf(schemes: Sequence[Scheme], multiple: int) -> Option | None:
    """The smallest at the ranks that EVBMF finds."""
    found = (fitted(scheme, scheme.noiseless(), multiple) for scheme in schemes)
    return min((one for one in found if one is not None), key=lambda one: one.weights, default=None)


def as_given(schemes: Sequence[Scheme], numbers: Ranks) -> Option | None:
    """One rank, which may stand for both of Tucker's, or two; None where these make nothing smaller, or nothing has two."""
    for scheme in schemes:
        if len(scheme.limits) == len(numbers):
            return fitted(scheme, numbers, 1)
    return fitted(schemes[0], numbers * 2, 1) if len(numbers) == 1 else None


def fitted(scheme: Scheme, ranks: Ranks, multiple: int) -> Option | None:
    """At these ranks rounded up to a multiple, or as they are where only that makes the layer smaller; else None."""
    least = tuple(min(max(rank, 1), most) for rank, most in zip(ranks, scheme.limits, strict=True))
    rounded = tuple(min(-(-rank // multiple) * multiple, most) for rank, most in zip(least, scheme.limits, strict=True))
    return next((option(scheme, one) for one in (rounded, least) if scheme.shrinks(one)), None)


def _hull(found: Sequence[Option], whole: int, kind: Kind) -> list[tuple[float, Option]]:
    """The corners of the lower convex hull of errors over what is saved, from nothing on, each with the slope towards it."""
    corners: list[tuple[int, float, Option | None]] = [(0, 0.0, None)]

    def slope(index: int, saving: int, error: float) -> float:
        return (error - corners[index][1]) / (saving - corners[index][0])

    points = sorted(((whole - one.cost(kind), one.error, number) for number, one in enumerate(found)))
    for saving, error, number in points:
        if saving <= corners[-1][0]:  # nothing saved, or as much as a better one saves
            continue
        while len(corners) > 1 and slope(-2, *corners[-1][:2]) >= slope(-2, saving, error):
            corners.pop()
        corners.append((saving, error, found[number]))
    slopes = [slope(index - 1, *corners[index][:2]) for index in range(1, len(corners))]
    return [(rise, one) for rise, (_, _, one) in zip(slopes, corners[1:], strict=True) if one is not None]


def _given_back(
    chosen: Mapping[str, Option],
    layers: Mapping[str, Sequence[Option]],
    whole: Mapping[str, int],
    kind: Kind,
    spare: int,
) -> Chosen:
    """Spend what was saved too much where most is lost."""
    left = dict(chosen)
    for name, one in sorted(chosen.items(), key=lambda item: (-item[1].error, item[0])):
        most = one.cost(kind) + saved(left, whole, kind) - spare
        if whole[name] <= most:
            del left[name]
            continue
        left[name] = min(
            (other for other in layers[name] if other.cost(kind) <= most), key=lambda other: other.error, default=one
        )
    return left
