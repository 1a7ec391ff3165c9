"""UNIDIRECTIONAL_SEQUENCE_LSTM: int8 or int16, with int16 cells, as TFLM computes it: no peepholes, projection or layer normalization.

The hidden state and the cells are variable tensors, [batch, units], and are changed in place.
"""

import math
from dataclasses import dataclass

import numpy as np

from edgecompress.codegen import curves_16
from edgecompress.codegen.arithmetic import (
    multiply_by_quantized_multiplier,
    multiply_by_reduced_multiplier,
    quantize_multiplier,
    reduced_multiplier,
    wrap_int32,
)
from edgecompress.codegen.ops.activation import bad_quantization
from edgecompress.codegen.ops.base import Array, KernelCall, Operator
from edgecompress.codegen.ops.requantization import bad_bias, bad_factor, bad_wide_factor, multipliers
from edgecompress.codegen.ops.widths import bad_integer, is_wide, require_integers, sized
from edgecompress.tflite.graph import ABSENT, Graph, Operation, Tensor

FORGET, INPUT, CELL, OUTPUT = range(4)
"""The gates in the order in which they are kept here."""
WEIGHTS, RECURRENT, BIASES = (2, 1, 3, 4), (6, 5, 7, 8), (13, 12, 14, 15)
"""The operands of the gates."""
HIDDEN, CELLS, OPERANDS = 18, 19, 24
SUMS = 8
"""Factors that scale sums of weights; those of products follow."""
GATE_SCALE, CURVE_SCALE = 2.0**-12, 2.0**-15
"""Of what goes into sigmoid and tanh, and of what comes out."""


@dataclass(frozen=True, eq=False)
class _Parts:
    """The tensors and sizes of an operation that all rules accept; factors of the gates' sums, then of the three products."""

    source: Tensor
    hidden: Tensor
    cells: Tensor
    result: Tensor
    weights: np.ndarray
    recurrent: np.ndarray
    bias: np.ndarray
    factors: list[float]
    clip: int

    @property
    def power(self) -> int:
        """The cells' scale is two to this."""
        assert self.cells.quantization
        return round(math.log2(self.cells.quantization.scale))


class UnidirectionalSequenceLstm(Operator):
    opcode = "UNIDIRECTIONAL_SEQUENCE_LSTM"
    operands = (1, OPERANDS)
    options = ("fused_activation_function", "cell_clip", "time_major")

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """input and output must be int8, or both int16 with zero points of 0, with one scale each"""
        return require_integers(graph, operation)

    def rule_kind(self, graph: Graph, operation: Operation) -> str:
        """all four gates must be there, and no peepholes, projection or layer normalization; the activation must be TANH"""
        needed = {0, *WEIGHTS, *RECURRENT, *BIASES, HIDDEN, CELLS}
        there = {place for place, index in enumerate(operation.inputs) if index != ABSENT}
        activation = str(operation.options["fused_activation_function"])
        if len(operation.inputs) == OPERANDS and there == needed and activation == "TANH":
            return ""
        return f"operands {sorted(there)}, {activation}"

    def rule_states(self, graph: Graph, operation: Operation) -> str:
        """the states must be variables of their own with one scale: as the input, cells symmetric int16, of 2^-24, 2^-23 to 2^-1"""
        for place, dtype in ((HIDDEN, graph.tensors[operation.inputs[0]].dtype), (CELLS, np.dtype(np.int16))):
            state = graph.tensors[operation.inputs[place]]
            used = sum(one.inputs.count(state.index) for one in graph.operations) + graph.outputs.count(state.index)
            if not state.is_variable or state.is_constant or state.dtype != dtype or used != 1:
                return f'"{state.name}" {state.type_name}, used {used} times'
            if found := bad_integer(state):
                return found
        assert state.quantization
        mantissa, power = math.frexp(state.quantization.scale)
        return "" if mantissa == 0.5 and -23 <= power <= 0 else f"scale {state.quantization.scale}"

    def rule_weights(self, graph: Graph, operation: Operation) -> str:
        """weights must be constant symmetric int8 with one scale, biases constant int32, beside int16 int64"""
        for place in (*WEIGHTS, *RECURRENT):
            tensor = graph.tensors[operation.inputs[place]]
            if tensor.data is None or tensor.dtype != np.int8:
                return f'"{tensor.name}" {tensor.type_name}{"" if tensor.is_constant else ", not constant"}'
            if found := bad_quantization(tensor):
                return found
            if tensor.quantization and tensor.quantization.zero_point:
                return f'"{tensor.name}" with zero point {tensor.quantization.zero_point}'
        (result,), biases = graph.results(operation), (graph.tensors[operation.inputs[place]] for place in BIASES)
        return next(filter(None, (bad_bias(bias, bias.elements, result) for bias in biases)), "")

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """input and output must be [batch, time, ...] or time first, and weights, biases and states fit them"""
        source, (result,) = graph.tensors[operation.inputs[0]], graph.results(operation)
        found = f"input {list(source.shape)}, output {list(result.shape)}"
        if len(source.shape) != 3 or len(result.shape) != 3 or source.shape[:2] != result.shape[:2]:
            return found
        (batches, _), inputs, units = _batches_and_steps(source, operation), source.shape[2], result.shape[2]
        expected: dict[int, tuple[int, ...]] = {HIDDEN: (batches, units), CELLS: (batches, units)}
        expected |= dict.fromkeys(WEIGHTS, (units, inputs))
        expected |= dict.fromkeys(RECURRENT, (units, units))
        expected |= {place: (units,) for place in BIASES}
        for place, shape in expected.items():
            if graph.tensors[operation.inputs[place]].shape != shape:
                return f"{found}, operand {place} {list(graph.tensors[operation.inputs[place]].shape)}"
        return ""

    def rule_factors(self, graph: Graph, operation: Operation) -> str:
        """the factors between scales must be below 2^31, of sums in int16 2^7, and cells not be clipped to less than nothing"""
        clip, parts = float(operation.options["cell_clip"]), _parts(graph, operation)  # type: ignore[arg-type]
        found = bad_wide_factor(*parts.factors[:SUMS]) if is_wide(parts.result) else ""
        return found or bad_factor(*parts.factors) or ("" if clip >= 0 else f"cell_clip {clip}")

    def macs(self, graph: Graph, operation: Operation) -> int:
        source, units = graph.tensors[operation.inputs[0]], graph.results(operation)[0].shape[-1]
        return source.shape[0] * source.shape[1] * 4 * units * (source.shape[2] + units)

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        x, hidden, cells = inputs[0], inputs[HIDDEN], inputs[CELLS]
        assert x is not None and hidden is not None and cells is not None
        parts, is_time_major = _parts(graph, operation), bool(operation.options["time_major"])
        rows = np.asarray(x if is_time_major else x.swapaxes(0, 1))
        outputs = np.stack([_step(parts, row, hidden, cells) for row in rows])
        return [np.ascontiguousarray(outputs if is_time_major else outputs.swapaxes(0, 1))]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        parts = _parts(graph, operation)
        tanh_factor, tanh_shift = curves_16.tanh_scaling(parts.power)
        batches, steps = _batches_and_steps(parts.source, operation)
        factors, shifts = multipliers(parts.factors[SUMS:])
        parameters: dict[str, int | float | Array] = {
            "batches": batches,
            "steps": steps,
            "inputs": parts.source.shape[2],
            "units": parts.hidden.shape[1],
            "batch_pitch": 1 if operation.options["time_major"] else steps,
            "step_pitch": batches if operation.options["time_major"] else 1,
            "weights": Array(parts.weights, is_weights=True),
            "recurrent": Array(parts.recurrent, is_weights=True),
            **_sums(parts),
            "cells.clip": parts.clip,
            "cells.tanh_factor": tanh_factor,
            "cells.tanh_shift": tanh_shift,
            "cells.product_multipliers": Array(factors),
            "cells.product_shifts": Array(shifts),
            "cells.sigmoid": Array((curves_16.SIGMOID - 2**15).astype(np.int16)),
        }
        operands = (parts.source, parts.hidden, parts.cells, parts.result)
        return KernelCall(sized("lstm", parts.result), parameters, operands)


def _batches_and_steps(source: Tensor, operation: Operation) -> tuple[int, int]:
    first, second = source.shape[:2]
    return (second, first) if operation.options["time_major"] else (first, second)


def _parts(graph: Graph, operation: Operation) -> _Parts:
    tensors = {place: graph.tensors[index] for place, index in enumerate(operation.inputs) if index != ABSENT}
    scales = {place: t.quantization.scales[0] for place, t in tensors.items() if t.quantization}
    factors = [scales[0] * scales[place] / GATE_SCALE for place in WEIGHTS]
    factors += [scales[HIDDEN] * scales[place] / GATE_SCALE for place in RECURRENT]
    factors += [CURVE_SCALE, CURVE_SCALE**2 / scales[CELLS], CURVE_SCALE**2 / scales[HIDDEN]]
    clip = float(np.float32(operation.options["cell_clip"])) / scales[CELLS]  # type: ignore[arg-type]

    def stacked(places: tuple[int, ...]) -> np.ndarray:
        return np.stack([data for place in places if (data := tensors[place].data) is not None])

    return _Parts(
        source=tensors[0],
        hidden=tensors[HIDDEN],
        cells=tensors[CELLS],
        result=graph.results(operation)[0],
        weights=stacked(WEIGHTS),
        recurrent=stacked(RECURRENT),
        bias=stacked(BIASES),
        factors=factors,
        clip=int(min(clip, 32767.0)) if clip > 0 else 0,
    )


def _sums(parts: _Parts) -> dict[str, int | float | Array]:
    """The fields that say what is added to sums of weights, and how these are scaled."""
    factors, shifts = multipliers(parts.factors[:SUMS])
    if is_wide(parts.result):
        held = reduced_multiplier(factors).astype(np.int16)
        return {"bias": Array(parts.bias), "multipliers": Array(held), "shifts": Array(shifts)}
    assert parts.source.quantization and parts.hidden.quantization
    zero_point = parts.hidden.quantization.zero_point
    return {
        "hidden_zero_point": zero_point,
        "bias": Array(_less(parts.bias, parts.weights, parts.source.quantization.zero_point)),
        "recurrent_bias": Array(_less(np.int64(0), parts.recurrent, zero_point)),
        "multipliers": Array(factors),
        "shifts": Array(shifts),
    }


def _step(parts: _Parts, x: np.ndarray, hidden: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """The outputs [batch, units] of one point in time; the states are changed."""
    assert parts.source.quantization and parts.hidden.quantization
    zero_point = parts.hidden.quantization.zero_point
    scaling = [quantize_multiplier(factor) for factor in parts.factors]
    rows, old = (values.astype(np.int64) for values in (x, hidden))
    gates = []
    for gate in range(4):
        sums = (rows - parts.source.quantization.zero_point) @ parts.weights[gate].astype(np.int64).T + parts.bias[gate]
        past = (old - zero_point) @ parts.recurrent[gate].astype(np.int64).T
        total = _sum(parts, sums, scaling[gate]) + _sum(parts, past, scaling[4 + gate])
        total = np.clip(total, -(2**15), 2**15 - 1)
        gates.append(curves_16.tanh(total, -12) if gate == CELL else curves_16.sigmoid(total))
    kept = _scaled(gates[FORGET] * cells, scaling[SUMS])
    updated = np.clip(kept + _scaled(gates[INPUT] * gates[CELL], scaling[SUMS + 1]), -(2**15), 2**15 - 1)
    cells[:] = np.clip(updated, -parts.clip, parts.clip) if parts.clip else updated
    shown = multiply_by_quantized_multiplier(curves_16.tanh(cells, parts.power) * gates[OUTPUT], *scaling[SUMS + 2])
    limits = np.iinfo(hidden.dtype)
    hidden[:] = np.clip(wrap_int32(shown + zero_point), limits.min, limits.max)
    return hidden.copy()


def _less(bias: np.ndarray | np.int64, weights: np.ndarray, zero_point: int) -> np.ndarray:
    """The bias less what a zero point adds to the sums, modulo 2^32."""
    return wrap_int32(bias - zero_point * weights.astype(np.int64).sum(-1)).astype(np.int32)


def _sum(parts: _Parts, x: np.ndarray, scaling: tuple[int, int]) -> np.ndarray:
    """Of weights times values, of 64 bits beside int16, to int16, saturating."""
    if is_wide(parts.result):
        return np.clip(multiply_by_reduced_multiplier(x, *scaling), -(2**15), 2**15 - 1)
    return _scaled(x, scaling)


def _scaled(x: np.ndarray, scaling: tuple[int, int]) -> np.ndarray:
    """To int16, saturating."""
    return np.clip(multiply_by_quantized_multiplier(wrap_int32(x), *scaling), -(2**15), 2**15 - 1)
