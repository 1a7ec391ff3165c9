"""From the accumulator, of 32 or 64 bits, to the output of 8 or 16: multipliers, shifts, and the parameters that kernels take."""

from collections.abc import Callable

import numpy as np

from edgecompress.codegen.arithmetic import (
    Integers,
    multiply_by_quantized_multiplier,
    multiply_by_reduced_multiplier,
    quantize_multiplier,
    reduced_multiplier,
    wrap_int32,
)
from edgecompress.codegen.ops.activation import activation_range
from edgecompress.codegen.ops.base import Array
from edgecompress.codegen.ops.widths import is_wide
from edgecompress.tflite.graph import Graph, Operation, Tensor


def weight_scales(source: Tensor, weights: Tensor, result: Tensor, *, legacy: bool = False) -> list[float]:
    """input scale · weight scale / output scale for each entry of the weights' quantization.

    In double precision throughout, as TensorFlow Lite Micro multiplies; a product rounded to float32 changes outputs, and is what
    TensorFlow Lite takes for uint8.
    """
    assert source.quantization and weights.quantization and result.quantization
    if legacy:
        factor = np.float32(source.quantization.scale)
        products = [float(factor * np.float32(s)) for s in weights.quantization.scales]
        return [product / result.quantization.scale for product in products]
    return [source.quantization.scale * s / result.quantization.scale for s in weights.quantization.scales]


LARGEST_FACTOR = 2.0**31
"""Beyond, the shift of the multiplier leaves 32 bits."""


def bad_factor(*factors: float) -> str:
    """ "" when the kernels can multiply by these factors, else the one that they cannot."""
    return next((f"a factor of {factor:.3g}" for factor in factors if not factor < LARGEST_FACTOR), "")


MOST_SHIFT = 7
"""Of the multipliers of 64-bit sums, to the left."""
MOST_BIAS = 2**46
"""Of 64-bit sums, which then stay below 2^47."""


def bad_wide_factor(*factors: float) -> str:
    """The same for factors of 64-bit sums."""
    found = (factor for factor in factors if bad_factor(factor) or quantize_multiplier(factor)[1] > MOST_SHIFT)
    return next((f"a factor of {factor:.3g}" for factor in found), "")


def scaling(result: Tensor) -> Callable[[Integers, Integers, Integers], np.ndarray]:
    """What multiplies sums by multipliers and shifts on their way to a tensor: of 32 bits to int8, of 64 to int16."""
    return multiply_by_reduced_multiplier if is_wide(result) else multiply_by_quantized_multiplier


def multipliers(scales: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """(int32 multipliers, int8 shifts) of real factors."""
    pairs = [quantize_multiplier(scale) for scale in scales]
    return np.array([m for m, _ in pairs], np.int32), np.array([s for _, s in pairs], np.int8)


def requantize(accumulator: np.ndarray, scales: list[float], operation: Operation, result: Tensor) -> np.ndarray:
    """The output from the accumulators [..., channels]: scaled, offset, clamped; result's dtype."""
    assert result.quantization
    multiplier, shift = multipliers(scales)
    low, high = activation_range(operation, result)
    sums = accumulator if is_wide(result) else wrap_int32(accumulator)
    scaled = scaling(result)(sums, multiplier.astype(np.int64), shift.astype(np.int64))
    return np.clip(wrap_int32(scaled + result.quantization.zero_point), low, high).astype(result.dtype)


def requantization_parameters(scales: list[float], operation: Operation, result: Tensor) -> dict[str, int | Array]:
    """The fields of the C struct `ec_requantization`, or for int16 `ec_requantization_s16`, with the prefix `requantization.`."""
    return requantization_fields(*multipliers(scales), operation, result)


def requantization_fields(
    multiplier: np.ndarray, shift: np.ndarray, operation: Operation, result: Tensor
) -> dict[str, int | Array]:
    """The same, from multipliers and shifts."""
    assert result.quantization
    low, high = activation_range(operation, result)
    held = reduced_multiplier(multiplier).astype(np.int16) if is_wide(result) else multiplier
    fields: dict[str, int | Array] = {
        "multipliers": Array(held),
        "shifts": Array(shift),
        "per_channel": int(len(multiplier) > 1),
        **({} if is_wide(result) else {"output_offset": result.quantization.zero_point}),
        "activation_min": low,
        "activation_max": high,
    }
    return {f"requantization.{name}": value for name, value in fields.items()}


def bias_values(bias: Tensor | None, channels: int) -> np.ndarray:
    """The bias as int64 [channels], zeros where the operator has none."""
    return np.zeros(channels, np.int64) if bias is None or bias.data is None else bias.data.astype(np.int64).reshape(-1)


def exceeds_int8(weights: Tensor) -> bool:
    """Whether these are uint8 weights of a legacy file that are beyond int8 without their zero point: int16 in the graph."""
    return weights.dtype == np.int16 and weights.type_name == "UINT8"


def bad_weights(
    graph: Graph, operation: Operation, channels: int, channel_axis: int, *, takes_wide: bool = False
) -> str:
    """ "" when weights and bias are constant, symmetric int8 and int32 (beside int16 int64), one scale or one per channel, else what
    was found."""
    weights = graph.tensors[operation.inputs[1]]
    bias = graph.operands(operation)[2] if len(operation.inputs) > 2 else None
    if weights.data is None or not (weights.dtype == np.int8 or (takes_wide and exceeds_int8(weights))):
        return f'weights "{weights.name}" {weights.type_name}{"" if weights.is_constant else ", not constant"}'
    q = weights.quantization
    if q is None or any(q.zero_points):
        return f'weights "{weights.name}" without scale or with a zero point'
    if q.per_channel and (q.axis != channel_axis or len(q.scales) != channels):
        return f"{len(q.scales)} weight scales along dimension {q.axis} for {channels} output channels"
    return "" if bias is None else bad_bias(bias, channels, graph.results(operation)[0])


def bad_bias(bias: Tensor, channels: int, result: Tensor) -> str:
    """ "" when a bias is constant with a value per channel, int32, or beside int16 int64 and below 2^46; else what was found."""
    kind = np.int64 if is_wide(result) else np.int32
    if bias.data is None or bias.dtype != kind or bias.elements != channels:
        return f'bias "{bias.name}" {bias.type_name} {list(bias.shape)}'
    is_far = ((bias.data <= -MOST_BIAS) | (bias.data >= MOST_BIAS)).any()
    return f'bias "{bias.name}" of 2^46 and more' if is_far else ""
