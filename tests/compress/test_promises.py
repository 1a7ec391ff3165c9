"""Every kind of promise measured on arrays whose figures are known by counting."""

import numpy as np
import pytest

from edgecompress.compress.base import NO_PROMISE, Kind, Promise
from edgecompress.compress.models.kernels import Kernel, from_rows, to_rows
from edgecompress.compress.promises import demand, distinct_values, fullest_group, measure, values_off_the_set, zeros
from edgecompress.errors import PromiseError


def kernel(rows: object, name: str = "layer", positions: int = 1) -> Kernel:
    return Kernel(name, "dense", np.asarray(rows, np.float32), positions)


def test_zeros_are_the_fraction_of_weights_that_are_zero_minus_zero_included():
    assert zeros(np.array([[0.0, -0.0, 1.0, 2.0]])) == 0.5


def test_distinct_values_differ_between_tensor_and_channel():
    rows = np.array([[1, 1, 2], [3, 3, 4]])
    assert distinct_values(rows, "tensor") == 4
    assert distinct_values(rows, "channel") == 2


def test_the_fullest_group_counts_from_the_start_of_every_channel_and_pads_the_last():
    rows = np.array([[1, 1, 0, 0, 1], [0, 1, 1, 1, 0]])
    assert fullest_group(rows, 4) == 3
    assert fullest_group(rows[:1], 4) == 2


@pytest.mark.parametrize(
    ("row", "allowed", "off"),
    [
        ([127, -127, 0, 127], (-1, 0, 1), 0),
        ([127, 63, 0], (-1, 0, 1), 1),
        ([127, 64, 32, -16], (-1, -0.5, -0.25, -0.125, 0, 0.125, 0.25, 0.5, 1), 0),
        ([127, 64], (0, 0.5, 1, 2), 0),
        ([0, 0], (-1, 1), 2),
    ],
)
def test_allowed_values_hold_up_to_one_scale_and_half_an_integer_step(row, allowed, off):
    assert values_off_the_set(np.array([row]), allowed, "channel") == off


def test_a_channel_has_a_scale_of_its_own_and_a_tensor_one_for_all():
    rows = np.array([[127.0, 0.0], [50.0, 0.0]])
    assert values_off_the_set(rows, (-1, 0, 1), "channel") == 0
    assert values_off_the_set(rows, (-1, 0, 1), "tensor") == 1


@pytest.mark.parametrize(("count", "holds"), [(6, True), (5, False), (7, True)])
def test_a_sparsity_may_fall_short_by_less_than_one_weight(count, holds):
    rows = np.ones((1, 11), np.float32)
    rows[0, :count] = 0
    promise = Promise(Kind.ZEROS, 0.6, layers=("layer",), source="prune{sparsity=0.6}")
    assert measure(promise, {"layer": kernel(rows)}).holds is holds


def test_macs_and_parameters_are_sums_over_all_layers():
    kernels = {"a": kernel(np.ones((2, 3)), "a", 10), "b": kernel(np.ones((4, 2)), "b", 1)}
    assert measure(Promise(Kind.MACS, 68), kernels).reached == 68
    assert measure(Promise(Kind.MACS, 68), kernels).holds
    assert not measure(Promise(Kind.PARAMETERS, 13), kernels).holds


def test_the_worst_layer_is_named_and_all_are_listed():
    promise = Promise(Kind.DISTINCT_VALUES, 2, layers=("a", "b"))
    measured = measure(promise, {"a": kernel([[1, 1]]), "b": kernel([[1, 2], [3, 3]])})
    assert (measured.worst, measured.reached, measured.layers) == ("b", 3, {"a": 1, "b": 3})
    assert measured.broken == ("b",)
    in_file = Promise(Kind.DISTINCT_VALUES, 2, in_file="channel", layers=("a", "b"))
    assert measure(in_file, {"a": kernel([[1, 1]]), "b": kernel([[1, 2], [3, 3]])}, in_file=True).holds


def test_a_layer_that_is_gone_breaks_the_promise():
    measured = measure(Promise(Kind.ZEROS, 0.5, layers=("gone",), source="prune"), {})
    assert measured.missing == ("gone",)
    with pytest.raises(PromiseError, match="qat broke what prune had promised for layer gone"):
        demand(measured, "qat")


def test_a_broken_promise_names_both_passes_the_layer_the_bound_and_what_was_reached():
    promise = Promise(Kind.ZEROS, 0.6, layers=("conv",), source="prune{sparsity=0.6}")
    with pytest.raises(PromiseError) as caught:
        demand(measure(promise, {"conv": kernel([[0, 1, 1, 1, 1]], "conv")}), "cluster{clusters=4}")
    text = str(caught.value)
    for part in ("cluster{clusters=4}", "prune{sparsity=0.6}", "conv", "at least 0.6", "0.2000"):
        assert part in text
    assert caught.value.exit_code == 7


def test_no_promise_always_holds():
    assert measure(NO_PROMISE, {}).holds


@pytest.mark.parametrize(
    "promise",
    [
        Promise(Kind.N_OF_M, (2.0, 4.0), layers=("a",), source="x"),
        Promise(Kind.ZEROS, 0.5, "tensor", "channel", ("a", "b"), "prune"),
        NO_PROMISE,
    ],
)
def test_a_promise_survives_json(promise):
    assert Promise.from_dict(promise.as_dict()) == promise


@pytest.mark.parametrize(
    ("kind", "shape", "channels"),
    [
        ("dense", (3, 5), 5),
        ("conv1d", (3, 2, 5), 5),
        ("conv2d", (3, 2, 4, 5), 5),
        ("depthwise", (3, 2, 4, 2), 8),
        ("transpose", (3, 2, 5, 4), 5),
    ],
)
def test_rows_and_keras_kernels_are_inverses(kind, shape, channels):
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    rows = to_rows(values, kind)
    assert rows.shape == (channels, values.size // channels)
    np.testing.assert_array_equal(from_rows(rows, kind, shape), values)


def test_a_row_of_a_convolution_is_in_the_order_height_width_input():
    values = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    assert to_rows(values, "conv2d")[1].tolist() == values[:, :, :, 1].ravel().tolist()
    assert to_rows(values, "depthwise")[2 * 5 + 3].tolist() == values[:, :, 2, 3].ravel().tolist()
