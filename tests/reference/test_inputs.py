"""Inputs: random, hostile and real ones."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecompress.errors import DataError, UnsupportedError
from edgecompress.reference.inputs import FILLS, filled_input, hostile_inputs, quantize, random_inputs, real_inputs
from edgecompress.tflite import reader
from edgecompress.tflite.graph import Quantization


@pytest.fixture
def graph(model):
    """One int8 input [1, 5, 6, 3], scale 0.0235, zero point 3."""
    return reader.read(model("conv_2d-same"))


@pytest.fixture
def float_graph(model):
    """A float input that QUANTIZE turns into int8 with scale 0.037 and zero point -9."""
    return reader.read(model("quantize-float_to_int8"))


def test_random_inputs_are_the_same_for_the_same_seed_and_others_for_another(graph):
    index = graph.inputs[0]
    a, b, c = random_inputs(graph, 3, seed=5), random_inputs(graph, 3, seed=5), random_inputs(graph, 3, seed=6)
    assert all(np.array_equal(x[index], y[index]) for x, y in zip(a, b, strict=True))
    assert not any(np.array_equal(x[index], y[index]) for x, y in zip(a, c, strict=True))


def test_fewer_random_inputs_are_the_first_of_more(graph):
    index = graph.inputs[0]
    few, many = random_inputs(graph, 2), random_inputs(graph, 9)
    assert all(np.array_equal(x[index], y[index]) for x, y in zip(few, many, strict=False))


def test_random_inputs_cover_the_full_range(graph):
    values = np.concatenate([sample[graph.inputs[0]].reshape(-1) for sample in random_inputs(graph, 100)])
    assert set(values.tolist()) == set(range(-128, 128))


def test_hostile_inputs_are_lowest_highest_zeros_and_alternating(graph):
    lowest, highest, zeros, alternating = (sample[graph.inputs[0]].reshape(-1) for sample in hostile_inputs(graph))
    assert set(lowest.tolist()) == {-128}
    assert set(highest.tolist()) == {127}
    assert set(zeros.tolist()) == {0}
    assert alternating[:4].tolist() == [-128, 127, -128, 127]


@pytest.mark.parametrize("fill", FILLS)
def test_every_fill_has_the_inputs_shape_and_dtype(graph, fill):
    value = filled_input(graph, fill)[graph.inputs[0]]
    assert (value.shape, value.dtype) == ((1, 5, 6, 3), np.int8)


def test_zero_point_fill_means_real_zero(graph, float_graph):
    assert set(filled_input(graph, "zero_point")[graph.inputs[0]].reshape(-1).tolist()) == {3}
    assert set(filled_input(float_graph, "zero_point")[float_graph.inputs[0]].reshape(-1).tolist()) == {0.0}


def test_float_inputs_reach_beyond_what_the_quantizer_can_express(float_graph):
    low, high = ((q + 9) * 0.037 for q in (-128, 127))
    values = random_inputs(float_graph, 20)[0][float_graph.inputs[0]]
    assert values.dtype == np.float32
    assert values.min() < low
    assert values.max() > high
    assert values.min() > 1.3 * low
    assert values.max() < 1.3 * high


def test_half_of_the_float_values_lie_on_a_rounding_tie(float_graph):
    values = random_inputs(float_graph, 1)[0][float_graph.inputs[0]].reshape(-1)
    steps = values[1::2].astype(np.float64) / np.float32(0.037)
    assert np.allclose(steps % 1.0, 0.5, atol=1e-4)


def test_all_operands_of_a_two_input_model_are_filled(model):
    graph = reader.read(model("add-two_inputs"))
    assert all(set(sample) == set(graph.inputs) for sample in [*random_inputs(graph, 2), *hostile_inputs(graph)])


def test_real_samples_of_the_inputs_dtype_are_taken_as_they_are(graph):
    samples = np.arange(180, dtype=np.uint8).view(np.int8).reshape(2, 5, 6, 3)
    made = real_inputs(graph, samples, 2)
    assert np.array_equal(made[1][graph.inputs[0]][0], samples[1])


def test_real_samples_of_another_dtype_are_real_numbers_and_are_quantized(graph):
    made = real_inputs(graph, np.full((1, 5, 6, 3), 0.0235 * 10, np.float32), 1)
    assert set(made[0][graph.inputs[0]].reshape(-1).tolist()) == {13}


def test_real_samples_saturate(graph):
    samples = np.array([1e9, -1e9] * 45, np.float64).reshape(1, 5, 6, 3)
    assert set(real_inputs(graph, samples, 1)[0][graph.inputs[0]].reshape(-1).tolist()) == {-128, 127}


def test_samples_with_a_channel_dimension_of_one_left_out_still_fit(model):
    graph = reader.read(model("conv_2d-one_input_channel"))
    (made,) = real_inputs(graph, np.zeros((1, 5, 6), np.int8), 1)
    assert made[graph.inputs[0]].shape == (1, 5, 6, 1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_refused(graph, float_graph, value):
    with pytest.raises(DataError, match="finite"):
        real_inputs(graph, np.full((1, 5, 6, 3), value), 1)
    with pytest.raises(DataError, match="finite"):
        real_inputs(float_graph, np.full((1, 16, 16, 2), value), 1)


def test_too_few_samples_are_refused(graph):
    with pytest.raises(DataError, match="3 real samples"):
        real_inputs(graph, np.zeros((2, 5, 6, 3), np.int8), 3)


def test_samples_of_another_shape_are_refused_with_both_shapes(graph):
    with pytest.raises(DataError) as caught:
        real_inputs(graph, np.zeros((2, 6, 5, 3), np.int8), 1)
    assert "[1, 5, 6, 3]" in caught.value.what
    assert "[6, 5, 3]" in caught.value.found


def test_real_samples_for_a_model_with_two_inputs_are_refused(model):
    with pytest.raises(UnsupportedError, match="one input"):
        real_inputs(reader.read(model("add-two_inputs")), np.zeros((1, 6, 5, 4), np.int8), 1)


@given(st.floats(-5, 5, width=32), st.floats(0.0078125, 1, width=32), st.integers(-128, 127))
def test_quantize_rounds_the_float32_quotient_half_away_from_zero(real, scale, zero_point):
    quotient = Fraction(float(np.float32(real) / np.float32(scale)))
    rounded = int(abs(quotient) + Fraction(1, 2)) * (1 if quotient >= 0 else -1)
    expected = min(127, max(-128, rounded + zero_point))
    made = quantize(np.array([real], np.float32), Quantization((scale,), (zero_point,)), np.dtype(np.int8))
    assert made.tolist() == [expected]


def test_the_largest_float_below_one_half_rounds_to_zero():
    below = np.nextafter(np.float32(0.5), np.float32(0))
    assert quantize(np.array([below, -below]), Quantization((1.0,), (0,)), np.dtype(np.int8)).tolist() == [0, 0]
