"""Where a quantized network loses: what every operator's integers alone do to the answer, and what would help there.

One operator at a time has its weights, or its output, rounded as in the integer file, while the rest of the network
computes in float. How far the answer moves is that operator's part; operators' errors hardly depend on each other, so
their parts are shown as shares of the sum.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from edgecompress.quantization.calibration import Progress
from edgecompress.quantization.equalization import find_pairs
from edgecompress.quantization.network import Network, Sample
from edgecompress.quantization.ranges import Histogram, mse, rounding_error
from edgecompress.quantization.twin import Layer, Twins, from_rows, with_constants
from edgecompress.quantization.writing import Choice
from edgecompress.tflite.graph import Graph, Operation, Quantization, Tensor

LARGEST_SNR = 200.0
"""dB that stand for "no difference"."""
MEAN_ERROR = 0.25
"""From this share of a layer's weight error on that is the same for all samples, bias correction is what helps."""
WIDE_RANGE = 0.8
"""A range is too wide when the range of least MSE has less than this share of its error."""
SHIFTING = ("SOFTMAX", "LOGISTIC")
LAST_RESORT = "more than 8 bits (--format int16), or training (the pass qat)"


@dataclass(frozen=True)
class Part:
    """One operator's part in the final error.

    Attributes:
        index: of the operator in the integer file.
        op, name: its TFLite name, and its output's.
        weights, activation: squared error of the answer over its power when these alone are integers.
        share: of both in the sum over all operators, 0..1.
        remedy: settings of [quantization] that would help here, or what else would; "" where little is lost.
    """

    index: int
    op: str
    name: str
    weights: float
    activation: float
    share: float
    remedy: str

    @property
    def snr_db(self) -> float:
        """Of the answer with this operator alone in integers."""
        return decibels(self.weights + self.activation)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "snr_db": round(self.snr_db, 2)}


def diagnose(
    twins: Twins,
    choice: Choice,
    found: Sequence[Histogram],
    samples: Sequence[Sample],
    tried: Collection[str] = (),
    say: Progress = lambda *_: None,
) -> tuple[Part, ...]:
    """Every operator's part, the largest first.

    Args:
        twins, choice: what the file holds.
        tried: keys of [quantization] that are no remedies any more.
        found: the histograms of `twins.groups`.
        samples: a handful; the float network runs on them twice per operator.
    """
    answer = answers(twins)
    wanted = Network(twins.floating).outputs(samples, answer)
    power = sum(float(np.sum(one.astype(np.float64) ** 2)) for one in wanted) or 1.0
    layers = {layer.operation.index: place for place, layer in enumerate(twins.layers)}
    groups = {index: place for place, group in enumerate(twins.groups) for index in group}
    rows: list[tuple[Operation, float, float, str]] = []
    for done, operation in enumerate(twins.integer.operations):
        say("one operator at a time", done + 1, len(twins.integer.operations))
        output = operation.outputs[0]
        inside, outside, remedies = 0.0, 0.0, []
        if operation.index in layers:
            layer = twins.layers[layers[operation.index]]
            moved, bias = _weights_error(twins, choice, layer, samples, answer, wanted)
            inside = moved / power
            remedies.append((inside, _for_weights(twins, choice, layer, bias, tried)))
        if output in groups and not set(operation.inputs) & set(twins.groups[groups[output]]):
            quantization = choice.ranges[groups[output]].quantization()
            if quantization is not None:
                graph, renamed = with_rounding(twins.floating, twins.names[output], quantization)
                outside = _moved(graph, [renamed.get(i, i) for i in answer], samples, wanted) / power
                remedies.append((outside, _for_activation(choice, found[groups[output]], groups[output], tried)))
        rows.append((operation, inside, outside, max(remedies)[1] if remedies else ""))
    total = sum(inside + outside for _, inside, outside, _ in rows) or 1.0
    parts = [_part(twins, *row, total) for row in rows if row[1] or row[2]]
    return tuple(sorted(parts, key=lambda part: (-part.share, part.index)))


def answers(twins: Twins) -> list[int]:
    """The float network's outputs, or what a last SOFTMAX or LOGISTIC reads: saturation would hide errors."""
    made = {index: one for one in twins.floating.operations for index in one.outputs}
    last = [made.get(index) for index in twins.floating.outputs]
    return [
        one.inputs[0] if one is not None and one.opcode in SHIFTING else index
        for one, index in zip(last, twins.floating.outputs, strict=True)
    ]


def integer_answers(twins: Twins) -> list[int]:
    """The same tensors in the integer graph."""
    return [next(mine for mine, other in twins.names.items() if other == index) for index in answers(twins)]


def decibels(noise: float) -> float:
    """Signal over noise, from noise over signal."""
    return LARGEST_SNR if noise <= 0 else min(LARGEST_SNR, -10 * math.log10(noise))


def with_rounding(graph: Graph, tensor: int, quantization: Quantization) -> tuple[Graph, dict[int, int]]:
    """The float graph with one tensor rounded to integers and back.

    Returns:
        The graph, and {tensor: what its readers read now}.
    """
    integers, back = max(graph.tensors) + 1, max(graph.tensors) + 2
    given = graph.tensors[tensor]
    new = {
        integers: Tensor(integers, "rounded", given.shape, np.dtype(np.int8), quantization, None, "INT8"),
        back: replace(given, index=back, name="back"),
    }
    there = (
        Operation(-1, "QUANTIZE", (tensor,), (integers,), options_type="QuantizeOptions"),
        Operation(-2, "DEQUANTIZE", (integers,), (back,), version=2, options_type="DequantizeOptions"),
    )
    made = next((i + 1 for i, one in enumerate(graph.operations) if tensor in one.outputs), 0)
    before, behind = graph.operations[:made], graph.operations[made:]
    later = tuple(replace(one, inputs=tuple(back if i == tensor else i for i in one.inputs)) for one in behind)
    outputs = tuple(back if index == tensor else index for index in graph.outputs)
    tensors = MappingProxyType({**graph.tensors, **new})
    return replace(graph, tensors=tensors, operations=(*before, *there, *later), outputs=outputs), {tensor: back}


def _weights_error(
    twins: Twins, choice: Choice, layer: Layer, samples: Sequence[Sample], answer: list[int], wanted: list[np.ndarray]
) -> tuple[float, float]:
    """The answer's squared error, and the share of the layer's own that bias correction would take away."""
    place = twins.layers.index(layer)
    shape = twins.floating.tensors[layer.float_weights].shape
    changed = {layer.float_weights: from_rows(choice.weights[place].real, layer.axis, shape).astype(np.float32)}
    if layer.float_bias >= 0:
        changed[layer.float_bias] = choice.biases[place].astype(np.float32)
    graph, output = with_constants(twins.floating, changed), layer.twin.outputs[0]
    found = Network(graph).outputs(samples, [*answer, output])
    own = Network(twins.floating).outputs(samples, [output])[0].astype(np.float64)
    error = (found[-1] - own).reshape(-1, own.shape[-1])
    power = float(np.mean(error**2))
    bias = float(np.mean(error.mean(axis=0) ** 2)) / power if power else 0.0
    return _distance(found[:-1], wanted), bias


def _moved(graph: Graph, answer: list[int], samples: Sequence[Sample], wanted: list[np.ndarray]) -> float:
    return _distance(Network(graph).outputs(samples, answer), wanted)


def _distance(found: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> float:
    return sum(float(np.sum((a.astype(np.float64) - b) ** 2)) for a, b in zip(found, wanted, strict=True))


def _for_weights(twins: Twins, choice: Choice, layer: Layer, bias: float, tried: Collection[str]) -> str:
    if bias > MEAN_ERROR and "correct_bias" not in tried:
        return "correct_bias = true"
    if choice.weights[twins.layers.index(layer)].per_tensor:
        paired = any(layer in (pair.first, pair.second) for pair in find_pairs(twins))
        return 'weights = "channel"' + (", or equalize = true" if paired and "equalize" not in tried else "")
    return LAST_RESORT if "adaround" in tried else "adaround = true"


def _for_activation(choice: Choice, histogram: Histogram, place: int, tried: Collection[str]) -> str:
    values, counts = histogram.centers, histogram.counts.astype(np.float64)
    now, best = (rounding_error(one, values, counts) for one in (choice.ranges[place], mse(histogram)))
    if best < WIDE_RANGE * now and "calibration" not in tried:
        return 'calibration = "mse"'
    return LAST_RESORT


def _part(twins: Twins, operation: Operation, inside: float, outside: float, remedy: str, total: float) -> Part:
    name = twins.integer.tensors[operation.outputs[0]].name.split(";")[0]
    share = (inside + outside) / total
    return Part(operation.index, operation.opcode, name, inside, outside, share, remedy if share >= 0.05 else "")
