"""The rank of a noisy matrix, found without being told the noise: empirical variational Bayesian matrix factorization.

Nakajima, Sugiyama, Babacan and Tomioka, "Global analytic solution of fully-observed variational Bayesian matrix
factorization", JMLR 14, 2013, https://jmlr.org/papers/v14/nakajima13a.html: with all priors estimated, the global
optimum keeps the singular values above a threshold that depends on the noise and the matrix's shape alone; the noise is
where the free energy, a function of one variable, is least. The Marchenko-Pastur law is behind both. As a way to choose
the ranks of convolutions: Kim et al., 2016, https://arxiv.org/abs/1511.06530.
"""

from dataclasses import dataclass

import numpy as np

_POINTS = 512
"""Of each search for the least free energy, which may have several valleys; every search looks around the best point."""
_SEARCHES = 4


@dataclass(frozen=True)
class Estimate:
    """What EVBMF says of a matrix.

    Attributes:
        rank: how many singular values are above the threshold.
        noise: the variance of each entry's noise.
        threshold: singular values below it are thought to be noise.
    """

    rank: int
    noise: float
    threshold: float


def evbmf(matrix: np.ndarray) -> Estimate:
    """The rank and the noise of a matrix, (m, n), float.

    A matrix without noise to be seen (some singular values are zero to rounding) has its numerical rank.
    """
    shorter, longer = sorted(matrix.shape)
    values = np.linalg.svd(matrix.astype(np.float64), compute_uv=False)
    present = int(np.count_nonzero(values > values.max(initial=0) * longer * np.finfo(np.float64).eps))
    if present < shorter:
        return Estimate(present, 0.0, 0.0)
    least = least_eigenvalue(shorter / longer)
    noise = _noise(values, shorter, longer, least)
    threshold = float(np.sqrt(longer * noise * least))
    return Estimate(int(np.count_nonzero(values >= threshold)), noise, threshold)


def least_eigenvalue(ratio: float) -> float:
    """The threshold for squared singular values, in units of noise times the longer side (theorem 2 of the paper).

    Args:
        ratio: of the shorter side to the longer, above 0, 1 at most.
    """
    root = _root(ratio)
    return (1 + root) * (1 + ratio / root)


def _root(ratio: float) -> float:
    """Where φ(z) + φ(z / ratio) = 0, with φ(z) = log(z + 1) / z - 1/2, which falls: by bisection."""

    def phi(z: float) -> float:
        return float(np.log1p(z)) / z - 0.5

    low, high = 1e-9, 10.0  # about 2.513 times the square root of the ratio
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if phi(middle) + phi(middle / ratio) > 0 else (low, middle)
    return (low + high) / 2


def _noise(values: np.ndarray, shorter: int, longer: int, least: float) -> float:
    """The noise variance of least free energy, between the bounds that the paper proves."""
    squares = values**2 / longer
    ratio = shorter / longer
    most = min(int(np.ceil(shorter / (1 + ratio))) - 1, shorter - 1)
    tail = squares[most:]
    low, high = np.log(max(tail[0] / least, float(tail.mean()))), np.log(squares.mean())
    best = float(high)
    for _ in range(_SEARCHES):
        points = np.linspace(low, high, _POINTS)
        energies = _free_energy(squares[None, :] / np.exp(points)[:, None], ratio, least).sum(axis=1)
        found = int(energies.argmin())
        best = float(points[found])
        low, high = points[max(found - 1, 0)], points[min(found + 1, _POINTS - 1)]
    return float(np.exp(best))


def _free_energy(x: np.ndarray, ratio: float, least: float) -> np.ndarray:
    """What each squared singular value x, in units of noise times the longer side, adds to the free energy."""
    noise = x - np.log(x)
    above = np.maximum(x, least) - (1 + ratio)
    tau = (above + np.sqrt(np.maximum(above**2 - 4 * ratio, 0))) / 2
    signal = np.log1p(tau) + ratio * np.log1p(tau / ratio) - tau
    return np.where(x > least, noise + signal, noise)
