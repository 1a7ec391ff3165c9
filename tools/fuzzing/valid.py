"""Changes that leave a model valid: other scales, zero points, activations, weights, biases, windows and sizes, all consistent.

What an operator's rules forbid all the same (a SOFTMAX's output scale) is refused when the model is lowered.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from fuzzing.damage import pack, pick, unpack

BUILTIN, TYPES = schema.BuiltinOperator, schema.TensorType
WEIGHTED = (BUILTIN.CONV_2D, BUILTIN.DEPTHWISE_CONV_2D, BUILTIN.FULLY_CONNECTED)
POOLS = (BUILTIN.AVERAGE_POOL_2D, BUILTIN.MAX_POOL_2D)
ELEMENTWISE = (
    *(BUILTIN.ADD, BUILTIN.SUB, BUILTIN.MUL, BUILTIN.RELU, BUILTIN.RELU6, BUILTIN.LOGISTIC, BUILTIN.TANH, BUILTIN.ABS),
    *(
        BUILTIN.LEAKY_RELU,
        BUILTIN.PRELU,
        BUILTIN.HARD_SWISH,
        BUILTIN.ELU,
        BUILTIN.GELU,
        BUILTIN.QUANTIZE,
        BUILTIN.SOFTMAX,
    ),
    *(BUILTIN.SQUARED_DIFFERENCE, BUILTIN.MAXIMUM, BUILTIN.MINIMUM),
)
SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 16, 17)
ENDS = (-128, -127, -1, 0, 1, 5, 126, 127)

Change = Callable[[Any, Any, np.random.Generator], None]


def changed(content: bytes, generator: np.random.Generator) -> bytes:
    """The model with one to four changes."""
    model = unpack(content)
    for _ in range(int(generator.integers(1, 5))):
        pick(CHANGES, generator)(model, model.subgraphs[0], generator)
    settle_shapes(model)
    settle_biases(model)
    return pack(model)


def code_of(model: Any, operator: Any) -> int:
    code = model.operatorCodes[operator.opcodeIndex]
    return max(code.builtinCode, code.deprecatedBuiltinCode)


def operands(model: Any, operator: Any) -> list[Any]:
    """Tensors, None for absent ones."""
    return [None if i < 0 else model.subgraphs[0].tensors[i] for i in operator.inputs]


def activations(model: Any, graph: Any) -> list[Any]:
    """Quantized tensors that are no constants."""
    return [t for t in graph.tensors if t.type == TYPES.INT8 and t.quantization is not None and not data_of(model, t)]


def data_of(model: Any, tensor: Any) -> bytes:
    data = model.buffers[tensor.buffer].data
    return b"" if data is None else bytes(data)


def rescale(model: Any, graph: Any, generator: np.random.Generator) -> None:
    """Another scale, near or far, or exactly a power of two: there are ties."""
    tensor = pick(
        [t for t in graph.tensors if t.quantization is not None and t.quantization.scale is not None], generator
    )
    scales = np.array(tensor.quantization.scale, np.float32)
    if generator.random() < 0.3:
        scales[:] = 2.0 ** float(generator.integers(-12, 3))
    else:
        scales *= np.float32(2.0 ** generator.normal(0, 2))
    tensor.quantization.scale = scales


def move_zero_point(model: Any, graph: Any, generator: np.random.Generator) -> None:
    if tensors := activations(model, graph):
        quantization = pick(tensors, generator).quantization
        quantization.zeroPoint = np.full(len(quantization.scale), pick(ENDS, generator), np.int64)


def change_activation(model: Any, graph: Any, generator: np.random.Generator) -> None:
    options = [o.builtinOptions for o in graph.operators if hasattr(o.builtinOptions, "fusedActivationFunction")]
    if options:
        pick(options, generator).fusedActivationFunction = int(generator.integers(4))  # NONE, RELU, RELU_N1_TO_1, RELU6


def change_weights(model: Any, graph: Any, generator: np.random.Generator) -> None:
    """Other values: any, mostly zeros, few, or ends."""
    constants = [t for t in graph.tensors if t.type == TYPES.INT8 and data_of(model, t)]
    if not constants:
        return
    tensor = pick(constants, generator)
    count = len(data_of(model, tensor))
    ways = (
        generator.integers(-127, 128, count),
        generator.integers(-127, 128, count) * (generator.random(count) < 0.2),
        generator.choice(generator.integers(-127, 128, 4), count),
        generator.choice([-127, 127], count),
        np.full(count, generator.integers(-127, 128)),
    )
    replace_data(model, tensor, pick(ways, generator).astype(np.int8))


def change_bias(model: Any, graph: Any, generator: np.random.Generator) -> None:
    for operator in weighted(model):
        if (
            len(operands(model, operator)) > 2
            and (bias := operands(model, operator)[2]) is not None
            and data_of(model, bias)
        ):
            size = 2.0 ** float(generator.integers(0, 24))
            values = generator.integers(-size, size + 1, len(data_of(model, bias)) // 4)
            replace_data(model, bias, values.astype(np.int32))


def change_window(model: Any, graph: Any, generator: np.random.Generator) -> None:
    """Other strides, padding and dilation of a convolution or pooling, another filter of a pooling."""
    for operator in graph.operators:
        options = operator.builtinOptions
        if hasattr(options, "strideH") and hasattr(options, "padding"):
            options.strideH, options.strideW = (int(generator.integers(1, 4)) for _ in range(2))
            options.padding = int(generator.integers(2))
            if hasattr(options, "dilationHFactor") and generator.random() < 0.3:
                options.dilationHFactor, options.dilationWFactor = (int(generator.integers(1, 4)) for _ in range(2))
            if hasattr(options, "filterHeight"):
                options.filterHeight, options.filterWidth = (int(generator.integers(1, 5)) for _ in range(2))


def change_size(model: Any, graph: Any, generator: np.random.Generator) -> None:
    """Another height and width of the image that comes in, or length of a vector."""
    for index in graph.inputs:
        tensor = graph.tensors[index]
        if len(tensor.shape) == 4:
            tensor.shape = [
                int(tensor.shape[0]),
                *(int(pick(SIZES, generator)) for _ in range(2)),
                int(tensor.shape[3]),
            ]


def weighted(model: Any) -> list[Any]:
    return [operator for operator in model.subgraphs[0].operators if code_of(model, operator) in WEIGHTED]


def replace_data(model: Any, tensor: Any, values: np.ndarray) -> None:
    """In a buffer of its own: others may share the old one."""
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    tensor.buffer = len(model.buffers)
    model.buffers.append(buffer)


def settle_shapes(model: Any) -> None:
    """The results' shapes as they follow from their operands, where this knows how."""
    graph = model.subgraphs[0]
    for operator in graph.operators:
        code, result = code_of(model, operator), graph.tensors[operator.outputs[0]]
        shapes = [[int(n) for n in t.shape] for t in operands(model, operator) if t is not None]
        if code in ELEMENTWISE:
            result.shape = broadcast(shapes)
        elif (code in WEIGHTED[:2] or code in POOLS) and len(shapes[0]) == 4:
            options = operator.builtinOptions
            filters = (options.filterHeight, options.filterWidth) if code in POOLS else shapes[1][1:3]
            sizes = zip(shapes[0][1:3], filters, (options.strideH, options.strideW), dilations(options), strict=True)
            height, width = (extent(*one, options.padding) for one in sizes)
            result.shape = [shapes[0][0], height, width, int(result.shape[3])]


def broadcast(shapes: list[list[int]]) -> list[int]:
    try:
        return list(np.broadcast_shapes(*map(tuple, shapes)))
    except ValueError:
        return shapes[0]


def dilations(options: Any) -> tuple[int, int]:
    return getattr(options, "dilationHFactor", 1), getattr(options, "dilationWFactor", 1)


def extent(size: int, taps: int, stride: int, dilation: int, padding: int) -> int:
    """Outputs along one axis."""
    covered = size if padding == schema.Padding.SAME else size - (taps - 1) * dilation
    return max(0, -(-covered // stride))


def settle_biases(model: Any) -> None:
    """A bias counts in products of the input's scale and the weights'."""
    for operator in weighted(model):
        source, weights, *rest = operands(model, operator)
        if rest and rest[0] is not None and rest[0].quantization is not None and weights.quantization is not None:
            scales = np.array(weights.quantization.scale, np.float32) * np.float32(source.quantization.scale[0])
            rest[0].quantization.scale = scales
            rest[0].quantization.zeroPoint = np.zeros(len(scales), np.int64)


CHANGES: tuple[Change, ...] = (
    *(rescale, rescale, move_zero_point, move_zero_point, change_activation, change_weights, change_bias),
    *(change_window, change_size),
)
