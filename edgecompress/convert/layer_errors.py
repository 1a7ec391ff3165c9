"""Which layers lose most: every operator's integer output against the float twin's, on a handful of samples.

Both files come from one Keras model, so their operators come in the same order; they are aligned by kind and shape.
"""

import difflib
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgecompress.convert.agreement import cosines
from edgecompress.convert.evaluate import dequantize, input_order, quantize
from edgecompress.reference.litert import Litert
from edgecompress.tflite.graph import Graph, Operation, Tensor
from edgecompress.tflite.reader import read

LARGEST_SNR = 200.0
"""dB that stand for "no difference"."""

_CASTS = {"QUANTIZE", "DEQUANTIZE", "FAKE_QUANT"}


@dataclass(frozen=True)
class LayerError:
    """One operator of the integer model against its float twin.

    Attributes:
        index: the operator's in the integer file.
        op: its TFLite name.
        name: its output tensor's.
        snr_db: 10·log10(signal power / error power) of its output; at most 200; None when the signal is all zero.
        cosine: mean over samples, between the two outputs.
        added_noise: error power over signal power of its output, less the same of the worst of its inputs (of the
            rounded model input at the start): what this operator itself lost; negative where it averages errors out.
    """

    index: int
    op: str
    name: str
    snr_db: float | None
    cosine: float
    added_noise: float | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def layer_errors(integer: Path, floating: Path, samples: Sequence[tuple[np.ndarray, ...]]) -> list[LayerError]:
    """Compare layer by layer.

    Args:
        integer: the full-integer .tflite.
        floating: its float twin ("float_output" of `stage.convert`), or another float conversion of the same network.
        samples: real numbers, one array per model input without batch axis; a handful will do.

    Returns:
        The operators that have a counterpart, those that lost most first.

    Raises:
        MissingToolError: LiteRT is not installed.
        ModelFileError, UnsupportedError, ToolError: a file cannot be read or run.
    """
    int_graph, float_graph = read(integer), read(floating)
    executor = Litert()
    int_inputs = [inputs_of(int_graph, sample) for sample in samples]
    int_values = executor.run(integer, int_inputs)
    float_values = executor.run(floating, [inputs_of(float_graph, sample) for sample in samples])
    noise = _input_noise(int_graph, int_inputs, samples)
    found: list[LayerError] = []
    for operation, twin in align(int_graph, float_graph):
        tensor, other = int_graph.results(operation)[0], float_graph.results(twin)[0]
        if not all(tensor.index in one for one in int_values) or not all(other.index in one for one in float_values):
            continue
        actual = np.stack([_real(tensor, one[tensor.index]).ravel() for one in int_values])
        expected = np.stack([one[other.index].ravel() for one in float_values]).astype(np.float64)
        snr = _snr(expected, actual)
        before = [noise[index] for index in operation.inputs if index in noise]
        added = None
        if snr is not None:
            noise[tensor.index] = _noise(snr)
            added = float(f"{noise[tensor.index] - max(before):.4g}") if before else None
        cosine = float(np.mean(cosines(expected, actual)))
        shown = None if snr is None else round(snr, 3)
        found.append(LayerError(operation.index, operation.opcode, _short(tensor.name), shown, round(cosine, 6), added))
    return sorted(found, key=lambda one: (-(one.added_noise if one.added_noise is not None else -math.inf), one.index))


def align(first: Graph, second: Graph) -> list[tuple[Operation, Operation]]:
    """Pairs of operators of the same kind and output shape, in order; casts have no counterpart."""
    left = [op for op in first.operations if op.opcode not in _CASTS]
    right = [op for op in second.operations if op.opcode not in _CASTS]
    kinds, twins = _kinds(first, left), _kinds(second, right)
    blocks = difflib.SequenceMatcher(None, kinds, twins, autojunk=False).get_matching_blocks()
    return [(left[b.a + i], right[b.b + i]) for b in blocks for i in range(b.size)]


def _kinds(graph: Graph, operations: Sequence[Operation]) -> list[tuple[str, tuple[int, ...]]]:
    return [(operation.opcode, graph.results(operation)[0].shape) for operation in operations]


def inputs_of(graph: Graph, sample: tuple[np.ndarray, ...]) -> dict[int, np.ndarray]:
    """One sample as the model's input tensors take it."""
    given: dict[int, np.ndarray] = {}
    for index, values in zip(input_order(graph), sample, strict=True):
        tensor = graph.tensors[index]
        shaped = values.reshape(tensor.shape)
        if tensor.quantization is None or tensor.dtype.kind == "f":
            given[index] = shaped.astype(tensor.dtype)
        else:
            scale, zero_point = tensor.quantization.scale, tensor.quantization.zero_point
            given[index] = quantize(shaped, scale, zero_point, tensor.dtype)
    return given


def _input_noise(
    graph: Graph, given: Sequence[dict[int, np.ndarray]], samples: Sequence[tuple[np.ndarray, ...]]
) -> dict[int, float]:
    """The relative error power that quantizing the inputs brings."""
    noise: dict[int, float] = {}
    for position, index in enumerate(input_order(graph)):
        actual = np.stack([_real(graph.tensors[index], one[index]).ravel() for one in given])
        snr = _snr(np.stack([sample[position].ravel() for sample in samples]).astype(np.float64), actual)
        noise[index] = 0.0 if snr is None else _noise(snr)
    return noise


def _noise(snr: float) -> float:
    """Error power over signal power, from dB."""
    return 0.0 if snr >= LARGEST_SNR else 10 ** (-snr / 10)


def _real(tensor: Tensor, values: np.ndarray) -> np.ndarray:
    if tensor.quantization is None or values.dtype.kind == "f":
        return values.astype(np.float64)
    return dequantize(values, tensor.quantization.scale, tensor.quantization.zero_point).astype(np.float64)


def _snr(expected: np.ndarray, actual: np.ndarray) -> float | None:
    signal, error = float(np.sum(expected**2)), float(np.sum((expected - actual) ** 2))
    if signal == 0:
        return None
    if error == 0:
        return LARGEST_SNR
    return min(LARGEST_SNR, 10 * math.log10(signal / error))


def _short(name: str) -> str:
    """The first of the names that the converter strung together for fused operators."""
    return name.split(";")[0]
