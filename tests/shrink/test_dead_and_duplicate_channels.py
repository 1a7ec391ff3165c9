"""Channels that nobody needs go; of channels with the same values one stays and takes over the weights of the others."""

import numpy as np
import pytest
from small import Small, opcodes, operation, reasons, shrunk, weights

FOUR = np.random.default_rng(1).integers(-3, 4, (3, 3, 4))
"""A 3x3 filter for each of four channels."""


def test_a_channel_that_only_zero_weights_read_goes():
    net = Small()
    source = net.input(1, 2, 2, 2)
    hidden = net.point(source, [[1, 0], [3, 4], [0, 1]], [1, 2, 3])
    result = shrunk(net.graph([source], [net.point(hidden, [[1, 0, 2], [5, 0, 6]])])).after
    assert weights(result, "CONV_2D", 0).reshape(2, 2).tolist() == [[1, 0], [0, 1]]
    assert weights(result, "CONV_2D", 1).reshape(2, 2).tolist() == [[1, 2], [5, 6]]


def test_a_dead_channel_goes_through_a_depthwise_convolution():
    net = Small()
    source = net.input(1, 4, 4, 1)
    hidden = net.point(source, [[1], [2]], [1, 2])
    through = net.conv(hidden, FOUR, depthwise=True)
    result = shrunk(net.graph([source], [net.point(through, [[1, 2, 0, 0]])])).after
    assert weights(result, "CONV_2D", 0).reshape(-1).tolist() == [1]
    assert weights(result, "DEPTHWISE_CONV_2D").shape == (1, 3, 3, 2)
    assert operation(result, "DEPTHWISE_CONV_2D").options["depth_multiplier"] == 2


def test_half_of_a_depth_multiplier_cannot_go():
    net = Small()
    source = net.input(1, 4, 4, 1)
    hidden = net.point(source, [[1], [2]], [1, 2])
    through = net.conv(hidden, FOUR, depthwise=True)
    graph = net.graph([source], [net.point(through, [[1, 2, 3, 0]])])
    assert not shrunk(graph).changed


def test_an_operator_that_nobody_reads_goes():
    net = Small()
    source = net.input(1, 2, 2, 1)
    end = net.point(source, [[1]])
    net.point(net.point(source, [[2]]), [[3]])
    result = shrunk(net.graph([source], [end])).after
    assert opcodes(result) == ["CONV_2D"]
    assert len(result.tensors) == 3


def test_duplicates_lend_their_weights_to_the_first():
    net = Small()
    source = net.input(1, 2, 2, 2)
    hidden = net.point(source, [[1, 2], [3, 4], [1, 2], [1, 2]], [5, 6, 5, 7])
    result = shrunk(net.graph([source], [net.point(hidden, [[1, 2, 3, 4], [10, 20, 30, 40]])])).after
    assert weights(result, "CONV_2D", 0).reshape(3, 2).tolist() == [[1, 2], [3, 4], [1, 2]], (
        "another bias is no duplicate"
    )
    assert weights(result, "CONV_2D", 1).reshape(2, 3).tolist() == [[4, 2, 4], [40, 20, 40]]


def test_another_scale_is_no_duplicate():
    net = Small()
    source = net.input(1, 2, 2, 1)
    hidden = net.point(source, [[7], [7]], [0, 0], scales=np.array([0.1, 0.11]))
    assert not shrunk(net.graph([source], [net.point(hidden, [[1, 1]])])).changed


def test_duplicates_of_a_depthwise_convolution_have_duplicate_inputs():
    net = Small()
    source = net.input(1, 4, 4, 2)
    hidden = net.point(source, [[1, 2], [1, 2], [2, 1]], [5, 5, 5])
    taps = np.arange(9).reshape(3, 3)
    through = net.conv(hidden, np.stack([taps, taps, taps], -1), [1, 1, 1], depthwise=True)
    result = shrunk(net.graph([source], [net.point(through, [[1, 10, 100]])])).after
    assert weights(result, "CONV_2D", 0).reshape(2, 2).tolist() == [[1, 2], [2, 1]]
    assert weights(result, "CONV_2D", 1).reshape(-1).tolist() == [11, 100]


def test_duplicates_stay_when_the_sum_of_weights_leaves_int8():
    net = Small()
    source = net.input(1, 2, 2, 1)
    hidden = net.point(source, [[1], [1], [1]], [5, 5, 5])
    result = shrunk(net.graph([source], [net.point(hidden, [[100, 27, 1]])]))
    assert weights(result.after, "CONV_2D", 1).reshape(-1).tolist() == [127, 1]
    assert any("leaves int8" in reason for reason in reasons(result, "duplicate channels"))


def test_flattened_duplicates_are_added_place_by_place():
    net = Small()
    source = net.input(1, 1, 2, 1)
    hidden = net.point(source, [[1], [1]], [5, 5])
    flat = net.reshape(hidden, 1, 4)
    result = shrunk(net.graph([source], [net.dense(flat, [[1, 10, 2, 20]])])).after
    assert weights(result, "FULLY_CONNECTED").tolist() == [[11, 22]]


def test_neighbours_in_a_row_are_no_duplicates():
    """Flattened, the same channel at another pixel is another value."""
    net = Small()
    source = net.input(1, 1, 2, 1)
    flat = net.reshape(net.point(source, [[1]]), 1, 2)
    assert not shrunk(net.graph([source], [net.dense(flat, [[1, 10]])])).changed


def test_constants_of_one_value_become_one_where_padding_keeps_them():
    net = Small()
    source = net.input(1, 4, 4, 1)
    hidden = net.point(source, [[1], [0], [0], [0]], [0, 20, 20, 30])
    filters = np.stack([np.full((3, 3), value) for value in (1, 2, 3, 4)], -1)[None]
    result = shrunk(net.graph([source], [net.conv(hidden, filters, padding="SAME")])).after
    assert weights(result, "CONV_2D", 1)[0, 0, 0].tolist() == [1, 5, 4]


@pytest.mark.parametrize("wanted", ["output", "both"])
def test_duplicates_that_are_outputs_stay(wanted):
    net = Small()
    source = net.input(1, 2, 2, 1)
    hidden = net.point(source, [[1], [1]], [5, 5])
    end = net.point(hidden, [[1, 2]])
    outputs = [hidden] if wanted == "output" else [hidden, end]
    result = shrunk(net.graph([source], outputs)).after
    assert weights(result, "CONV_2D", 0).reshape(-1).tolist() == [1, 1]
