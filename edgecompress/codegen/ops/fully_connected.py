"""FULLY_CONNECTED: out[b, o] = requantize(bias[o] + Σ w[o, i] · (in[b, i] - zero_point)); int8."""

import numpy as np

from edgecompress.codegen.ops.base import Array, KernelCall
from edgecompress.codegen.ops.quick import QuickLayer
from edgecompress.codegen.ops.requantization import requantization_parameters, requantize
from edgecompress.codegen.ops.weighted import Parts, Weighted
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
        parameters = {
            **_sizes(parts),
            "input_offset": -parts.zero_point,
            "weights": Array(parts.values, is_weights=True),
            "bias": Array(parts.bias.astype(np.int32)),
            **requantization_parameters(parts.scales, operation, parts.result),
        }
        return KernelCall("fully_connected", parameters, (parts.source, parts.result))

    def rows(self, parts: Parts) -> np.ndarray | None:
        return parts.values if parts.weights.shape[1] % 4 == 0 else None

    def lower_dual(self, parts: Parts, quick: QuickLayer, operation: Operation) -> KernelCall:
        """One row of inputs times four outputs at a time; the inputs are a multiple of four."""
        parameters = {
            **_sizes(parts),
            "weights": Array(pack_fours(quick.rows), is_weights=True),
            **quick.with_zero_point(parts.zero_point).parameters(operation, parts.result),
        }
        return KernelCall("fully_connected_dsp", parameters, (parts.source, parts.result))


def _sizes(parts: Parts) -> dict[str, int]:
    outputs, inputs = parts.weights.shape
    return {"rows": parts.source.elements // inputs, "inputs": inputs, "outputs": outputs}


def pack_fours(rows: np.ndarray) -> np.ndarray:
    """Weights [outputs, inputs] in the order of the kernel, outputs padded to a multiple of four with zeros.

    For four outputs and four inputs: inputs 0 and 2 of outputs 0 and 1, of outputs 2 and 3, then inputs 1 and 3 likewise.
    """
    outputs, inputs = rows.shape
    padded = np.pad(rows, ((0, -outputs % 4), (0, 0)))
    blocks = padded.reshape(-1, 2, 2, inputs // 4, 2, 2)  # outputs by two and two, inputs by four as (half, parity)
    return np.ascontiguousarray(blocks.transpose(0, 3, 5, 1, 4, 2)).reshape(-1)
