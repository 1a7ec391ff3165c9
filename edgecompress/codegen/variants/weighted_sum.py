"""ADD as one weighted sum, a · factor_a + b · factor_b + constant, shifted right: where that gives the reference's output.

The reference rounds five times. Whether a single rounding gives the same bytes is tried out for every pair of inputs.
"""

from dataclasses import dataclass

import numpy as np

from edgecompress.codegen import ops
from edgecompress.codegen.ops.activation import activation_range
from edgecompress.tflite.graph import Graph, Operation

SHIFTS = range(24, 11, -1)
NUDGES = (0, *(sign * 2**bit for bit in range(8) for sign in (-1, 1)))
"""Of the constant: what the reference's own roundings may shift its thresholds by."""
EVERY_VALUE = np.arange(-128, 128, dtype=np.int8)
LARGEST_SUM = 2**31 - 1 - max(NUDGES)
"""Of each part of a sum: with every nudge it fits 32 bits."""


@dataclass(frozen=True)
class WeightedSum:
    """Output = (a · factor_a + b · factor_b + constant) >> shift, clamped; no sum leaves 32 bits."""

    factor_a: int
    factor_b: int
    constant: int
    shift: int


def weighted_sum(graph: Graph, operation: Operation) -> WeightedSum | None:
    """The most precise sum that equals the reference for all 65,536 pairs of inputs; None where none was found."""
    a, b = (graph.tensors[i].quantization for i in operation.inputs)
    (result,) = graph.results(operation)
    assert a and b and result.quantization
    limits = activation_range(operation, result)
    (expected,) = ops.find(operation.opcode).reference(graph, operation, [EVERY_VALUE[:, None], EVERY_VALUE[None, :]])
    scale, zero_point = result.quantization.scale, result.quantization.zero_point
    for shift in SHIFTS:
        factor_a, factor_b = (round(q.scale / scale * 2**shift) for q in (a, b))
        terms_a, terms_b = (EVERY_VALUE.astype(np.int64) * factor for factor in (factor_a, factor_b))
        constant = (zero_point << shift) + 2 ** (shift - 1) - factor_a * a.zero_point - factor_b * b.zero_point
        sums = terms_a[:, None] + (terms_b + constant)
        if max(np.abs(part).max() for part in (terms_a, terms_b, terms_b + constant, sums)) > LARGEST_SUM:
            continue
        for nudge in NUDGES:
            if np.array_equal(np.clip((sums + nudge) >> shift, *limits), expected):
                return WeightedSum(factor_a, factor_b, constant + nudge, shift)
    return None
