"""The integer graph: what a .tflite file says, as plain immutable values that no later stage changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

ABSENT = -1
"""Index of an optional operand that is not there (TFLite's convention)."""


@dataclass(frozen=True)
class Quantization:
    """real = scale · (quantized - zero_point), per tensor (one entry) or along `axis` (one entry per channel).

    Attributes:
        scales: float32 values held as Python floats, each finite and positive.
        zero_points: as many as scales.
        axis: the dimension the entries run along; 0 and meaningless for one entry.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0

    @property
    def per_channel(self) -> bool:
        return len(self.scales) > 1

    @property
    def scale(self) -> float:
        """The scale of a per-tensor quantization."""
        (scale,) = self.scales
        return scale

    @property
    def zero_point(self) -> int:
        """The zero point of a per-tensor quantization."""
        (zero_point,) = self.zero_points
        return zero_point


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor of the main subgraph.

    Attributes:
        index: its index in the file (stable through every rewrite).
        name: as the file has it: untrusted text.
        shape: dimensions, batch included; () is a scalar.
        dtype: NumPy dtype.
        quantization: None where the file gives none.
        data: the constant's values in `shape` (read-only), or None for an activation.
        type_name: the schema's name of the type in the file ("INT8"); tells the types apart that NumPy has no dtype for, and
            constants of four bits, which are int8 here.
        is_variable: the operator that reads it keeps its state in it from one inference to the next.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    quantization: Quantization | None = None
    data: np.ndarray | None = None
    type_name: str = ""
    is_variable: bool = False

    @property
    def elements(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        return self.elements * self.dtype.itemsize

    @property
    def is_constant(self) -> bool:
        return self.data is not None


@dataclass(frozen=True)
class Operation:
    """One operator of the graph.

    Attributes:
        index: its place in the file's order of execution.
        opcode: TFLite's builtin name ("CONV_2D"), or "CUSTOM:<name>".
        inputs: tensor indices, ABSENT (-1) for an optional operand that is not there.
        outputs: tensor indices.
        options: the builtin options under the schema's field names in snake case; enums as their names
            ("SAME", "RELU6").
        version: the operator version the file asks for.
        options_type: the schema's name of the options ("Conv2DOptions"); "" where the file gives none.
    """

    index: int
    opcode: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    version: int = 1
    options_type: str = ""


@dataclass(frozen=True)
class Signature:
    """Names for inputs and outputs, by which LiteRT's users may address them: untrusted text.

    Attributes:
        key: of the signature ("serving_default").
        inputs, outputs: (name, tensor index).
    """

    key: str
    inputs: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[str, int], ...]


@dataclass(frozen=True, eq=False)
class State:
    """What is kept from one inference to the next.

    Attributes:
        first: the tensor that holds it when an inference begins.
        last: the tensor that holds it when the inference ends, in the same bytes; `first` where the operator that reads it
            changes it in place.
        initial: its value before the first inference and after a reset.
    """

    first: int
    last: int
    initial: np.ndarray


@dataclass(frozen=True, eq=False)
class Graph:
    """The main subgraph of a .tflite file.

    Attributes:
        tensors: by tensor index; every tensor of the file, used or not.
        operations: in order of execution.
        inputs, outputs: tensor indices.
        sha256: of the file's bytes.
        description: the converter's remark in the file: untrusted text.
        signatures: of the main subgraph.
        subgraphs: those that CALL_ONCE runs, by their index.
        states: what `codegen.state.functional` makes of variables; a graph as it was read has none.
    """

    tensors: Mapping[int, Tensor]
    operations: tuple[Operation, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    sha256: str
    description: str = ""
    signatures: tuple[Signature, ...] = ()
    subgraphs: "Mapping[int, Graph]" = field(default_factory=lambda: MappingProxyType({}))
    states: tuple[State, ...] = ()

    def operands(self, operation: Operation) -> tuple[Tensor | None, ...]:
        """The operation's input tensors, None for absent ones."""
        return tuple(None if i == ABSENT else self.tensors[i] for i in operation.inputs)

    def results(self, operation: Operation) -> tuple[Tensor, ...]:
        return tuple(self.tensors[i] for i in operation.outputs)
