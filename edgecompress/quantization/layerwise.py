"""Bias correction and AdaRound, layer by layer: every layer sees what the integer layers before it really give."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgecompress.quantization.adaround import adaround
from edgecompress.quantization.calibration import Progress
from edgecompress.quantization.moments import Moments, gather
from edgecompress.quantization.network import Network, Sample, prefix
from edgecompress.quantization.patches import is_linear
from edgecompress.quantization.twin import Layer, Twins
from edgecompress.quantization.writing import Choice, Weights, quantized_graph
from edgecompress.tflite.graph import ABSENT, Graph

HELD_OUT = 4
"""Every fourth sample judges what was found on the others."""


@dataclass(frozen=True)
class Refined:
    """What became of one layer.

    Attributes:
        name: of the layer.
        before, after: mean squared error of its integer output, activation and requantization included, on samples held
            out; equal where the layer stayed as it was.
        reversed: weights that are no longer rounded to the nearest integer.
        why: it stayed as it was; "" otherwise.
    """

    name: str
    before: float
    after: float
    reversed: int
    why: str = ""


def refine(
    twins: Twins,
    choice: Choice,
    samples: Sequence[Sample],
    *,
    correct_bias: bool,
    round_adaptively: bool,
    say: Progress = lambda *_: None,
) -> tuple[Choice, tuple[Refined, ...]]:
    """Another rounding and other biases, in order of execution; a layer keeps only what its integer output gains by.

    Bias correction (M. Nagel et al., 2019, section 4.2, on samples): the mean of every channel becomes the float network's.

    Args:
        samples: at least two.
    """
    judging = [sample for i, sample in enumerate(samples) if i % HELD_OUT == HELD_OUT - 1] or list(samples[-1:])
    fitting = [sample for i, sample in enumerate(samples) if i % HELD_OUT != HELD_OUT - 1]
    records = []
    for place, layer in enumerate(twins.layers):
        say("layer by layer", place + 1, len(twins.layers))
        why = _obstacle(twins, layer, round_adaptively)
        if why:
            records.append(Refined(layer.name, 0.0, 0.0, 0, why))
            continue
        graph = quantized_graph(twins, choice)
        moments = gather(twins, graph, layer, fitting)
        correct = correct_bias and layer.bias != ABSENT
        weights, bias = _fitted(twins, choice, place, moments, correct, round_adaptively)
        tried = choice.with_layer(place, weights, bias)
        wanted = Network(twins.floating).outputs(judging, [layer.twin.outputs[0]])[0]
        before, after = (_error(layer, one, judging, wanted) for one in (graph, quantized_graph(twins, tried)))
        if after < before:
            changed = int(np.count_nonzero(weights.codes != choice.weights[place].codes))
            records.append(Refined(layer.name, before, after, changed))
            choice = tried
        else:
            records.append(Refined(layer.name, before, before, 0, "it would lose on samples held out"))
    return choice, tuple(records)


def _obstacle(twins: Twins, layer: Layer, round_adaptively: bool) -> str:
    if not is_linear(twins.floating, layer):
        return f"{layer.opcode} of this form is not known"
    if layer.bias == ABSENT and not round_adaptively:
        return "it has no bias"
    return ""


def _fitted(
    twins: Twins, choice: Choice, place: int, moments: Moments, correct_bias: bool, round_adaptively: bool
) -> tuple[Weights, np.ndarray]:
    """Weights and bias of one layer; where the bias follows the mean, weights need not care for it."""
    weights, bias = choice.weights[place], choice.biases[place]
    if round_adaptively:
        rows = twins.float_rows(twins.layers[place])
        if correct_bias:
            weights = adaround(rows, weights, moments.centered(), np.zeros_like(bias))
        else:
            weights = adaround(rows, weights, moments, bias)
    return weights, moments.bias(weights.real) if correct_bias else bias


def _error(layer: Layer, integer: Graph, samples: Sequence[Sample], wanted: np.ndarray) -> float:
    output = layer.operation.outputs[0]
    found = Network(prefix(integer, output)).outputs(samples, [output])[0]
    return float(np.mean((found.astype(np.float64) - wanted) ** 2))
