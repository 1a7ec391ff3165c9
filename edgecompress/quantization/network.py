"""A network in LiteRT, in this process, with every tensor to be read: what calibration looks at."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from edgecompress.convert.layer_errors import inputs_of
from edgecompress.errors import UnsupportedError
from edgecompress.reference.litert import open_interpreter
from edgecompress.tflite.graph import Graph
from edgecompress.tflite.writer import numbering, write

Sample = tuple[np.ndarray, ...]
"""Real numbers, one array per model input, without batch axis."""
Read = Callable[[int], np.ndarray]
"""Tensor index → its values after an inference."""


class Network:
    """A graph that takes samples.

    In LiteRT's fast kernels, without delegates: integers may be a step away from TFLM's. They serve to choose by; what is
    promised is measured elsewhere.

    Args:
        graph: with everything that operators need.

    Raises:
        UnsupportedError: a file that cannot be written, or that LiteRT refuses.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._numbers = numbering(graph)
        self._interpreter = _open(write(graph))

    def run(self, samples: Iterable[Sample]) -> Iterator[Read]:
        """One inference per sample; what is yielded reads its tensors, until the next."""
        for sample in samples:
            for index, values in inputs_of(self._graph, sample).items():
                self._interpreter.set_tensor(self._numbers[index], values)
            self._interpreter.invoke()
            yield lambda index: self._interpreter.get_tensor(self._numbers[index])

    def outputs(self, samples: Iterable[Sample], indices: Sequence[int]) -> list[np.ndarray]:
        """Some tensors over all samples, dequantized to float32: one array each, first axis the sample."""
        kept: list[list[np.ndarray]] = [[] for _ in indices]
        for read in self.run(samples):
            for place, index in zip(kept, indices, strict=True):
                place.append(real(self._graph, index, read(index))[0])
        return [np.stack(place) for place in kept]


def real(graph: Graph, index: int, values: np.ndarray) -> np.ndarray:
    """A tensor's values in real numbers, float32."""
    quantization = graph.tensors[index].quantization
    if quantization is None or values.dtype.kind == "f":
        return values.astype(np.float32)
    return (values.astype(np.int32) - quantization.zero_point).astype(np.float32) * np.float32(quantization.scale)


def prefix(graph: Graph, output: int) -> Graph:
    """The part of a graph that computes one tensor, which becomes its output."""
    needed, kept = {output}, []
    for operation in reversed(graph.operations):
        if needed.intersection(operation.outputs):
            kept.append(operation)
            needed.update(operation.inputs)
    used = needed.union(graph.inputs, *(operation.outputs for operation in kept))
    tensors = {index: tensor for index, tensor in graph.tensors.items() if index in used}
    return Graph(MappingProxyType(tensors), tuple(reversed(kept)), graph.inputs, (output,), "")


def _open(content: bytes) -> Any:
    try:
        return open_interpreter(content, fast=True)
    except (ValueError, RuntimeError) as error:
        raise UnsupportedError("LiteRT refuses the network to quantize", found=str(error)[:300]) from error
