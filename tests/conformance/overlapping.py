"""One-layer models with random numbers, and plans in which the output lies as close below its input as the kernel can take."""

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from generated_c import Written

from edgecompress.codegen import writer
from edgecompress.codegen.features import Features
from edgecompress.codegen.ops.windows import EXPLICIT
from edgecompress.codegen.program import Program, lower, stated_sweeps
from edgecompress.memory import Plan, scratch_key
from edgecompress.memory.overlap import least_distance
from edgecompress.reference.executor import Job
from edgecompress.tflite.graph import Graph, Operation, Quantization, Tensor

ALIGNED = 4


def random_model(random: np.random.Generator, opcode: str, *, grouped: bool = False) -> Graph:
    """A graph of one operation, with an input as tensor 0 and the output as tensor 1; a CONV_2D may have several groups."""
    if opcode in ("CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D"):
        return _windowed(random, opcode, int(random.integers(2, 6)) if grouped else 1)
    if opcode == "FULLY_CONNECTED":
        return _matrix(random)
    if opcode in ("SLICE", "CONCATENATION"):
        return _part(random) if opcode == "SLICE" else _joined(random)
    return _flat(random, opcode)


def _windowed(random: np.random.Generator, opcode: str, groups: int = 1) -> Graph:
    pooled, depthwise = opcode.endswith("POOL_2D"), opcode == "DEPTHWISE_CONV_2D"
    height, width = random.integers(1, 10, 2).tolist()
    taps = random.integers(1, 4, 2).tolist()
    strides = random.choice([1, 1, 2, 3], 2).tolist()
    dilations = [1, 1] if pooled else random.choice([1, 1, 2], 2).tolist()
    same = bool(random.integers(2)) or any(
        (t - 1) * d >= s for t, d, s in zip(taps, dilations, (height, width), strict=True)
    )
    channels = groups * int(random.choice([1, 2, 3, 4, 8, 12, 35]))
    pads = explicit_pads(random, extents_of(taps, dilations), (height, width)) if not same and not pooled else None
    multiplier = int(random.choice([1, 1, 2])) if depthwise else 1
    outputs = channels * multiplier if pooled or depthwise else groups * int(random.choice([1, 2, 3, 4, 6, 8, 16, 70]))
    spaces = [sum(pair) + 1 - e for pair, e in zip(pads or ((0, 0),) * 2, extents_of(taps, dilations), strict=True)]
    sizes = [
        -(-size // s) if same else -(-(size + space) // s)
        for size, s, space in zip((height, width), strides, spaces, strict=True)
    ]
    options = {"padding": "SAME" if same else "VALID", "stride_h": strides[0], "stride_w": strides[1]}
    options |= {"padding": EXPLICIT, "paddings": pads} if pads else {}
    options |= {"filter_height": taps[0], "filter_width": taps[1]}
    options |= {"dilation_h_factor": dilations[0], "dilation_w_factor": dilations[1]}
    source, result = (1, height, width, channels), (1, *sizes, outputs)
    if pooled:
        return _graph(opcode, _activation(random, 0, source), _activation(random, 1, result), (), options)
    shape = (1, *taps, outputs) if depthwise else (outputs, *taps, channels // groups)
    weights = weights_of(
        random, shape, outputs, 3 if depthwise else 0, int(np.prod(taps)) * (1 if depthwise else channels // groups)
    )
    return _graph(opcode, _activation(random, 0, source), _activation(random, 1, result), weights, options)


def extents_of(taps: list[int], dilations: list[int]) -> list[int]:
    return [(t - 1) * d + 1 for t, d in zip(taps, dilations, strict=True)]


def explicit_pads(
    random: np.random.Generator, extents: list[int], sizes: tuple[int, int]
) -> tuple[tuple[int, int], ...] | None:
    """Now and then a padding that no file can say, as long as something of every filter may be inside; else None.

    From a generator of its own: the other draws are the same with and without it.
    """
    (random,) = random.spawn(1)
    pads = tuple(tuple(random.integers(0, extent, 2).tolist()) for extent in extents)
    fits = all(size + sum(pair) >= extent for size, pair, extent in zip(sizes, pads, extents, strict=True))
    return pads if fits and random.random() < 0.5 else None


def _matrix(random: np.random.Generator) -> Graph:
    rows, inputs, outputs = (int(random.choice(sizes)) for sizes in ([1, 2, 5], [4, 8, 7, 40], [1, 3, 4, 9, 30, 70]))
    return fully_connected(random, rows, inputs, outputs)


def fully_connected(random: np.random.Generator, rows: int, inputs: int, outputs: int) -> Graph:
    """One layer of this size, whose outputs use their whole range."""
    weights = weights_of(random, (outputs, inputs), outputs, 0, inputs)
    source, result = _activation(random, 0, (rows, inputs)), _activation(random, 1, (rows, outputs))
    return _graph("FULLY_CONNECTED", source, result, weights, {})


def _flat(random: np.random.Generator, opcode: str) -> Graph:
    shape = (1, *random.integers(1, 7, 3).tolist())
    source, result = _activation(random, 0, shape), _activation(random, 1, shape)
    if opcode == "LOG_SOFTMAX":
        result = replace(result, quantization=Quantization((16 / 256,), (127,)))
    if opcode == "L2_NORMALIZATION":
        result = replace(result, quantization=Quantization((1 / 128,), (0,)))
    if opcode == "SOFTMAX":
        result = replace(result, quantization=Quantization((1 / 256,), (-128,)))
    if opcode == "QUANTIZE":
        source = replace(source, dtype=np.dtype(np.float32), quantization=None)
    if opcode == "DEQUANTIZE":
        result = replace(result, dtype=np.dtype(np.float32), quantization=None)
    if opcode != "PAD":
        return _graph(opcode, source, result, (), {"beta": 1.0})
    paddings = np.array([[0, 0], random.integers(0, 3, 2), random.integers(0, 3, 2), [0, 0]], np.int32)
    padded = tuple(size + int(pads.sum()) for size, pads in zip(shape, paddings, strict=True))
    constant = Tensor(2, "paddings", (4, 2), np.dtype(np.int32), data=paddings)
    return _graph("PAD", source, replace(result, shape=padded, quantization=source.quantization), (constant,), {})


def _part(random: np.random.Generator) -> Graph:
    """Some rows and columns of an image, or some of its channels."""
    shape = (1, *random.integers(2, 9, 3).tolist())
    begin = [0, *(int(random.integers(0, size)) for size in shape[1:])]
    size = [1, *(int(random.integers(1, whole - b + 1)) for whole, b in zip(shape[1:], begin[1:], strict=True))]
    whole = (1, 2) if random.integers(2) else (3,)
    begin, size = zip(*((0, shape[a]) if a in whole else (begin[a], size[a]) for a in range(4)), strict=True)
    constants = [np.array(values, np.int32) for values in (begin, size)]
    operands = [Tensor(2 + i, f"c{i}", (4,), np.dtype(np.int32), data=values) for i, values in enumerate(constants)]
    return _graph("SLICE", _activation(random, 0, shape), _activation(random, 1, size), tuple(operands), {})


def _joined(random: np.random.Generator) -> Graph:
    """An activation's channels beside constants."""
    height, width, channels, more = random.integers(1, 7, 4).tolist()
    source = _activation(random, 0, (1, height, width, channels))
    values = random.integers(-128, 128, (1, height, width, more)).astype(np.int8)
    constant = Tensor(2, "constant", values.shape, np.dtype(np.int8), source.quantization, values)
    result = replace(source, index=1, name="t1", shape=(1, height, width, channels + more))
    graph = _graph("CONCATENATION", source, result, (constant,), {"axis": 3})
    if random.integers(2):
        return graph
    operation = replace(graph.operations[0], inputs=(2, 0))
    return replace(graph, operations=(operation,))


def _activation(random: np.random.Generator, index: int, shape: tuple[int, ...]) -> Tensor:
    quantization = Quantization((0.05,), (int(random.integers(-128, 128)),))
    return Tensor(index, f"t{index}", shape, np.dtype(np.int8), quantization)


def weights_of(
    random: np.random.Generator, shape: tuple[int, ...], outputs: int, axis: int, fan_in: int, index: int = 2
) -> tuple[Tensor, Tensor]:
    """Scales such that outputs use their whole range."""
    scales = (random.uniform(0.5, 1.5, outputs) / 90 / np.sqrt(fan_in)).astype(np.float32).tolist()
    values = random.integers(-127, 128, shape).astype(np.int8)
    bias = random.integers(-2000, 2000, outputs).astype(np.int32)
    quantization = Quantization(tuple(scales), (0,) * outputs, axis)
    biased = Quantization(tuple(s * 0.05 for s in scales), (0,) * outputs)
    return (
        Tensor(index, "weights", shape, np.dtype(np.int8), quantization, values),
        Tensor(index + 1, "bias", (outputs,), np.dtype(np.int32), biased, bias),
    )


def _graph(opcode: str, source: Tensor, result: Tensor, constants: tuple[Tensor, ...], options: dict) -> Graph:
    if opcode.endswith("POOL_2D"):
        result = replace(result, quantization=source.quantization)
    tensors = {t.index: t for t in (source, result, *constants)}
    inputs = (0, *(t.index for t in constants))
    operation = Operation(0, opcode, inputs, (1,), MappingProxyType(options))
    return Graph(tensors, (operation,), (0,), (1,), "0" * 64)


def distance_of(program: Program) -> int | None:
    """How far below the input the output may begin; None where nothing is stated."""
    sweep = stated_sweeps(program.layers[0].call).get(0)
    return None if sweep is None else least_distance(sweep)


def at_distance(program: Program, distance: int) -> Program:
    """The same with its output at offset 0 and its input right there, to the byte; what the planners round is not rounded."""
    sizes = {0: program.graph.tensors[0].nbytes, 1: program.graph.tensors[1].nbytes}
    top = max(sizes[1], distance + sizes[0])
    offsets = {0: distance, 1: 0}
    if scratch := program.layers[0].call.scratch_bytes:
        offsets[scratch_key(0)] = -(-top // ALIGNED) * ALIGNED
        top = offsets[scratch_key(0)] + scratch
    return replace(program, plan=Plan(program.plan.buffers, offsets, top, 0, 0, "as close as can be"))


def written(number: int, program: Program, samples: list[dict[int, np.ndarray]]) -> Written:
    job = Job(Path(f"{program.layers[0].operation.opcode.lower()}-random.tflite"), tuple(samples))
    return Written(number, program, writer.write(program, f"case_{number}"), job)


def lowered(random: np.random.Generator, opcode: str, features: Features, *, clamped: bool = False) -> Program:
    graph = random_model(random, opcode)
    return lower(narrowed(graph) if clamped else graph, features)


def with_weights(graph: Graph, values: np.ndarray) -> Graph:
    return replace(graph, tensors={**graph.tensors, 2: replace(graph.tensors[2], data=values)})


def at_lowest(graph: Graph) -> Graph:
    """The same with the lowest zero point of outputs, as a ReLU leaves it."""
    return replace(
        graph, tensors={**graph.tensors, 1: replace(graph.tensors[1], quantization=Quantization((0.05,), (-128,)))}
    )


def narrowed(graph: Graph) -> Graph:
    """The same with a range of outputs in the middle of int8's: -60 to 60."""
    (operation,), result = graph.operations, graph.tensors[1]
    options = MappingProxyType({**operation.options, "fused_activation_function": "RELU6"})
    tensors = {**graph.tensors, 1: replace(result, quantization=Quantization((0.05,), (-60,)))}
    return replace(graph, tensors=tensors, operations=(replace(operation, options=options),))
