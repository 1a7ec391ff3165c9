"""What is pruned as one: single weights, blocks, or whatever exceeds n of m neighbours; and the masks that keep it zero.

Scores are matrices (output channels, weights of each) in TFLite's order, as in `kernels`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from edgecompress.compress.models.kernels import KernelVariable, from_rows, to_rows

GONE = -1.0
"""The score of what is zero for good: below all others."""


class Structure(Protocol):
    """Units of a kernel that become zero as one."""

    def count(self, shape: tuple[int, int]) -> int:
        """How many units a matrix of that shape has that may become zero."""
        ...

    def scores(self, rows: np.ndarray) -> np.ndarray:
        """The score of every such unit, (count,)."""
        ...

    def kept(self, rows: np.ndarray, count: int) -> np.ndarray:
        """A matrix like `rows`, False where weights become zero when the `count` lowest units do."""
        ...


class Single:
    """Every weight by itself."""

    def count(self, shape: tuple[int, int]) -> int:
        return shape[0] * shape[1]

    def scores(self, rows: np.ndarray) -> np.ndarray:
        return rows.reshape(-1)

    def kept(self, rows: np.ndarray, count: int) -> np.ndarray:
        return _all_but(rows.reshape(-1), count).reshape(rows.shape)


@dataclass(frozen=True)
class Blocks:
    """Blocks of neighbouring output channels and consecutive weights; those at the end may be smaller.

    Narang et al., "Block-sparse recurrent neural networks", 2017, https://arxiv.org/abs/1711.02782.

    Attributes:
        height, width: output channels and weights of a block.
        pooling: what a block's score is of its weights' scores: "average" or "max".
    """

    height: int
    width: int
    pooling: str

    def count(self, shape: tuple[int, int]) -> int:
        return -(-shape[0] // self.height) * -(-shape[1] // self.width)

    def scores(self, rows: np.ndarray) -> np.ndarray:
        highest = self._reduced(np.maximum, rows)
        if self.pooling == "max":
            return highest.reshape(-1)
        means = self._reduced(np.add, np.maximum(rows, 0)) / self._reduced(np.add, np.ones(rows.shape))
        return np.where(highest > GONE, means, GONE).reshape(-1)

    def kept(self, rows: np.ndarray, count: int) -> np.ndarray:
        blocks = _all_but(self.scores(rows), count).reshape(-1, -(-rows.shape[1] // self.width))
        whole = blocks.repeat(self.height, axis=0).repeat(self.width, axis=1)
        return whole[: rows.shape[0], : rows.shape[1]]

    def _reduced(self, operation: np.ufunc, rows: np.ndarray) -> np.ndarray:
        down = operation.reduceat(rows, np.arange(0, rows.shape[0], self.height), axis=0)
        return np.asarray(operation.reduceat(down, np.arange(0, rows.shape[1], self.width), axis=1))


@dataclass(frozen=True)
class NofM:
    """At most n of m consecutive weights of a channel stay; groups start at its first weight, the last may be smaller.

    Mishra et al., "Accelerating sparse deep neural networks", 2021, https://arxiv.org/abs/2104.08378. In a convolution
    whose inputs are a multiple of m, a group is m neighbouring input channels; the units are those that are too many.
    """

    n: int
    m: int

    def count(self, shape: tuple[int, int]) -> int:
        groups, rest = divmod(shape[1], self.m)
        return shape[0] * (groups * (self.m - self.n) + max(rest - self.n, 0))

    def scores(self, rows: np.ndarray) -> np.ndarray:
        return rows[self._superfluous(rows)]

    def kept(self, rows: np.ndarray, count: int) -> np.ndarray:
        kept = np.ones(rows.shape, bool)
        kept[self._superfluous(rows)] = _all_but(self.scores(rows), count)
        return kept

    def _superfluous(self, rows: np.ndarray) -> np.ndarray:
        """All but the n highest scores of every group."""
        padded = np.pad(rows, ((0, 0), (0, -rows.shape[1] % self.m)), constant_values=-np.inf)
        groups = padded.reshape(rows.shape[0], -1, self.m)
        ranks = np.argsort(np.argsort(-groups, axis=2, kind="stable"), axis=2, kind="stable")
        return np.asarray((ranks >= self.n).reshape(padded.shape)[:, : rows.shape[1]])


class Masks:
    """Which weights of a model may be other than zero; a weight that is zero once stays so."""

    def __init__(self, kernels: Sequence[KernelVariable], structure: Structure, zero: frozenset[str]) -> None:
        """All weights may be anything, but for zeros of the kernels named in `zero`, which stay."""
        import tensorflow as tf

        self._kernels = tuple(kernels)
        self._structure = structure
        self._masks = {
            one.name: tf.Variable(
                tf.cast(one.variable != 0, tf.float32) if one.name in zero else tf.ones_like(one.variable)
            )
            for one in self._kernels
        }
        self._project = tf.function(self._multiply, autograph=False)

    def apply(self) -> None:
        """Zero what training has moved away from zero."""
        self._project()

    def rows(self, scores: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        """Scores of all weights, in Keras' layout, as matrices by kernel; what is zero for good has `GONE`."""
        self._project()
        masked = zip(self._kernels, scores, strict=True)
        return {
            one.name: to_rows(np.where(self._masks[one.name].numpy() > 0, values, GONE), one.kind)
            for one, values in masked
        }

    def cut(self, rows: Mapping[str, np.ndarray], counts: Mapping[str, int]) -> None:
        """Zero that number of units of every kernel, the lowest ones, for good.

        Args:
            rows: as `rows` gave them.
            counts: by kernel.
        """
        for one in self._kernels:
            kept = self._structure.kept(rows[one.name], counts[one.name]) & (rows[one.name] > GONE)
            self._masks[one.name].assign(from_rows(kept.astype(np.float32), one.kind, tuple(one.variable.shape)))
        self._project()

    def _multiply(self) -> None:
        for one in self._kernels:
            one.variable.assign(one.variable * self._masks[one.name])


def _all_but(scores: np.ndarray, count: int) -> np.ndarray:
    """False for the `count` lowest, (n,)."""
    kept = np.ones(scores.size, bool)
    kept[np.argsort(scores, kind="stable")[:count]] = False
    return kept
