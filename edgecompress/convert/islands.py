"""What the converter leaves in float, or in a form that TFLM does not take, although the same has an integer form.

Numbers stay what they are: the ranges are those that calibration found. No TensorFlow needed.
"""

from dataclasses import replace
from types import MappingProxyType

import numpy as np

from edgecompress.shrink.surgery import constant, free_index, readers, swept, with_tensors
from edgecompress.tflite.graph import Graph, Operation

AS_THEY_ARE = ("ELU",)
"""Operators of which TFLM has an int8 form that the converter does not know."""
_PRODUCT = MappingProxyType({"fused_activation_function": "NONE"})


def with_integer_forms(graph: Graph) -> Graph:
    """The graph with these in int8:

    - DEQUANTIZE, ELU, QUANTIZE: an ELU of int8;
    - DEQUANTIZE, SQUARE, QUANTIZE: a MUL of the input by itself, which TFLM has in int8;
    - CAST of a decision to 0.0 or 1.0, QUANTIZE: a SELECT_V2 between two constants;
    - SELECT: SELECT_V2, which does the same and more;
    - RELU6 between two scales: TFLM's does not rescale, so a QUANTIZE before it does.
    """
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
