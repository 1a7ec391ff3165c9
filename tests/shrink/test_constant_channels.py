"""Constant channels go into the biases of what reads them, exactly, and stay where that would not be exact."""

import numpy as np
import pytest
from small import LOWEST, Small, bias, opcodes, operation, reasons, shrunk, weights

from edgecompress.reference.integer import run_graph
from edgecompress.shrink.ranges import ranges

CENTRE = np.zeros((3, 3), np.int8)
CENTRE[1, 1] = 1


def test_a_channel_without_weights_becomes_part_of_the_next_bias():
    net = Small()
    source = net.input(1, 2, 2, 2)
    hidden = net.point(source, [[1, 0], [0, 0], [0, 1]], [0, 30, 0])
    result = shrunk(net.graph([source], [net.point(hidden, [[1, 5, 1], [2, -3, 0]], [7, 9])])).after
    assert weights(result, "CONV_2D", 0).reshape(2, 2).tolist() == [[1, 0], [0, 1]]
    assert weights(result, "CONV_2D", 1).reshape(2, 2).tolist() == [[1, 1], [2, 0]]
    assert bias(result, "CONV_2D", 1) == [7 + 5 * 30, 9 - 3 * 30]


def test_a_bias_is_made_where_there_was_none():
    net = Small()
    source = net.input(1, 2, 2, 1)
    hidden = net.point(source, [[1], [0]], [0, 30])
    result = shrunk(net.graph([source], [net.point(hidden, [[1, 5]])])).after
    assert bias(result, "CONV_2D", 1) == [150]
    q = result.tensors[operation(result, "CONV_2D", 1).inputs[2]].quantization
    assert (q.scale, q.zero_point) == (0.5, 0)


def test_a_channel_that_the_clamp_always_catches_is_constant():
    """The largest sum is 255 - 255 = 0, which is the zero point: nothing is ever above it."""
    net = Small()
    source = net.input(1, 2, 2, 1)
    hidden = net.point(source, [[1], [1], [1]], [-255, -254, 0], activation="RELU")
    result = shrunk(net.graph([source], [net.point(hidden, [[3, 5, 1]])])).after
    assert weights(result, "CONV_2D", 0).shape[0] == 2
    assert bias(result, "CONV_2D", 0) == [-254, 0], "254 is not enough: the input 127 gives 1"


@pytest.mark.parametrize("seed", range(20))
def test_the_range_of_one_input_is_that_of_all_its_256_codes(seed):
    generator = np.random.default_rng(seed)
    net = Small()
    zero_point = int(generator.integers(-128, 128))
    source = net.input(1, 1, 1, 1, zero_point=zero_point)
    factors = generator.choice([0.001, 0.02, 0.3, 2.0], 8)
    values = generator.integers(-127, 128, (8, 1))
    hidden = net.point(
        source, values, generator.integers(-9000, 9000, 8), scales=factors, zero_point=3, activation="RELU6"
    )
    graph = net.graph([source], [hidden])
    every = [run_graph(graph, {source: np.full((1, 1, 1, 1), code, np.int8)})[hidden] for code in range(-128, 128)]
    found = ranges(graph)[hidden]
    assert found.low.tolist() == np.min(every, 0).reshape(-1).tolist()
    assert found.high.tolist() == np.max(every, 0).reshape(-1).tolist()


def padded(constant: int, taps: np.ndarray, padding: str = "SAME") -> Small:
    """Channel 1 is `constant` steps above the zero point; a 3x3 convolution reads it with these weights."""
    net = Small()
    source = net.input(1, 4, 4, 1)
    hidden = net.point(source, [[1], [0]], [0, constant])
    filters = np.stack([CENTRE, taps], -1)[None]
    net.ends = [source], [net.conv(hidden, filters, padding=padding)]
    return net


@pytest.mark.parametrize(
    ("constant", "taps", "padding"),
    [(0, np.ones((3, 3)), "SAME"), (20, CENTRE, "SAME"), (20, np.ones((3, 3)), "VALID")],
    ids=["the_zero_point", "only_the_middle_is_read", "no_padding"],
)
def test_a_constant_goes_where_every_position_sees_it_equally(constant, taps, padding):
    net = padded(constant, taps, padding)
    result = shrunk(net.graph(*net.ends)).after
    assert weights(result, "CONV_2D", 1).shape[3] == 1


def test_a_constant_stays_where_padding_shows_another():
    net = padded(20, np.ones((3, 3)))
    result = shrunk(net.graph(*net.ends))
    assert not result.changed
    assert any("pads with zeros" in reason for reason in reasons(result, "constant channels"))


def depthwise_chain(factor: int, offset: int) -> Small:
    net = Small()
    source = net.input(1, 4, 4, 1)
    hidden = net.point(source, [[1], [0]], [0, 20])
    filters = np.stack([np.ones((3, 3)), np.full((3, 3), factor)], -1)
    through = net.conv(hidden, filters, [0, offset], padding="SAME", depthwise=True, activation="RELU")
    net.ends = [source], [net.point(through, [[1, 1]])]
    return net


def test_a_constant_goes_through_a_depthwise_convolution_that_clamps_it_at_the_borders_too():
    net = depthwise_chain(factor=-1, offset=80)  # at a corner 80 - 4 * 20 = 0
    result = shrunk(net.graph(*net.ends)).after
    assert weights(result, "DEPTHWISE_CONV_2D").shape == (1, 3, 3, 1)
    assert operation(result, "DEPTHWISE_CONV_2D").options["depth_multiplier"] == 1


def test_a_constant_that_a_depthwise_border_changes_stays():
    net = depthwise_chain(factor=-1, offset=81)  # at a corner 1, inside less than nothing
    result = shrunk(net.graph(*net.ends))
    assert not result.changed
    assert reasons(result, "constant channels") == {"it is not constant"}


def test_a_depthwise_convolution_of_one_channel_loses_outputs():
    net = Small()
    source = net.input(1, 4, 4, 1)
    hidden = net.conv(source, np.stack([CENTRE, 0 * CENTRE, CENTRE], -1), [0, 9, 1], depthwise=True)
    result = shrunk(net.graph([source], [net.point(hidden, [[1, 2, 3]])])).after
    assert weights(result, "DEPTHWISE_CONV_2D").shape == (1, 3, 3, 2)
    assert operation(result, "DEPTHWISE_CONV_2D").options["depth_multiplier"] == 2
    assert bias(result, "CONV_2D") == [18]


def test_an_addition_of_two_constants_is_one_and_with_another_channel_it_is_not():
    net = Small()
    source = net.input(1, 2, 2, 1)
    a = net.point(source, [[1], [0], [0]], [0, 10, 30])
    b = net.point(source, [[2], [0], [1]], [0, 20, 0])
    total = net.add(a, b, scale=0.7)
    result = shrunk(net.graph([source], [net.point(total, [[1, 1, 1]])])).after
    (tensor,) = result.results(operation(result, "ADD"))
    assert tensor.shape[-1] == 2, "the third channel is constant in one operand only"
    # (10 + 20) * 0.5 / 0.7 = 21.4
    assert bias(result, "CONV_2D", 2) == [21]


def test_a_constant_operand_loses_its_line():
    net = Small()
    source = net.input(1, 2, 2, 1)
    hidden = net.point(source, [[1], [0]], [0, 10])
    line = net.tensor((2,), 0.5, LOWEST, data=np.array([-100, -90]))
    result = shrunk(net.graph([source], [net.point(net.add(hidden, line), [[1, 4]])])).after
    assert result.tensors[operation(result, "ADD").inputs[1]].data.tolist() == [-100]


def test_flattened_channels_lose_all_their_columns():
    net = Small()
    source = net.input(1, 2, 3, 1)
    hidden = net.point(source, [[1], [0]], [0, 10])
    flat = net.reshape(hidden, 1, 12)
    result = shrunk(net.graph([source], [net.dense(flat, [[1] * 12, [2] * 12])])).after
    assert weights(result, "FULLY_CONNECTED").shape == (2, 6)
    assert bias(result, "FULLY_CONNECTED") == [60, 120]
    reshape = operation(result, "RESHAPE")
    assert result.tensors[reshape.inputs[1]].data.tolist() == list(reshape.options["new_shape"]) == [1, 6]


def test_a_constant_goes_through_pools_tables_means_and_concatenations():
    net = Small()
    source = net.input(1, 4, 4, 1)
    hidden = net.point(source, [[1], [0]], [0, 10])
    pooled = net.pool(net.pool(hidden, 2), 2, "MAX")
    joined = net.concatenate(net.unary("RELU", pooled), pooled)
    result = shrunk(net.graph([source], [net.dense(net.mean(joined), [[1, 2, 3, 4]])])).after
    assert weights(result, "FULLY_CONNECTED").tolist() == [[1, 3]]
    assert bias(result, "FULLY_CONNECTED") == [60]


def test_a_constant_output_of_the_model_stays():
    net = Small()
    source = net.input(1, 2, 2, 1)
    result = shrunk(net.graph([source], [net.point(source, [[1], [0]], [0, 10])]))
    assert not result.changed
    assert reasons(result, "constant channels") == {"it is an output of the model"}


def test_a_constant_that_two_layers_read_goes_from_both():
    net = Small()
    source = net.input(1, 2, 2, 1)
    hidden = net.point(source, [[1], [0]], [0, 10])
    ends = [net.point(hidden, [[1, 1]]), net.point(hidden, [[1, 2]])]
    result = shrunk(net.graph([source], ends)).after
    assert [bias(result, "CONV_2D", number) for number in (1, 2)] == [[10], [20]]


def test_a_constant_stays_when_one_of_two_readers_needs_it_in_its_place():
    net = Small()
    source = net.input(1, 2, 2, 1)
    hidden = net.point(source, [[1], [0]], [0, 10])
    ends = [
        net.point(hidden, [[1, 1]]),
        net.unary("SOFTMAX", hidden, net.tensor((1, 2, 2, 2), 1 / 256, -128), "Softmax", beta=1.0),
    ]
    result = shrunk(net.graph([source], ends))
    assert not result.changed
    assert any("SOFTMAX" in reason for reason in reasons(result, "constant channels"))


def test_sums_that_may_leave_32_bits_are_left_alone():
    net = Small()
    source = net.input(1, 2, 2, 1)
    hidden = net.point(source, [[1], [0]], [0, 10])
    result = shrunk(net.graph([source], [net.point(hidden, [[1, 1]], [2**31 - 1 - 300])]))
    assert not result.changed
    assert any("32 bits" in reason for reason in reasons(result, "constant channels"))


def test_weights_that_two_layers_share_are_told_apart():
    net = Small()
    source = net.input(1, 2, 2, 2)
    hidden = net.point(source, [[1, 0], [0, 0]], [0, 10])
    end = net.point(hidden, [[1, 1], [2, 2]], [0, 0])
    net._operators[1].inputs[1] = net._operators[0].inputs[1]  # both read [[1, 0], [0, 0]]
    result = shrunk(net.graph([source], [end])).after
    assert weights(result, "CONV_2D", 0).reshape(-1).tolist() == [1, 0]
    assert weights(result, "CONV_2D", 1).reshape(-1).tolist() == [1, 0]
    assert weights(result, "CONV_2D", 0).shape != weights(result, "CONV_2D", 1).shape


def test_a_layer_of_constants_keeps_one_channel_or_as_many_as_kernels_take():
    net = Small()
    source = net.input(1, 2, 2, 1)
    hidden = net.point(source, np.zeros((8, 1)), range(8))
    graph = net.graph([source], [net.point(hidden, [range(8)])])
    for multiple in (1, 4):
        result = shrunk(graph, multiple)
        assert weights(result.after, "CONV_2D", 0).shape[0] == multiple
        assert opcodes(result.after) == ["CONV_2D", "CONV_2D"]


def test_channels_are_rounded_up_to_what_kernels_take():
    """Six of eight vary: with a multiple of four nothing goes, with two the two constants do, with five one of them."""
    net = Small()
    source = net.input(1, 2, 2, 1)
    hidden = net.point(source, [[1], [2], [3], [0], [5], [6], [0], [8]], range(8))
    graph = net.graph([source], [net.point(hidden, [[1] * 8])])
    kept = {multiple: weights(shrunk(graph, multiple).after, "CONV_2D", 0).shape[0] for multiple in (1, 2, 4, 7)}
    assert kept == {1: 6, 2: 6, 4: 8, 7: 7}
    assert reasons(shrunk(graph, 4), "constant channels") == {"kernels take 4 channels at a time"}
