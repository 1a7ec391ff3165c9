"""What operators over axes share, SUM, REDUCE_MAX and REDUCE_MIN; int8 or int16. MEAN has its own file."""

from abc import abstractmethod

import numpy as np

from edgecompress.codegen.arithmetic import multiply_by_quantized_multiplier, quantize_multiplier, wrap_int32
from edgecompress.codegen.ops.base import KernelCall, Operator
from edgecompress.codegen.ops.requantization import bad_factor
from edgecompress.codegen.ops.widths import is_wide, require_integers, sized
from edgecompress.tflite.graph import Graph, Operation, Tensor

RANK = 4
MOST_WIDE = 2**16 - 1
"""Values of int16 that add up within 32 bits."""


class Reduction(Operator):
    """An operator that makes one value of all along some axes."""

    operands = (2, 2)

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """input and output must be int8, or both int16 with zero points of 0, with one scale each"""
        return require_integers(graph, operation)

    def rule_axes(self, graph: Graph, operation: Operation) -> str:
        """the axes must be constant and within the input's dimensions"""
        axes = graph.tensors[operation.inputs[1]]
        rank = len(graph.tensors[operation.inputs[0]].shape)
        if axes.data is None or axes.dtype != np.int32:
            return f'axes "{axes.name}" {axes.type_name}{"" if axes.is_constant else ", not constant"}'
        return (
            ""
            if all(-rank <= a < rank for a in axes.data.reshape(-1))
            else f"axes {axes.data.reshape(-1).tolist()} of {rank} dimensions"
        )

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """the output must be the input without these axes (or with size 1), at most four dimensions each way"""
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        reduced = axes_of(graph, operation)
        kept = [s for a, s in enumerate(source.shape) if a not in reduced]
        if (
            len(kept) > RANK
            or len(reduced) > RANK
            or 0 in source.shape
            or [s for s in result.shape if s != 1] != [s for s in kept if s != 1]
        ):
            return f"{list(source.shape)} -> {list(result.shape)} over axes {sorted(reduced)}"
        return ""


class Sums(Reduction):
    """What MEAN and SUM share: a sum that is rescaled once."""

    def rule_factors(self, graph: Graph, operation: Operation) -> str:
        """the input's scale must be below 2^31 output scales"""
        source, result = graph.tensors[operation.inputs[0]].quantization, graph.results(operation)[0].quantization
        assert source and result
        return bad_factor(source.scale / result.scale)

    def rule_count(self, graph: Graph, operation: Operation) -> str:
        """in int16, at most 65535 values make one"""
        source = graph.tensors[operation.inputs[0]]
        values = count(source, axes_of(graph, operation))
        return "" if values <= MOST_WIDE or not is_wide(source) else f"{values:,}"

    @abstractmethod
    def factor(self, graph: Graph, operation: Operation) -> tuple[int, int]:
        """(multiplier, shift) of the sum."""

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        axes = axes_of(graph, operation)
        assert inputs[0] is not None and source.quantization and result.quantization
        total = inputs[0].astype(np.int64).sum(tuple(sorted(axes))) - source.quantization.zero_point * count(
            source, axes
        )
        scaled = (
            multiply_by_quantized_multiplier(wrap_int32(total), *self.factor(graph, operation))
            + result.quantization.zero_point
        )
        limits = np.iinfo(result.dtype)
        return [np.clip(scaled, limits.min, limits.max).astype(result.dtype).reshape(result.shape)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        axes = axes_of(graph, operation)
        assert source.quantization and result.quantization
        multiplier, shift = self.factor(graph, operation)
        fields = loops_over(source, axes) | {
            "sum_offset": -source.quantization.zero_point * count(source, axes),
            "multiplier": multiplier,
            "shift": shift,
            "output_offset": result.quantization.zero_point,
        }
        return KernelCall(sized("mean", result), fields, (source, result), source="mean")


class Sum(Sums):
    opcode = "SUM"

    def factor(self, graph: Graph, operation: Operation) -> tuple[int, int]:
        source, result = graph.tensors[operation.inputs[0]].quantization, graph.results(operation)[0].quantization
        assert source and result
        return quantize_multiplier(source.scale / result.scale)


class ReduceMax(Reduction):
    opcode = "REDUCE_MAX"

    def rule_quantization(self, graph: Graph, operation: Operation) -> str:
        """input and output must have the same scale and zero point"""
        source, result = graph.tensors[operation.inputs[0]].quantization, graph.results(operation)[0].quantization
        return "" if source == result else f"{source} and {result}"

    def extreme(self, x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
        """Of all values along the axes."""
        return x.max(axes)

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        assert inputs[0] is not None
        found = self.extreme(inputs[0], tuple(sorted(axes_of(graph, operation))))
        return [np.asarray(found, inputs[0].dtype).reshape(graph.results(operation)[0].shape)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        source, (result,) = graph.tensors[operation.inputs[0]], graph.results(operation)
        fields = loops_over(source, axes_of(graph, operation))
        return KernelCall(sized(self.opcode.lower(), result), fields, (source, result), source="reduce_max")


class ReduceMin(ReduceMax):
    opcode = "REDUCE_MIN"

    def extreme(self, x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
        return x.min(axes)


def axes_of(graph: Graph, operation: Operation) -> set[int]:
    """Those that the operation goes over, from 0."""
    rank = len(graph.tensors[operation.inputs[0]].shape)
    data = graph.tensors[operation.inputs[1]].data
    assert data is not None
    return {int(a) % rank for a in data.reshape(-1)} if rank else set()


def count(source: Tensor, axes: set[int]) -> int:
    """Of the elements that become one."""
    return int(np.prod([source.shape[a] for a in axes], dtype=np.int64))


def loops_over(source: Tensor, axes: set[int]) -> dict[str, int]:
    """The fields of the C struct `ec_reduction`, flattened with the prefix `loops.`."""
    strides = [int(np.prod(source.shape[a + 1 :], dtype=np.int64)) for a in range(len(source.shape))]
    fields: dict[str, int] = {}
    kept = [a for a in range(len(source.shape)) if a not in axes]
    for name, chosen in (("kept", kept), ("reduced", sorted(axes))):
        loops = [(1, 0)] * (RANK - len(chosen)) + [(source.shape[a], strides[a]) for a in chosen]
        for i, (size, stride) in enumerate(loops):
            fields |= {f"loops.{name}_sizes[{i}]": size, f"loops.{name}_strides[{i}]": stride}
    return fields
