"""ADD for processors with a multiplication that keeps the upper half of the product (ARMv7E-M, ARMv8-M with DSP)."""

from edgecompress.codegen import ops
from edgecompress.codegen.features import Features
from edgecompress.codegen.ops.activation import narrower_range
from edgecompress.codegen.ops.add import LEFT_SHIFT, ONE_HALF, Add
from edgecompress.codegen.ops.bands import by_length
from edgecompress.codegen.ops.base import KernelCall
from edgecompress.codegen.ops.sweeps import elementwise
from edgecompress.codegen.variants.base import Variant
from edgecompress.codegen.variants.joint import SCALING_LIMITS, form_of
from edgecompress.tflite.graph import Graph, Operation

AS_GOOD_AS_HALF = (2**31 - 1, -1)
"""One half as the kernel's other factor, which must shift to the right. A difference of bytes times 2^21 is v, less than 2^29; the
product's upper half, v / 2 - v / 2^32, rounds to v / 2, which is even: the second rounding takes exactly v / 4."""


class DualAdd(Variant):
    opcode = "ADD"

    def suits(self, features: Features) -> bool:
        return features.dsp

    def lower(self, graph: Graph, operation: Operation) -> KernelCall | None:
        """Operands of one shape, and factors that only shift to the right."""
        operator = ops.find(operation.opcode)
        assert isinstance(operator, Add)
        large, small = (graph.tensors[i] for i in operation.inputs)
        (result,) = graph.results(operation)
        first, second, factor = operator.multipliers(graph, operation)
        if first != ONE_HALF:
            large, small, first, second = small, large, second, first
        second = AS_GOOD_AS_HALF if second == ONE_HALF else second
        simple = (
            large.shape == small.shape == result.shape
            and first == ONE_HALF
            and -30 <= second[1] <= -1
            and -SCALING_LIMITS.shift <= factor[1] <= -1
        )
        if not simple:
            return None
        assert large.quantization and small.quantization and result.quantization
        zero_point = result.quantization.zero_point
        shift = -factor[1] - 1
        parameters = {
            "elements": result.elements,
            "large_offset": -large.quantization.zero_point << LEFT_SHIFT,
            "small_offset": -small.quantization.zero_point << (LEFT_SHIFT + 1),
            "small_multiplier": second[0],
            "small_half": 1 << (-second[1] - 1),
            "small_shift": -second[1],
            "output_multiplier": factor[0],
            "output_shift": shift,
            "output_offset": (2 * zero_point + 1) << shift,
        }
        kernel = f"add_dsp_{form_of(result)}"
        sweeps = elementwise(large, result), elementwise(small, result)
        clamp = narrower_range(operation, result)
        call = KernelCall(kernel, parameters, (large, small, result), source="add_dsp", sweeps=sweeps, clamp=clamp)
        return call if large.is_constant or small.is_constant else by_length(call, "elements")
