"""Inputs to compare executors on: random, hostile, and real samples, the same ones every time."""

from collections.abc import Sequence

import numpy as np

from edgecompress.errors import DataError, UnsupportedError
from edgecompress.tflite.graph import Graph, Quantization, Tensor

HOSTILE_FILLS = ("lowest", "highest", "zeros", "alternating")
FILLS = ("random", *HOSTILE_FILLS, "zero_point")
PASSING_ON = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "PAD", "STRIDED_SLICE", "CONCATENATION")
"""Operators through which a float input may go on its way to QUANTIZE."""
BEYOND = 1.125
"""Float inputs reach this much beyond what QUANTIZE can express, so that it must saturate."""


def random_inputs(graph: Graph, count: int, seed: int = 0) -> list[dict[int, np.ndarray]]:
    """`count` inputs of uniformly distributed values: the dtype's full range, or the quantizer's range for floats."""
    generator = np.random.default_rng(seed)
    return [
        {index: random_values(graph, graph.tensors[index], generator) for index in graph.inputs} for _ in range(count)
    ]


def hostile_inputs(graph: Graph) -> list[dict[int, np.ndarray]]:
    """Four inputs: all lowest, all highest, all zero bits, lowest and highest in turn."""
    return [filled_input(graph, fill) for fill in HOSTILE_FILLS]


def filled_input(graph: Graph, fill: str, seed: int = 0) -> dict[int, np.ndarray]:
    """One input in which every input tensor is filled in the same manner, one of `FILLS`."""
    if fill == "random":
        return random_inputs(graph, 1, seed)[0]
    return {index: filled_values(graph, graph.tensors[index], fill) for index in graph.inputs}


def real_inputs(graph: Graph, samples: np.ndarray, count: int) -> list[dict[int, np.ndarray]]:
    """The first `count` samples as inputs of a model with one input.

    Args:
        samples: first axis the sample; the rest like the input's shape, dimensions of 1 aside. Values of the input's own
            dtype are taken as they are; others are real numbers, and are quantized when the input is an integer.

    Raises:
        DataError: too few samples, another shape, NaN or infinities.
        UnsupportedError: the model has several inputs.
    """
    if len(graph.inputs) != 1:
        raise UnsupportedError("real samples need a model with one input", found=f"{len(graph.inputs)} inputs")
    tensor = graph.tensors[graph.inputs[0]]
    if len(samples) < count:
        raise DataError(f"{count} real samples are wanted", found=f"{len(samples)} samples")
    if significant(samples.shape[1:]) != significant(tensor.shape):
        raise DataError(
            f'samples do not have the shape of the input "{tensor.name}", {list(tensor.shape)}',
            found=f"samples of shape {list(samples.shape[1:])}",
        )
    chosen = samples[:count].reshape(count, *tensor.shape)
    return [{tensor.index: values} for values in as_input(tensor, chosen)]


def quantize(real: np.ndarray, quantization: Quantization, dtype: np.dtype) -> np.ndarray:
    """round(real / scale) + zero point, saturated to dtype: in float32, halves away from zero, as TFLite's QUANTIZE.

    Raises:
        DataError: NaN or infinities among the values.
    """
    real = np.asarray(real, np.float32)
    if not np.isfinite(real).all():
        raise DataError(
            "values to be quantized must be finite", found=f"{np.count_nonzero(~np.isfinite(real))} that are not"
        )
    scaled = real / np.float32(quantization.scale)
    # trunc(|x| + 0.5) would round 0.49999997 up: floor and compare the fraction instead.
    whole = np.floor(np.abs(scaled))
    rounded = np.copysign(whole + (np.abs(scaled) - whole >= 0.5), scaled)
    limits = np.iinfo(dtype)
    clipped = np.clip(rounded.astype(np.float64) + quantization.zero_point, limits.min, limits.max)
    return np.asarray(clipped, dtype)


def as_input(tensor: Tensor, values: np.ndarray) -> np.ndarray:
    """Values as the input takes them; see `real_inputs`."""
    if values.dtype == tensor.dtype:
        return values
    if tensor.dtype.kind == "f":
        converted = values.astype(tensor.dtype)
        if not np.isfinite(converted).all():
            raise DataError("samples must be finite", found="NaN or infinite values")
        return converted
    if tensor.quantization is None and tensor.dtype.kind in "iu" and np.array_equal(values, np.rint(values)):
        return values.astype(tensor.dtype)
    if tensor.quantization is None:
        raise UnsupportedError(f'input "{tensor.name}" has no quantization to bring real samples to {tensor.dtype}')
    return quantize(values, tensor.quantization, tensor.dtype)


def random_values(graph: Graph, tensor: Tensor, generator: np.random.Generator) -> np.ndarray:
    low, high = value_range(graph, tensor)
    if tensor.dtype.kind == "f":
        values = generator.uniform(low, high, tensor.shape).astype(tensor.dtype)
        return with_ties(graph, tensor, values)
    return generator.integers(int(low), int(high), tensor.shape, dtype=tensor.dtype, endpoint=True)


def with_ties(graph: Graph, tensor: Tensor, values: np.ndarray) -> np.ndarray:
    """Every other value moved to the middle between two quantized ones, where rounding decides."""
    quantized = following_quantized(graph, tensor)
    if quantized is None or quantized.quantization is None:
        return values
    scale = np.float32(quantized.quantization.scale)
    ties = ((np.floor(values / scale) + np.float32(0.5)) * scale).astype(values.dtype)
    every_other = np.arange(values.size).reshape(values.shape) % 2 == 1
    return np.where(every_other, ties, values)


def filled_values(graph: Graph, tensor: Tensor, fill: str) -> np.ndarray:
    low, high = value_range(graph, tensor)
    if fill == "alternating":
        values = np.where(np.arange(tensor.elements) % 2 == 0, low, high)
        return values.reshape(tensor.shape).astype(tensor.dtype)
    zero_point = 0 if tensor.quantization is None or tensor.dtype.kind == "f" else tensor.quantization.zero_points[0]
    constants = {"lowest": low, "highest": high, "zeros": 0, "zero_point": min(max(zero_point, low), high)}
    return np.full(tensor.shape, constants[fill], tensor.dtype)


def value_range(graph: Graph, tensor: Tensor) -> tuple[float, float]:
    """Lowest and highest value to try in an input tensor."""
    if tensor.dtype == np.bool_:
        return 0, 1
    if tensor.dtype.kind in "iu":
        limits, rows = np.iinfo(tensor.dtype), rows_of_table(graph, tensor)
        return (0, rows - 1) if rows else (limits.min, limits.max)
    if tensor.dtype.kind != "f":
        raise UnsupportedError(f'input "{tensor.name}": no values for dtype {tensor.dtype}')
    quantized = following_quantized(graph, tensor)
    if quantized is None or quantized.quantization is None:
        return -1.0, 1.0
    limits = np.iinfo(quantized.dtype)
    scale, zero_point = quantized.quantization.scale, quantized.quantization.zero_point
    return (limits.min - zero_point) * scale * BEYOND, (limits.max - zero_point) * scale * BEYOND


def rows_of_table(graph: Graph, tensor: Tensor) -> int:
    """How many rows the smallest table has that GATHER looks this tensor's values up in: none beyond is defined. 0: none does."""
    lookups = [one for one in graph.operations if one.opcode == "GATHER" and one.inputs[1:2] == (tensor.index,)]
    axes = [int(one.options.get("axis") or 0) for one in lookups]  # type: ignore[call-overload]
    sizes = [graph.tensors[one.inputs[0]].shape[axis:] for one, axis in zip(lookups, axes, strict=True)]
    return min((size[0] for size in sizes if size), default=0)


def following_quantized(graph: Graph, tensor: Tensor) -> Tensor | None:
    """The output of the QUANTIZE that a float tensor reaches, None when it reaches none."""
    reached = {tensor.index}
    for operation in graph.operations:
        if not reached.intersection(operation.inputs):
            continue
        if operation.opcode == "QUANTIZE":
            return graph.tensors[operation.outputs[0]]
        if operation.opcode in PASSING_ON:
            reached.update(operation.outputs)
    return None


def significant(shape: Sequence[int]) -> tuple[int, ...]:
    """The dimensions that are not 1."""
    return tuple(dimension for dimension in shape if dimension != 1)
