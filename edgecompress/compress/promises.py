"""Promises measured: one function per kind, on Keras weights and on .tflite tensors alike, nothing taken on trust."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from edgecompress.compress.base import ON_DEVICE, Kind, Promise
from edgecompress.compress.models.kernels import Kernel, keras_kernels
from edgecompress.compress.models.mapping import tflite_kernels
from edgecompress.compress.weights.allocation import whole
from edgecompress.errors import PromiseError
from edgecompress.tflite.graph import Graph

TOGETHER = "all layers together"
"""Stands for the layer in promises about a whole model."""


@dataclass(frozen=True)
class Measurement:
    """A promise against the weights.

    Attributes:
        promise: what was measured, with the layers that were there.
        reached: the worst layer's figure (zeros, zero_blocks: a fraction; distinct_values: a number of values; n_of_m:
            non-zeros in the fullest group; allowed_values: weights off the set), the total (macs, parameters) or the mean
            (bits); None for none, and for what only a device knows (see `held_against`).
        layers: the figure of each layer.
        worst: the layer of `reached`.
        broken: the layers where the promise does not hold.
        missing: layers of the promise that were not found.
        per_tensor: distinct_values counted over whole tensors, worst layer; None for other kinds.
    """

    promise: Promise
    reached: float | None
    layers: Mapping[str, float]
    worst: str = ""
    broken: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    per_tensor: float | None = None

    @property
    def holds(self) -> bool:
        return not self.broken and not self.missing

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "promise": str(self.promise),
            "kind": self.promise.kind.value,
            "source": self.promise.source,
            "reached": self.reached,
            "worst": self.worst,
            "per_tensor": self.per_tensor,
            "layers": dict(self.layers),
        }


def zeros(rows: np.ndarray) -> float:
    """The fraction of weights that are zero, 0..1."""
    return float(np.count_nonzero(rows == 0) / rows.size) if rows.size else 0.0


def zero_blocks(rows: np.ndarray, height: int, width: int) -> tuple[int, int]:
    """How many blocks of `height` output channels and `width` consecutive weights hold zeros only, and how many there are.

    Blocks are counted from the first channel and the first weight; those at the end may be smaller.
    """
    down = np.add.reduceat(rows != 0, np.arange(0, rows.shape[0], height), axis=0)
    both = np.add.reduceat(down, np.arange(0, rows.shape[1], width), axis=1)
    return int(np.count_nonzero(both == 0)), both.size


def distinct_values(rows: np.ndarray, granularity: str) -> int:
    """How many different values the tensor holds, or the channel with the most of them; zero counts as one."""
    parts = rows if granularity == "channel" else rows.reshape(1, -1)
    return max((len(np.unique(part)) for part in parts), default=0)


def fullest_group(rows: np.ndarray, size: int) -> int:
    """The most non-zeros in `size` consecutive weights of a channel, counted in groups from its start."""
    padding = -rows.shape[1] % size
    groups = np.pad(rows != 0, ((0, 0), (0, padding))).reshape(rows.shape[0], -1, size)
    return int(groups.sum(axis=2).max(initial=0))


def values_off_the_set(rows: np.ndarray, allowed: Sequence[float], granularity: str) -> int:
    """How many weights are not scale · a for an allowed a, with the best scale per tensor or channel.

    The scale is such that the largest weight stands for one of the allowed values; weights may be off by half a step
    of int8 (1/254 of the largest), since that is what conversion to integers does to them.
    """
    parts = rows if granularity == "channel" else rows.reshape(1, -1)
    return sum(_off(part.astype(np.float64).ravel(), np.asarray(allowed, np.float64)) for part in parts)


def _off(part: np.ndarray, allowed: np.ndarray) -> int:
    largest = np.abs(part).max(initial=0.0)
    if largest == 0:
        return 0 if 0 in allowed else part.size
    counts = []
    for code in np.unique(np.abs(allowed[allowed != 0])):
        distance = np.abs(part[:, None] * (code / largest) - allowed[None, :]).min(axis=1)
        counts.append(np.count_nonzero(distance > code * (1 / 254 + 1e-6)))
    return int(min(counts, default=part.size))


def macs(kernel: Kernel) -> int:
    """Multiplications of one inference; zero weights count (the shape is what is promised)."""
    return kernel.rows.size * kernel.positions


def measure(promise: Promise, kernels: Mapping[str, Kernel], *, in_file: bool = False) -> Measurement:
    """Measure a promise on kernels by name (see `edgecompress.compress.models.kernels`).

    Args:
        promise: what to measure.
        kernels: of a Keras model, or of a .tflite file.
        in_file: count over `promise.in_file` (integer tensors) rather than `promise.granularity`.
    """
    if promise.kind is Kind.NONE or promise.kind in ON_DEVICE:
        return Measurement(promise, None, MappingProxyType({}))
    names = promise.layers or tuple(kernels)
    found = {name: kernels[name] if in_file else in_units(kernels[name], promise) for name in names if name in kernels}
    granularity = promise.in_file if in_file else promise.granularity
    figure = _FIGURES[promise.kind]
    layers = {name: figure(promise, kernel, granularity) for name, kernel in found.items()}
    missing = tuple(name for name in names if name not in found)
    if promise.kind in _TOTALS or granularity == "model":
        total, holds = _together(promise, found, layers)
        return Measurement(promise, total, layers, TOGETHER, () if holds else (TOGETHER,), missing)
    broken = tuple(name for name in found if not _holds(promise, found[name], layers[name]))
    worst = _worst(promise, layers, broken)
    per_tensor = None
    if promise.kind is Kind.DISTINCT_VALUES:
        per_tensor = max((distinct_values(kernel.rows, "tensor") for kernel in found.values()), default=None)
    return Measurement(promise, layers.get(worst), layers, worst, broken, missing, per_tensor)


def held_against(promise: Promise, value: int) -> Measurement:
    """A promise about cycles, flash or RAM against what was read on the device."""
    broken = () if value <= _number(promise) else (TOGETHER,)
    return Measurement(promise, float(value), MappingProxyType({TOGETHER: float(value)}), TOGETHER, broken)


def _together(promise: Promise, found: Mapping[str, Kernel], layers: Mapping[str, float]) -> tuple[float, bool]:
    """The figure of a promise about all its layers as one, and whether it holds."""
    if promise.kind not in _SHARES:
        total = sum(layers.values())
        if promise.kind is Kind.BITS:
            total = sum(layers[name] * kernel.rows.size for name, kernel in found.items())
            total /= max(sum(kernel.rows.size for kernel in found.values()), 1)
        return total, total <= _number(promise)
    counts = [_zeros_of(promise, kernel) for kernel in found.values()]
    zero, size = (sum(one[i] for one in counts) for i in (0, 1))
    return zero / max(size, 1), zero >= whole(_share(promise), size)


def bits(rows: np.ndarray, granularity: str) -> int:
    """Of an index into the different values of the tensor, or of the channel with the most of them."""
    return max(distinct_values(rows, granularity) - 1, 0).bit_length()


def in_units(kernel: Kernel, promise: Promise) -> Kernel:
    """A Keras kernel as the promise counts it: divided by each channel's unit, to three decimals, where it names one."""
    if kernel.name not in promise.units:
        return kernel
    units = np.asarray(promise.units[kernel.name], np.float64)
    return replace(kernel, rows=np.round(kernel.rows / units[:, None], 3))


def measure_keras(model: Any, promise: Promise) -> Measurement:
    """Measure a promise on the weights of a Keras model, quantize wrappers seen through."""
    return measure(promise, keras_kernels(model))


def measure_tflite(graph: Graph, promise: Promise, mapping: Mapping[str, tuple[int, ...]]) -> Measurement:
    """Measure a promise on the integers of a .tflite file.

    Args:
        graph: what `edgecompress.tflite.reader.read` gave.
        promise: what to measure; its layers must be in `mapping`.
        mapping: layer names to the indices of their weight tensors (`edgecompress.compress.models.mapping.map_layers`).
    """
    return measure(promise, tflite_kernels(graph, mapping), in_file=True)


def check_tflite(
    graph: Graph, promises: Sequence[Promise], mapping: Mapping[str, tuple[int, ...]]
) -> tuple[Measurement, ...]:
    """Measure every standing promise in the integer file.

    Raises:
        PromiseError: for the first that does not hold there, with the pass that made it and the conversion as culprit.
    """
    kernels = tflite_kernels(graph, mapping)
    measured = tuple(measure(promise, kernels, in_file=True) for promise in promises)
    for measurement in measured:
        demand(measurement, "the conversion to integers")
    return measured


def demand(measurement: Measurement, culprit: str) -> None:
    """Refuse a promise that does not hold.

    Args:
        measurement: of the promise, after `culprit`.
        culprit: the pass or stage that ran last; the promise's own source when it broke its own word.

    Raises:
        PromiseError: naming the layer, both passes, what was promised and what was reached.
    """
    if measurement.holds:
        return
    promise = measurement.promise
    layer = (measurement.broken or measurement.missing)[0]
    if not measurement.broken:
        found = f"layer {layer} is not there any more"
    else:
        found = f"{_said(promise, measurement.layers.get(layer, measurement.reached))} in layer {layer}"
    if len(measurement.broken) > 1:
        found += f"; {len(measurement.broken)} layers in all"
    if promise.source == culprit:
        raise PromiseError(
            f"{culprit} does not keep its own promise in layer {layer}: {promise}.",
            found=found,
            hint="give it more epochs, or leave that layer out with exclude",
        )
    raise PromiseError(
        f"{culprit} broke what {promise.source} had promised for layer {layer}: {promise}.",
        found=found,
        hint=f"put {promise.source.split('{')[0]} behind the pass that undoes it, or leave one of the two out",
    )


def _said(promise: Promise, figure: float | None) -> str:
    match promise.kind:
        case Kind.ZEROS:
            return f"{figure:.4f} of the weights are zero"
        case Kind.ZERO_BLOCKS:
            return f"{figure:.4f} of the blocks are zero"
        case Kind.DISTINCT_VALUES:
            return f"{figure:g} distinct values"
        case Kind.BITS:
            return f"{figure:.4g} bits in the mean"
        case Kind.N_OF_M:
            return f"{figure:g} non-zeros in one group"
        case Kind.ALLOWED_VALUES:
            return f"{figure:g} weights off the allowed values"
    return f"{figure:g}"


def _number(promise: Promise) -> float:
    assert isinstance(promise.bound, int | float), "this kind of promise is bounded by one number"
    return promise.bound


def _share(promise: Promise) -> float:
    return promise.numbers[0] if promise.kind is Kind.ZERO_BLOCKS else _number(promise)


def _zeros_of(promise: Promise, kernel: Kernel) -> tuple[int, int]:
    """How many weights, or blocks, are zero, and of how many."""
    if promise.kind is Kind.ZERO_BLOCKS:
        return zero_blocks(kernel.rows, int(promise.numbers[1]), int(promise.numbers[2]))
    return int(np.count_nonzero(kernel.rows == 0)), kernel.rows.size


def _holds(promise: Promise, kernel: Kernel, figure: float) -> bool:
    match promise.kind:
        case Kind.ZEROS | Kind.ZERO_BLOCKS:
            # Whole weights only: the bound is met when one zero more would be more than was asked.
            zero, size = _zeros_of(promise, kernel)
            return zero >= whole(_share(promise), size)
        case Kind.N_OF_M:
            return figure <= promise.numbers[0]
        case Kind.ALLOWED_VALUES:
            return figure == 0
    return figure <= _number(promise)


def _worst(promise: Promise, layers: Mapping[str, float], broken: Sequence[str]) -> str:
    candidates = list(broken or layers)
    if not candidates:
        return ""
    pick = min if promise.kind in _SHARES else max
    return pick(candidates, key=lambda name: layers[name])


def _fraction(part: int, whole_: int) -> float:
    return part / whole_ if whole_ else 0.0


_TOTALS = frozenset({Kind.MACS, Kind.PARAMETERS, Kind.BITS})
"""Kinds that speak of all layers as one."""

_SHARES = frozenset({Kind.ZEROS, Kind.ZERO_BLOCKS})
"""Kinds whose figure is a share of zeros, the more the better."""

_FIGURES: Mapping[Kind, Callable[[Promise, Kernel, str], float]] = MappingProxyType(
    {
        Kind.ZEROS: lambda promise, kernel, granularity: zeros(kernel.rows),
        Kind.ZERO_BLOCKS: lambda promise, kernel, granularity: _fraction(*_zeros_of(promise, kernel)),
        Kind.N_OF_M: lambda promise, kernel, granularity: fullest_group(kernel.rows, int(promise.numbers[1])),
        Kind.DISTINCT_VALUES: lambda promise, kernel, granularity: distinct_values(kernel.rows, granularity),
        Kind.BITS: lambda promise, kernel, granularity: bits(kernel.rows, granularity),
        Kind.ALLOWED_VALUES: lambda promise, kernel, granularity: values_off_the_set(
            kernel.rows, promise.numbers, granularity
        ),
        Kind.MACS: lambda promise, kernel, granularity: macs(kernel),
        Kind.PARAMETERS: lambda promise, kernel, granularity: kernel.rows.size,
    }
)
