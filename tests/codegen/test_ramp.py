"""Ramps in place of TFLM's requantization: the same output for every single sum, or none."""

from dataclasses import replace

import numpy as np
import pytest
from model_cases import CASES, model_of

from edgecompress.codegen import ops
from edgecompress.codegen.ops.requantization import requantize
from edgecompress.codegen.variants.ramp import SPLIT, RampLayer, ramps_of
from edgecompress.tflite import reader

OTHERS = ("groups", "int16")
WEIGHTED = [
    case.id
    for case in CASES
    if case.operator in ("CONV_2D", "FULLY_CONNECTED") and not any(other in case.id for other in OTHERS)
]
MOST_SUMS = 200_000


def layer_of(name):
    """(parts, operation, weights [outputs, inputs], ramps) of a conformance case's first operation."""
    graph = reader.read_bytes(model_of(name))
    operation = graph.operations[0]
    parts = ops.find(operation.opcode).parts(graph, operation)
    rows = parts.values.reshape(len(parts.values), -1).astype(np.int64)
    return parts, operation, rows, ramps_of(rows, parts.bias, parts.scales, parts.source, operation, parts.result)


def all_sums(rows):
    """[channels, n]: every sum of products that int8 inputs can give; the shorter intervals repeat their last."""
    products = np.stack([rows * -128, rows * 127])
    first, last = products.min(axis=0).sum(axis=1), products.max(axis=0).sum(axis=1)
    return np.minimum(first[:, None] + np.arange((last - first).max() + 1), last[:, None])


def expected(parts, operation, rows, sums):
    """TFLM's outputs for sums of products of the inputs as they are."""
    start = parts.bias - parts.zero_point * rows.sum(axis=1)
    return requantize((sums + start[:, None]).T, parts.scales, operation, parts.result).T.astype(np.int64)


@pytest.mark.parametrize("name", WEIGHTED)
def test_ramps_give_tflms_output_for_every_sum_that_the_weights_allow(name):
    parts, operation, rows, ramps = layer_of(name)
    if ramps is None:
        pytest.skip("no ramp meets its stairs")
    sums = all_sums(rows)
    sums = sums[:, :: max(1, sums.size // MOST_SUMS)]
    assert np.array_equal(ramps.evaluate(sums), expected(parts, operation, rows, sums))


def test_few_layers_have_no_ramp():
    without = {name for name in WEIGHTED if layer_of(name)[3] is None}
    assert "conv_2d-positive_shift" in without, "its slopes are beyond 32 bits"
    assert len(without) < len(WEIGHTED) / 5


@pytest.mark.parametrize("change", [-1, 1])
def test_another_step_would_be_seen(change):
    """A ramp that lies one sum to the side differs somewhere: the comparison above is sharp."""
    parts, operation, rows, ramps = layer_of("conv_2d-filters_8_relu")
    sums = all_sums(rows)
    moved = replace(ramps, start=ramps.start + change)
    assert not np.array_equal(moved.evaluate(sums), expected(parts, operation, rows, sums))


def test_layers_with_one_scale_share_one_ramp():
    _, _, rows, ramps = layer_of("fully_connected-odd_sizes")
    assert len(ramps.start) == len(rows) == 13
    assert len(ramps.limit) == 1
    assert ramps.parameters()["ramps.step"] == 0


def test_sums_that_pass_zero_need_a_bend_and_those_that_do_not_have_none():
    assert layer_of("fully_connected-odd_sizes")[3].bend is not None
    assert layer_of("conv_2d-filters_8_relu")[3].bend is None


def test_sums_that_wrap_are_refused():
    parts, operation, rows, _ = layer_of("conv_2d-filters_8")
    bias = np.full_like(parts.bias, 2**31 - 1)
    assert ramps_of(rows, bias, parts.scales, parts.source, operation, parts.result) is None


def test_kernels_arithmetic_by_hand():
    """x = 5 + 3 of at most 7; 7 * (2 + 1/4) = 15 with the fraction cut, plus 2, halved once."""
    number = np.array
    ramps = RampLayer(number([3]), number([7]), number([(2 << SPLIT) + (1 << SPLIT - 2)]), number([2]), 1)
    assert ramps.evaluate(number([[5, -9, 1]])).tolist() == [[8, 1, 5]]
