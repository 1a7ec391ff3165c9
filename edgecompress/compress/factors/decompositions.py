"""Matrices and kernels of low rank next to given ones: truncated SVD, and Tucker decompositions by HOSVD and HOOI."""

from collections.abc import Sequence

import numpy as np

HOOI_STEPS = 5
"""Each can only lower the error; more change nothing in the third digit of kernels' errors."""


def truncated_svd(matrix: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """The two factors of the nearest matrix of that rank (Eckart and Young, 1936, https://doi.org/10.1007/BF02288367).

    Args:
        matrix: (m, n).
        rank: 1 to min(m, n).

    Returns:
        (m, rank) and (rank, n). The squared error of their product is the sum of the squares of the other singular values.
    """
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    return balanced(left[:, :rank], values[:rank, None] * right[:rank])


def balanced(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same product, with each column of the first factor, (m, rank), as long as the row of the second, (rank, n)."""
    lengths = np.linalg.norm(first, axis=0), np.linalg.norm(second, axis=1)
    growth = np.sqrt(np.divide(lengths[1], lengths[0], out=np.ones_like(lengths[0]), where=lengths[0] * lengths[1] > 0))
    return first * growth, second / growth[:, None]


def lost_energy(values: np.ndarray) -> np.ndarray:
    """Rank → the share of the squares of the singular values that is behind it, (values + 1,), 1 first, 0 last."""
    squares = values.astype(np.float64) ** 2
    tails = np.append(np.cumsum(squares[::-1])[::-1], 0.0)
    return tails / tails[0] if tails[0] > 0 else np.zeros_like(tails)


def unfolded(tensor: np.ndarray, axis: int) -> np.ndarray:
    """The tensor as a matrix with one row for each index along the axis."""
    return np.moveaxis(tensor, axis, 0).reshape(tensor.shape[axis], -1)


def hosvd(tensor: np.ndarray, axes: Sequence[int]) -> tuple[np.ndarray, list[np.ndarray]]:
    """The higher-order SVD along some axes: De Lathauwer et al., 2000, https://doi.org/10.1137/S0895479896305696.

    Returns:
        The core, of the tensor's shape, and an orthogonal matrix for each axis, (size, size), most important column first.
        A core cut to its first entries along each axis has lost the energy of what was cut.
    """
    bases = [_leading(unfolded(tensor, axis), tensor.shape[axis]) for axis in axes]
    return _projected(tensor, axes, bases), bases


def hooi(tensor: np.ndarray, axes: Sequence[int], ranks: Sequence[int]) -> tuple[np.ndarray, list[np.ndarray]]:
    """A Tucker decomposition by higher-order orthogonal iteration, from the truncated higher-order SVD on.

    De Lathauwer, De Moor and Vandewalle, 2000, https://doi.org/10.1137/S0895479898346995.

    Args:
        tensor: any shape.
        axes: those that get a rank.
        ranks: as many, 1 to the axis' size.

    Returns:
        The core, the tensor's shape but for these axes, and for each a matrix of orthonormal columns, (size, rank).
    """
    bases = [basis[:, :rank] for basis, rank in zip(hosvd(tensor, axes)[1], ranks, strict=True)]
    for _ in range(HOOI_STEPS):
        for number, axis in enumerate(axes):
            others = [one for one in range(len(axes)) if one != number]
            rest = _projected(tensor, [axes[one] for one in others], [bases[one] for one in others])
            bases[number] = _leading(unfolded(rest, axis), ranks[number])
    return _projected(tensor, axes, bases), bases


def _leading(matrix: np.ndarray, count: int) -> np.ndarray:
    """Left singular vectors of the largest singular values, (rows, count), also where there are more than columns."""
    _, vectors = np.linalg.eigh(matrix @ matrix.T)
    return vectors[:, ::-1][:, :count]


def _projected(tensor: np.ndarray, axes: Sequence[int], bases: Sequence[np.ndarray]) -> np.ndarray:
    for axis, basis in zip(axes, bases, strict=True):
        tensor = np.moveaxis(np.tensordot(tensor, basis, (axis, 0)), -1, axis)
    return tensor
