"""What a .tflite file takes and gives, changed without touching what it computes: fixed shapes, integers instead of floats."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from edgecompress.errors import UnsupportedError, UsageError
from edgecompress.reference.resizing import inferred
from edgecompress.tflite import reader, writer
from edgecompress.tflite.graph import Graph, Operation, Tensor

SHAPE = "1,96,96,3"
"""As a shape is written on a command line."""


@dataclass(frozen=True)
class Interface:
    """What is wanted of a model's inputs and outputs.

    Attributes:
        integer_io: QUANTIZE at float inputs and DEQUANTIZE at float outputs are left out: the caller does that.
        input_shapes: of the inputs in the file's order, the batch included; empty: as the file has them.
    """

    integer_io: bool = False
    input_shapes: tuple[tuple[int, ...], ...] = ()

    @property
    def is_changed(self) -> bool:
        return self.integer_io or bool(self.input_shapes)

    def apply(self, content: bytes) -> bytes:
        """The file with these inputs and outputs.

        Raises:
            UnsupportedError: shapes that the operators refuse; a float input or output that is not quantized at once; what a
                graph cannot be written with. ModelFileError: as the reader and LiteRT do.
        """
        graph = reader.read_bytes(content)
        if self.input_shapes:
            graph = with_shapes(graph, inferred(content, self.input_shapes))
        if self.integer_io:
            graph = without_floats(graph)
        return writer.write(graph) if self.is_changed else content


UNCHANGED = Interface()


def read_interface(integer_io: bool, input_shapes: Sequence[str]) -> Interface:
    """From what a user wrote.

    Raises:
        UsageError: something that is no shape.
    """
    return Interface(integer_io, tuple(_shape(text) for text in input_shapes))


def _shape(text: str) -> tuple[int, ...]:
    numbers = text.replace("x", ",").split(",")
    if not all(n.strip().isdecimal() and 1 <= int(n) < 2**31 for n in numbers):
        raise UsageError("--input-shape wants the size of every dimension, the batch included", found=text, hint=SHAPE)
    return tuple(int(n) for n in numbers)


def with_shapes(graph: Graph, shapes: Mapping[int, tuple[int, ...]]) -> Graph:
    """The graph with other shapes of some activations.

    Raises:
        UnsupportedError: a tensor would be larger than the reader lets pass.
    """
    for index, shape in shapes.items():
        if math.prod(shape) > reader.MAX_ELEMENTS:
            raise UnsupportedError(
                f'tensor {index} "{graph.tensors[index].name[:80]}" is too large', found=str(list(shape))
            )
    changed = {
        i: replace(graph.tensors[i], shape=shape) for i, shape in shapes.items() if not graph.tensors[i].is_constant
    }
    return replace(graph, tensors=MappingProxyType({**graph.tensors, **changed}))


def without_floats(graph: Graph) -> Graph:
    """The graph whose inputs and outputs are the integers that QUANTIZE gives and DEQUANTIZE takes; others stay.

    Raises:
        UnsupportedError: a float input that something else reads too, or a float output that nothing dequantizes.
    """
    inputs = [_integer_input(graph, index) for index in graph.inputs]
    outputs = [_integer_output(graph, index) for index in graph.outputs]
    gone = {index for pair in (*inputs, *outputs) if pair[0] != pair[1] for index in pair[:1]}
    operations = [o for o in graph.operations if not (_is_border(o) and {*o.inputs, *o.outputs} & gone)]
    return replace(
        graph,
        tensors=MappingProxyType({i: t for i, t in graph.tensors.items() if i not in gone}),
        operations=tuple(replace(operation, index=place) for place, operation in enumerate(operations)),
        inputs=tuple(inner for _, inner in inputs),
        outputs=tuple(inner for _, inner in outputs),
    )


def _is_border(operation: Operation) -> bool:
    return operation.opcode in ("QUANTIZE", "DEQUANTIZE")


def _integer_input(graph: Graph, index: int) -> tuple[int, int]:
    """(the input, what takes its place)."""
    if graph.tensors[index].dtype != np.float32:
        return index, index
    readers = [operation for operation in graph.operations if index in operation.inputs]
    if len(readers) != 1 or readers[0].opcode != "QUANTIZE" or index in graph.outputs:
        raise _not_at_once(graph.tensors[index], "input", [operation.opcode for operation in readers])
    return index, readers[0].outputs[0]


def _integer_output(graph: Graph, index: int) -> tuple[int, int]:
    if graph.tensors[index].dtype != np.float32:
        return index, index
    (maker, *_), readers = (
        [operation for operation in graph.operations if index in side(operation)]
        for side in (lambda o: o.outputs, lambda o: o.inputs)
    )
    if maker.opcode != "DEQUANTIZE" or readers or maker.inputs[0] in graph.inputs:
        raise _not_at_once(graph.tensors[index], "output", [maker.opcode, *(o.opcode for o in readers)])
    return index, maker.inputs[0]


def _not_at_once(tensor: Tensor, kind: str, found: Sequence[str]) -> UnsupportedError:
    wanted = {"input": "QUANTIZE and nothing else must read", "output": "DEQUANTIZE must make, and nothing read,"}[kind]
    return UnsupportedError(
        f'--integer-io: {wanted} the float {kind} "{tensor.name[:80]}"',
        found=", ".join(found) or "nothing",
        hint="build it with its float inputs and outputs",
    )
