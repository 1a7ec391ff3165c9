"""L2_NORMALIZATION over the last dimension: every row divided by its length, in fixed point; int8."""

import numpy as np

from edgecompress.codegen.arithmetic import multiply_by_quantized_multiplier
from edgecompress.codegen.ops.activation import require_int8
from edgecompress.codegen.ops.base import KernelCall, Operator
from edgecompress.codegen.ops.curves import inverse_square_root
from edgecompress.codegen.ops.sweeps import elementwise
from edgecompress.tflite.graph import Graph, Operation

LONGEST = 2**15
"""Of a row: the sum of its squares is within 32 bits."""
STEP_BITS = 7
"""Of the output: 128 steps are one."""


class L2Normalization(Operator):
    opcode = "L2_NORMALIZATION"

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """input and output must be int8 with one scale each"""
        return require_int8(graph, operation)

    def rule_output(self, graph: Graph, operation: Operation) -> str:
        """the output's scale must be 1/128 and its zero point 0"""
        q = graph.results(operation)[0].quantization
        assert q
        return "" if (q.scale, q.zero_point) == (1 / 128, 0) else f"scale {q.scale}, zero point {q.zero_point}"

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """input and output must have the same shape, the last dimension of 1 to 32768"""
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        fits = source.shape == result.shape and len(source.shape) >= 1 and 1 <= source.shape[-1] <= LONGEST
        return "" if fits else f"{list(source.shape)} -> {list(result.shape)}"

    def rule_activation(self, graph: Graph, operation: Operation) -> str:
        """there must be no fused activation"""
        name = str(operation.options.get("fused_activation_function", "NONE"))
        return "" if name == "NONE" else name

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        q = graph.tensors[operation.inputs[0]].quantization
        assert inputs[0] is not None and q
        x = inputs[0].astype(np.int64) - q.zero_point
        roots = [inverse_square_root(int(total)) for total in (x**2).sum(-1).reshape(-1)]
        multiplier, shift = (np.array(part).reshape(*x.shape[:-1], 1) for part in zip(*roots, strict=True))
        output = multiply_by_quantized_multiplier(x, multiplier, shift + STEP_BITS)
        return [np.clip(output, -128, 127).astype(np.int8)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        source, (result,) = graph.tensors[operation.inputs[0]], graph.results(operation)
        assert source.quantization
        depth = source.shape[-1]
        fields = {"rows": source.elements // depth, "depth": depth, "input_offset": -source.quantization.zero_point}
        # all readings of a row but an element's last come before the row's first writing
        return KernelCall("l2_normalization", fields, (source, result), sweeps=(elementwise(source, result),))
