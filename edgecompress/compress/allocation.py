"""How many weights of every kernel become zero, so that a share of them all does.

A threshold for every kernel gives each the same share; one for all together takes more from large kernels, which have
more to spare. Magnitudes of different layers cannot be compared where batch norms follow (they undo any factor), so the
threshold for all is on the LAMP score: a weight's square over the sum of the squares of its kernel's weights that are no
smaller. It is the smallest distortion of the layer's output that taking the weight out, after all smaller ones, can
cause; the largest weight of a kernel has 1, so no kernel dies. Lee et al., "Layer-adaptive sparsity for the
magnitude-based pruning", 2020, https://arxiv.org/abs/2010.07611.
"""

from collections.abc import Mapping

import numpy as np

THRESHOLDS = ("layer", "global")


def count_zeros(kernels: Mapping[str, np.ndarray], sparsity: float, threshold: str) -> dict[str, int]:
    """The number of zeros of every kernel.

    Args:
        kernels: weights by name, of any shape.
        sparsity: share of zeros, 0..1.
        threshold: "layer": each kernel gets that share; "global": all together do, by their LAMP scores.
    """
    if threshold == "layer":
        return {name: whole(sparsity, values.size) for name, values in kernels.items()}
    names = np.repeat(np.arange(len(kernels)), [values.size for values in kernels.values()])
    scores = np.concatenate([lamp_scores(values) for values in kernels.values()])
    smallest = np.argsort(scores, kind="stable")[: whole(sparsity, scores.size)]
    counts = np.bincount(names[smallest], minlength=len(kernels))
    return {name: int(count) for name, count in zip(kernels, counts, strict=True)}


def whole(share: float, size: int) -> int:
    """So many whole weights out of `size`; a product that misses a whole number by float rounding is that number."""
    return int(share * size + 1e-9)


def lamp_scores(values: np.ndarray) -> np.ndarray:
    """The LAMP score of every weight of a kernel, in ascending order of magnitude, (size,) float64, 0..1."""
    squares = np.sort(np.square(values.astype(np.float64)), axis=None)
    tails = np.cumsum(squares[::-1])[::-1]
    return np.divide(squares, tails, out=np.zeros_like(squares), where=tails > 0)
