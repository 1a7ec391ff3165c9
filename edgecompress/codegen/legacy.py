"""Models of uint8, as TensorFlow Lite quantized them before int8: the same numbers 128 lower, so that int8's kernels compute them.

Values, zero points and constants lose 128; what one layer hands to the next means the same. Weights were asymmetric, and centred
on their zero point some may be beyond int8: these stay wide (`requantization.exceeds_int8`). At the model's inputs and outputs stand
conversions, which take and give uint8. What TensorFlow Lite computes otherwise for uint8 than for int8 is no operator here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from types import MappingProxyType

import numpy as np

from edgecompress.codegen import ops
from edgecompress.codegen.ops.base import printable
from edgecompress.codegen.ops.cast import Cast
from edgecompress.codegen.ops.concatenation import Joining
from edgecompress.codegen.ops.movement import Movement
from edgecompress.codegen.ops.quantize import Dequantize, Quantize
from edgecompress.codegen.ops.reshape import Reshape
from edgecompress.codegen.ops.select import SelectV2
from edgecompress.codegen.ops.shapes import Shape
from edgecompress.codegen.ops.weighted import LEGACY, WITH_WIDE_WEIGHTS
from edgecompress.errors import UnsupportedError
from edgecompress.tflite.graph import ABSENT, Graph, Operation, Tensor

OFFSET = 128
Tensors = Mapping[int, np.ndarray]
NATIVE = (Cast, Dequantize, Joining, Movement, Quantize, Reshape, SelectV2, Shape)
"""Operators that take uint8 as it is."""

SAME = frozenset(
    """ADD ARG_MAX ARG_MIN AVERAGE_POOL_2D CONV_2D DEPTHWISE_CONV_2D EQUAL FULLY_CONNECTED GELU GREATER GREATER_EQUAL HARD_SWISH
    LEAKY_RELU LESS LESS_EQUAL LOGISTIC LOG_SOFTMAX MAXIMUM MAX_POOL_2D MEAN MINIMUM MUL NOT_EQUAL PAD PADV2 PRELU REDUCE_MAX
    REDUCE_MIN RELU RELU6 RELU_N1_TO_1 SOFTMAX SUB SUM TANH""".split()
)
"""Operators that compute the same for uint8 as for int8, or that know of `LEGACY`: the conformance suite holds them against LiteRT."""

BORDER = "border"
"""The option of the conversions, which no file's operator has."""


def is_legacy(graph: Graph) -> bool:
    """Whether operators that compute do so in uint8. Models that keep a state, or mix it with int8 in one operator, are none."""
    keeps = any(o.opcode == "VAR_HANDLE" for o in graph.operations) or any(
        t.is_variable for t in graph.tensors.values()
    )
    if graph.states or keeps:
        return False
    found = False
    for operation in filter(_computes, graph.operations):
        tensors = _tensors(graph, operation)
        is_unsigned = any(map(_is_unsigned, tensors))
        if is_unsigned and any(tensor.dtype == np.int8 for tensor in tensors):
            return False
        found |= is_unsigned
    return found


def signed(graph: Graph) -> Graph:
    """The graph in int8 where it computes in uint8, its inputs and outputs as they are; any other graph as it is.

    Tensors keep their indices; inputs and outputs get a twin behind or before their conversion.
    """
    if not is_legacy(graph):
        return graph
    borders = dict.fromkeys(i for i in (*graph.inputs, *graph.outputs) if _is_unsigned(graph.tensors[i]))
    twins = {border: 1 + max(graph.tensors) + number for number, border in enumerate(borders)}
    weights = {o.inputs[1] for o in graph.operations if o.opcode in WITH_WIDE_WEIGHTS and len(o.inputs) > 1}
    tensors = dict(graph.tensors)
    for index, tensor in graph.tensors.items():
        if _is_unsigned(tensor):
            place = twins.get(index, index)
            same = centred(tensor) if index in weights and tensor.is_constant else lowered(tensor)
            tensors[place] = replace(same, index=place)
    ends = [(i, twins[i]) for i in graph.inputs if i in twins], [(twins[i], i) for i in graph.outputs if i in twins]
    number = count(1 + max(operation.index for operation in graph.operations))
    before, after = ([_conversion(next(number), *pair) for pair in part] for part in ends)
    inner = [_in_int8(graph, operation, twins) for operation in graph.operations]
    return replace(graph, tensors=MappingProxyType(tensors), operations=(*before, *inner, *after))


def as_signed(graph: Graph, shown: Sequence[Tensors], inputs: Sequence[Tensors]) -> list[Tensors]:
    """What an interpreter shows of a file's tensors, as the tensors of the graph that `signed` makes of it.

    Args:
        inputs: of the inferences that are shown.
    """
    result: list[Tensors] = []
    for values, sample in zip(shown, inputs, strict=bool(shown)):
        known = {**sample, **values}
        twins: dict[int, np.ndarray] = {}
        for operation in graph.operations:
            if BORDER in operation.options:
                (a,), (b,) = operation.inputs, operation.outputs
                twins |= {b: known[a]} if a in known else {a: known[b]}
        result.append({i: _as_typed(graph.tensors[i], x) for i, x in {**values, **twins}.items()})
    return result


def lowered(tensor: Tensor) -> Tensor:
    """The same real values as int8."""
    assert tensor.quantization
    data = None if tensor.data is None else _as_typed(replace(tensor, dtype=np.dtype(np.int8)), tensor.data)
    points = tuple(point - OFFSET for point in tensor.quantization.zero_points)
    return _with(tensor, data, np.dtype(np.int8), points)


def centred(tensor: Tensor) -> Tensor:
    """Constant weights as symmetric ones: int8 where they fit, else int16.

    Raises:
        UnsupportedError: a zero point that is no uint8.
    """
    assert tensor.quantization and tensor.data is not None
    zero_point = tensor.quantization.zero_points[0]
    if not 0 <= zero_point < 2 * OFFSET:
        raise UnsupportedError(
            f'weights "{printable(tensor.name)}" of uint8 have a zero point outside uint8',
            found=str(zero_point),
            hint="the file is damaged, or was not written by a converter: convert the model again",
        )
    data = np.asarray(tensor.data.astype(np.int16) - zero_point)
    fits = not data.size or (data.min() >= -OFFSET and data.max() < OFFSET)
    return _with(tensor, data.astype(np.int8) if fits else data, np.dtype(np.int8 if fits else np.int16), (0,))


def _with(tensor: Tensor, data: np.ndarray | None, kind: np.dtype, zero_points: tuple[int, ...]) -> Tensor:
    if data is not None:
        data = np.array(data, order="C")
        data.flags.writeable = False
    assert tensor.quantization
    quantization = replace(tensor.quantization, zero_points=zero_points)
    return replace(tensor, dtype=kind, data=data, quantization=quantization)


def _in_int8(graph: Graph, operation: Operation, twins: Mapping[int, int]) -> Operation:
    """The operation on the twins of the model's inputs and outputs; what would give other values is named so."""
    inputs, outputs = (tuple(twins.get(i, i) for i in indices) for indices in (operation.inputs, operation.outputs))
    is_unsigned = any(_is_unsigned(t) for t in _tensors(graph, operation))
    changed = replace(operation, inputs=inputs, outputs=outputs)
    if not is_unsigned or (not _computes(operation) and operation.opcode != "CAST"):
        return changed
    if operation.opcode not in SAME:
        return replace(changed, opcode=ops.UINT8 + operation.opcode)
    return replace(changed, options=MappingProxyType({**operation.options, LEGACY: True}))


def _conversion(index: int, source: int, result: int) -> Operation:
    return Operation(index, "QUANTIZE", (source,), (result,), MappingProxyType({BORDER: True}))


def _computes(operation: Operation) -> bool:
    return not (operation.opcode in ops.OPERATORS and isinstance(ops.find(operation.opcode), NATIVE))


def _is_unsigned(tensor: Tensor) -> bool:
    return tensor.dtype == np.uint8 and tensor.quantization is not None and not tensor.quantization.per_channel


def _tensors(graph: Graph, operation: Operation) -> list[Tensor]:
    return [graph.tensors[i] for i in (*operation.inputs, *operation.outputs) if i != ABSENT]


def _as_typed(tensor: Tensor, values: np.ndarray) -> np.ndarray:
    """Unsigned values as the tensor has them."""
    is_lower = tensor.dtype == np.int8 and values.dtype == np.uint8
    return (values ^ np.uint8(OFFSET)).view(np.int8) if is_lower else values
