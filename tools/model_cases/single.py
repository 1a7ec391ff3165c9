"""Models of one operator without weights: tensors given as values, the rest is the same everywhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from model_cases.network import Network


@dataclass(frozen=True)
class Operand:
    """A tensor of a single-operator model.

    Attributes:
        shape: dimensions.
        scale, zero_point: its quantization; a scale of None for none.
        dtype: TFLite's name.
        constant: None for an activation; the values as a flat tuple; or a seed for random ones over the full range.
    """

    shape: tuple[int, ...]
    scale: float | None = 0.05
    zero_point: int = 0
    dtype: str = "INT8"
    constant: tuple[int, ...] | int | None = None

    def data(self) -> np.ndarray | None:
        """The constant's values."""
        if self.constant is None:
            return None
        if isinstance(self.constant, int):
            generator = np.random.default_rng(self.constant)
            return generator.integers(-128, 127, self.shape, np.int8, endpoint=True)
        return np.array(self.constant)


def numbers(*values: int) -> Operand:
    """A constant int32 vector: axes, paddings, a shape."""
    return Operand((len(values),), scale=None, dtype="INT32", constant=values)


@dataclass(frozen=True)
class Single:
    """A model of one operator.

    Attributes:
        opcode: TFLite's name.
        operands, results: in the operator's order; the model's inputs are the operands that are not constant.
        options: the options table without "Options".
        fields: its fields.
        version: of the operator.
        twice: hand the first operand over twice (x + x).
    """

    opcode: str
    operands: tuple[Operand, ...]
    results: tuple[Operand, ...]
    options: str = ""
    fields: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    version: int = 2
    twice: bool = False

    def __call__(self) -> bytes:
        """The .tflite file's bytes."""
        network = Network()
        places = [add(network, operand) for operand in self.operands]
        given = [place for place, operand in zip(places, self.operands, strict=True) if operand.constant is None]
        results = [add(network, result) for result in self.results]
        operands = [places[0], places[0]] if self.twice else places
        network.operator(self.opcode, operands, results, self.options, self.version, **self.fields)
        return network.file(given, results)


def add(network: Network, operand: Operand) -> int:
    return network.tensor(operand.shape, operand.scale, operand.zero_point, operand.dtype, data=operand.data())
