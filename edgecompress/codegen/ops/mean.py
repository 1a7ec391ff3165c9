"""MEAN over any axes: the sum is rescaled once by input scale / (output scale · elements averaged); int8."""

from edgecompress.codegen.arithmetic import quantize_multiplier
from edgecompress.codegen.ops.reductions import Sums, axes_of, count
from edgecompress.tflite.graph import Graph, Operation


class Mean(Sums):
    opcode = "MEAN"

    def factor(self, graph: Graph, operation: Operation) -> tuple[int, int]:
        """(multiplier, shift) with 1 / elements merged in, with TFLM's truncation."""
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        assert source.quantization and result.quantization
        multiplier, shift = quantize_multiplier(source.quantization.scale / result.quantization.scale)
        elements = count(source, axes_of(graph, operation))
        left = min(elements.bit_length() - 1, 32, 31 + shift)
        return (multiplier << left) // elements, shift - left
