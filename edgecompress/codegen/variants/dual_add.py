"""ADD for processors with a multiplication that keeps the upper half of the product (ARMv7E-M, ARMv8-M with DSP)."""

import numpy as np

from edgecompress.codegen import ops
from edgecompress.codegen.features import Features
from edgecompress.codegen.ops.activation import activation_range
from edgecompress.codegen.ops.add import LEFT_SHIFT, Add
from edgecompress.codegen.ops.base import KernelCall
from edgecompress.codegen.variants.base import Variant
from edgecompress.codegen.variants.joint import SCALING_LIMITS
from edgecompress.tflite.graph import Graph, Operation

ONE_HALF = (2**30, 0)
"""What the operand with the larger scale is multiplied by: (multiplier, shift)."""
INT8 = np.iinfo(np.int8)


class DualAdd(Variant):
    opcode = "ADD"

    def suits(self, features: Features) -> bool:
        return features.dsp

    def lower(self, graph: Graph, operation: Operation) -> KernelCall | None:
        """Operands of one shape, the full range of outputs, and factors that only shift to the right."""
        operator = ops.find(operation.opcode)
        assert isinstance(operator, Add)
        large, small = (graph.tensors[i] for i in operation.inputs)
        (result,) = graph.results(operation)
        first, second, factor = operator.multipliers(graph, operation)
        if first != ONE_HALF:
            large, small, first, second = small, large, second, first
        simple = (
            large.shape == small.shape == result.shape
            and first == ONE_HALF
            and -30 <= second[1] <= 0
            and -SCALING_LIMITS.shift <= factor[1] <= -1
            and activation_range(operation, result) == (INT8.min, INT8.max)
        )
        if not simple:
            return None
        assert large.quantization and small.quantization and result.quantization
        # a shift of 0 is one half as well: doubled, then halved by a shift of 1
        unit = LEFT_SHIFT + (2 if second[1] == 0 else 1)
        zero_point = result.quantization.zero_point
        parameters = {
            "elements": result.elements,
            "large_offset": -large.quantization.zero_point << LEFT_SHIFT,
            "small_unit": 1 << unit,
            "small_offset": -small.quantization.zero_point << unit,
            "small_multiplier": second[0],
            "small_shift": max(-second[1], 1),
            "output_multiplier": factor[0],
            "output_shift": -factor[1] - 1,
            "output_zero_point": zero_point,
        }
        kernel = f"add_dsp_{'relu' if zero_point == INT8.min else 'linear'}"
        return KernelCall(kernel, parameters, (large, small, result), source="add_dsp")
