"""Damages .tflite files: bit by bit, and field by field through the object API of the schema."""

import copy
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

INTEGERS = (-(2**31), -1000, -2, -1, 0, 1, 2, 3, 5, 7, 100, 128, 255, 1000, 2**15, 2**20, 2**24, 2**31 - 1)
REALS = (0.0, -1.0, float("nan"), float("inf"), 1e-45, 1.2e-38, 1e-30, 1e-10, 0.5, 1.0, 7.9, 8.0, 1e10, 1e30, 3.4e38)
TYPES = tuple(number for name, number in vars(schema.TensorType).items() if not name.startswith("_"))
BYTE_FIELDS = ("padding", "fusedActivationFunction", "weightsFormat")


def unpack(content: bytes) -> Any:
    """The file as the schema's mutable objects."""
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))


def pack(model: Any) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def flip_bits(content: bytes, generator: np.random.Generator) -> bytes:
    """One to three bytes changed; half of the changes fall into the tables at the file's beginning."""
    damaged = bytearray(content)
    for _ in range(int(generator.integers(1, 4))):
        end = len(damaged) if generator.random() < 0.5 else min(len(damaged), 600)
        place = int(generator.integers(end))
        if generator.random() < 0.6:
            damaged[place] ^= 1 << int(generator.integers(8))
        else:
            damaged[place] = int(generator.choice([0, 1, 0x7F, 0x80, 0xFF]))
    return bytes(damaged)


def change_fields(content: bytes, generator: np.random.Generator) -> bytes | None:
    """One or two fields changed to values that no converter writes; None where the change fits no file."""
    model = unpack(content)
    try:
        for _ in range(int(generator.integers(1, 3))):
            change = CHANGES[int(generator.integers(len(CHANGES)))]
            change(model, model.subgraphs[0], generator)
        return pack(model)
    except (ValueError, TypeError, OverflowError, flatbuffers.builder.BuilderSizeError):
        return None


def pick(values: Any, generator: np.random.Generator) -> Any:
    return values[int(generator.integers(len(values)))]


def change_scale(model: Any, graph: Any, generator: np.random.Generator) -> None:
    tensor = pick(graph.tensors, generator)
    if tensor.quantization is None:
        tensor.quantization = schema.QuantizationParametersT()
    scales = np.array([0.1] if tensor.quantization.scale is None else tensor.quantization.scale, np.float32)
    if len(scales):
        scales[int(generator.integers(len(scales)))] = pick(REALS, generator)
    tensor.quantization.scale = scales if generator.random() < 0.8 else np.repeat(scales, 2)


def change_zero_point(model: Any, graph: Any, generator: np.random.Generator) -> None:
    quantization = pick(graph.tensors, generator).quantization
    if quantization is not None:
        quantization.zeroPoint = np.full(int(generator.integers(3)), pick(INTEGERS, generator), np.int64)


def change_axis(model: Any, graph: Any, generator: np.random.Generator) -> None:
    quantization = pick(graph.tensors, generator).quantization
    if quantization is not None:
        quantization.quantizedDimension = pick(INTEGERS, generator)


def change_shape(model: Any, graph: Any, generator: np.random.Generator) -> None:
    tensor = pick(graph.tensors, generator)
    shape = [] if tensor.shape is None else [int(size) for size in tensor.shape]
    way = int(generator.integers(3))
    if way == 0 and shape:
        shape[int(generator.integers(len(shape)))] = pick(INTEGERS, generator)
    tensor.shape = [*shape, pick(INTEGERS, generator)] if way == 1 else shape[:-1] if way == 2 else shape


def change_type(model: Any, graph: Any, generator: np.random.Generator) -> None:
    pick(graph.tensors, generator).type = pick(TYPES, generator)


def change_buffer(model: Any, graph: Any, generator: np.random.Generator) -> None:
    pick(graph.tensors, generator).buffer = int(generator.integers(len(model.buffers) + 1))


def change_data(model: Any, graph: Any, generator: np.random.Generator) -> None:
    buffer = pick(model.buffers, generator)
    if buffer.data is not None and len(buffer.data):
        buffer.data = np.array(buffer.data, np.uint8)
        buffer.data[int(generator.integers(len(buffer.data)))] = int(generator.integers(256))


def change_operands(model: Any, graph: Any, generator: np.random.Generator) -> None:
    operator, other = pick(graph.operators, generator), int(generator.integers(-1, len(graph.tensors)))
    inputs = [int(index) for index in operator.inputs]
    place = int(generator.integers(len(inputs))) if inputs else 0
    operator.inputs = pick([inputs[:-1], [*inputs, other], [*inputs[:place], other, *inputs[place + 1 :]]], generator)


def change_results(model: Any, graph: Any, generator: np.random.Generator) -> None:
    operator, other = pick(graph.operators, generator), int(generator.integers(len(graph.tensors)))
    outputs = [int(index) for index in operator.outputs]
    operator.outputs = pick([[], outputs * 2, [*outputs, other], [other]], generator)


def change_option(model: Any, graph: Any, generator: np.random.Generator) -> None:
    options = pick(graph.operators, generator).builtinOptions
    numbers = {} if options is None else {n: v for n, v in vars(options).items() if type(v) in (int, float)}
    if not numbers:
        return
    name = pick(sorted(numbers), generator)
    value = pick(REALS if isinstance(numbers[name], float) else INTEGERS, generator)
    setattr(options, name, max(-128, min(value, 127)) if name in BYTE_FIELDS else value)


def change_options(model: Any, graph: Any, generator: np.random.Generator) -> None:
    kinds = schema.BuiltinOptions
    ways = [(0, None), (kinds.AddOptions, schema.AddOptionsT()), (kinds.Pool2DOptions, schema.Pool2DOptionsT())]
    operator = pick(graph.operators, generator)
    operator.builtinOptionsType, operator.builtinOptions = pick(ways, generator)


def change_borders(model: Any, graph: Any, generator: np.random.Generator) -> None:
    name, other = pick(["inputs", "outputs"], generator), int(generator.integers(len(graph.tensors)))
    indices = [int(index) for index in getattr(graph, name)]
    setattr(graph, name, pick([[], indices * 2, [other], [*indices, other]], generator))


def repeat_operator(model: Any, graph: Any, generator: np.random.Generator) -> None:
    graph.operators.append(copy.deepcopy(pick(graph.operators, generator)))


def change_opcode(model: Any, graph: Any, generator: np.random.Generator) -> None:
    code = pick(model.operatorCodes, generator)
    code.builtinCode = int(generator.integers(200))
    code.deprecatedBuiltinCode = min(127, code.builtinCode)


CHANGES = (
    *(change_scale, change_scale, change_scale, change_zero_point, change_axis, change_shape, change_shape),
    *(change_type, change_buffer, change_data, change_operands, change_operands, change_results),
    *(change_option, change_option, change_options, change_borders, repeat_operator, change_opcode),
)
