"""Reads a .tflite file into a Graph, trusting nothing it says.

The FlatBuffers accessors come from LiteRT's generated schema; what they return is checked here before it is used:
indices against what they index, byte counts against shapes, scales against being usable.
Schema: https://github.com/google-ai-edge/LiteRT (schema.fbs, version 3).
"""

import hashlib
import math
import re
import stat
import struct
from collections.abc import Sized
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgecompress.errors import EdgecompressError, ModelFileError, UnsupportedError
from edgecompress.tflite.buffers import read_data, read_four_bits
from edgecompress.tflite.graph import ABSENT, Graph, Operation, Quantization, Signature, Tensor

IDENTIFIER = b"TFL3"
MAX_BYTES = 2**30  # a thousand times what microcontrollers hold
MAX_ELEMENTS = 2**31
MAX_RANK = 8
MAX_ENTRIES = 500_000  # of all lists and names together
MAX_ITEMS = 100_000  # tensors or operators: far above any model for a microcontroller, far below trouble

DTYPES = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.FLOAT16: np.float16,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.UINT8: np.uint8,
    schema.TensorType.INT64: np.int64,
    schema.TensorType.BOOL: np.bool_,
    schema.TensorType.INT16: np.int16,
    schema.TensorType.INT8: np.int8,
    schema.TensorType.FLOAT64: np.float64,
    schema.TensorType.UINT64: np.uint64,
    schema.TensorType.UINT32: np.uint32,
    schema.TensorType.UINT16: np.uint16,
}
OPAQUE = np.dtype("V1")
"""Stands for the types that NumPy has no dtype for (INT4, STRING, RESOURCE, …); see Tensor.type_name."""

OPTION_ENUMS = {
    "padding": schema.Padding,
    "fused_activation_function": schema.ActivationFunctionType,
    "mode": schema.MirrorPadMode,
    "weights_format": schema.FullyConnectedOptionsWeightsFormat,
}


def read(path: str | Path) -> Graph:
    """Reads the main subgraph of a .tflite file.

    Raises:
        ModelFileError: the file is missing, truncated, foreign or inconsistent; names the tensor or operator.
        UnsupportedError: the file is sound but uses a feature that is not supported (sparse or external buffers).
    """
    path = Path(path)
    content = _content(path)
    try:
        return read_bytes(content)
    except EdgecompressError as error:
        raise type(error)(f"{path}: {error.what}", found=error.found, hint=error.hint) from error


def _content(path: Path) -> bytes:
    """The file's bytes, of a size that a model may have; a pipe or a device could go on for ever."""
    try:
        status = path.stat()
        if stat.S_ISREG(status.st_mode) and status.st_size > MAX_BYTES:
            raise ModelFileError(f"{path}: too large for a model", found=f"{status.st_size:,} bytes")
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
            raise ModelFileError(f"{path}: no file", found="a pipe or a device")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        found = getattr(error, "strerror", None) or str(error)
        raise ModelFileError(f"{path}: cannot be read", found=found) from error


def read_bytes(content: bytes) -> Graph:
    """Like `read`, from the file's bytes."""
    if len(content) < 8 or content[4:8] != IDENTIFIER:
        raise ModelFileError(
            "not a .tflite file",
            found=f"{len(content)} bytes without the identifier TFL3 at offset 4",
            hint="give the .tflite that the TensorFlow Lite converter wrote",
        )
    step = _Step("the header")
    try:
        return _read_model(content, step)
    except EdgecompressError:
        raise
    except (
        struct.error,
        ValueError,
        TypeError,
        IndexError,
        KeyError,
        OverflowError,
        AttributeError,
        UnicodeError,
        AssertionError,
    ) as error:
        raise ModelFileError(
            f"damaged file: reading {step.now} failed", found=f"{type(error).__name__}: {error}"
        ) from error


class _Step:
    """What is being read, so that a damaged file says where, and how much has been.

    Tables and vectors of a FlatBuffer may share bytes: a file of one megabyte could unfold to terabytes.
    """

    def __init__(self, now: str) -> None:
        self.now = now
        self._entries = 0

    def count(self, *parts: Sized) -> None:
        self._entries += sum(len(part) for part in parts)
        if self._entries > MAX_ENTRIES:
            raise ModelFileError(
                f"impossible size: reading {self.now}", found=f"more than {MAX_ENTRIES:,} entries in all"
            )


def _read_model(content: bytes, step: _Step) -> Graph:
    model = schema.Model.GetRootAs(content, 0)
    if model.Version() != 3:
        raise ModelFileError(
            "unknown schema version", found=str(model.Version()), hint="convert with a current TensorFlow"
        )
    step.now = "the list of subgraphs"
    if _length(model.SubgraphsLength(), "subgraphs") == 0:
        raise ModelFileError("the file has no subgraph", found="0 subgraphs")
    opcodes = []
    for index in range(_length(model.OperatorCodesLength(), "operator codes")):
        step.now = f"operator code {index}"
        opcodes.append(_read_opcode(model.OperatorCodes(index)))
        step.count(opcodes[-1][0])
    main = _read_subgraph(model, 0, opcodes, content, step)
    graph = replace(
        main,
        sha256=hashlib.sha256(content).hexdigest(),
        description=(model.Description() or b"").decode("utf-8", "replace"),
        signatures=_read_signatures(model, len(main.tensors), step),
        subgraphs=_read_initialisers(model, main, opcodes, content, step),
    )
    _check_order(graph)
    return graph


def _read_subgraph(
    model: schema.Model, number: int, opcodes: list[tuple[str, int]], content: bytes, step: _Step
) -> Graph:
    """A subgraph by itself; `_check_order` has not seen it."""
    subgraph = model.Subgraphs(number)
    tensor_count = _length(subgraph.TensorsLength(), "tensors")
    buffer_count = _length(model.BuffersLength(), "buffers")
    tensors = {}
    for index in range(tensor_count):
        step.now = f"tensor {index}"
        tensors[index] = tensor = _read_tensor(model, subgraph.Tensors(index), index, buffer_count, content)
        step.count(tensor.name, tensor.quantization.scales if tensor.quantization else ())
    operations = []
    for index in range(_length(subgraph.OperatorsLength(), "operators")):
        step.now = f"operator {index}"
        operation = _read_operation(subgraph.Operators(index), index, opcodes, tensor_count)
        step.count(
            operation.inputs, operation.outputs, *(v for v in operation.options.values() if isinstance(v, str | tuple))
        )
        operations.append(operation)
    step.now = "the graph's inputs and outputs"
    inputs = _indices(subgraph.InputsLength(), subgraph.Inputs, tensor_count, "the graph's inputs")
    outputs = _indices(subgraph.OutputsLength(), subgraph.Outputs, tensor_count, "the graph's outputs")
    return Graph(MappingProxyType(tensors), tuple(operations), inputs, outputs, "")


def _read_initialisers(
    model: schema.Model, main: Graph, opcodes: list[tuple[str, int]], content: bytes, step: _Step
) -> MappingProxyType[int, Graph]:
    """The subgraphs that CALL_ONCE names, by their index."""
    found = {}
    for operation in main.operations:
        if operation.opcode == "CALL_ONCE":
            number = int(operation.options.get("init_subgraph_index", 0))  # type: ignore[call-overload]
            if not 0 < number < model.SubgraphsLength():
                raise ModelFileError(
                    f"operator {operation.index} CALL_ONCE: subgraph out of range",
                    found=f"{number} of {model.SubgraphsLength()} subgraphs",
                )
            if number not in found:
                found[number] = _read_subgraph(model, number, opcodes, content, step)
                _check_order(found[number])
    return MappingProxyType(found)


def _read_signatures(model: schema.Model, tensor_count: int, step: _Step) -> tuple[Signature, ...]:
    """Those of the main subgraph."""
    found = []
    for index in range(_length(model.SignatureDefsLength(), "signatures")):
        step.now = f"signature {index}"
        entry = model.SignatureDefs(index)
        if entry.SubgraphIndex() != 0:
            continue
        maps = []
        for length, get in ((entry.InputsLength(), entry.Inputs), (entry.OutputsLength(), entry.Outputs)):
            entries = [get(i) for i in range(_length(length, "names in a signature"))]
            names = [(one.Name() or b"").decode("utf-8", "replace") for one in entries]
            step.count(entries, *names)
            places = _indices(len(entries), lambda i, e=entries: e[i].TensorIndex(), tensor_count, step.now)
            maps.append(tuple(zip(names, places, strict=True)))
        found.append(Signature((entry.SignatureKey() or b"").decode("utf-8", "replace"), *maps))
    return tuple(found)


def _length(length: int, what: str) -> int:
    if not 0 <= length <= MAX_ITEMS:
        raise ModelFileError(f"impossible number of {what}", found=str(length))
    return length


def _read_tensor(model: schema.Model, entry: schema.Tensor, index: int, buffer_count: int, content: bytes) -> Tensor:
    name = (entry.Name() or b"").decode("utf-8", "replace")
    label = f'tensor {index} "{name[:80]}"'
    if entry.ShapeLength() > MAX_RANK:
        raise ModelFileError(f"{label}: impossible shape", found=f"{entry.ShapeLength()} dimensions")
    shape = tuple(int(entry.Shape(i)) for i in range(entry.ShapeLength()))
    if any(d < 0 for d in shape) or math.prod(shape) > MAX_ELEMENTS:
        raise ModelFileError(f"{label}: impossible shape", found=str(list(shape)))
    if entry.Sparsity() is not None:
        raise UnsupportedError(
            f"{label}: sparse storage is not supported", hint="convert without EXPERIMENTAL_SPARSITY"
        )
    type_name = _enum_name(schema.TensorType, entry.Type())
    dtype = np.dtype(DTYPES[entry.Type()]) if entry.Type() in DTYPES else OPAQUE
    if not 0 <= entry.Buffer() < buffer_count:
        raise ModelFileError(f"{label}: buffer out of range", found=f"buffer {entry.Buffer()} of {buffer_count}")
    data = None
    if dtype is not OPAQUE:
        data = read_data(model.Buffers(entry.Buffer()), dtype, shape, label, content)
    elif type_name == "INT4":
        data = read_four_bits(model.Buffers(entry.Buffer()), shape, label, content)
        dtype = dtype if data is None else data.dtype
    quantization = _read_quantization(entry.Quantization(), shape, label)
    return Tensor(index, name, shape, dtype, quantization, data, type_name, bool(entry.IsVariable()))


def _read_quantization(
    entry: schema.QuantizationParameters | None, shape: tuple[int, ...], label: str
) -> Quantization | None:
    if entry is None or entry.ScaleLength() == 0:
        return None
    scales = tuple(float(s) for s in entry.ScaleAsNumpy())
    zero_points = tuple(int(z) for z in entry.ZeroPointAsNumpy()) if entry.ZeroPointLength() else (0,) * len(scales)
    if len(zero_points) == 1 and len(scales) > 1:
        zero_points *= len(scales)
    if len(zero_points) != len(scales):
        raise ModelFileError(
            f"{label}: as many zero points as scales are needed", found=f"{len(zero_points)} and {len(scales)}"
        )
    smallest_normal = float(np.finfo(np.float32).tiny)
    for scale in scales:
        if not (math.isfinite(scale) and scale >= smallest_normal):
            raise ModelFileError(f"{label}: a scale must be finite and positive", found=repr(scale))
    if any(not -(2**31) <= z < 2**31 for z in zero_points):
        raise ModelFileError(f"{label}: zero point out of range", found=str(zero_points[:4]))
    axis = entry.QuantizedDimension()
    if len(scales) > 1:
        axis = _channel_axis(axis, len(scales), shape, label)
    return Quantization(scales, zero_points, axis if len(scales) > 1 else 0)


def _channel_axis(axis: int, count: int, shape: tuple[int, ...], label: str) -> int:
    if len(shape) == 1 and shape[0] == count:
        return 0  # biases in the wild carry the axis of their weights (TFLM's person_detect.tflite does)
    if not 0 <= axis < len(shape):
        raise ModelFileError(f"{label}: quantized_dimension out of range", found=f"{axis} for shape {list(shape)}")
    if shape[axis] != count:
        raise ModelFileError(
            f"{label}: one scale per channel is needed", found=f"{count} scales for dimension {axis} of {list(shape)}"
        )
    return axis


def _read_opcode(entry: schema.OperatorCode) -> tuple[str, int]:
    code = max(entry.BuiltinCode(), entry.DeprecatedBuiltinCode())
    name = _enum_name(schema.BuiltinOperator, code)
    if name == "CUSTOM":
        name = "CUSTOM:" + (entry.CustomCode() or b"").decode("utf-8", "replace")
    return name, entry.Version()


def _read_operation(entry: schema.Operator, index: int, opcodes: list[tuple[str, int]], tensor_count: int) -> Operation:
    if not 0 <= entry.OpcodeIndex() < len(opcodes):
        raise ModelFileError(
            f"operator {index}: operator code out of range", found=f"{entry.OpcodeIndex()} of {len(opcodes)}"
        )
    opcode, version = opcodes[entry.OpcodeIndex()]
    label = f"operator {index} {opcode}"
    inputs = _indices(entry.InputsLength(), entry.Inputs, tensor_count, f"the inputs of {label}", optional=True)
    outputs = _indices(entry.OutputsLength(), entry.Outputs, tensor_count, f"the outputs of {label}")
    kind = entry.BuiltinOptionsType()
    options_type = "" if kind == schema.BuiltinOptions.NONE else _enum_name(schema.BuiltinOptions, kind)
    return Operation(index, opcode, inputs, outputs, MappingProxyType(_read_options(entry)), version, options_type)


def _indices(length: int, get: object, count: int, what: str, optional: bool = False) -> tuple[int, ...]:
    indices = tuple(int(get(i)) for i in range(_length(length, what)))  # type: ignore[operator]
    lowest = ABSENT if optional else 0
    for index in indices:
        if not lowest <= index < count:
            raise ModelFileError(f"{what}: tensor out of range", found=f"{index} of {count} tensors")
    return indices


def _read_options(entry: schema.Operator) -> dict[str, object]:
    if entry.BuiltinOptionsType() == schema.BuiltinOptions.NONE:
        return {}
    options = schema.BuiltinOptionsCreator(entry.BuiltinOptionsType(), entry.BuiltinOptions())
    if options is None:
        return {}
    return {snake(field): _option(snake(field), value) for field, value in vars(options).items()}


def snake(field: str) -> str:
    """A field's name in the schema's object API ("strideH") as options are named here ("stride_h")."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", field).lower()


def _option(field: str, value: object) -> object:
    if field in OPTION_ENUMS and isinstance(value, int):
        return _enum_name(OPTION_ENUMS[field], value)
    if isinstance(value, np.ndarray):
        return tuple(int(v) for v in value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return tuple(value) if isinstance(value, list) else value


def _enum_name(enum: type, value: int) -> str:
    for name, number in vars(enum).items():
        if number == value and not name.startswith("_"):
            return name
    return f"UNKNOWN_{value}"


def _check_order(graph: Graph) -> None:
    """Every tensor is computed before it is used, and once: execution order is a topological order without cycles."""
    known = set(graph.inputs) | {
        index for index, tensor in graph.tensors.items() if tensor.is_constant or tensor.is_variable
    }

    def opaque(index: int, operation: Operation) -> bool:
        return graph.tensors[index].dtype is OPAQUE or operation.opcode.startswith("CUSTOM:")

    for operation in graph.operations:
        label = f"operator {operation.index} {operation.opcode}"
        for index in operation.inputs:
            if index != ABSENT and index not in known and not opaque(index, operation):
                raise ModelFileError(
                    f"{label}: an input is used before it is computed",
                    found=f'tensor {index} "{graph.tensors[index].name}"',
                )
        for index in operation.outputs:
            if index in known:
                raise ModelFileError(
                    f"{label}: an output is written twice or is no activation",
                    found=f'tensor {index} "{graph.tensors[index].name}"',
                )
            known.add(index)
    for index in graph.outputs:
        if index not in known:
            raise ModelFileError(
                "an output of the graph is never computed", found=f'tensor {index} "{graph.tensors[index].name}"'
            )
