"""Small networks in which operators stand as they do in real ones: gates, skips around a bottleneck, attention, branches."""

import numpy as np

from model_cases.case import Case
from model_cases.network import Network
from model_cases.networks import SHAPE, Q, convolve

POOL = {"padding": "VALID", "strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2}


def pool(network: Network, source: int, shape: tuple[int, ...], quantization: tuple[float, int]) -> int:
    result = network.tensor(shape, *quantization)
    network.operator("MAX_POOL_2D", [source], [result], "Pool2D", 2, fusedActivationFunction="NONE", **POOL)
    return result


def gated() -> bytes:
    """Squeeze and excitation: every channel is multiplied by a function of its mean; then x times its own logistic."""
    network = Network()
    source = network.tensor(SHAPE, *Q)
    hidden = convolve(network, source, SHAPE, 1)
    mean = network.tensor((1, 1, 1, SHAPE[3]), 0.02, 3)
    network.operator("MEAN", [hidden, network.integers([1, 2])], [mean], "Reducer", 2, keepDims=True)
    gate, scaled = network.tensor((1, 1, 1, SHAPE[3]), 1 / 256, -128), network.tensor(SHAPE, 0.05, -7)
    network.operator("LOGISTIC", [mean], [gate])
    network.operator("MUL", [hidden, gate], [scaled], "Mul", fusedActivationFunction="NONE")
    curve, result = network.tensor(SHAPE, 1 / 256, -128), network.tensor(SHAPE, 0.04, -120)
    network.operator("LOGISTIC", [scaled], [curve])
    network.operator("MUL", [scaled, curve], [result], "Mul", fusedActivationFunction="NONE")
    return network.file([source], [result])


def around_a_bottleneck() -> bytes:
    """A smaller image, made larger again beside the one that it came from."""
    network, shape, small = Network(), (1, 8, 6, 4), (1, 4, 3, 4)
    source = network.tensor(shape, *Q)
    skipped = convolve(network, source, shape, 1, "RELU")
    quantization = (0.05 * 0.006 * 74 * 74 * 3 * 2 / 40 / 4, Q[1])
    inner = convolve(network, pool(network, skipped, small, quantization), small, 2)
    larger, both = network.tensor(shape, *quantization), network.tensor((1, 8, 6, 8), *quantization)
    size = [inner, network.integers([8, 6])]
    network.operator("RESIZE_NEAREST_NEIGHBOR", size, [larger], "ResizeNearestNeighbor", 2)
    fields = {"axis": 3, "fusedActivationFunction": "NONE"}
    network.operator("CONCATENATION", [larger, skipped], [both], "Concatenation", 2, **fields)
    return network.file([source], [convolve(network, both, (1, 8, 6, 8), 3)])


def attending() -> bytes:
    """Softmax of the products of all pairs of rows, times the rows."""
    network, rows = Network(), (2, 5, 8)
    source = network.tensor(rows, *Q)
    pairs, weights = network.tensor((2, 5, 5), 0.11, 4), network.tensor((2, 5, 5), 1 / 256, -128)
    result = network.tensor(rows, 0.04, -7)
    network.operator("BATCH_MATMUL", [source, source], [pairs], "BatchMatMul", adjX=False, adjY=True)
    network.operator("SOFTMAX", [pairs], [weights], "Softmax", beta=1.0)
    network.operator("BATCH_MATMUL", [weights, source], [result], "BatchMatMul", adjX=False, adjY=False)
    return network.file([source], [result])


def branching() -> bytes:
    """Half the channels go through a convolution, the other half around it; channels change places, blocks become depth."""
    network = Network()
    source = network.tensor((1, 6, 4, 8), *Q)
    halves = [network.tensor((1, 6, 4, 4), *Q) for _ in range(2)]
    axis = network.tensor((), dtype="INT32", data=np.array(3))
    network.operator("SPLIT", [axis, source], halves, "Split", numSplits=2)
    hidden = convolve(network, halves[0], (1, 6, 4, 4), 1)
    again, pairs = network.tensor((1, 6, 4, 4), *Q), network.tensor((1, 6, 4, 4, 2), *Q)
    network.operator("QUANTIZE", [hidden], [again], "Quantize")
    network.operator("PACK", [again, halves[1]], [pairs], "Pack", axis=4, valuesCount=2)
    mixed, deep = network.tensor((1, 6, 4, 8), *Q), network.tensor((1, 3, 2, 32), *Q)
    shape = [pairs, network.integers([1, 6, 4, 8])]
    network.operator("RESHAPE", shape, [mixed], "Reshape", newShape=[1, 6, 4, 8])
    network.operator("SPACE_TO_DEPTH", [mixed], [deep], "SpaceToDepth", blockSize=2)
    curve = network.tensor((1, 3, 2, 32), 0.04, -100)
    network.operator("HARD_SWISH", [deep], [curve], "HardSwish")
    return network.file([source], [curve])


CASES = [
    Case("MUL", "gated", gated),
    Case("CONCATENATION", "around_a_bottleneck", around_a_bottleneck),
    Case("BATCH_MATMUL", "attending", attending),
    Case("SPLIT", "branching", branching),
]
