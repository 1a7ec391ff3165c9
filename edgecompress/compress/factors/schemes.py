"""How one layer becomes two or three of lower rank, which together compute what it computes at full rank.

Where the layer pads, strides or dilates, so do its factors along the same axes; the last has its bias and its activation, the
others have none. Kernels come in Keras' layout, whose last two axes are inputs and outputs.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, ClassVar

import numpy as np

from edgecompress.compress.factors.decompositions import hooi, hosvd, lost_energy, truncated_svd, unfolded
from edgecompress.compress.factors.vbmf import evbmf

BIAS = 4
"""Bytes: the integer file holds a bias for every channel that a factor gives, beside its weights of one byte each."""

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
        role: what it is called behind the other's name.
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
        places: how often it is used.
    """

    name: ClassVar[str]

    def __init__(self, kernel: np.ndarray, places: Places) -> None:
        self.kernel = kernel
        self.places = places

    @property
    @abstractmethod
    def limits(self) -> Ranks:
        """The largest ranks: what the kernel has at most."""

    @abstractmethod
    def error(self, ranks: Ranks) -> float:
        """The share of the kernel's energy, 0..1, that is lost at these ranks, or a bound on it."""

    @abstractmethod
    def sizes(self, ranks: Ranks) -> list[Size]:
        """What the factors take."""

    @abstractmethod
    def kernels(self, ranks: Ranks) -> list[np.ndarray]:
        """The kernels of the factors, first to last; the first that has the layer's inputs is the first of all."""

    @abstractmethod
    def factors(self, kernels: Sequence[np.ndarray], config: dict[str, Any]) -> list[Factor]:
        """The factors of these kernels in place of a layer of that configuration."""

    @abstractmethod
    def noiseless(self) -> Ranks:
        """The ranks that EVBMF finds, 0 for nothing but noise."""

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
    def _matrix(self) -> np.ndarray:
        return self.kernel.reshape(self.kernel.shape[-2:])

    @cached_property
    def _lost(self) -> np.ndarray:
        return lost_energy(np.linalg.svd(self._matrix, compute_uv=False))

    @property
    def limits(self) -> Ranks:
        return (min(self._matrix.shape),)

    def error(self, ranks: Ranks) -> float:
        return float(self._lost[ranks[0]])

    def sizes(self, ranks: Ranks) -> list[Size]:
        *ones, inputs, outputs = self.kernel.shape
        places = self.places.given
        return [((*ones, inputs, ranks[0]), places), ((*ones, ranks[0], outputs), places)]

    def kernels(self, ranks: Ranks) -> list[np.ndarray]:
        found = truncated_svd(self._matrix, ranks[0])
        return [one.reshape(*self.kernel.shape[:-2], *one.shape) for one in found]

    def factors(self, kernels: Sequence[np.ndarray], config: dict[str, Any]) -> list[Factor]:
        first, second = kernels
        return [Factor("reduce", first, {}), Factor("expand", second, pointwise(first.ndim - 2))]

    def noiseless(self) -> Ranks:
        return (evbmf(self._matrix).rank,)


class Spatial(Scheme):
    """A convolution as a vertical one to rank channels and a horizontal one behind it.

    Jaderberg et al., "Speeding up convolutional neural networks with low rank expansions", 2014,
    https://arxiv.org/abs/1405.3866, their second scheme; by an SVD of (height, inputs) x (width, outputs) as in Tai et al.,
    2015, https://arxiv.org/abs/1511.06067.
    """

    name = "spatial"

    @cached_property
    def _matrix(self) -> np.ndarray:
        height, width, inputs, outputs = self.kernel.shape
        return self.kernel.transpose(0, 2, 1, 3).reshape(height * inputs, width * outputs)

    @cached_property
    def _lost(self) -> np.ndarray:
        return lost_energy(np.linalg.svd(self._matrix, compute_uv=False))

    @property
    def limits(self) -> Ranks:
        return (min(self._matrix.shape),)

    def error(self, ranks: Ranks) -> float:
        return float(self._lost[ranks[0]])

    def sizes(self, ranks: Ranks) -> list[Size]:
        height, width, inputs, outputs = self.kernel.shape
        vertical, horizontal = (height, 1, inputs, ranks[0]), (1, width, ranks[0], outputs)
        return [(vertical, self.places.between), (horizontal, self.places.given)]

    def kernels(self, ranks: Ranks) -> list[np.ndarray]:
        height, width, inputs, outputs = self.kernel.shape
        left, right = truncated_svd(self._matrix, ranks[0])
        vertical = left.reshape(height, 1, inputs, ranks[0])
        return [vertical, right.reshape(1, ranks[0], width, outputs).transpose(0, 2, 1, 3)]

    def factors(self, kernels: Sequence[np.ndarray], config: dict[str, Any]) -> list[Factor]:
        names = ("vertical", "horizontal")
        return [Factor(names[i], one, _along(i, one, config)) for i, one in enumerate(kernels)]

    def noiseless(self) -> Ranks:
        return (evbmf(self._matrix).rank,)


class Tucker(Scheme):
    """A convolution as a 1x1 one to fewer inputs, a small one of the same shape, and a 1x1 one to all outputs.

    Kim et al., "Compression of deep convolutional neural networks for fast and low power mobile applications", 2016,
    https://arxiv.org/abs/1511.06530. Where a rank is all of its side, that 1x1 convolution is left out: with all inputs it
    is the scheme of Zhang et al., 2015, https://arxiv.org/abs/1505.06798.
    """

    name = "tucker"

    @cached_property
    def _axes(self) -> tuple[int, int]:
        return self.kernel.ndim - 2, self.kernel.ndim - 1

    @cached_property
    def _kept(self) -> np.ndarray:
        """(inputs + 1, outputs + 1): the energy of the core of the higher-order SVD cut to so many of both."""
        core, _ = hosvd(self.kernel, self._axes)
        squares = (core**2).reshape(-1, *core.shape[-2:]).sum(axis=0)
        return np.pad(squares, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)

    @property
    def limits(self) -> Ranks:
        return self.kernel.shape[-2], self.kernel.shape[-1]

    def error(self, ranks: Ranks) -> float:
        whole = self._kept[-1, -1]
        return float(max(1 - self._kept[ranks] / whole, 0)) if whole > 0 else 0.0

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
        axes = [axis for axis, rank in zip(self._axes, ranks, strict=True) if rank < self.kernel.shape[axis]]
        core, bases = hooi(
            self.kernel, axes, [rank for rank, most in zip(ranks, self.limits, strict=True) if rank < most]
        )
        found = dict(zip(axes, bases, strict=True))
        first, last = (found.get(axis) for axis in self._axes)
        reduce = [] if first is None else [first.reshape(*ones, inputs, ranks[0])]
        return [*reduce, core, *([] if last is None else [last.T.reshape(*ones, ranks[1], outputs)])]

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
        first, last = (evbmf(unfolded(self.kernel, axis)).rank for axis in self._axes)
        return first, last


def schemes_of(kernel: np.ndarray, places: Places, method: str) -> list[Scheme]:
    """The ways to factorise a kernel: the truncated SVD of a matrix; of a convolution those that `method` allows."""
    window = kernel.shape[:-2]
    if set(window) <= {1}:
        return [Matrix(kernel, places)]
    # Along a single axis the spatial scheme is one of Tucker's.
    flat = sum(size > 1 for size in window) == 1
    found: list[Scheme] = [Tucker(kernel, places)] if method != "spatial" or flat else []
    return found if method == "tucker" or flat else [*found, Spatial(kernel, places)]


def grid(scheme: Scheme, multiple: int) -> list[Ranks]:
    """The ranks to choose from: multiples, all where there are hardly any, and for Tucker all of a side."""
    if isinstance(scheme, Tucker):
        sides = [[*_multiples(most, multiple), most] for most in scheme.limits]
        found = [ranks for ranks in product(*sides) if ranks != scheme.limits]
    else:
        found = [(rank,) for rank in _multiples(scheme.limits[0], multiple)]
    return [ranks for ranks in found if scheme.shrinks(ranks)]


def pointwise(axes: int) -> dict[str, Any]:
    """What makes a convolution over so many axes one that looks at single places; nothing for Dense."""
    ones = (1,) * axes
    return {"kernel_size": ones, "strides": ones, "dilation_rate": ones, "padding": "valid"} if axes else {}


def _multiples(most: int, multiple: int) -> list[int]:
    step = multiple if most > 2 * multiple else 1
    return list(range(step, most, step))


def _along(axis: int, kernel: np.ndarray, config: dict[str, Any]) -> dict[str, Any]:
    """Strides and dilation along one axis of the two, 1 along the other."""
    keys = ("strides", "dilation_rate")
    found = {key: tuple(config[key][one] if one == axis else 1 for one in range(2)) for key in keys}
    return {**found, "kernel_size": kernel.shape[:2]}
