"""Small graphs made by hand: a tensor is its size in bytes, an operation is (opcode, inputs, outputs)."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

from edgecompress.tflite.graph import Graph, Operation, Tensor

Op = tuple[str, Sequence[int], Sequence[int]]


def _make_graph(
    sizes: Mapping[int, int],
    operations: Sequence[Op],
    inputs: Sequence[int],
    outputs: Sequence[int],
    constants: Sequence[int] = (),
) -> Graph:
    tensors = {
        key: Tensor(
            key, f"t{key}", (size,), np.dtype(np.int8), data=np.zeros(size, np.int8) if key in constants else None
        )
        for key, size in sizes.items()
    }
    ops = tuple(Operation(i, opcode, tuple(ins), tuple(outs)) for i, (opcode, ins, outs) in enumerate(operations))
    return Graph(tensors, ops, tuple(inputs), tuple(outputs), sha256="0" * 64)


def _chain(*sizes: int) -> Graph:
    """Operation i reads tensor i and writes tensor i + 1."""
    operations = [("RELU", [i], [i + 1]) for i in range(len(sizes) - 1)]
    return _make_graph(dict(enumerate(sizes)), operations, [0], [len(sizes) - 1])


def _residual() -> Graph:
    """A ResNet block: 0 → CONV → 1 → CONV → 2, then 0 + 2 → 3."""
    operations = [("CONV_2D", [0, 9], [1]), ("CONV_2D", [1, 9], [2]), ("ADD", [0, 2], [3])]
    return _make_graph({0: 100, 1: 60, 2: 100, 3: 100, 9: 500}, operations, [0], [3], constants=[9])


@pytest.fixture(scope="session")
def make_graph() -> Callable[..., Graph]:
    """make_graph({key: bytes}, [(opcode, inputs, outputs)], inputs, outputs, constants=())."""
    return _make_graph


@pytest.fixture(scope="session")
def chain() -> Callable[..., Graph]:
    """chain(10, 20, 30): operation i reads tensor i and writes tensor i + 1."""
    return _chain


@pytest.fixture(scope="session")
def residual() -> Graph:
    """A ResNet block: 0 -> CONV -> 1 -> CONV -> 2, then 0 + 2 -> 3."""
    return _residual()
