"""Small networks of several operators: tensors that live long, alias one another, or are wanted twice."""

import numpy as np

from model_cases.case import Case
from model_cases.network import Network

Q = (0.05, -7)
WINDOW = {"padding": "SAME", "strideH": 1, "strideW": 1}


def convolve(network: Network, source: int, shape: tuple[int, ...], seed: int, activation: str = "NONE") -> int:
    """Add a 3x3 convolution that keeps the shape."""
    channels = shape[3]
    generator = np.random.default_rng(seed)
    filters = generator.integers(-127, 127, (channels, 3, 3, channels), np.int8, endpoint=True)
    scales = np.linspace(0.004, 0.009, channels, dtype=np.float32)
    weights = network.tensor(filters.shape, scales, data=filters)
    bias = generator.integers(-5000, 5000, channels, np.int32)
    offsets = network.tensor((channels,), np.float32(Q[0]) * scales, dtype="INT32", data=bias)
    result = network.tensor(shape, 0.05 * 0.006 * 74 * 74 * 3 * np.sqrt(channels) / 40 / 4, Q[1])
    network.operator(
        "CONV_2D", [source, weights, offsets], [result], "Conv2D", 3, fusedActivationFunction=activation, **WINDOW
    )
    return result


def add(network: Network, a: int, b: int, shape: tuple[int, ...]) -> int:
    result = network.tensor(shape, 0.11, 3)
    network.operator("ADD", [a, b], [result], "Add", 2, fusedActivationFunction="RELU")
    return result


def reshape(network: Network, source: int, shape: tuple[int, ...], quantization: tuple[float, int] = Q) -> int:
    result = network.tensor(shape, *quantization)
    network.operator("RESHAPE", [source, network.integers(shape)], [result], "Reshape", newShape=list(shape))
    return result


SHAPE = (1, 6, 5, 4)


def residual() -> bytes:
    """The shortcut lives across two convolutions; the model's input is one."""
    network = Network()
    source = network.tensor(SHAPE, *Q)
    hidden = convolve(network, source, SHAPE, 1, "RELU")
    return network.file([source], [add(network, convolve(network, hidden, SHAPE, 2), source, SHAPE)])


def two_residuals() -> bytes:
    network = Network()
    source = network.tensor(SHAPE, *Q)
    first = add(network, convolve(network, source, SHAPE, 1), source, SHAPE)
    second = add(network, convolve(network, first, SHAPE, 2), first, SHAPE)
    return network.file([source], [second])


def diamond() -> bytes:
    """Two branches from one tensor."""
    network = Network()
    source = network.tensor(SHAPE, *Q)
    stem = convolve(network, source, SHAPE, 1)
    left, right = convolve(network, stem, SHAPE, 2), convolve(network, stem, SHAPE, 3, "RELU")
    return network.file([source], [add(network, left, right, SHAPE)])


def output_used_again() -> bytes:
    """An output of the model that later operators read: it must survive them."""
    network = Network()
    source = network.tensor(SHAPE, *Q)
    first = convolve(network, source, SHAPE, 1)
    second = convolve(network, first, SHAPE, 2)
    third = convolve(network, second, SHAPE, 3)
    return network.file([source], [first, third])


def two_inputs() -> bytes:
    """The second input is used last: it must survive all others."""
    network = Network()
    a, b = network.tensor(SHAPE, *Q), network.tensor(SHAPE, 0.03, 9)
    return network.file([a, b], [add(network, convolve(network, convolve(network, a, SHAPE, 1), SHAPE, 2), b, SHAPE)])


def reshapes_in_a_row() -> bytes:
    """Aliases of aliases."""
    network = Network()
    source = network.tensor(SHAPE, *Q)
    flat = reshape(network, reshape(network, source, (1, 30, 4)), (1, 120))
    return network.file([source], [convolve(network, reshape(network, flat, SHAPE), SHAPE, 1)])


def reshape_of_input_is_output() -> bytes:
    network = Network()
    source = network.tensor(SHAPE, *Q)
    return network.file([source], [reshape(network, source, (1, 120))])


def reshaped_and_original() -> bytes:
    """A tensor is read after its alias was."""
    network = Network()
    source = network.tensor(SHAPE, *Q)
    flat = reshape(network, source, (1, 5, 6, 4))
    left = reshape(network, convolve(network, flat, (1, 5, 6, 4), 1), SHAPE, (0.11, -7))
    return network.file([source], [add(network, left, source, SHAPE), flat])


CASES = [
    Case("ADD", "residual", residual),
    Case("ADD", "two_residuals", two_residuals),
    Case("ADD", "diamond", diamond),
    Case("ADD", "two_inputs", two_inputs),
    Case("CONV_2D", "output_used_again", output_used_again),
    Case("RESHAPE", "in_a_row", reshapes_in_a_row),
    Case("RESHAPE", "of_input_is_output", reshape_of_input_is_output),
    Case("RESHAPE", "and_original", reshaped_and_original),
]
