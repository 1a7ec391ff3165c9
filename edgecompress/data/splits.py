"""Which sample belongs to which split: disjoint by construction, seeded, by fractions, counts, classes or groups."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from edgecompress.errors import DataError
from edgecompress.recipe import SplitRecipe

CALIBRATION = 256
"""Samples of the calibration split where nothing is declared; at most a fifth of the training part."""


@dataclass
class Assignment:
    """Indices into the pool per split, and remarks for the report."""

    indices: dict[str, np.ndarray]
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def divide(
    count: int,
    recipe: SplitRecipe,
    seed: int,
    *,
    explicit: frozenset[str] = frozenset(),
    classes: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> Assignment:
    """Divide the pool's `count` samples into train, calibration, validation and test.

    Every index is given to one split at most: each split takes from what the ones before left. Order within a split
    is a seeded permutation, so that any front part of it is a fair sample.

    Args:
        explicit: splits that the source gives as arrays of their own and that take nothing from the pool.
        classes: (count,) class indices to stratify by, or None.
        groups: (count,) group values, or None; then no group is in two of train, validation and test.

    Raises:
        DataError: fewer samples or groups than asked.
    """
    if groups is not None:
        result = _by_groups(np.asarray(groups).astype(str), recipe, seed, explicit)
    else:
        result = _by_samples(count, recipe, seed, explicit, classes)
    if "calibration" not in explicit and "calibration" not in result.indices:
        _take_calibration(result, recipe, classes, seed)
    for place, name in enumerate(sorted(result.indices)):
        # RandomState, not Generator: its stream is frozen for all NumPy versions.
        shuffle = np.random.RandomState([seed, 1 + place]).permutation(len(result.indices[name]))
        result.indices[name] = np.sort(result.indices[name])[shuffle]
    return result


def spread(order: np.ndarray, count: int) -> np.ndarray:
    """A mask over `order` with `count` places evenly spread: a systematic sample, which keeps proportions along it."""
    steps = np.arange(len(order) + 1, dtype=np.int64) * count // max(1, len(order))
    return np.diff(steps) > 0


def _by_samples(
    count: int, recipe: SplitRecipe, seed: int, explicit: frozenset[str], classes: np.ndarray | None
) -> Assignment:
    wanted = {name: _count(getattr(recipe, name), count) for name in ("test", "validation") if name not in explicit}
    train = None if recipe.train is None else _count(recipe.train, count)
    total = sum(wanted.values())
    if total + (1 if train is None else max(1, train)) > count and (total > count or train != 0):
        asked = ", ".join(f"{name} {one}" for name, one in wanted.items())
        raise DataError(
            "there are fewer samples than the splits ask for",
            found=f"{count} samples for {asked}, train {'the rest' if train is None else train}",
            hint="smaller numbers in the recipe's [data.split]",
        )
    left = _mixed(np.arange(count), classes if recipe.stratify else None, seed)
    result = Assignment({})
    for name, number in wanted.items():
        chosen = spread(left, number)
        result.indices[name] = left[chosen]
        left = left[~chosen]
    if train is not None and train < len(left):
        result.notes.append(f"{len(left) - train} samples are in no split, as the recipe's train says")
        left = left[spread(left, train)]
    result.indices["train"] = left
    return result


def _count(share: int | float, count: int) -> int:
    if isinstance(share, int):
        return share
    return max(1, round(share * count)) if share > 0 else 0


def _mixed(indices: np.ndarray, classes: np.ndarray | None, seed: int) -> np.ndarray:
    """The indices in seeded random order, class by class where classes are given."""
    order = indices[np.random.RandomState([seed, 0]).permutation(len(indices))]
    return order if classes is None else order[np.argsort(classes[order], kind="stable")]


def _take_calibration(result: Assignment, recipe: SplitRecipe, classes: np.ndarray | None, seed: int) -> None:
    train = result.indices["train"]
    if not len(train):
        result.indices["calibration"] = train
        return
    asked = recipe.calibration
    number = min(CALIBRATION, max(1, len(train) // 5)) if asked is None else _count(asked, len(train))
    if number >= len(train) > 1 or number > len(train):
        raise DataError(
            "calibration samples come from the training part, which has too few",
            found=f"{len(train)} samples for {number} and for training",
            hint="a smaller calibration in the recipe's [data.split], or calibration_samples in [convert]",
        )
    if len(train) == 1:
        return
    left = _mixed(train, classes if recipe.stratify else None, seed)
    chosen = spread(left, number)
    result.indices |= {"calibration": left[chosen], "train": left[~chosen]}
    result.notes.append(f"calibration: {number} samples taken out of the training part; training does not see them")


def _by_groups(groups: np.ndarray, recipe: SplitRecipe, seed: int, explicit: frozenset[str]) -> Assignment:
    """Whole groups per split: the named ones first, then seeded ones until the fraction is reached."""
    present, sizes = np.unique(groups, return_counts=True)
    size = dict(zip(map(str, present), map(int, sizes), strict=True))
    order = ("test", "validation", "calibration", "train")
    chosen = {name: [str(one) for one in getattr(recipe.groups, name)] for name in order}
    for name, members in chosen.items():
        strange = [one for one in members if one not in size]
        if strange:
            raise DataError(
                f"split {name!r} names groups of {recipe.group!r} that the data does not have",
                found=", ".join(strange),
                hint="there are: " + ", ".join(sorted(size, key=_natural)[:40]),
            )
    named = {one for members in chosen.values() for one in members}
    free = sorted((one for one in size if one not in named), key=_natural)
    result = Assignment({})
    for name in ("test", "validation"):
        share = getattr(recipe, name)
        if chosen[name] or name in explicit or share == 0:
            continue
        pool = free or chosen["train"]
        chosen[name] = _draw(pool, size, share, len(groups), name, np.random.RandomState([seed, 2, len(name)]))
        for one in chosen[name]:
            pool.remove(one)
        drawn = ", ".join(sorted(chosen[name], key=_natural))
        result.notes.append(f"{name}: groups {drawn} of {recipe.group!r}, drawn")
    if not chosen["train"]:
        chosen["train"] = free
    elif free:
        result.warnings.append(f"groups {', '.join(free)} of {recipe.group!r} are in no split")
    if not chosen["train"] and recipe.train != 0:
        raise DataError("no group is left for training", found=f"{len(size)} groups of {recipe.group!r}")
    for name, members in chosen.items():
        if members or name == "train" or (name != "calibration" and name not in explicit):
            result.indices[name] = np.flatnonzero(np.isin(groups, members))
    return result


def _draw(
    free: list[str], size: Mapping[str, int], share: int | float, total: int, name: str, random: np.random.RandomState
) -> list[str]:
    """Groups in random order until their samples come nearest to the fraction `share` of `total`."""
    if isinstance(share, int):
        raise DataError(f"with groups, {name} must be a fraction", found=f"{name} = {share}", hint=f"{name} = 0.2")
    if len(free) < 2:
        raise DataError(f"too few groups are left to draw {name} from", found=f"{len(free)} left", hint=f"{name} = 0")
    drawn: list[str] = []
    reached = 0
    for one in (free[i] for i in random.permutation(len(free))):
        after = reached + size[one]
        if (drawn and abs(after - share * total) >= abs(reached - share * total)) or len(drawn) == len(free) - 1:
            break
        drawn.append(one)
        reached = after
    return drawn


def _natural(text: str) -> tuple[int, str]:
    """Numbers in their order, before words."""
    return (int(text), "") if text.isdecimal() and len(text) < 10 else (2**31, text)
