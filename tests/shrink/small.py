"""Graphs of a few operators whose numbers a reader can follow, and tflite-micro's opinion of what becomes of them.

All activations have the scale 0.5 and the zero point -128 unless told otherwise, all weights the scale 1: a sum s becomes
s - 128, clamped. So a test can say what comes out.
"""

from collections.abc import Sequence

import numpy as np
import pytest
from model_cases.network import Network

from edgecompress.reference.inputs import FILLS, filled_input, random_inputs
from edgecompress.shrink.driver import Shrunk, shrink
from edgecompress.tflite import reader, writer
from edgecompress.tflite.graph import Graph, Operation

SCALE, LOWEST = 0.5, -128


class Small(Network):
    """A network with one line per operator; every method returns the index of the output."""

    def input(self, *shape: int, zero_point: int = LOWEST) -> int:
        return self.tensor(shape, SCALE, zero_point)

    def result(self, shape: Sequence[int], scale: float = SCALE, zero_point: int = LOWEST) -> int:
        return self.tensor(shape, scale, zero_point)

    def shape(self, index: int) -> list[int]:
        return list(self._tensors[index].shape)

    def conv(
        self,
        source: int,
        weights: object,
        bias: object = None,
        *,
        padding: str = "VALID",
        stride: int = 1,
        activation: str = "NONE",
        zero_point: int = LOWEST,
        depthwise: bool = False,
        scales: object = 1.0,
    ) -> int:
        """Weights [out, height, width, in], or of a depthwise convolution [height, width, out]."""
        filters = np.array(weights, np.int8)
        if depthwise:
            filters = filters[None]
        batch, height, width, channels = self.shape(source)
        kernel = filters.shape[1:3]
        sizes = (height, width) if padding == "SAME" else (height - kernel[0] + 1, width - kernel[1] + 1)
        count = filters.shape[3] if depthwise else filters.shape[0]
        result = self.result((batch, *(-(-size // stride) for size in sizes), count), zero_point=zero_point)
        constants = [self.tensor(filters.shape, scales, data=filters, axis=3 if depthwise else 0)]
        if bias is not None:
            both = self._tensors[source].quantization.scale * np.atleast_1d(np.float32(scales))
            constants.append(self.tensor((count,), both, dtype="INT32", data=np.array(bias, np.int64)))
        options = {"padding": padding, "strideH": stride, "strideW": stride, "fusedActivationFunction": activation}
        opcode, kind = ("DEPTHWISE_CONV_2D", "DepthwiseConv2D") if depthwise else ("CONV_2D", "Conv2D")
        if depthwise:
            options["depthMultiplier"] = count // channels
        self.operator(opcode, [source, *constants], [result], kind, 3, **options)
        return result

    def point(self, source: int, weights: object, bias: object = None, **more: object) -> int:
        """A 1x1 convolution; weights [out, in]."""
        return self.conv(source, np.array(weights, np.int8)[:, None, None, :], bias, **more)

    def dense(self, source: int, weights: object, bias: object = None, activation: str = "NONE") -> int:
        values = np.array(weights, np.int8)
        rows = int(np.prod(self.shape(source))) // values.shape[1]
        result = self.result((rows, values.shape[0]))
        constants = [self.tensor(values.shape, 1.0, data=values)]
        if bias is not None:
            scale = self._tensors[source].quantization.scale
            constants.append(self.tensor((len(values),), scale, dtype="INT32", data=np.array(bias, np.int64)))
        self.operator(
            "FULLY_CONNECTED", [source, *constants], [result], "FullyConnected", 4, fusedActivationFunction=activation
        )
        return result

    def unary(self, opcode: str, source: int, result: int | None = None, options: str = "", **fields: object) -> int:
        result = self.result(self.shape(source)) if result is None else result
        self.operator(opcode, [source], [result], options, 2 if opcode == "QUANTIZE" else 1, **fields)
        return result

    def add(self, a: int, b: int, scale: float = 1.0, activation: str = "NONE") -> int:
        result = self.result(self.shape(a), scale)
        self.operator("ADD", [a, b], [result], "Add", 2, fusedActivationFunction=activation)
        return result

    def reshape(self, source: int, *shape: int) -> int:
        result = self.result(shape)
        self.operator("RESHAPE", [source, self.integers(shape)], [result], "Reshape", newShape=list(shape))
        return result

    def pool(
        self, source: int, size: int, kind: str = "AVERAGE", padding: str = "VALID", activation: str = "NONE"
    ) -> int:
        batch, height, width, channels = self.shape(source)
        shrunk = 0 if padding == "SAME" else size - 1
        result = self.result((batch, height - shrunk, width - shrunk, channels), zero_point=self.zero_point(source))
        options = {"padding": padding, "strideH": 1, "strideW": 1, "filterHeight": size, "filterWidth": size}
        self.operator(f"{kind}_POOL_2D", [source], [result], "Pool2D", 2, fusedActivationFunction=activation, **options)
        return result

    def pad(self, source: int, before: int, after: int) -> int:
        batch, height, width, channels = self.shape(source)
        more = before + after
        result = self.result((batch, height + more, width + more, channels), zero_point=self.zero_point(source))
        pairs = np.array([[0, 0], [before, after], [before, after], [0, 0]])
        self.operator("PAD", [source, self.tensor((4, 2), dtype="INT32", data=pairs)], [result], "Pad", 2)
        return result

    def zero_point(self, index: int) -> int:
        return int(self._tensors[index].quantization.zeroPoint[0])

    def mean(self, source: int) -> int:
        batch, _, _, channels = self.shape(source)
        result = self.result((batch, channels))
        self.operator("MEAN", [source, self.integers([1, 2])], [result], "Reducer", 2, keepDims=False)
        return result

    def concatenate(self, *sources: int, axis: int = 3) -> int:
        shape = self.shape(sources[0])
        shape[axis] = sum(self.shape(source)[axis] for source in sources)
        result = self.result(shape)
        self.operator("CONCATENATION", sources, [result], "Concatenation", 2, axis=axis)
        return result

    def graph(self, inputs: Sequence[int], outputs: Sequence[int]) -> Graph:
        return reader.read_bytes(self.file(inputs, outputs))


def interpreted(content: bytes, graph: Graph, samples: Sequence[dict[int, np.ndarray]]) -> list[list[bytes]]:
    """The outputs' bytes of a file, by TensorFlow Lite Micro's interpreter itself."""
    runtime = pytest.importorskip("tflite_micro.python.tflite_micro.runtime", reason="tflite-micro is not installed")
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=1 << 25)
    outputs = []
    for sample in samples:
        for place, index in enumerate(graph.inputs):
            interpreter.set_input(sample[index], place)
        interpreter.invoke()
        outputs.append([interpreter.get_output(place).tobytes() for place in range(len(graph.outputs))])
    return outputs


def samples_of(graph: Graph, count: int = 6) -> list[dict[int, np.ndarray]]:
    """Random inputs and every hostile one."""
    return [*random_inputs(graph, count, seed=5), *(filled_input(graph, fill) for fill in FILLS if fill != "random")]


def shrunk(graph: Graph, multiple: int = 1, **more: object) -> Shrunk:
    """Shrinks, and has tflite-micro find the files of before and after alike in every output byte."""
    result = shrink(graph, multiple=multiple, with_interpreter=False, **more)
    assert not result.defects
    assert not result.reason
    samples = samples_of(graph)
    before, after = (interpreted(writer.write(one), graph, samples) for one in (graph, result.after))
    assert before == after
    return result


def operation(graph: Graph, opcode: str, number: int = 0) -> Operation:
    """The operation of a kind, counted from 0."""
    return [one for one in graph.operations if one.opcode == opcode][number]


def weights(graph: Graph, opcode: str, number: int = 0) -> np.ndarray:
    """Of a convolution or FULLY_CONNECTED."""
    return graph.tensors[operation(graph, opcode, number).inputs[1]].data


def bias(graph: Graph, opcode: str, number: int = 0) -> list[int]:
    return graph.tensors[operation(graph, opcode, number).inputs[2]].data.tolist()


def opcodes(graph: Graph) -> list[str]:
    return [one.opcode for one in graph.operations]


def reasons(result: Shrunk, rewrite: str) -> set[str]:
    """Why things of this kind were left."""
    return {found.item.text for found in result.left if found.rewrite == rewrite}
