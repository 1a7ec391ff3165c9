"""Channels that say nothing go through every operator that ties channels together, and tflite-micro finds the same outputs."""

import numpy as np
import pytest
from small import SCALE, Small, shrunk, weights

SHAPE = [1, 4, 4, 4]
ROWS = [[1, -2], [0, 0], [2, 1], [0, 0]]
"""Of the convolution before: two of its channels are constant."""


def unary(opcode, options="", scale=SCALE, **fields):
    return lambda net, x: net.unary(opcode, x, net.result(net.shape(x), scale), options, **fields)


def pair(opcode, options, other, scale=1.0, **fields):
    def add(net, x):
        result = net.result(net.shape(x), scale)
        net.operator(opcode, [x, other(net, x)], [result], options, 2 if options else 1, **fields)
        return result

    return add


def itself(net, x):
    return net.point(x, np.eye(4, dtype=int))


def vector(net, x):
    return net.tensor((4,), SCALE, -3, data=np.array([90, -100, 7, 8]))


def reduced(opcode):
    def add(net, x):
        result = net.result((1, 1, 1, 4), 4.0 if opcode == "SUM" else SCALE)
        net.operator(opcode, [x, net.integers([1, 2])], [result], "Reducer", 2, keepDims=True)
        return result

    return add


def resized(opcode, options):
    def add(net, x):
        result = net.result((1, 7, 9, 4))
        net.operator(opcode, [x, net.integers([7, 9])], [result], options, 3 if "BI" in opcode else 2)
        return result

    return add


def mirrored(net, x):
    result = net.result((1, 6, 7, 4))
    pairs = net.tensor((4, 2), dtype="INT32", data=np.array([[0, 0], [1, 1], [2, 1], [0, 0]]))
    net.operator("MIRROR_PAD", [x, pairs], [result], "MirrorPad", 1, mode=0)
    return result


NONE = {"fusedActivationFunction": "NONE"}
OPERATORS = {
    "ABS": unary("ABS", "Abs"),
    "ELU": unary("ELU"),
    "HARD_SWISH": unary("HARD_SWISH", "HardSwish"),
    "LEAKY_RELU": unary("LEAKY_RELU", "LeakyRelu", alpha=0.3),
    "RSQRT": unary("RSQRT", scale=0.01),
    "MAXIMUM": pair("MAXIMUM", "MaximumMinimum", itself),
    "MINIMUM": pair("MINIMUM", "MaximumMinimum", vector),
    "MUL": pair("MUL", "Mul", vector, 60.0, **NONE),
    "MUL_by_another": pair("MUL", "Mul", itself, 60.0, **NONE),
    "SUB": pair("SUB", "Sub", vector, **NONE),
    "PRELU": pair("PRELU", "", vector),
    "SQUARED_DIFFERENCE": pair("SQUARED_DIFFERENCE", "SquaredDifference", vector, 60.0),
    "SUM": reduced("SUM"),
    "REDUCE_MAX": reduced("REDUCE_MAX"),
    "REDUCE_MIN": reduced("REDUCE_MIN"),
    "RESIZE_BILINEAR": resized("RESIZE_BILINEAR", "ResizeBilinear"),
    "RESIZE_NEAREST_NEIGHBOR": resized("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighbor"),
    "MIRROR_PAD": mirrored,
}


@pytest.mark.parametrize("name", OPERATORS)
def test_channels_that_are_constant_go_through(name):
    """The convolution behind takes what they are into its bias; where two tensors meet, only what both lack goes."""
    net = Small()
    source = net.input(*SHAPE[:3], 2, zero_point=-7)
    before = net.point(source, ROWS, [30, 5, -20, 40])
    graph = net.graph([source], [net.point(OPERATORS[name](net, before), [[1, 2, -1, 3], [0, 1, 1, -2]], [9, 9])])
    after = shrunk(graph).after
    assert weights(after, "CONV_2D").shape[0] < 4


def test_a_channel_that_lives_stays_in_every_operand():
    net = Small()
    source = net.input(*SHAPE[:3], 2)
    total = OPERATORS["MAXIMUM"](net, net.point(source, [[1, -2], [3, 1], [2, 1], [1, 1]]))
    result = shrunk(net.graph([source], [net.point(total, [[1, 2, -1, 3]])]))
    assert weights(result.after, "CONV_2D").shape[0] == 4


def grown(seed):
    """Convolutions with superfluous channels, and these operators between them."""
    random, net = np.random.default_rng(seed), Small()
    source = end = net.input(*SHAPE[:3], 2, zero_point=int(random.choice([-128, -3])))
    for _ in range(random.integers(1, 4)):
        rows = random.integers(-4, 5, (4, net.shape(end)[3])) * (random.integers(0, 3, (4, 1)) > 0)
        rows[0] = rows[1] if random.integers(2) else rows[0]
        end = net.point(end, rows, random.integers(-30, 60, 4))
        name = str(random.choice([name for name in OPERATORS if name != "RSQRT"]))
        is_image = net.shape(end)[1:3] == SHAPE[1:3]
        end = OPERATORS[name if is_image or name != "MIRROR_PAD" else "ABS"](net, end)
    return net.graph([source], [net.point(end, random.integers(-3, 4, (3, 4)), random.integers(-9, 9, 3))])


def test_random_networks_of_these_operators_give_the_same_bytes():
    assert sum(shrunk(grown(seed)).changed for seed in range(25)) > 12
