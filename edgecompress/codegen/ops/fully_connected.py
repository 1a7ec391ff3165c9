"""FULLY_CONNECTED: out[b, o] = requantize(bias[o] + Σ w[o, i] · (in[b, i] - zero_point))."""

import numpy as np

from edgecompress.codegen.ops.base import Array, KernelCall
from edgecompress.codegen.ops.requantization import requantize
from edgecompress.codegen.ops.sweeps import by_rows
from edgecompress.codegen.ops.units import requantization_steps, rows_in_blocks
from edgecompress.codegen.ops.weighted import Parts, Weighted
from edgecompress.codegen.ops.widths import sized
from edgecompress.tflite.graph import Graph, Operation


class FullyConnected(Weighted):
    opcode = "FULLY_CONNECTED"

    def rule_format(self, graph: Graph, operation: Operation) -> str:
        """the weights must be stored in the default order"""
        layout = operation.options.get("weights_format", "DEFAULT")
        return "" if layout == "DEFAULT" else str(layout)

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """the weights must be [outputs, inputs], input and output whole rows of them"""
        source, weights = (graph.tensors[i] for i in operation.inputs[:2])
        (result,) = graph.results(operation)
        found = f"input {list(source.shape)}, weights {list(weights.shape)}, output {list(result.shape)}"
        if len(weights.shape) != 2 or min(weights.shape) < 1 or source.elements % weights.shape[1]:
            return found
        rows = source.elements // weights.shape[1]
        return "" if result.elements == rows * weights.shape[0] else found

    def macs(self, graph: Graph, operation: Operation) -> int:
        return graph.results(operation)[0].elements * graph.tensors[operation.inputs[1]].shape[1]

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        parts = self.parts(graph, operation)
        assert inputs[0] is not None
        rows = inputs[0].astype(np.float64).reshape(-1, parts.weights.shape[1]) - parts.zero_point
        # float64 holds these integers exactly: |sum| < 2⁵³
        accumulator = (rows @ parts.values.astype(np.float64).T).astype(np.int64) + parts.bias
        return [requantize(accumulator, parts.scales, operation, parts.result).reshape(parts.result.shape)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        parts = self.parts(graph, operation)
        value = parts.result.dtype.itemsize
        parameters: dict[str, int | float | Array] = {
            **sizes(parts),
            "out_pitch": parts.weights.shape[0],
            **parts.fields(operation),
        }
        rows, inputs, outputs = sizes(parts).values()
        sweep = by_rows(rows, inputs * value, outputs * value, value)
        blocks = rows_in_blocks(parts.stored()[0], ("outputs",), requantization_steps(parameters), is_cheap=True)
        operands = (parts.source, parts.result)
        kernel = sized("fully_connected", parts.result)
        return KernelCall(kernel, parameters, operands, sweeps=(sweep,), blocks=blocks, cycles_a_mac=10)


def sizes(parts: Parts) -> dict[str, int]:
    outputs, inputs = parts.weights.shape
    return {"rows": parts.source.elements // inputs, "inputs": inputs, "outputs": outputs}
