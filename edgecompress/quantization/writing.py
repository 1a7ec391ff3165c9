"""Ranges, weights and biases as integers in a standard file, proven from the bytes that were written."""

from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from edgecompress.convert.proof import check_full_integer
from edgecompress.errors import ToolError, UnsupportedError
from edgecompress.quantization.ranges import Range
from edgecompress.quantization.twin import Layer, Twins, constant, from_rows, to_rows
from edgecompress.tflite.graph import ABSENT, Graph, Quantization, Tensor
from edgecompress.tflite.reader import read_bytes
from edgecompress.tflite.writer import write

LARGEST_CODE = 127
"""Weights are symmetric: -128 is not used."""
LARGEST_BIAS = 2**31 - 1
ROOMY_BIAS = 2**29
"""What a bias counts at most at first: channels whose weights are nearly zero get a larger scale for it."""
_SMALLEST_SCALE = 1e-9


@dataclass(frozen=True, eq=False)
class Weights:
    """A layer's weights as integers.

    Attributes:
        codes: (channels, weights of each), int8 within ±127.
        scales: (channels,), float32; all the same for one scale per tensor.
    """

    codes: np.ndarray
    scales: np.ndarray
    per_tensor: bool = False

    @property
    def real(self) -> np.ndarray:
        """(channels, weights of each), float64."""
        return self.codes.astype(np.float64) * self.scales[:, None].astype(np.float64)


@dataclass(frozen=True, eq=False)
class Choice:
    """Everything that an integer file holds beyond its operators.

    Attributes:
        ranges: one per group of the twins.
        weights: one per layer.
        biases: (channels,) float64 per layer, in real numbers.
    """

    ranges: tuple[Range, ...]
    weights: tuple[Weights, ...]
    biases: tuple[np.ndarray, ...]

    def with_layer(self, place: int, weights: Weights, bias: np.ndarray) -> "Choice":
        """Another content of one layer."""
        return replace(
            self,
            weights=(*self.weights[:place], weights, *self.weights[place + 1 :]),
            biases=(*self.biases[:place], bias, *self.biases[place + 1 :]),
        )


def scales_of(rows: np.ndarray, per_tensor: bool, least: np.ndarray | float = 0.0) -> np.ndarray:
    """Symmetric scales, float32, at which the largest weight of a channel, or of the tensor, is ±127, but at least `least`."""
    wanted = np.maximum(np.abs(rows).max(axis=1, initial=0) / LARGEST_CODE, least)
    if per_tensor:
        wanted = np.full_like(wanted, wanted.max(initial=0))
    return np.maximum(wanted, _SMALLEST_SCALE).astype(np.float32)


def nearest(rows: np.ndarray, per_tensor: bool, least: np.ndarray | float = 0.0) -> Weights:
    """Weights rounded to the nearest integers; see `scales_of`."""
    scales = scales_of(rows, per_tensor, least)
    codes = np.rint(rows / scales[:, None].astype(np.float64))
    return Weights(np.clip(codes, -LARGEST_CODE, LARGEST_CODE).astype(np.int8), scales, per_tensor)


def rounded(twins: Twins, ranges: tuple[Range, ...], per_tensor: bool) -> Choice:
    """These ranges, the float twin's weights rounded to the nearest integers, and its biases."""
    groups = {index: place for place, group in enumerate(twins.groups) for index in group}
    weights = []
    for layer in twins.layers:
        free = ranges[groups[layer.activation]].quantization() if layer.activation in groups else None
        activation = free or twins.integer.tensors[layer.activation].quantization
        assert activation is not None, "an activation of a full-integer file has a scale"
        least = np.abs(twins.float_bias(layer)) / (activation.scale * ROOMY_BIAS)
        weights.append(nearest(twins.float_rows(layer), per_tensor, least))
    return Choice(ranges, tuple(weights), tuple(twins.float_bias(layer) for layer in twins.layers))


def as_written(twins: Twins) -> Choice:
    """What the integer file holds as it is."""
    weights, biases = [], []
    for layer in twins.layers:
        tensor = twins.integer.tensors[layer.weights]
        assert tensor.quantization is not None, "the twins have been proven"
        codes = to_rows(constant(twins.integer, layer.weights), layer.axis)
        scales = np.resize(np.asarray(tensor.quantization.scales, np.float32), len(codes))
        weights.append(Weights(codes, scales, not tensor.quantization.per_channel))
        biases.append(twins.float_bias(layer))
    ranges = [_range(twins.integer.tensors[group[0]].quantization) for group in twins.groups]
    return Choice(tuple(ranges), tuple(weights), tuple(biases))


def quantized_graph(twins: Twins, choice: Choice) -> Graph:
    """The integer graph with what was chosen.

    Raises:
        UnsupportedError: a bias does not fit 32 bits, or one tensor would have to hold two things; names the layer.
    """
    tensors = dict(twins.integer.tensors)
    for group, wanted in zip(twins.groups, choice.ranges, strict=True):
        quantization = wanted.quantization()
        for index in group if quantization is not None else ():
            tensors[index] = replace(tensors[index], quantization=quantization)
    written: dict[int, np.ndarray] = {}
    for layer, weights, bias in zip(twins.layers, choice.weights, choice.biases, strict=True):
        changed = {layer.weights: _weights(tensors[layer.weights], layer, weights)}
        if layer.bias != ABSENT:
            changed[layer.bias] = _bias(tensors[layer.bias], tensors[layer.activation], layer, weights, bias)
        for index, tensor in changed.items():
            assert tensor.data is not None, "it was just given"
            if index in written and not np.array_equal(written[index], tensor.data):
                raise UnsupportedError(
                    f'layer "{layer.name}" shares "{tensor.name}" with another layer that needs other numbers there',
                    hint="convert a model without shared layers, or leave out [quantization]",
                )
            written[index] = tensor.data
            tensors[index] = tensor
    return replace(twins.integer, tensors=MappingProxyType(tensors))


def to_bytes(twins: Twins, choice: Choice) -> bytes:
    """The file, proven: read again it is full-integer and holds just what was chosen, operator by operator.

    Raises:
        UnsupportedError: as `quantized_graph`.
        ToolError: the bytes do not hold that (a defect).
    """
    wanted = quantized_graph(twins, choice)
    content = write(wanted)
    found = read_bytes(content)
    check_full_integer(found)
    if (found.operations, found.inputs, found.outputs) != (wanted.operations, wanted.inputs, wanted.outputs):
        raise ToolError("Writing the quantized file changed its operators.")
    for index, tensor in wanted.tensors.items():
        other = found.tensors[index]
        same = tensor.data is None if other.data is None else np.array_equal(other.data, tensor.data)  # type: ignore[arg-type]
        if not same or tensor.quantization != other.quantization:
            raise ToolError(f'Writing the quantized file changed the tensor "{tensor.name}".')
    return content


def bias_scales(activation: Quantization | None, weights: Weights) -> np.ndarray:
    """(channels,) float32: input scale times weight scale, the unit that biases count in."""
    assert activation is not None, "an activation of a full-integer file has a scale"
    return (np.float32(activation.scale) * weights.scales).astype(np.float32)


def _range(quantization: Quantization | None) -> Range:
    assert quantization is not None, "a group has a scale"
    scale, zero_point = quantization.scale, quantization.zero_point
    return Range((-128 - zero_point) * scale, (127 - zero_point) * scale)


def _weights(tensor: Tensor, layer: Layer, weights: Weights) -> Tensor:
    data = from_rows(weights.codes, layer.axis, tensor.shape)
    scales = weights.scales[:1] if weights.per_tensor else weights.scales
    return replace(tensor, data=data, quantization=_symmetric(scales, layer.axis))


def _bias(tensor: Tensor, activation: Tensor, layer: Layer, weights: Weights, bias: np.ndarray) -> Tensor:
    scales = bias_scales(activation.quantization, weights)
    numbers = np.rint(bias / scales.astype(np.float64))
    if np.abs(numbers).max(initial=0) > LARGEST_BIAS:
        channel = int(np.abs(numbers).argmax())
        raise UnsupportedError(
            f'layer "{layer.name}": the bias of channel {channel} does not fit 32 bits',
            found=f"{numbers[channel]:.3g} steps of {scales[channel]:.3g}",
            hint="equalize = false, or weights = channel",
        )
    kept = scales[:1] if weights.per_tensor else scales
    return replace(tensor, data=numbers.astype(np.int32), quantization=_symmetric(kept, 0))


def _symmetric(scales: np.ndarray, axis: int) -> Quantization:
    return Quantization(tuple(float(one) for one in scales), (0,) * len(scales), axis if len(scales) > 1 else 0)
