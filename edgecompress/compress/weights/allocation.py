"""How many weights of every kernel become zero, so that a share of them all does.

A threshold for every kernel gives each the same share; one for all together takes more from kernels that have more to
spare. Scores of different layers cannot be compared as they are: batch norms undo any factor of a layer's weights. So the
threshold for all is on the LAMP score: a weight's score over the sum of those in its kernel that are no smaller. With
squares of weights for scores it is the smallest distortion of the layer's output that taking the weight out, after all
smaller ones, can cause; the largest weight of a kernel has 1, so no kernel dies. Lee et al., "Layer-adaptive sparsity for
the magnitude-based pruning", 2020, https://arxiv.org/abs/2010.07611.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

THRESHOLDS = ("layer", "global", "sensitivity")


def count_zeros(kernels: Mapping[str, np.ndarray], sparsity: float, threshold: str) -> dict[str, int]:
    """The number of zeros of every kernel.

    Args:
        kernels: scores by name, of any shape: what is lost with each weight, as its square; negative for those that go first.
        sparsity: share of zeros, 0..1.
        threshold: "layer": each kernel gets that share; "global": all together do, by their LAMP scores.
    """
    if threshold == "layer":
        return {name: whole(sparsity, scores.size) for name, scores in kernels.items()}
    names = np.repeat(np.arange(len(kernels)), [scores.size for scores in kernels.values()])
    relative = np.concatenate([lamp_scores(scores) for scores in kernels.values()])
    smallest = np.argsort(relative, kind="stable")[: whole(sparsity, relative.size)]
    counts = np.bincount(names[smallest], minlength=len(kernels))
    return {name: int(count) for name, count in zip(kernels, counts, strict=True)}


def whole(share: float, size: int) -> int:
    """So many whole weights out of `size`; a product that misses a whole number by float rounding is that number."""
    return int(share * size + 1e-9)


def lamp_scores(scores: np.ndarray) -> np.ndarray:
    """The LAMP score of every weight of a kernel, in ascending order of its scores, (size,) float64, 0..1, or negative."""
    ascending = np.sort(scores.astype(np.float64), axis=None)
    tails = np.cumsum(np.maximum(ascending, 0)[::-1])[::-1]
    return np.divide(ascending, tails, out=np.minimum(ascending, 0), where=(tails > 0) & (ascending > 0))


def cheapest(
    costs: Mapping[str, Sequence[float]], sizes: Mapping[str, Sequence[int]], wanted: int, *, stepwise: bool = False
) -> dict[str, int]:
    """The number of units to take from every kernel, `wanted` in all, that costs least.

    Between its points a cost is a straight line, and its curve the lower convex hull of them: then taking the cheapest piece
    next is the best there is.

    Args:
        costs: by kernel: what taking sizes[kernel][i] units costs; [0] is what taking none does.
        sizes: by kernel: ascending numbers of units; [0] is 0.
        wanted: no more than the last sizes together.
        stepwise: only such numbers as are in `sizes`; the sum may then be larger than wanted.
    """
    pieces = []
    for order, name in enumerate(costs):
        hull = _hull(sizes[name], np.maximum.accumulate(np.asarray(costs[name], np.float64)))
        pieces += [(_slope(a, b), order, b[0] - a[0], name) for a, b in pairwise(hull)]
    taken = dict.fromkeys(costs, 0)
    for _, _, count, name in sorted(pieces):
        left = max(wanted - sum(taken.values()), 0)
        taken[name] += count if stepwise and left else min(count, left)
    return taken


def _hull(sizes: Sequence[int], costs: np.ndarray) -> list[tuple[int, float]]:
    """The lower convex hull of points of ascending first coordinate, (size, cost)."""
    hull: list[tuple[int, float]] = []
    for size, cost in zip(sizes, costs.tolist(), strict=True):
        while len(hull) > 1 and _slope(hull[-2], hull[-1]) >= _slope(hull[-2], (size, cost)):
            hull.pop()
        hull.append((size, cost))
    return hull


def _slope(a: tuple[int, float], b: tuple[int, float]) -> float:
    return (b[1] - a[1]) / (b[0] - a[0])
