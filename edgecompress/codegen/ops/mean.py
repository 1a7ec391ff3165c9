"""MEAN over any axes: the sum is rescaled once by input scale / (output scale · elements averaged); int8."""

import numpy as np

from edgecompress.codegen.arithmetic import multiply_by_quantized_multiplier, quantize_multiplier, wrap_int32
from edgecompress.codegen.ops.activation import require_int8
from edgecompress.codegen.ops.base import KernelCall, Operator
from edgecompress.codegen.ops.requantization import bad_factor
from edgecompress.tflite.graph import Graph, Operation, Tensor

RANK = 4


class Mean(Operator):
    opcode = "MEAN"
    operands = (2, 2)

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """input and output must be int8 with one scale each"""
        return require_int8(graph, operation)

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
        """the output must be the input without the averaged axes (or with size 1), at most four dimensions each way"""
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        reduced = _axes(graph, operation)
        kept = [s for a, s in enumerate(source.shape) if a not in reduced]
        if (
            len(kept) > RANK
            or len(reduced) > RANK
            or 0 in source.shape
            or [s for s in result.shape if s != 1] != [s for s in kept if s != 1]
        ):
            return f"{list(source.shape)} -> {list(result.shape)} over axes {sorted(reduced)}"
        return ""

    def rule_factors(self, graph: Graph, operation: Operation) -> str:
        """the input's scale must be below 2^31 output scales"""
        source, result = graph.tensors[operation.inputs[0]].quantization, graph.results(operation)[0].quantization
        assert source and result
        return bad_factor(source.scale / result.scale)

    def factor(self, graph: Graph, operation: Operation) -> tuple[int, int]:
        """(multiplier, shift) with 1 / elements merged in, with TFLM's truncation."""
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        assert source.quantization and result.quantization
        multiplier, shift = quantize_multiplier(source.quantization.scale / result.quantization.scale)
        count = _count(source, _axes(graph, operation))
        left = min(count.bit_length() - 1, 32, 31 + shift)
        return (multiplier << left) // count, shift - left

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        axes = _axes(graph, operation)
        assert inputs[0] is not None and source.quantization and result.quantization
        total = inputs[0].astype(np.int64).sum(tuple(sorted(axes))) - source.quantization.zero_point * _count(
            source, axes
        )
        scaled = (
            multiply_by_quantized_multiplier(wrap_int32(total), *self.factor(graph, operation))
            + result.quantization.zero_point
        )
        return [np.clip(scaled, -128, 127).astype(np.int8).reshape(result.shape)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        source, result = graph.tensors[operation.inputs[0]], graph.results(operation)[0]
        axes = _axes(graph, operation)
        assert source.quantization and result.quantization
        strides = [int(np.prod(source.shape[a + 1 :], dtype=np.int64)) for a in range(len(source.shape))]
        fields: dict[str, int] = {}
        for name, chosen in (
            ("kept", [a for a in range(len(source.shape)) if a not in axes]),
            ("reduced", sorted(axes)),
        ):
            loops = [(1, 0)] * (RANK - len(chosen)) + [(source.shape[a], strides[a]) for a in chosen]
            for i, (size, stride) in enumerate(loops):
                fields |= {f"{name}_sizes[{i}]": size, f"{name}_strides[{i}]": stride}
        multiplier, shift = self.factor(graph, operation)
        fields |= {
            "sum_offset": -source.quantization.zero_point * _count(source, axes),
            "multiplier": multiplier,
            "shift": shift,
            "output_offset": result.quantization.zero_point,
        }
        return KernelCall("mean", fields, (source, result))


def _axes(graph: Graph, operation: Operation) -> set[int]:
    rank = len(graph.tensors[operation.inputs[0]].shape)
    data = graph.tensors[operation.inputs[1]].data
    assert data is not None
    return {int(a) % rank for a in data.reshape(-1)} if rank else set()


def _count(source: Tensor, axes: set[int]) -> int:
    return int(np.prod([source.shape[a] for a in axes], dtype=np.int64))
