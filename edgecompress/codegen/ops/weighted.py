"""What CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED share: constant int8 weights, a bias of 32 or 64 bits, a requantization."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgecompress.codegen.ops.base import Array, Operator
from edgecompress.codegen.ops.requantization import (
    bad_factor,
    bad_weights,
    bad_wide_factor,
    bias_values,
    requantization_parameters,
    weight_scales,
)
from edgecompress.codegen.ops.widths import is_wide, require_integers
from edgecompress.tflite.graph import Graph, Operation, Tensor

LEGACY = "legacy"
"""The option of operators that compute in place of uint8 ones (`codegen/legacy.py`), which no file's operator has."""
WITH_WIDE_WEIGHTS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
"""Operators whose plain kernels add an offset to their weights."""


@dataclass(frozen=True, eq=False)
class Parts:
    """The tensors of a weighted operation that all rules accept.

    Attributes:
        values: the weights as they stand: int8, or int16 where they are wide.
        bias: [outputs], int64; zeros where the operation has none.
        scales: factors from the sums to the outputs, one for all or one per output.
        zero_point: of the input.
    """

    source: Tensor
    weights: Tensor
    result: Tensor
    values: np.ndarray
    bias: np.ndarray
    scales: list[float]
    zero_point: int

    def stored(self) -> tuple[np.ndarray, int]:
        """(int8 values, what is added to each of them): how plain kernels take weights that may be wide."""
        if self.values.dtype == np.int8:
            return self.values, 0
        offset = int(self.values.min()) + 128
        return (self.values - offset).astype(np.int8), offset

    def fields(self, operation: Operation) -> dict[str, int | float | Array]:
        """What plain kernels of all weighted operators take alike: weights, bias, offsets, requantization."""
        values, offset = self.stored()
        offsets = {} if is_wide(self.source) else {"input_offset": -self.zero_point, "weight_offset": offset}
        return {
            **offsets,
            "weights": Array(values, is_weights=True),
            "bias": Array(self.bias.astype(np.int64 if is_wide(self.source) else np.int32)),
            **requantization_parameters(self.scales, operation, self.result),
        }


class Weighted(Operator):
    """An operator whose outputs are sums of weights times inputs."""

    operands = (2, 3)
    channel_axis: ClassVar[int] = 0
    """The dimension of the weights that the output channels run along."""

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """input and output must be int8, or both int16 with zero points of 0, with one scale each"""
        return require_integers(graph, operation)

    def rule_weights(self, graph: Graph, operation: Operation) -> str:
        """weights must be constant symmetric int8, per tensor or per output channel, the bias constant int32, beside int16 int64"""
        weights = graph.tensors[operation.inputs[1]]
        if len(weights.shape) <= self.channel_axis:
            return f'weights "{weights.name}" of shape {list(weights.shape)}'
        wide = operation.opcode in WITH_WIDE_WEIGHTS
        return bad_weights(graph, operation, weights.shape[self.channel_axis], self.channel_axis, takes_wide=wide)

    def rule_factors(self, graph: Graph, operation: Operation) -> str:
        """input scale times weight scale must be below 2^31 output scales, in int16 2^7"""
        source, weights, (result,) = *(graph.tensors[i] for i in operation.inputs[:2]), graph.results(operation)
        check = bad_wide_factor if is_wide(result) else bad_factor
        return check(*weight_scales(source, weights, result, legacy=LEGACY in operation.options))

    def parts(self, graph: Graph, operation: Operation) -> Parts:
        source, weights, bias = (*graph.operands(operation), None)[:3]
        (result,) = graph.results(operation)
        assert source and weights and source.quantization and weights.data is not None
        return Parts(
            source=source,
            weights=weights,
            result=result,
            values=weights.data,
            bias=bias_values(bias, weights.shape[self.channel_axis]),
            scales=weight_scales(source, weights, result, legacy=LEGACY in operation.options),
            zero_point=source.quantization.zero_point,
        )
