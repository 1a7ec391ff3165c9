"""Proof, from the file itself, that a model is full-integer: nothing the converter says is taken on trust."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edgecompress.errors import UnsupportedError
from edgecompress.tflite.graph import ABSENT, Graph, Operation, Tensor

_INT8 = np.dtype(np.int8)
_INT16 = np.dtype(np.int16)
_INT32 = np.dtype(np.int32)
_SHAPE_DTYPES = (_INT32, np.dtype(np.int64))

WEIGHTS: Mapping[str, int] = {"CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "FULLY_CONNECTED": 1, "TRANSPOSE_CONV": 1}
BIASES: Mapping[str, int] = {"CONV_2D": 2, "DEPTHWISE_CONV_2D": 2, "FULLY_CONNECTED": 2, "TRANSPOSE_CONV": 3}
_SHAPES: Mapping[str, tuple[int, ...]] = {
    "RESHAPE": (1,), "PAD": (1,), "PADV2": (1,), "MIRROR_PAD": (1,), "MEAN": (1,), "SUM": (1,), "REDUCE_MAX": (1,),
    "REDUCE_MIN": (1,), "REDUCE_PROD": (1,), "TRANSPOSE": (1,), "STRIDED_SLICE": (1, 2, 3), "SLICE": (1, 2),
    "SPLIT": (0,), "SPLIT_V": (1, 2), "EXPAND_DIMS": (1,), "TILE": (1,), "RESIZE_BILINEAR": (1,),
    "RESIZE_NEAREST_NEIGHBOR": (1,), "TRANSPOSE_CONV": (0,), "BATCH_TO_SPACE_ND": (1, 2),
    "SPACE_TO_BATCH_ND": (1, 2), "REVERSE_V2": (1,), "BROADCAST_TO": (1,), "FILL": (0,),
}  # fmt: skip
"""Operands that are shapes, axes or paddings: constants, and int32 or int64."""
_UNSCALED = (np.dtype(np.bool_), _INT32)
"""Types of what is no number of the network's: decisions, and indices into a table."""
_LSTM = "UNIDIRECTIONAL_SEQUENCE_LSTM"
_GATE_BIASES, _CELLS = (12, 13, 14, 15), 19
"""Operands of an LSTM that are not int8."""

_LEFT_OVERS = {
    "VAR_HANDLE": "a variable of an unfinished compression",
    "READ_VARIABLE": "a variable of an unfinished compression",
    "ASSIGN_VARIABLE": "a variable of an unfinished compression",
    "CALL_ONCE": "the set-up of variables",
    "ARG_MIN": "the look-up of cluster centroids",
    "DENSIFY": "sparse weights that are unpacked at run time",
}
_STRIP = "strip_pruning / strip_clustering before converting"


@dataclass(frozen=True)
class Proof:
    """What a full-integer file holds.

    Attributes:
        operations: how many operators.
        int8_tensors: activations and weights in use.
        int32_biases: biases in use.
        per_channel_weights: weight tensors with a scale for each channel.
        weight_bytes, bias_bytes: of the constants in use.
    """

    operations: int
    int8_tensors: int
    int32_biases: int
    per_channel_weights: int
    weight_bytes: int
    bias_bytes: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def check_full_integer(graph: Graph) -> Proof:
    """Check that every operator computes on int8, with constant weights, and return what was counted.

    Inputs, outputs, activations and weights must be int8 with quantization, but for decisions (bool) and indices (int32)
    on the way and as inputs; biases constant int32; shapes and axes constant int32 or int64; an LSTM's cells int16.
    Tensors that no operator uses are ignored.

    Raises:
        UnsupportedError: names the first operator and tensor that break a rule.
    """
    for kind, indices in (("input", graph.inputs), ("output", graph.outputs)):
        for index in indices:
            tensor = graph.tensors[index]
            if tensor.dtype != _INT8 and not (kind == "input" and _is_unscaled(tensor)):
                raise UnsupportedError(
                    f'{kind} "{tensor.name}" is not int8', found=str(tensor.dtype), hint=_hint(tensor)
                )
    for operation in graph.operations:
        _check_operation(graph, operation)
    return _count(graph)


def _check_operation(graph: Graph, operation: Operation) -> None:
    if operation.opcode in _LEFT_OVERS:
        raise UnsupportedError(
            f"{_place(operation)} is {_LEFT_OVERS[operation.opcode]}",
            found="a compressed model that was converted with its training wrappers",
            hint=_STRIP,
        )
    if operation.opcode.startswith("CUSTOM") or operation.opcode in ("WHILE", "IF", "CALL"):
        raise UnsupportedError(
            f"{_place(operation)} is no plain operator", hint="use layers that TFLite has operators for"
        )
    if operation.opcode == "DEQUANTIZE":
        raise _float_island(graph, operation)
    weights = WEIGHTS.get(operation.opcode)
    for position, tensor in enumerate(graph.operands(operation)):
        if tensor is None:
            continue
        if position == weights and not tensor.is_constant:
            raise UnsupportedError(
                f'{_place(operation)}: the weights "{tensor.name}" are computed at run time',
                found=_producer(graph, tensor.index),
                hint=_STRIP,
            )
        _check_operand(operation, position, tensor)
    for tensor in graph.results(operation):
        _check_value(operation, tensor)


def _float_island(graph: Graph, operation: Operation) -> UnsupportedError:
    """The converter leaves what has no int8 form in float, between DEQUANTIZE and QUANTIZE."""
    users = [one for one in graph.operations if set(one.inputs) & set(operation.outputs)]
    found = ", ".join(f'{_place(one)} "{graph.results(one)[0].name}"' for one in users) or "a model output"
    return UnsupportedError(
        f"{_place(operation)} leads into a part that computes in float",
        found=found,
        hint="TFLite has no int8 form of this; replace the layer that it comes from (relu, tanh, sigmoid, softmax have)",
    )


def _check_operand(operation: Operation, position: int, tensor: Tensor) -> None:
    if _is_bias(operation.opcode, position):
        if tensor.dtype != _INT32 or not tensor.is_constant:
            kind = str(tensor.dtype) if tensor.is_constant else f"{tensor.dtype}, computed at run time"
            raise UnsupportedError(f'{_place(operation)}: the bias "{tensor.name}" is no int32 constant', found=kind)
    elif position in _SHAPES.get(operation.opcode, ()):
        if tensor.dtype not in _SHAPE_DTYPES or not tensor.is_constant:
            kind = str(tensor.dtype) if tensor.is_constant else f"{tensor.dtype}, computed at run time"
            raise UnsupportedError(
                f'{_place(operation)}: "{tensor.name}" must be a constant of integers',
                found=kind,
                hint="fix the batch and all sizes before converting",
            )
    elif operation.opcode != _LSTM or position != _CELLS or tensor.dtype != _INT16:
        _check_value(operation, tensor)


def _is_bias(opcode: str, position: int) -> bool:
    return position == BIASES.get(opcode) or (opcode == _LSTM and position in _GATE_BIASES)


def _is_unscaled(tensor: Tensor) -> bool:
    return tensor.dtype in _UNSCALED and tensor.quantization is None


def _check_value(operation: Operation, tensor: Tensor) -> None:
    if _is_unscaled(tensor):
        return
    if tensor.dtype != _INT8:
        raise UnsupportedError(
            f'{_place(operation)}: "{tensor.name}" is not int8', found=str(tensor.dtype), hint=_hint(tensor)
        )
    if tensor.quantization is None:
        raise UnsupportedError(f'{_place(operation)}: "{tensor.name}" has no scale', hint="convert it again")


def _hint(tensor: Tensor) -> str:
    if tensor.dtype.kind == "f":
        return (
            "convert with TFLITE_BUILTINS_INT8 and a representative dataset, or replace the layer that has no int8 form"
        )
    return "replace the layer that computes in this type"


def _place(operation: Operation) -> str:
    return f"operator {operation.index} {operation.opcode}"


def _producer(graph: Graph, index: int) -> str:
    names = [_place(operation) for operation in graph.operations if index in operation.outputs]
    return names[0] if names else "a model input"


def _used(graph: Graph) -> Iterator[tuple[Operation, int, int]]:
    for operation in graph.operations:
        for position, index in enumerate(operation.inputs):
            if index != ABSENT:
                yield operation, position, index
        for index in operation.outputs:
            yield operation, ABSENT, index


def _count(graph: Graph) -> Proof:
    biases = {index for op, position, index in _used(graph) if _is_bias(op.opcode, position)}
    weights = {index for op, position, index in _used(graph) if position == WEIGHTS.get(op.opcode)}
    int8 = {index for _, _, index in _used(graph) if graph.tensors[index].dtype == _INT8}
    constants = {index for index in int8 if graph.tensors[index].is_constant}
    scales = [graph.tensors[index].quantization for index in weights]
    return Proof(
        operations=len(graph.operations),
        int8_tensors=len(int8),
        int32_biases=len(biases),
        per_channel_weights=sum(one is not None and one.per_channel for one in scales),
        weight_bytes=sum(graph.tensors[index].nbytes for index in constants),
        bias_bytes=sum(graph.tensors[index].nbytes for index in biases),
    )
