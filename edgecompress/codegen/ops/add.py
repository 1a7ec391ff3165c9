"""ADD with broadcasting: both operands are brought to a common scale with 20 fractional bits, added, requantized; int8."""

import numpy as np

from edgecompress.codegen.arithmetic import multiply_by_quantized_multiplier, quantize_multiplier
from edgecompress.codegen.ops.activation import activation_range, require_int8
from edgecompress.codegen.ops.bands import by_length
from edgecompress.codegen.ops.base import KernelCall, Operator
from edgecompress.codegen.ops.broadcasting import broadcast_mismatch, broadcast_parameters
from edgecompress.codegen.ops.requantization import bad_factor
from edgecompress.codegen.ops.sweeps import elementwise
from edgecompress.tflite.graph import Graph, Operation

LEFT_SHIFT = 20
ONE_HALF = (2**30, 0)
"""What the operand with the larger scale is multiplied by: (multiplier, shift)."""


class Add(Operator):
    opcode = "ADD"
    operands = (2, 2)

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """inputs and output must be int8 with one scale each"""
        return require_int8(graph, operation, (0, 1))

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """the inputs must broadcast to the output's shape, in at most four dimensions"""
        return broadcast_mismatch(graph, operation)

    def rule_factors(self, graph: Graph, operation: Operation) -> str:
        """the inputs' scales must be below 2^50 output scales"""
        a, b = (graph.tensors[i].quantization for i in operation.inputs)
        q = graph.results(operation)[0].quantization
        assert a and b and q
        return bad_factor(2.0 * max(a.scale, b.scale) / (2**LEFT_SHIFT * q.scale))

    def multipliers(self, graph: Graph, operation: Operation) -> list[tuple[int, int]]:
        """(multiplier, shift) of the first input, the second input and the output."""
        a, b = (graph.tensors[i].quantization for i in operation.inputs)
        q = graph.results(operation)[0].quantization
        assert a and b and q
        twice_max = 2.0 * max(a.scale, b.scale)
        return [
            quantize_multiplier(a.scale / twice_max),
            quantize_multiplier(b.scale / twice_max),
            quantize_multiplier(twice_max / (2**LEFT_SHIFT * q.scale)),
        ]

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        (result,) = graph.results(operation)
        factors = self.multipliers(graph, operation)
        total: np.ndarray | int = 0
        for array, index, factor in zip(inputs, operation.inputs, factors, strict=False):
            q = graph.tensors[index].quantization
            assert array is not None and q
            total = total + multiply_by_quantized_multiplier(
                (array.astype(np.int64) - q.zero_point) << LEFT_SHIFT, *factor
            )
        assert result.quantization
        output = multiply_by_quantized_multiplier(total, *factors[2]) + result.quantization.zero_point
        return [np.clip(output, *activation_range(operation, result)).astype(result.dtype)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        a, b = (graph.tensors[i] for i in operation.inputs)
        (result,) = graph.results(operation)
        assert a.quantization and b.quantization and result.quantization
        factors = self.multipliers(graph, operation)
        low, high = activation_range(operation, result)
        parameters = {
            **broadcast_parameters(a, b, result),
            "offset_a": -a.quantization.zero_point,
            "offset_b": -b.quantization.zero_point,
            "output_offset": result.quantization.zero_point,
            "activation_min": low,
            "activation_max": high,
        }
        for name, (multiplier, shift) in zip(("a", "b", "output"), factors, strict=True):
            parameters |= {f"multiplier_{name}": multiplier, f"shift_{name}": shift}
        sweeps = tuple(elementwise(t, result) if t.elements == result.elements else None for t in (a, b))
        is_one_loop = all(t.elements == result.elements and not t.is_constant for t in (a, b))
        call = KernelCall("add", parameters, (a, b, result), sweeps=sweeps)
        return by_length(call, "sizes[3]") if is_one_loop else call
