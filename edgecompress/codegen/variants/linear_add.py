"""ADD in two 32-bit multiplications: a linear function of both inputs, proven on all 65,536 pairs of them.

Rounding halves away from zero moves the steps of negative sums a little: below zero the function has another offset.
"""

from itertools import product

import numpy as np

from edgecompress.codegen import ops
from edgecompress.codegen.features import Features
from edgecompress.codegen.ops.bands import by_length
from edgecompress.codegen.ops.base import KernelCall
from edgecompress.codegen.ops.sweeps import elementwise
from edgecompress.codegen.variants.base import Variant
from edgecompress.tflite.graph import Graph, Operation

SHIFTS = range(24, 11, -1)
"""Of the function, the finest first; the first whose numbers 32 bits hold is taken."""
NEIGHBOURS = sorted(product(range(-6, 7), repeat=2), key=lambda steps: (abs(steps[0]) + abs(steps[1]), steps))
"""Pairs of factors that are tried, beside the nearest to the real ones."""

NOWHERE = 2**40
"""Beyond all sums."""


class LinearAdd(Variant):
    opcode = "ADD"

    def suits(self, features: Features) -> bool:
        return features.single

    def lower(self, graph: Graph, operation: Operation) -> KernelCall | None:
        """x = a · factor_a + b · factor_b + zero, then (x + offset + (x < 0 ? bend : 0)) >> shift, clamped.

        None for broadcasts, and where there is no such function.
        """
        a, b = (graph.tensors[i] for i in operation.inputs)
        (result,) = graph.results(operation)
        if a.shape != b.shape or a.shape != result.shape:
            return None
        found = function_of(graph, operation)
        if found is None:
            return None
        parameters = {"elements": result.elements, **found}
        sweeps = elementwise(a, result), elementwise(b, result)
        call = KernelCall("add_linear", parameters, (a, b, result), sweeps=sweeps)
        return call if a.is_constant or b.is_constant else by_length(call, "elements")


def function_of(graph: Graph, operation: Operation) -> dict[str, int] | None:
    """The numbers of `linear_function` for an ADD, and output_min, output_max: what it is clamped to."""
    a, b = (graph.tensors[i].quantization for i in operation.inputs)
    result = graph.results(operation)[0].quantization
    assert a and b and result
    first, second = (x.reshape(-1) for x in np.meshgrid(*[np.arange(-128, 128, dtype=np.int8)] * 2, indexing="ij"))
    (outputs,) = ops.find(operation.opcode).reference(graph, operation, [first, second])
    scales = a.scale / result.scale, b.scale / result.scale
    found = linear_function(outputs.astype(np.int64), scales, (a.zero_point, b.zero_point))
    limits = {"output_min": int(outputs.min()), "output_max": int(outputs.max())}
    return None if found is None else {**found, **limits}


def linear_function(
    outputs: np.ndarray, scales: tuple[float, float], zero_points: tuple[int, int]
) -> dict[str, int] | None:
    """factor_a, factor_b, zero, offset, bend and shift of a function that gives these outputs once clamped to their range.

    Args:
        outputs: [65536], int64, of all pairs (a, b), b running first, both from -128.
        scales: of the inputs, in output steps.
        zero_points: of the inputs.
    """
    powers = 2.0 ** np.array(SHIFTS)
    fits = (256 * sum(scales) + 132) * powers < 2**31
    if not fits.any():
        return None
    shift = SHIFTS[int(np.argmax(fits))]
    order = np.argsort(outputs, kind="stable")
    levels = np.arange(outputs.min() + 1, outputs.max() + 1)
    reached = np.searchsorted(outputs[order], levels)  # the first pair whose output is at least the level
    a, b = order // 256 - 128, order % 256 - 128
    for steps in NEIGHBOURS:
        factor_a, factor_b = (max(0, round(s * 2**shift) + step) for s, step in zip(scales, steps, strict=True))
        zero = -zero_points[0] * factor_a - zero_points[1] * factor_b
        x = a * factor_a + b * factor_b + zero
        offset = _offset(x, x >= 0, levels << shift, reached, outputs.min() << shift)
        below = _offset(x, x < 0, levels << shift, reached, outputs.min() << shift)
        if offset is None or below is None:
            continue
        if np.abs(x).max() + abs(offset) + abs(below - offset) < 2**31:
            names = ("factor_a", "factor_b", "zero", "offset", "bend", "shift")
            return dict(zip(names, (factor_a, factor_b, zero, offset, below - offset, shift), strict=True))
    return None


def _offset(x: np.ndarray, where: np.ndarray, heights: np.ndarray, reached: np.ndarray, constant: int) -> int | None:
    """The lowest number that lifts x to or above every height exactly from `reached` on, in the pairs `where`.

    Args:
        constant: the result where there are no heights, or no pairs.
    """
    if not len(heights) or not where.any():
        return int(constant)
    smallest_above = np.minimum.accumulate(np.where(where, x, NOWHERE)[::-1])[::-1][reached]
    largest_below = np.maximum.accumulate(np.where(where, x, -NOWHERE))[reached - 1]
    lowest, highest = (heights - smallest_above).max(), (heights - largest_below).min() - 1
    is_below_all = lowest < -NOWHERE // 2
    return None if lowest > highest else int(highest if is_below_all else lowest)
