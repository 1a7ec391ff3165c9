"""QUANTIZE and DEQUANTIZE: between float32 and integers at the model's borders, and between two integer quantizations."""

import numpy as np

from edgecompress.codegen.arithmetic import quantize_multiplier, wrap_int32
from edgecompress.codegen.ops.activation import bad_quantization
from edgecompress.codegen.ops.base import KernelCall, Operator, types_of
from edgecompress.codegen.ops.lookup import Lookup, requantized, rescaling
from edgecompress.codegen.ops.requantization import bad_factor
from edgecompress.codegen.ops.sweeps import elementwise
from edgecompress.tflite.graph import Graph, Operation, Tensor

EIGHT_BITS = (np.dtype(np.int8), np.dtype(np.uint8))


SIGNED = (np.dtype(np.int8), np.dtype(np.int16), np.dtype(np.int32))
KERNELS = {
    np.dtype(np.int8): "quantize",
    np.dtype(np.uint8): "quantize_u8",
    np.dtype(np.int16): "quantize_s16",
}
"""Of QUANTIZE from float32; those of DEQUANTIZE are named alike."""
FROM_FLOAT = tuple(KERNELS)


class Quantize(Lookup):
    """From float32: round(x / scale) + zero_point, halves away from zero, saturating (a NaN becomes the lowest value)."""

    opcode = "QUANTIZE"

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """from float32 to int8, uint8 or int16; between int8 and uint8; from int8 or int16 to int8, int16 or int32; from int32 to int8
        or int16; with one scale each"""
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        from_float = source.dtype == np.float32 and result.dtype in FROM_FLOAT
        between = source.dtype in EIGHT_BITS and result.dtype in EIGHT_BITS
        signed = source.dtype in SIGNED and result.dtype in SIGNED and {source.dtype, result.dtype} != {SIGNED[2]}
        if not (from_float or between or signed):
            return types_of(graph, operation)
        return bad_quantization(result) or ("" if from_float else bad_quantization(source))

    def rule_factors(self, graph: Graph, operation: Operation) -> str:
        """between integers, the input's scale must be below 2^31 output scales; int32's zero point must be 0"""
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        if source.dtype == np.float32:
            return ""
        assert source.quantization
        if source.dtype == np.int32 and source.quantization.zero_point:
            return f"zero point {source.quantization.zero_point}"
        return bad_factor(rescaling(source, result))

    def map(self, x: np.ndarray, operation: Operation, source: Tensor, result: Tensor) -> np.ndarray:
        return wrap_int32(requantized(x, source, result))

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        result = graph.results(operation)[0]
        assert inputs[0] is not None and result.quantization
        if inputs[0].dtype != np.float32:
            return super().reference(graph, operation, inputs)
        with np.errstate(over="ignore"):
            scaled = (inputs[0] / np.float32(result.quantization.scale)).astype(np.float64)
        scaled = np.where(np.isnan(scaled), -np.inf, scaled)
        rounded = np.sign(scaled) * np.floor(np.abs(np.clip(scaled, -1e6, 1e6)) + 0.5)
        limits = np.iinfo(result.dtype)
        return [np.clip(rounded + result.quantization.zero_point, limits.min, limits.max).astype(result.dtype)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        if source.dtype in EIGHT_BITS and result.dtype in EIGHT_BITS:
            return super().lower(graph, operation)
        if source.dtype != np.float32:
            return _rescaling(source, result)
        assert result.quantization
        parameters = {
            "elements": result.elements,
            "scale": result.quantization.scale,
            "zero_point": result.quantization.zero_point,
        }
        sweeps = (elementwise(source, result),)
        return KernelCall(KERNELS[result.dtype], parameters, (source, result), source="quantize", sweeps=sweeps)


def _rescaling(source: Tensor, result: Tensor) -> KernelCall:
    assert source.quantization and result.quantization
    multiplier, shift = quantize_multiplier(rescaling(source, result))
    parameters = {
        "elements": result.elements,
        "in_bytes": source.dtype.itemsize,
        "out_bytes": result.dtype.itemsize,
        "input_offset": -source.quantization.zero_point,
        "output_offset": result.quantization.zero_point,
        "multiplier": multiplier,
        "shift": shift,
    }
    # bytes may alias anything in C, words of two other sizes may not
    sweep = elementwise(source, result) if 1 in (source.dtype.itemsize, result.dtype.itemsize) else None
    return KernelCall("rescale", parameters, (source, result), sweeps=(sweep,))


class Dequantize(Operator):
    """To float32: scale · (x - zero_point)."""

    opcode = "DEQUANTIZE"

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """from int8, uint8 or int16 with one scale to float32"""
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        if source.dtype not in FROM_FLOAT or result.dtype != np.float32:
            return types_of(graph, operation)
        return bad_quantization(source)

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """input and output must have the same shape"""
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        return "" if source.shape == result.shape else f"{list(source.shape)} -> {list(result.shape)}"

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        q = graph.tensors[operation.inputs[0]].quantization
        assert inputs[0] is not None and q
        with np.errstate(over="ignore"):
            return [(inputs[0].astype(np.int32) - q.zero_point).astype(np.float32) * np.float32(q.scale)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        assert source.quantization
        parameters = {
            "elements": result.elements,
            "scale": source.quantization.scale,
            "zero_point": source.quantization.zero_point,
        }
        sweeps = (elementwise(source, result),)
        return KernelCall(f"de{KERNELS[source.dtype]}", parameters, (source, result), source="quantize", sweeps=sweeps)
