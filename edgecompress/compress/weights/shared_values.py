"""Few values for the weights of a kernel, or of each of its output channels: k-means in one dimension.

Where k-means starts is what TF-MOT offers, and Han et al., "Deep compression", 2015, https://arxiv.org/abs/1510.00149, compare:
values that are equally far apart, equally often, drawn between the ends, or drawn far from each other (Arthur and
Vassilvitskii, "k-means++", 2007).
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

ROUNDS = 50
"""Of k-means, at most."""


def share(
    rows: np.ndarray, count: int, *, per_channel: bool, init: str, generator: np.random.Generator, keep_zeros: bool
) -> np.ndarray:
    """The weights with no more than `count` different values in all, or in each channel.

    Args:
        rows: (channels, weights of each).
        count: of values, zero included where it is kept; 2 at least.
        per_channel: values of its own for every channel.
        init: a name in `INITIALISATIONS`.
        generator: for what is drawn.
        keep_zeros: zeros stay zeros, and are one of the values.
    """
    if not per_channel:
        return share(
            rows.reshape(1, -1), count, per_channel=True, init=init, generator=generator, keep_zeros=keep_zeros
        ).reshape(rows.shape)
    return np.stack([_shared(row, count, init, generator, keep_zeros) for row in rows])


def _shared(row: np.ndarray, count: int, init: str, generator: np.random.Generator, keep_zeros: bool) -> np.ndarray:
    chosen = row != 0 if keep_zeros else np.ones(row.shape, bool)
    zeros = not chosen.all()
    weights = row[chosen].astype(np.float64)
    shared = np.zeros(row.shape, row.dtype)
    if len(np.unique(weights)) + zeros <= count:
        shared[chosen] = row[chosen]
        return shared
    ascending = np.sort(weights)
    values = _k_means(ascending, np.sort(INITIALISATIONS[init](ascending, count - zeros, generator)))
    shared[chosen] = values[np.searchsorted(_borders(values), weights)]
    return shared


def _k_means(ascending: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Ascending centres of Lloyd's algorithm; one that nothing is nearest to stays where it is."""
    sums = np.concatenate(([0.0], np.cumsum(ascending)))
    for _ in range(ROUNDS):
        ends = np.searchsorted(ascending, _borders(values), side="right")
        first, last = np.concatenate(([0], ends)), np.concatenate((ends, [len(ascending)]))
        sizes = last - first
        moved = np.where(sizes > 0, (sums[last] - sums[first]) / np.maximum(sizes, 1), values)
        if np.array_equal(moved, values):
            break
        values = np.sort(moved)
    return values


def _borders(values: np.ndarray) -> np.ndarray:
    return (values[1:] + values[:-1]) / 2


def _linear(ascending: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    return np.linspace(ascending[0], ascending[-1], count)


def _density(ascending: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    return np.quantile(ascending, (np.arange(count) + 0.5) / count)


def _random(ascending: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    return generator.uniform(ascending[0], ascending[-1], count)


def _k_means_plus_plus(ascending: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    values = [generator.choice(ascending)]
    squares = (ascending - values[0]) ** 2
    for _ in range(count - 1):
        values.append(generator.choice(ascending, p=squares / squares.sum()))
        squares = np.minimum(squares, (ascending - values[-1]) ** 2)
    return np.array(values)


INITIALISATIONS: Mapping[str, Callable[[np.ndarray, int, np.random.Generator], np.ndarray]] = MappingProxyType(
    {"kmeans++": _k_means_plus_plus, "linear": _linear, "density": _density, "random": _random}
)
"""Name → function of ascending weights, a number of values and a source of chance."""
