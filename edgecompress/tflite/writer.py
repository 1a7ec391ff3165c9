"""Writes a Graph as a standard .tflite file, for LiteRT, TensorFlow Lite Micro, and the reader here.

What a Graph does not hold is not written: other subgraphs, metadata, a custom operator's own data. Operators that would lose
something by that are refused.
Schema: https://github.com/google-ai-edge/LiteRT (schema.fbs, version 3).
"""

from collections.abc import Mapping
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgecompress.errors import UnsupportedError
from edgecompress.tflite.graph import ABSENT, Graph, Operation, Quantization, Signature, Tensor
from edgecompress.tflite.reader import IDENTIFIER, OPAQUE, OPTION_ENUMS, snake

ALIGNMENT = 16
"""Of constants in the file, as the schema asks: interpreters read them in place."""
PLACEHOLDER = 127
"""What the older field of an operator code holds when the code does not fit it."""


class _Buffer(schema.BufferT):  # type: ignore[misc]
    """A buffer whose bytes are aligned; the generated code aligns to one byte."""

    def Pack(self, builder: flatbuffers.Builder) -> int:  # noqa: N802 (the schema's name)
        if self.data is None:
            return int(super().Pack(builder))
        raw = bytes(self.data)
        builder.StartVector(1, len(raw), ALIGNMENT)
        builder.head = builder.Head() - len(raw)
        builder.Bytes[builder.Head() : builder.Head() + len(raw)] = raw
        data = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, data)
        return int(schema.BufferEnd(builder))


def numbering(graph: Graph) -> dict[int, int]:
    """A tensor's index in the graph -> its index in the file that `write` makes: the same order without gaps."""
    return {index: place for place, index in enumerate(sorted(graph.tensors))}


def write(graph: Graph) -> bytes:
    """The file's bytes; the same graph always gives the same.

    Raises:
        UnsupportedError: an operator or a type that a Graph does not hold completely; names it.
    """
    numbers = numbering(graph)
    model, subgraph = schema.ModelT(), schema.SubGraphT()
    model.version, model.description = 3, graph.description
    model.buffers, model.operatorCodes, model.subgraphs = [_Buffer()], [], [subgraph]
    shared: dict[bytes, int] = {}
    subgraph.tensors = [_tensor(graph.tensors[index], model.buffers, shared) for index in sorted(graph.tensors)]
    codes: dict[tuple[str, int], int] = {}
    subgraph.operators = [_operator(operation, codes, numbers) for operation in graph.operations]
    model.operatorCodes = [_code(name, version) for name, version in codes]
    subgraph.inputs = [numbers[index] for index in graph.inputs]
    subgraph.outputs = [numbers[index] for index in graph.outputs]
    subgraph.name = "main"
    model.signatureDefs = [_signature(one, numbers) for one in graph.signatures if _is_whole(one, numbers)] or None
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def _tensor(tensor: Tensor, buffers: list[Any], shared: dict[bytes, int]) -> Any:
    """Constants with the same bytes share a buffer."""
    if tensor.dtype is OPAQUE:
        raise UnsupportedError(
            f'tensor {tensor.index} "{tensor.name[:80]}" cannot be written', found=f"type {tensor.type_name}"
        )
    entry = schema.TensorT()
    entry.shape, entry.hasRank = list(tensor.shape), True
    kind = tensor.type_name if tensor.dtype != np.int8 or _fits_four_bits(tensor) else "INT8"
    entry.type, entry.name = getattr(schema.TensorType, kind), tensor.name
    entry.isVariable = tensor.is_variable
    if tensor.quantization is not None:
        entry.quantization = _quantization(tensor.quantization)
    if tensor.data is not None:
        raw = np.ascontiguousarray(tensor.data).astype(tensor.dtype.newbyteorder("<")).tobytes()
        raw = _packed(tensor.data) if kind == "INT4" else raw
        if raw not in shared:
            buffer = _Buffer()
            buffer.data = raw
            shared[raw] = len(buffers)
            buffers.append(buffer)
        entry.buffer = shared[raw]
    return entry


def _fits_four_bits(tensor: Tensor) -> bool:
    """Whether weights that were read from four bits are still such."""
    data = tensor.data
    return tensor.type_name == "INT4" and data is not None and data.size > 0 and data.min() >= -8 and data.max() < 8


def _packed(values: np.ndarray) -> bytes:
    """Two in a byte, the first one lower."""
    low, high = np.append(values.reshape(-1), [0] * (values.size % 2)).astype(np.uint8).reshape(-1, 2).T & 15
    return (low | high << 4).astype(np.uint8).tobytes()


def _quantization(quantization: Quantization) -> Any:
    entry = schema.QuantizationParametersT()
    entry.scale = np.array(quantization.scales, np.float32)
    entry.zeroPoint = np.array(quantization.zero_points, np.int64)
    entry.quantizedDimension = quantization.axis
    return entry


def _is_whole(signature: Signature, numbers: Mapping[int, int]) -> bool:
    """Whether the graph still has every tensor that the signature names."""
    return all(index in numbers for _, index in (*signature.inputs, *signature.outputs))


def _signature(signature: Signature, numbers: Mapping[int, int]) -> Any:
    entry = schema.SignatureDefT()
    entry.signatureKey, entry.subgraphIndex = signature.key, 0
    entry.inputs, entry.outputs = [], []
    for maps, names in ((entry.inputs, signature.inputs), (entry.outputs, signature.outputs)):
        for name, index in names:
            one = schema.TensorMapT()
            one.name, one.tensorIndex = name, numbers[index]
            maps.append(one)
    return entry


def _code(name: str, version: int) -> Any:
    entry = schema.OperatorCodeT()
    number = getattr(schema.BuiltinOperator, name)
    entry.deprecatedBuiltinCode, entry.builtinCode, entry.version = min(number, PLACEHOLDER), number, version
    return entry


def _operator(operation: Operation, codes: dict[tuple[str, int], int], numbers: Mapping[int, int]) -> Any:
    _refuse_incomplete(operation)
    entry = schema.OperatorT()
    entry.opcodeIndex = codes.setdefault((operation.opcode, operation.version), len(codes))
    entry.inputs = [ABSENT if index == ABSENT else numbers[index] for index in operation.inputs]
    entry.outputs = [numbers[index] for index in operation.outputs]
    if operation.options_type:
        entry.builtinOptionsType = getattr(schema.BuiltinOptions, operation.options_type)
        entry.builtinOptions = getattr(schema, f"{operation.options_type}T")()
        for field in vars(entry.builtinOptions):
            name = snake(field)
            if name in operation.options:
                setattr(entry.builtinOptions, field, _option(operation, name))
    return entry


def _refuse_incomplete(operation: Operation) -> None:
    label = f"operator {operation.index} {operation.opcode}"
    known = hasattr(schema.BuiltinOperator, operation.opcode) and operation.opcode not in ("CUSTOM", "DELEGATE")
    if not known or operation.opcode.startswith("STABLEHLO") or "UNKNOWN" in operation.options_type:
        raise UnsupportedError(f"{label} cannot be written", found="an operator with data of its own kind")
    if any("subgraph" in name for name in operation.options):
        raise UnsupportedError(f"{label} cannot be written", found="an operator that calls another subgraph")


def _option(operation: Operation, name: str) -> object:
    value = operation.options[name]
    if name in OPTION_ENUMS and isinstance(value, str):
        number = getattr(OPTION_ENUMS[name], value, None)
        if number is None:
            raise UnsupportedError(f"operator {operation.index} {operation.opcode} cannot be written", found=value)
        return number
    if isinstance(value, tuple):
        return list(value)
    if value is not None and not isinstance(value, bool | int | float | str):
        raise UnsupportedError(
            f"operator {operation.index} {operation.opcode} cannot be written", found=f"the option {name}"
        )
    return value
