"""What the converter leaves in float, or in a form that TFLM does not take, although the same has an integer form.

Numbers stay what they are: the ranges are those that calibration found. No TensorFlow needed.
"""

from dataclasses import replace
from types import MappingProxyType

import numpy as np

from edgecompress.shrink.surgery import (
    bypass,
    constant,
    free_index,
    may_bypass,
    readers,
    swept,
    with_operations,
    with_option,
    with_tensors,
)
from edgecompress.tflite.graph import Graph, Operation

AS_THEY_ARE = ("ELU",)
"""Operators of which TFLM has an int8 form that the converter does not know."""
DIVIDING = ("SPLIT", "SPLIT_V", "UNPACK")
_PRODUCT = MappingProxyType({"fused_activation_function": "NONE"})


def with_integer_forms(graph: Graph) -> Graph:
    """The graph with these in int8:

    - DEQUANTIZE, ELU, QUANTIZE: an ELU of int8;
    - DEQUANTIZE, SQUARE, QUANTIZE: a MUL of the input by itself, which TFLM has in int8;
    - CAST of a decision to 0.0 or 1.0, QUANTIZE: a SELECT_V2 between two constants;
    - SELECT: SELECT_V2, which does the same and more;
    - RELU6 between two scales: TFLM's does not rescale, so a QUANTIZE before it does;
    - DEQUANTIZE, SPLIT (SPLIT_V, UNPACK), QUANTIZE of every part that is read: a SPLIT of int8. Of one with a part that nobody
      reads the converter makes either, from the same model;
    - SPLIT_V with a last part of no values, which nobody reads: without it.
    """
    graph = _with_integer_parts(graph)
    operations: list[Operation] = []
    for operation in graph.operations:
        graph, instead = _integer_form(graph, operation)
        operations += instead
    if operations == list(graph.operations):
        return graph
    made = {index for one in operations if one.opcode != "QUANTIZE" for index in one.outputs}
    kept = [one for one in operations if one.opcode != "QUANTIZE" or not made.intersection(one.outputs)]
    numbered = tuple(replace(one, index=place) for place, one in enumerate(kept))
    return swept(replace(graph, operations=numbered))


def _integer_form(graph: Graph, operation: Operation) -> tuple[Graph, list[Operation]]:
    """What stands for an operation; a QUANTIZE whose result it makes then is not needed any more."""
    index, inputs = operation.index, operation.inputs
    if operation.opcode == "SELECT":
        return graph, [_select(index, inputs, operation.outputs)]
    if _rescales(graph, operation):
        return _rescaled_before(graph, operation)
    if operation.opcode in AS_THEY_ARE and (ends := _ends(graph, operation)):
        return graph, [replace(operation, inputs=ends[:1], outputs=ends[1:])]
    if operation.opcode == "SQUARE" and (ends := _ends(graph, operation)):
        return graph, [Operation(index, "MUL", ends[:1] * 2, ends[1:], _PRODUCT, options_type="MulOptions")]
    decided = _decided(graph, operation)
    if decided is None:
        return graph, [operation]
    graph, constants = _zero_and_one(graph, decided)
    return graph, [_select(index, (inputs[0], *constants), (decided,))]


def _with_integer_parts(graph: Graph) -> Graph:
    changed = graph
    for index in [one.index for one in graph.operations if one.opcode in DIVIDING]:
        changed = _without_nothing(_divided(changed, index), index)
    return graph if changed is graph else swept(changed)


def _divided(graph: Graph, index: int) -> Graph:
    """The parts take the quantization of the whole, as in all that the converter puts in int8."""
    operation = _at(graph, index)
    made = {one.outputs[0]: one.inputs[0] for one in graph.operations if one.opcode == "DEQUANTIZE"}
    found = [made[i] for i in operation.inputs if i in made]
    reading = [one for i in operation.outputs for one in readers(graph).get(i, [])]
    is_open = bool({*operation.outputs} & {*graph.outputs}) or any(one.opcode != "QUANTIZE" for one in reading)
    if is_open or not reading or len(found) != 1 or graph.tensors[found[0]].dtype != np.int8:
        return graph
    whole, inputs = graph.tensors[found[0]], tuple(made.get(i, i) for i in operation.inputs)
    kind = {"dtype": whole.dtype, "type_name": whole.type_name, "quantization": whole.quantization}
    graph = with_tensors(graph, [replace(graph.tensors[i], **kind) for i in operation.outputs])  # type: ignore[arg-type]
    graph = with_operations(graph, {index: replace(operation, inputs=inputs)})
    for place in sorted({one.index for one in reading}):
        rescaling = _at(graph, place)
        graph = bypass(graph, rescaling) if may_bypass(graph, rescaling) else graph
    return graph


def _without_nothing(graph: Graph, index: int) -> Graph:
    """GRU cells that reset before the product split so."""
    operation = _at(graph, index)
    *parts, last = operation.outputs
    is_seen = last in readers(graph) or last in graph.outputs
    if operation.opcode != "SPLIT_V" or is_seen or graph.tensors[last].elements:
        return graph
    value, sizes, axis = operation.inputs
    given = graph.tensors[sizes]
    assert given.data is not None  # calibration ran it
    fewer = constant(replace(given, index=free_index(graph)), given.data[:-1])
    less = replace(operation, inputs=(value, fewer.index, axis), outputs=tuple(parts))
    return with_operations(with_tensors(graph, [fewer]), {index: with_option(less, num_splits=len(parts))})


def _at(graph: Graph, index: int) -> Operation:
    return next(one for one in graph.operations if one.index == index)


def _ends(graph: Graph, operation: Operation) -> tuple[int, int] | tuple[()]:
    """(int8 tensor before, int8 tensor after) of an operation between DEQUANTIZE and a single QUANTIZE; () elsewhere."""
    before = [one for one in graph.operations if operation.inputs[0] in one.outputs and one.opcode == "DEQUANTIZE"]
    after = _quantized(graph, operation)
    if len(operation.inputs) != 1 or len(before) != 1 or after is None:
        return ()
    return (before[0].inputs[0], after) if graph.tensors[before[0].inputs[0]].dtype == np.int8 else ()


def _quantized(graph: Graph, operation: Operation) -> int | None:
    """The int8 tensor that a QUANTIZE makes of the operation's float result, where nobody else reads this."""
    after = readers(graph).get(operation.outputs[0], [])
    if operation.outputs[0] in graph.outputs or len(after) != 1 or after[0].opcode != "QUANTIZE":
        return None
    is_int8 = graph.tensors[after[0].outputs[0]].dtype == np.int8
    return after[0].outputs[0] if is_int8 and graph.tensors[operation.outputs[0]].dtype == np.float32 else None


def _decided(graph: Graph, operation: Operation) -> int | None:
    is_decision = operation.opcode == "CAST" and graph.tensors[operation.inputs[0]].dtype == np.bool_
    return _quantized(graph, operation) if is_decision else None


def _zero_and_one(graph: Graph, like: int) -> tuple[Graph, tuple[int, int]]:
    """Constants of 1.0 and 0.0 with the quantization of this tensor."""
    tensor = graph.tensors[like]
    assert tensor.quantization
    first = free_index(graph)
    made = []
    for index, real in ((first, 1.0), (first + 1, 0.0)):
        step = round(real / tensor.quantization.scale) + tensor.quantization.zero_point
        values = np.array(min(max(step, -128), 127))
        made.append(constant(replace(tensor, index=index, name=f"{tensor.name}/{real:g}"), values))
    return with_tensors(graph, made), (first, first + 1)


def _select(index: int, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> Operation:
    return Operation(index, "SELECT_V2", inputs, outputs, options_type="SelectV2Options")


def _rescales(graph: Graph, operation: Operation) -> bool:
    if operation.opcode != "RELU6":
        return False
    source, result = graph.tensors[operation.inputs[0]], graph.tensors[operation.outputs[0]]
    return source.dtype == result.dtype == np.int8 and source.quantization != result.quantization


def _rescaled_before(graph: Graph, operation: Operation) -> tuple[Graph, list[Operation]]:
    """With the output's scale, whatever saturates lies below 0 or above the largest value that calibration saw."""
    result = graph.tensors[operation.outputs[0]]
    between = replace(result, index=free_index(graph), name=f"{result.name}/rescaled")
    first = Operation(operation.index, "QUANTIZE", operation.inputs, (between.index,))
    return with_tensors(graph, [between]), [first, replace(operation, inputs=(between.index,))]
