"""How one layer becomes two or three of lower rank, which together compute what it computes at full rank.

Where the layer pads, strides or dilates, so do its factors along the same axes; the last has its bias and its activation, the
others have none. Kernels come in Keras' layout, whose last two axes are inputs and outputs.

What is lost is counted in a `Metric`: as the error of the weights, or of the outputs on samples. The last factor (of Tucker's
the last two) is the best there is behind the others, by least squares.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, ClassVar

import numpy as np

from edgecompress.compress.factors.decompositions import balanced, hooi, hosvd, lost_energy, unfolded
from edgecompress.compress.factors.metric import Metric
from edgecompress.compress.factors.vbmf import evbmf

BIAS = 4
"""Bytes: the integer file holds a bias for every channel that a factor gives, beside its weights of one byte each."""
GROWTH = 1.2
"""From one of Tucker's ranks to the next, at least: there are two, and pairs of them are many."""

Ranks = tuple[int, ...]
Size = tuple[tuple[int, ...], int]
"""The shape of a kernel, and how often it is used in one inference."""


@dataclass(frozen=True)
class Places:
    """How often a kernel is used in one inference, by where: at the input, at the output, or output rows of input width.

    0 where the model does not say.
    """

    read: int
    between: int
    given: int


@dataclass(frozen=True, eq=False)
class Factor:
    """A layer that takes a part in another's work.

    Attributes:
        role: what it is called behind the other's name, if it is not the last.
        kernel: in Keras' layout.
        config: what is different from the other layer's configuration, apart from the number of outputs.
    """

    role: str
    kernel: np.ndarray
    config: dict[str, Any]


class Scheme(ABC):
    """A way to factorise a kernel.

    Args:
        kernel: float64, in Keras' layout, (…, inputs, outputs).
        metric: of errors of the kernel as a matrix, (all but outputs, outputs).
        places: how often it is used.
    """

    name: ClassVar[str]

    def __init__(self, kernel: np.ndarray, metric: Metric, places: Places) -> None:
        self.kernel = kernel
        self.metric = metric
        self.places = places

    @property
    @abstractmethod
    def limits(self) -> Ranks:
        """The largest ranks: what the kernel has at most."""

    @abstractmethod
    def error(self, ranks: Ranks) -> float:
        """The share of the kernel's energy that is lost at these ranks, 0..1."""

    @abstractmethod
    def sizes(self, ranks: Ranks) -> list[Size]:
        """What the factors take."""

    @abstractmethod
    def kernels(self, ranks: Ranks) -> list[np.ndarray]:
        """The kernels of the factors, first to last."""

    @abstractmethod
    def factors(self, kernels: Sequence[np.ndarray], config: dict[str, Any]) -> list[Factor]:
        """The factors of these kernels in place of a layer of that configuration."""

    @abstractmethod
    def noiseless(self) -> Ranks:
        """The ranks that EVBMF finds, 0 for nothing but noise."""

    @cached_property
    def measured(self) -> np.ndarray:
        """The kernel as a matrix in which squared errors are what counts."""
        return self.metric.apply(self.kernel.reshape(-1, self.kernel.shape[-1]))

    def shrinks(self, ranks: Ranks) -> bool:
        """The factors take fewer bytes and, where that is known, fewer multiplications than the kernel."""
        sizes = self.sizes(ranks)
        weights = sum(int(np.prod(shape)) for shape, _ in sizes)
        biases = BIAS * sum(shape[-1] for shape, _ in sizes[:-1])
        macs = sum(int(np.prod(shape)) * places for shape, places in sizes)
        whole = self.kernel.size * self.places.given
        return weights + biases < self.kernel.size and (macs < whole or not whole)


class Matrix(Scheme):
    """A Dense or 1x1 kernel as the product of two: inputs to rank, rank to outputs, by a truncated SVD.

    Denton et al., "Exploiting linear structure within convolutional networks", 2014, https://arxiv.org/abs/1404.0736.
    """

    name = "svd"

    @cached_property
    def _svd(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        left, values, right = np.linalg.svd(self.measured, full_matrices=False)
        return left, values, right

    @cached_property
    def _lost(self) -> np.ndarray:
        return lost_energy(self._svd[1])

    @property
    def limits(self) -> Ranks:
        return (min(self.kernel.shape[-2:]),)

    def error(self, ranks: Ranks) -> float:
        return float(self._lost[ranks[0]])

    def sizes(self, ranks: Ranks) -> list[Size]:
        *ones, inputs, outputs = self.kernel.shape
        places = self.places.given
        return [((*ones, inputs, ranks[0]), places), ((*ones, ranks[0], outputs), places)]

    def kernels(self, ranks: Ranks) -> list[np.ndarray]:
        left, values, right = self._svd
        rank = ranks[0]
        first, second = balanced(self.metric.undo(left[:, :rank]), values[:rank, None] * right[:rank])
        return [one.reshape(*self.kernel.shape[:-2], *one.shape) for one in (first, second)]

    def factors(self, kernels: Sequence[np.ndarray], config: dict[str, Any]) -> list[Factor]:
        first, second = kernels
        return [Factor("reduce", first, {}), Factor("expand", second, pointwise(first.ndim - 2))]

    def noiseless(self) -> Ranks:
        return (evbmf(self.kernel.reshape(self.kernel.shape[-2:])).rank,)


class Spatial(Scheme):
    """A convolution as a vertical one to rank channels and a horizontal one behind it.

    Jaderberg et al., "Speeding up convolutional neural networks with low rank expansions", 2014,
    https://arxiv.org/abs/1405.3866, their second scheme. The vertical one is that of an SVD of (height, inputs) x (width,
    outputs), as in Tai et al., 2015, https://arxiv.org/abs/1511.06067.
    """

    name = "spatial"

    @cached_property
    def _matrix(self) -> np.ndarray:
        height, width, inputs, outputs = self.kernel.shape
        return self.kernel.transpose(0, 2, 1, 3).reshape(height * inputs, width * outputs)

    @cached_property
    def _vertical(self) -> np.ndarray:
        """(height, inputs, largest rank)."""
        height, _, inputs, _ = self.kernel.shape
        return np.linalg.svd(self._matrix, full_matrices=False)[0].reshape(height, inputs, -1)

    @cached_property
    def _solved(self) -> tuple[np.ndarray, np.ndarray]:
        """The QR decomposition of what the vertical ones let the horizontal ones make, `width` columns for each rank: the
        triangle, and the measured kernel in the orthonormal basis."""
        height, width, inputs, _ = self.kernel.shape
        made = np.zeros((height, width, inputs, self.limits[0], width))
        for column in range(width):
            made[:, column, :, :, column] = self._vertical
        basis, triangle = np.linalg.qr(self.metric.apply(made.reshape(height * width * inputs, -1)))
        return triangle, basis.T @ self.measured

    @cached_property
    def _lost(self) -> np.ndarray:
        width = self.kernel.shape[1]
        gains = (self._solved[1] ** 2).reshape(self.limits[0], -1).sum(axis=1)
        whole = (self.measured**2).sum()
        assert len(gains) * width == len(self._solved[1]), "a block of columns for each rank"
        return 1 - np.append(0, gains.cumsum()) / whole if whole > 0 else np.zeros(len(gains) + 1)

    @property
    def limits(self) -> Ranks:
        return (min(self._matrix.shape),)

    def error(self, ranks: Ranks) -> float:
        return float(max(self._lost[ranks[0]], 0))

    def sizes(self, ranks: Ranks) -> list[Size]:
        height, width, inputs, outputs = self.kernel.shape
        vertical, horizontal = (height, 1, inputs, ranks[0]), (1, width, ranks[0], outputs)
        return [(vertical, self.places.between), (horizontal, self.places.given)]

    def kernels(self, ranks: Ranks) -> list[np.ndarray]:
        height, width, inputs, outputs = self.kernel.shape
        rank, count = ranks[0], ranks[0] * width
        triangle, wanted = self._solved
        right = np.linalg.solve(triangle[:count, :count], wanted[:count]).reshape(rank, width * outputs)
        vertical, right = balanced(self._vertical[:, :, :rank].reshape(-1, rank), right)
        horizontal = right.reshape(1, rank, width, outputs).transpose(0, 2, 1, 3)
        return [vertical.reshape(height, 1, inputs, rank), horizontal]

    def factors(self, kernels: Sequence[np.ndarray], config: dict[str, Any]) -> list[Factor]:
        names = ("vertical", "horizontal")
        return [Factor(names[i], one, _along(i, one, config)) for i, one in enumerate(kernels)]

    def noiseless(self) -> Ranks:
        return (evbmf(self._matrix).rank,)


class Tucker(Scheme):
    """A convolution as a 1x1 one to fewer inputs, a small one of the same shape, and a 1x1 one to all outputs.

    Kim et al., "Compression of deep convolutional neural networks for fast and low power mobile applications", 2016,
    https://arxiv.org/abs/1511.06530. The first is that of HOOI; behind it the other two are the reduced-rank regression of the
    outputs. Where a rank is all of its side, that 1x1 convolution is left out: with all inputs it is the scheme of Zhang et al.,
    2015, https://arxiv.org/abs/1505.06798, which is optimal.
    """

    name = "tucker"

    @cached_property
    def _lost(self) -> dict[int, np.ndarray]:
        """Rank of the inputs → of the outputs → what is lost, filled when asked."""
        return {}

    @cached_property
    def _basis(self) -> np.ndarray:
        return hosvd(self.kernel, (self.kernel.ndim - 2,))[1][0]

    @property
    def limits(self) -> Ranks:
        return self.kernel.shape[-2], self.kernel.shape[-1]

    def error(self, ranks: Ranks) -> float:
        inputs, outputs = ranks
        if inputs not in self._lost:
            whole = (self.measured**2).sum()
            values = np.linalg.svd(self._behind(self._basis[:, :inputs])[1], compute_uv=False)
            kept = np.pad(np.append(0, (values**2).cumsum()), (0, self.limits[1]), mode="edge")
            self._lost[inputs] = 1 - kept / whole if whole > 0 else np.zeros_like(kept)
        return float(max(self._lost[inputs][outputs], 0))

    def sizes(self, ranks: Ranks) -> list[Size]:
        *window, inputs, outputs = self.kernel.shape
        ones = (1,) * len(window)
        reduce: list[Size] = [((*ones, inputs, ranks[0]), self.places.read)]
        core: list[Size] = [((*window, *ranks), self.places.given)]
        expand: list[Size] = [((*ones, ranks[1], outputs), self.places.given)]
        return (reduce if ranks[0] < inputs else []) + core + (expand if ranks[1] < outputs else [])

    def kernels(self, ranks: Ranks) -> list[np.ndarray]:
        *window, inputs, outputs = self.kernel.shape
        ones = (1,) * len(window)
        reduced = ranks[0] < inputs
        basis = self._hooi(ranks) if reduced else np.eye(inputs)
        triangle, wanted = self._behind(basis)
        left, values, right = np.linalg.svd(wanted, full_matrices=False)
        core, expand = np.linalg.solve(triangle, left[:, : ranks[1]]), values[: ranks[1], None] * right[: ranks[1]]
        reduce = [basis.reshape(*ones, *basis.shape)] if reduced else []
        if ranks[1] == outputs:
            return [*reduce, (core @ expand).reshape(*window, ranks[0], outputs)]
        core, expand = balanced(core, expand)
        return [*reduce, core.reshape(*window, *ranks), expand.reshape(*ones, ranks[1], outputs)]

    def factors(self, kernels: Sequence[np.ndarray], config: dict[str, Any]) -> list[Factor]:
        window = self.kernel.shape[:-2]
        made, role = [], "reduce"
        for kernel in kernels:
            if kernel.shape[:-2] == window:
                made.append(Factor("core", kernel, {}))
                role = "expand"
            else:
                made.append(Factor(role, kernel, pointwise(len(window))))
        return made

    def noiseless(self) -> Ranks:
        first, last = (evbmf(unfolded(self.kernel, axis)).rank for axis in (self.kernel.ndim - 2, self.kernel.ndim - 1))
        return first, last

    def shrinks(self, ranks: Ranks) -> bool:
        """No: where a core makes more channels than it has weights for each."""
        taps = int(np.prod(self.kernel.shape[:-2]))
        return super().shrinks(ranks) and (ranks[1] == self.limits[1] or ranks[1] <= taps * ranks[0])

    def _hooi(self, ranks: Ranks) -> np.ndarray:
        axes = (self.kernel.ndim - 2, self.kernel.ndim - 1)
        return hooi(self.kernel, axes, ranks)[1][0]

    def _behind(self, basis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The QR decomposition of what a 1x1 convolution, (inputs, rank), lets the rest make: the triangle, and the measured
        kernel in the orthonormal basis."""
        taps = int(np.prod(self.kernel.shape[:-2]))
        orthonormal, triangle = np.linalg.qr(self.metric.apply(np.kron(np.eye(taps), basis)))
        return triangle, orthonormal.T @ self.measured


def schemes_of(kernel: np.ndarray, metric: Metric, places: Places, method: str) -> list[Scheme]:
    """The ways to factorise a kernel: the truncated SVD of a matrix; of a convolution those that `method` allows."""
    window = kernel.shape[:-2]
    if set(window) <= {1}:
        return [Matrix(kernel, metric, places)]
    # Along a single axis the spatial scheme is one of Tucker's.
    flat = sum(size > 1 for size in window) == 1
    found: list[Scheme] = [Tucker(kernel, metric, places)] if method != "spatial" or flat else []
    return found if method == "tucker" or flat else [*found, Spatial(kernel, metric, places)]


def grid(scheme: Scheme, multiple: int) -> list[Ranks]:
    """The ranks to choose from: multiples, all where there are hardly any, and for Tucker all of a side."""
    if isinstance(scheme, Tucker):
        sides = [[*_multiples(most, multiple, GROWTH), most] for most in scheme.limits]
        found = [ranks for ranks in product(*sides) if ranks != scheme.limits]
    else:
        found = [(rank,) for rank in _multiples(scheme.limits[0], multiple, 1.0)]
    return [ranks for ranks in found if scheme.shrinks(ranks)]


def pointwise(axes: int) -> dict[str, Any]:
    """What makes a convolution over so many axes one that looks at single places; nothing for Dense."""
    ones = (1,) * axes
    return {"kernel_size": ones, "strides": ones, "dilation_rate": ones, "padding": "valid"} if axes else {}


def _multiples(most: int, multiple: int, growth: float) -> list[int]:
    step = multiple if most > 2 * multiple else 1
    found = [step]
    while found[-1] < most:
        found.append(max(found[-1] + step, -int(-found[-1] * growth // step) * step))
    return found[:-1]


def _along(axis: int, kernel: np.ndarray, config: dict[str, Any]) -> dict[str, Any]:
    """Strides and dilation along one axis of the two, 1 along the other."""
    keys = ("strides", "dilation_rate")
    found = {key: tuple(config[key][one] if one == axis else 1 for one in range(2)) for key in keys}
    return {**found, "kernel_size": kernel.shape[:2]}
