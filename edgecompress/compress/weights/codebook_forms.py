"""What the integers of a codebook may be: any that are learnt, a fixed ladder, or all sums of a few with either sign.

An integer file has one scale for each output channel, so scales of single rows or pixels of a kernel (SYQ: Faraone et al.,
2018, https://arxiv.org/abs/1807.00301) cannot be written; its rows are the output channels here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

import numpy as np

LARGEST = 127
"""TFLite's int8 weights are symmetric: -127 to 127."""
MOST_POWERS = 15
"""0 and both signs of 1, 2, 4, …, 64."""
ROUNDS = 10


class Form(Protocol):
    """A family of codebooks.

    Attributes:
        trains: whether the integers learn; the scales always do.
    """

    trains: ClassVar[bool]

    def reason_against(self, values: int) -> str:
        """Why there is no such codebook of that many values; "" where there is."""
        ...

    def has_zero(self, values: int) -> bool:
        """Whether 0 is, or can be, among them."""
        ...

    def fit(self, histogram: np.ndarray, values: int, *, zero: bool) -> np.ndarray:
        """The integers that stand for a histogram, (255,) weights of the codes -127 to 127; ascending, within ±127.

        Args:
            histogram: at least one of them positive.
            values: how many integers at most.
            zero: one of them must be 0.
        """
        ...

    def start(self, codebook: np.ndarray) -> np.ndarray:
        """What is learnt instead of a codebook, (groups, values): (groups, parameters), in codes."""
        ...

    def integers(self, parameters: Any, codebook: np.ndarray) -> Any:
        """The codebook, (groups, values), of what has been learnt from a first one: integers, ascending, differentiable."""
        ...


class Learned:
    """Any integers: trained quantization (Han et al., 2015); of three, trained ternary weights (Zhu et al., "TTQ", 2016,
    https://arxiv.org/abs/1612.01064)."""

    trains: ClassVar[bool] = True

    def reason_against(self, values: int) -> str:
        return ""

    def has_zero(self, values: int) -> bool:
        return True

    def fit(self, histogram: np.ndarray, values: int, *, zero: bool) -> np.ndarray:
        return optimal(histogram, values, zero=zero)

    def start(self, codebook: np.ndarray) -> np.ndarray:
        return codebook

    def integers(self, parameters: Any, codebook: np.ndarray) -> Any:
        import tensorflow as tf

        # A zero of the codebook stays one: pruned weights and constant channels rely on it.
        return tf.sort(_rounded(parameters) * (codebook != 0).astype(np.float32), axis=1)


class _Ladder:
    """Integers that are the same whatever the weights are."""

    trains: ClassVar[bool] = False

    def start(self, codebook: np.ndarray) -> np.ndarray:
        return codebook

    def integers(self, parameters: Any, codebook: np.ndarray) -> Any:
        import tensorflow as tf

        return tf.constant(codebook, tf.float32)


class Linear(_Ladder):
    """Equal steps as far as ±127, 0 among them; two values are the signs alone. The step is the channel's scale, and learns.

    Esser et al., "Learned step size quantization", 2019, https://arxiv.org/abs/1902.08153; of three, ternary weight networks
    (Li et al., 2016, https://arxiv.org/abs/1605.04711); of two, XNOR-Net's weights (Rastegari et al., 2016,
    https://arxiv.org/abs/1603.05279).
    """

    def reason_against(self, values: int) -> str:
        return ""

    def has_zero(self, values: int) -> bool:
        return values > 2

    def fit(self, histogram: np.ndarray, values: int, *, zero: bool) -> np.ndarray:
        if values == 2:
            return np.array([-LARGEST, LARGEST], np.float64)
        lowest = -(values // 2)
        return np.arange(lowest, lowest + values, dtype=np.float64) * (LARGEST // -lowest)


class PowerOfTwo(_Ladder):
    """0 and ±64, ±32, ±16, …: products are shifts.

    Zhou et al., "Incremental network quantization", 2017, https://arxiv.org/abs/1702.03044; Miyashita et al., "Convolutional
    neural networks using logarithmic data representation", 2016, https://arxiv.org/abs/1603.01025.
    """

    def reason_against(self, values: int) -> str:
        if 3 <= values <= MOST_POWERS and values % 2:
            return ""
        return f"powers of two with both signs and 0 are 3, 5, … {MOST_POWERS} values"

    def has_zero(self, values: int) -> bool:
        return True

    def fit(self, histogram: np.ndarray, values: int, *, zero: bool) -> np.ndarray:
        powers = 64 / 2.0 ** np.arange(values // 2)
        return np.concatenate([-powers, [0], powers[::-1]])


class BinaryBases:
    """All sums ±a ± b ± … of a few learnt integers: a tensor of binary tensors, added up.

    Lin, Zhao and Pan, "Towards accurate binary convolutional neural network" (ABC-Net), 2017,
    https://arxiv.org/abs/1711.11294.
    """

    trains: ClassVar[bool] = True

    def reason_against(self, values: int) -> str:
        return "" if values in (2, 4, 8, 16) else "one to four binary bases have 2, 4, 8 or 16 sums"

    def has_zero(self, values: int) -> bool:
        return False

    def fit(self, histogram: np.ndarray, values: int, *, zero: bool) -> np.ndarray:
        """Greedy residuals, then least squares for the signs that every code has got, in turns."""
        x = np.arange(-LARGEST, LARGEST + 1, dtype=np.float64)
        bases, left = [], np.abs(x)
        for _ in range(values.bit_length() - 1):
            bases.append((histogram * left).sum() / histogram.sum())
            left = np.abs(left - bases[-1])
        found, weight = np.array(bases), np.sqrt(histogram)
        signs = _signs(len(bases))
        for _ in range(ROUNDS):
            sums = signs @ found
            chosen = signs[np.abs(x[:, None] - sums[None]).argmin(axis=1)]
            found = np.abs(np.linalg.lstsq(chosen * weight[:, None], x * weight, rcond=None)[0])
        found = np.maximum(np.rint(found * min(1.0, LARGEST / found.sum())), 1)
        found[found.argmax()] -= max(0, found.sum() - LARGEST)
        return np.asarray(np.sort(signs @ found))

    def start(self, codebook: np.ndarray) -> np.ndarray:
        """The bases."""
        count = codebook.shape[1].bit_length() - 1
        return np.stack([_bases(row, count) for row in codebook])

    def integers(self, parameters: Any, codebook: np.ndarray) -> Any:
        import tensorflow as tf

        sums = _rounded(parameters) @ _signs(parameters.shape[1]).T.astype(np.float32)
        return tf.sort(tf.clip_by_value(sums, -LARGEST, LARGEST), axis=1)


FORMS: Mapping[str, Form] = MappingProxyType(
    {"learned": Learned(), "linear": Linear(), "power_of_two": PowerOfTwo(), "binary_bases": BinaryBases()}
)
"""Name in recipes → family."""


def optimal(histogram: np.ndarray, values: int, *, zero: bool) -> np.ndarray:
    """The integers that stand for a histogram of codes with the least squared error, ascending.

    Dynamic programming, which is optimal in one dimension (Wang and Song, 2011, https://doi.org/10.32614/RJ-2011-015).

    Args:
        histogram: (255,) weights of the codes -127 to 127, at least one of them positive.
        values: how many integers at most.
        zero: one of them must be 0.
    """
    present = histogram > 0
    present[LARGEST] |= zero
    x = np.flatnonzero(present).astype(np.float64) - LARGEST
    if len(x) <= values:
        return x
    cost, centres = _costs(x, histogram[present], zero)
    best, first = cost[0].copy(), np.zeros((values, len(x)), np.int64)
    for count in range(1, values):
        # Row i, column j: the clusters before i as they were best, then one from i to j.
        candidates = cost + np.concatenate(([np.inf], best[:-1]))[:, None]
        first[count] = candidates.argmin(axis=0)
        best = candidates.min(axis=0)
    found, end = [], len(x) - 1
    for count in range(values - 1, -1, -1):
        found.append(centres[first[count, end], end])
        end = first[count, end] - 1
    return np.array(found[::-1])


def _costs(x: np.ndarray, weights: np.ndarray, zero: bool) -> tuple[np.ndarray, np.ndarray]:
    """(n, n) error and integer centre of the cluster from one value to another; infinite where it would end before."""
    sums = [np.concatenate(([0.0], np.cumsum(weights * x**power))) for power in range(3)]
    mass, first, second = (one[None, 1:] - one[:-1, None] for one in sums)
    centres = np.rint(first / np.where(mass > 0, mass, 1))
    if zero:
        centres[(x[:, None] <= 0) & (x[None, :] >= 0)] = 0
    # A cluster of the added zero alone has no mass, and 0 for its centre.
    cost = second - 2 * centres * first + centres**2 * mass
    return np.where(np.triu(np.ones(cost.shape, bool)), np.maximum(cost, 0), np.inf), centres


def _bases(sums: np.ndarray, count: int) -> np.ndarray:
    """The positive integers whose sums with all signs these are, largest first."""
    # The largest sum has all signs positive; half of what another lies below it is the sum of those that are negative there.
    left = sorted(((sums.max() - sums) / 2).tolist())
    reached, found = [left.pop(0)], list[float]()
    for _ in range(count):
        found.append(left[0])
        new = [one + found[-1] for one in reached]
        for one in new:
            left.remove(one)
        reached += new
    return np.array(found[::-1])


def _signs(count: int) -> np.ndarray:
    """(2^count, count): every choice of signs."""
    return np.stack(np.meshgrid(*[[-1.0, 1.0]] * count, indexing="ij"), axis=-1).reshape(-1, count)


def _rounded(parameters: Any) -> Any:
    """Integers within ±127; gradients pass the rounding."""
    import tensorflow as tf

    values = tf.clip_by_value(parameters, -LARGEST, LARGEST)
    return values + tf.stop_gradient(tf.round(values) - values)
