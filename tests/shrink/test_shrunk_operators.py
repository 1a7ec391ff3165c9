"""Operators without effect go, two in a row become one, padding and clamps go where nothing changes; else they stay."""

import numpy as np
import pytest
from small import LOWEST, SCALE, Small, opcodes, operation, reasons, shrunk


def around(add, outputs=lambda end, middle: [end]):
    """A graph with what `add` puts between two convolutions."""
    net = Small()
    source = net.input(1, 4, 4, 1)
    middle = add(net, net.point(source, [[1], [2]], [3, 4]))
    return net.graph([source], outputs(net.point(middle, [[1, 1]]), middle))


IDLE = {
    "reshape_to_the_same_shape": lambda net, x: net.reshape(x, 1, 4, 4, 2),
    "quantize_to_the_same_scale": lambda net, x: net.unary("QUANTIZE", x),
    "relu_of_what_is_never_negative": lambda net, x: net.unary("RELU", x),
    "average_of_one": lambda net, x: net.pool(x, 1),
    "largest_of_one": lambda net, x: net.pool(x, 1, "MAX"),
    "padding_by_nothing": lambda net, x: net.pad(x, 0, 0),
    "concatenation_of_one": lambda net, x: net.concatenate(x),
    "two_in_a_row": lambda net, x: net.pad(net.reshape(x, 1, 4, 4, 2), 0, 0),
}


@pytest.mark.parametrize("name", IDLE)
def test_an_operator_without_effect_goes(name):
    assert opcodes(shrunk(around(IDLE[name])).after) == ["CONV_2D", "CONV_2D"]


def test_an_idle_operator_whose_result_is_an_output_goes_too():
    result = shrunk(around(IDLE["padding_by_nothing"], lambda end, middle: [middle, end])).after
    assert opcodes(result) == ["CONV_2D", "CONV_2D"]
    assert result.outputs[0] == operation(result, "CONV_2D").outputs[0]


def test_an_idle_operator_between_an_input_and_an_output_stays():
    net = Small()
    source = net.input(1, 4, 4, 1)
    graph = net.graph([source], [net.pad(source, 0, 0), net.point(source, [[1]])])
    result = shrunk(graph)
    assert not result.changed
    assert reasons(result, "operators without effect") == {"it joins an input and an output of the model"}


BUSY = {
    "another_shape": lambda net, x: net.pool(x, 2),
    "a_pool_that_clamps": lambda net, x: net.pool(x, 1, activation="RELU6"),
    "another_scale": lambda net, x: net.unary("QUANTIZE", x, net.result((1, 4, 4, 2), 0.4)),
}


@pytest.mark.parametrize("name", BUSY)
def test_an_operator_with_effect_stays(name):
    assert not shrunk(around(BUSY[name])).changed


def test_a_relu_acts_where_values_can_be_negative():
    net = Small()
    source = net.input(1, 4, 4, 1, zero_point=0)
    hidden = net.point(source, [[1]], zero_point=0)
    q = net.result((1, 4, 4, 1), zero_point=0)
    end = net.conv(net.unary("RELU", hidden, q), np.ones((1, 2, 2, 1)))
    result = shrunk(net.graph([source], [end])).after
    assert opcodes(result) == ["CONV_2D", "CONV_2D"]
    assert operation(result, "CONV_2D").options["fused_activation_function"] == "RELU", (
        "it became part of the convolution"
    )


def test_a_relu_of_another_scale_is_not_fused():
    net = Small()
    source = net.input(1, 4, 4, 1, zero_point=0)
    hidden = net.point(source, [[1]], zero_point=0)
    end = net.conv(net.unary("RELU", hidden, net.result((1, 4, 4, 1), 0.3, 0)), np.ones((1, 2, 2, 1)))
    result = shrunk(net.graph([source], [end]))
    assert not result.changed
    assert any("no single operator" in reason for reason in reasons(result, "requantizations in a row"))


def test_a_relu_is_not_fused_where_others_read_what_it_reads():
    net = Small()
    source = net.input(1, 4, 4, 1, zero_point=0)
    hidden = net.point(source, [[1]], zero_point=0)
    end = net.conv(net.unary("RELU", hidden, net.result((1, 4, 4, 1), SCALE, 0)), np.ones((1, 2, 2, 1)))
    assert not shrunk(net.graph([source], [end, hidden])).changed


def quantized_twice(scales: tuple[float, float, float], zero_points: tuple[int, int, int]) -> Small:
    net = Small()
    shape = (1, 4, 4, 1)
    source = net.tensor(shape, scales[0], zero_points[0])
    middle = net.unary("QUANTIZE", source, net.tensor(shape, scales[1], zero_points[1]))
    net.ends = [source], [net.unary("QUANTIZE", middle, net.tensor(shape, scales[2], zero_points[2]))]
    return net


def test_requantizing_twice_is_once_where_all_codes_agree():
    net = quantized_twice((0.5, 0.5, 0.5), (0, -3, 0))
    result = shrunk(net.graph(*net.ends))
    assert len(result.after.operations) == 2, "-3 saturates the lowest codes, which going back does not undo"
    net = quantized_twice((0.5, 0.5, 0.25), (10, 10, -128))
    assert opcodes(shrunk(net.graph(*net.ends)).after) == ["QUANTIZE"]


def test_requantizing_twice_stays_twice_where_it_rounds():
    net = quantized_twice((0.5, 1.1, 0.5), (0, 0, 0))
    result = shrunk(net.graph(*net.ends))
    assert not result.changed
    assert any("no single operator" in reason for reason in reasons(result, "requantizations in a row"))


def test_two_reshapes_are_one():
    net = Small()
    source = net.input(1, 2, 2, 2)
    hidden = net.point(source, [[1, 0], [0, 1], [1, 1]])
    flat = net.reshape(net.reshape(net.reshape(hidden, 1, 4, 3), 12, 1), 1, 12)
    result = shrunk(net.graph([source], [net.dense(flat, [list(range(1, 13))])])).after
    assert opcodes(result) == ["CONV_2D", "RESHAPE", "FULLY_CONNECTED"]


def padded(before: int, after: int, add, zero_point: int = LOWEST, size: int = 6) -> Small:
    net = Small()
    source = net.input(1, size, size, 1, zero_point=zero_point)
    net.ends = [source], [add(net, net.pad(source, before, after))]
    return net


FILTER = np.arange(9).reshape(1, 3, 3, 1)


@pytest.mark.parametrize(
    ("before", "after", "stride", "size"), [(1, 1, 1, 6), (0, 1, 2, 6), (1, 1, 2, 7), (1, 2, 1, 6)]
)
@pytest.mark.parametrize("depthwise", [False, True])
def test_padding_that_same_means_goes_into_the_convolution(before, after, stride, size, depthwise):
    """The last one has a row and a column more than the filter reaches; SAME has none for it."""
    filters = FILTER[0] if depthwise else FILTER
    net = padded(before, after, lambda n, x: n.conv(x, filters, stride=stride, depthwise=depthwise), 5, size)
    if stride == 2 or after == 2:
        net._tensors[net.ends[1][0]].shape[1:3] = [(size + before + after - 3) // stride + 1] * 2
    result = shrunk(net.graph(*net.ends))
    if after == 2:
        assert not result.changed
        return
    assert len(result.after.operations) == 1
    assert result.after.operations[0].options["padding"] == "SAME"


def test_padding_that_no_file_can_express_stays_and_is_told():
    net = padded(1, 1, lambda n, x: n.conv(x, FILTER, stride=2), size=6)
    net._tensors[net.ends[1][0]].shape[1:3] = [3, 3]
    result = shrunk(net.graph(*net.ends))
    assert not result.changed
    assert reasons(result, "paddings of their own") == {
        "no padding that a .tflite file can express is [1, 1] and [1, 1] here"
    }


def test_padding_goes_into_a_largest_value_only_where_zero_is_the_lowest():
    lowest, other = (padded(1, 1, lambda n, x: n.pool(x, 3, "MAX"), zero_point) for zero_point in (LOWEST, LOWEST + 1))
    assert opcodes(shrunk(lowest.graph(*lowest.ends)).after) == ["MAX_POOL_2D"]
    result = shrunk(other.graph(*other.ends))
    assert not result.changed
    assert reasons(result, "paddings of their own") == {"its zeros may be the largest values of a window"}


def test_padding_never_goes_into_an_average():
    net = padded(1, 1, lambda n, x: n.pool(x, 3))
    assert not shrunk(net.graph(*net.ends)).changed


def test_padding_that_two_read_stays():
    net = Small()
    source = net.input(1, 6, 6, 1)
    wide = net.pad(source, 1, 1)
    result = shrunk(net.graph([source], [net.conv(wide, FILTER), net.conv(wide, FILTER)]))
    assert not result.changed
    assert reasons(result, "paddings of their own") == {"others than one operator read it"}


@pytest.mark.parametrize(("offset", "idle"), [(0, True), (1, False)])
def test_a_clamp_goes_when_no_value_reaches_it(offset, idle):
    """Zero point -100: RELU6 clamps to -100 .. -88. The sums are 0 to 12 + offset: at most 255 codes with weight 12 / 255."""
    net = Small()
    source = net.input(1, 4, 4, 1)
    hidden = net.point(source, [[12]], [offset * 255], scales=1 / 255, zero_point=-100, activation="RELU6")
    result = shrunk(net.graph([source], [net.point(hidden, [[1]])])).after
    expected = "NONE" if idle else "RELU6"
    assert operation(result, "CONV_2D").options["fused_activation_function"] == expected


def test_a_clamp_at_the_types_own_limits_is_not_touched():
    net = Small()
    source = net.input(1, 4, 4, 1)
    assert not shrunk(net.graph([source], [net.point(source, [[1]], activation="RELU")])).changed
