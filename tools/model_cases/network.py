"""Writes tiny .tflite files tensor by tensor, straight through the FlatBuffers object API of LiteRT's schema."""

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

ABSENT = -1

ENUMS = {
    "padding": schema.Padding,
    "fusedActivationFunction": schema.ActivationFunctionType,
    "weightsFormat": schema.FullyConnectedOptionsWeightsFormat,
}
"""Option fields that are given by their names."""

DTYPES = {
    "BOOL": np.bool_,
    "INT8": np.int8,
    "UINT8": np.uint8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FLOAT32": np.float32,
}


class Network:
    """A model under construction; every method that adds a tensor returns its index.

    Args:
        main: the model that this is a further subgraph of.
    """

    def __init__(self, main: "Network | None" = None) -> None:
        self._tensors: list[Any] = []
        self._buffers: list[Any] = main._buffers if main else [schema.BufferT()]
        self._codes: list[tuple[int, int]] = main._codes if main else []
        self._operators: list[Any] = []
        self._others: list[Any] = []

    def subgraph(self, other: "Network", inputs: Sequence[int] = (), outputs: Sequence[int] = ()) -> int:
        """Add a further subgraph, made with `Network(main)`; returns its index."""
        self._others.append(other._subgraph(inputs, outputs, f"subgraph{len(self._others) + 1}"))
        return len(self._others)

    def tensor(
        self,
        shape: Sequence[int],
        scale: float | Sequence[float] | np.ndarray | None = None,
        zero_point: int = 0,
        dtype: str = "INT8",
        axis: int = 0,
        data: np.ndarray | None = None,
        is_variable: bool = False,
    ) -> int:
        """Add a tensor: an activation, or a constant when data are given; several scales run along `axis`."""
        entry = schema.TensorT()
        entry.shape = [int(dimension) for dimension in shape]
        entry.type = getattr(schema.TensorType, dtype)
        entry.name = f"t{len(self._tensors)}"
        entry.hasRank, entry.isVariable = True, is_variable
        if scale is not None:
            scales = np.atleast_1d(np.asarray(scale, np.float32))
            entry.quantization = schema.QuantizationParametersT()
            entry.quantization.scale = scales
            entry.quantization.zeroPoint = np.full(len(scales), zero_point, np.int64)
            entry.quantization.quantizedDimension = axis
        if data is not None:
            values = np.ascontiguousarray(data, DTYPES[dtype])
            if values.size != int(np.prod(entry.shape, dtype=np.int64)):
                raise ValueError(f"{values.size} values for shape {entry.shape}")
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(values.tobytes(), np.uint8)
            entry.buffer = len(self._buffers)
            self._buffers.append(buffer)
        self._tensors.append(entry)
        return len(self._tensors) - 1

    def four_bits(
        self, shape: Sequence[int], scale: float | Sequence[float] | np.ndarray, data: np.ndarray, axis: int = 0
    ) -> int:
        """Add constant weights from -8 to 7, two in a byte."""
        index = self.tensor(shape, scale, axis=axis, data=data)
        self._tensors[index].type = schema.TensorType.INT4
        low, high = np.append(data.reshape(-1), [0] * (data.size % 2)).astype(np.int64).reshape(-1, 2).T & 15
        self._buffers[self._tensors[index].buffer].data = (low | high << 4).astype(np.uint8)
        return index

    def integers(self, values: Sequence[int]) -> int:
        """Add a constant int32 vector: a shape, axes, paddings."""
        return self.tensor([len(values)], dtype="INT32", data=np.array(values, np.int32))

    def operator(
        self,
        opcode: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: str = "",
        version: int = 1,
        **fields: object,
    ) -> None:
        """Add an operator.

        Args:
            options: the options table without "Options" ("Conv2D"), "" for none.
            fields: its fields under their names in the object API; enumerations by name.
        """
        entry = schema.OperatorT()
        code = (getattr(schema.BuiltinOperator, opcode), version)
        if code not in self._codes:
            self._codes.append(code)
        entry.opcodeIndex = self._codes.index(code)
        entry.inputs, entry.outputs = list(inputs), list(outputs)
        if options:
            entry.builtinOptionsType = getattr(schema.BuiltinOptions, f"{options}Options")
            entry.builtinOptions = getattr(schema, f"{options}OptionsT")()
            for field, value in fields.items():
                if not hasattr(entry.builtinOptions, field):
                    raise ValueError(f"{options}Options has no field {field}")
                setattr(entry.builtinOptions, field, getattr(ENUMS[field], str(value)) if field in ENUMS else value)
        self._operators.append(entry)

    def file(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """The bytes of the .tflite file."""
        model = schema.ModelT()
        model.version = 3
        model.description = "made for tests"
        model.buffers = self._buffers
        model.operatorCodes = []
        for builtin, version in self._codes:
            code = schema.OperatorCodeT()
            # Codes beyond 127 live in the newer field only; the older one then holds this placeholder.
            code.deprecatedBuiltinCode, code.builtinCode, code.version = min(builtin, 127), builtin, version
            model.operatorCodes.append(code)
        model.subgraphs = [self._subgraph(inputs, outputs, "main"), *self._others]
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _subgraph(self, inputs: Sequence[int], outputs: Sequence[int], name: str) -> Any:
        subgraph = schema.SubGraphT()
        subgraph.tensors, subgraph.operators = self._tensors, self._operators
        subgraph.inputs, subgraph.outputs = list(inputs), list(outputs)
        subgraph.name = name
        return subgraph
