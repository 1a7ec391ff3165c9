"""SVDF: every filter's feature of the input goes into its memory of the last ones; outputs are sums over time of `rank` filters.

The memory is a variable tensor [batch, filters · memory], oldest first, which is changed in place; int8, or int16 with int16 weights
of time. TensorFlow Lite Micro knows no fused activation here: what int8 can hold is all the clamping there is.
"""

import numpy as np

from edgecompress.codegen.arithmetic import multiply_by_quantized_multiplier, quantize_multiplier, wrap_int32
from edgecompress.codegen.ops.activation import bad_quantization, require_int8
from edgecompress.codegen.ops.base import Array, KernelCall, Operator
from edgecompress.codegen.ops.requantization import bad_factor, requantization_fields
from edgecompress.codegen.ops.sweeps import by_rows
from edgecompress.tflite.graph import Graph, Operation, Tensor

KINDS = {np.dtype(np.int8): "svdf_s8", np.dtype(np.int16): "svdf_s16"}
"""The kernel by the type of the state."""


class Svdf(Operator):
    opcode = "SVDF"
    operands = (5, 5)
    options = ("rank",)

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """input and output must be int8 with one scale each"""
        return require_int8(graph, operation)

    def rule_state(self, graph: Graph, operation: Operation) -> str:
        """the state must be a variable of its own, symmetric int8 or int16 with one scale"""
        state = graph.tensors[operation.inputs[4]]
        used = sum(one.inputs.count(state.index) for one in graph.operations) + graph.outputs.count(state.index)
        if not state.is_variable or state.is_constant or state.dtype not in KINDS or used != 1:
            return f"{state.type_name}, {'variable' if state.is_variable else 'not variable'}, used {used} times"
        # with another zero point one version of TFLM saturates before it is added, another one after
        return bad_quantization(state) or _bad_symmetry(state)

    def rule_weights(self, graph: Graph, operation: Operation) -> str:
        """the weights must be constant and symmetric with one scale each, of features int8, of time as the state, the bias int32"""
        _, features, time, bias, state = _tensors(graph, operation)
        for tensor, dtype in ((features, np.dtype(np.int8)), (time, state.dtype), (bias, np.dtype(np.int32))):
            if tensor.data is None or tensor.dtype != dtype:
                return f'"{tensor.name}" {tensor.type_name}{"" if tensor.is_constant else ", not constant"}'
        found = (bad_quantization(tensor) or _bad_symmetry(tensor) for tensor in (features, time))
        return next(filter(None, found), "")

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """input, weights, bias, state and output must fit one another, and the rank divide the filters"""
        source, features, time, bias, state = _tensors(graph, operation)
        (result,) = graph.results(operation)
        shapes = [tensor.shape for tensor in (source, features, time, bias, state, result)]
        rank, fits = _rank(operation), all(len(shape) == 2 for shape in (*shapes[:3], *shapes[4:]))
        if fits and rank >= 1:
            (batches, inputs), (filters, depth), (rows, memory) = shapes[:3]
            expected = [(filters // rank,), (batches, filters * memory), (batches, filters // rank)]
            divides = filters % rank == 0 and min(batches, inputs, filters, memory) >= 1
            fits = divides and (depth, rows) == (inputs, filters) and shapes[3:] == expected
        return "" if fits and rank >= 1 else f"rank {rank}, {', '.join(str(list(shape)) for shape in shapes)}"

    def rule_factors(self, graph: Graph, operation: Operation) -> str:
        """the factors to the state's scale, and from there to the output's, must be below 2^31"""
        return bad_factor(*_factors(graph, operation))

    def macs(self, graph: Graph, operation: Operation) -> int:
        source, features, time, *_ = _tensors(graph, operation)
        return source.shape[0] * (features.elements + time.elements)

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        x, features, time, bias, state = inputs
        assert x is not None and features is not None and time is not None and bias is not None and state is not None
        source, (result,) = graph.tensors[operation.inputs[0]], graph.results(operation)
        assert source.quantization and result.quantization
        to_state, to_result = (quantize_multiplier(factor) for factor in _factors(graph, operation))
        memory = state.reshape(len(x), len(features), -1)  # a view: the caller's state changes
        memory[:, :, :-1] = memory[:, :, 1:].copy()
        sums = (x.astype(np.int64) - source.quantization.zero_point) @ features.astype(np.int64).T
        limits = np.iinfo(state.dtype)
        memory[:, :, -1] = np.clip(
            multiply_by_quantized_multiplier(wrap_int32(sums), *to_state), limits.min, limits.max
        )
        products = memory.astype(np.int64) * time.astype(np.int64)
        totals = products.sum(-1).reshape(len(x), -1, _rank(operation)).sum(-1) + bias
        output = multiply_by_quantized_multiplier(wrap_int32(totals), *to_result) + result.quantization.zero_point
        return [np.clip(wrap_int32(output), -128, 127).astype(np.int8)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        source, features, time, bias, state = _tensors(graph, operation)
        (result,) = graph.results(operation)
        assert source.quantization
        assert features.data is not None and time.data is not None and bias.data is not None
        (multiplier, shift), (second, second_shift) = (quantize_multiplier(f) for f in _factors(graph, operation))
        limits, (batches, inputs), filters = np.iinfo(state.dtype), source.shape, features.shape[0]
        scaling = np.array([multiplier, second], np.int32), np.array([shift, second_shift], np.int8)
        offsets = -source.quantization.zero_point * features.data.astype(np.int64).sum(-1)
        unclamped = Operation(operation.index, operation.opcode, operation.inputs, operation.outputs)
        parameters: dict[str, int | float | Array] = {
            "batches": batches,
            "inputs": inputs,
            "filters": filters,
            "rank": _rank(operation),
            "memory": time.shape[1],
            "state_min": int(limits.min),
            "state_max": int(limits.max),
            "features": Array(features.data, is_weights=True),
            "feature_bias": Array(wrap_int32(offsets).astype(np.int32)),
            "time": Array(time.data, is_weights=True),
            "bias": Array(bias.data),
            **requantization_fields(*scaling, unclamped, result),
        }
        sweep = by_rows(batches, inputs, filters // _rank(operation), 0)
        return KernelCall(KINDS[state.dtype], parameters, (source, state, result), source="svdf", sweeps=(sweep,))


def _tensors(graph: Graph, operation: Operation) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """(input, weights of features, weights of time, bias, state)"""
    source, features, time, bias, state = (graph.tensors[index] for index in operation.inputs)
    return source, features, time, bias, state


def _bad_symmetry(tensor: Tensor) -> str:
    zero_point = tensor.quantization.zero_point if tensor.quantization else 0
    return f'"{tensor.name}" with zero point {zero_point}' if zero_point else ""


def _rank(operation: Operation) -> int:
    return int(operation.options["rank"])  # type: ignore[call-overload]


def _factors(graph: Graph, operation: Operation) -> list[float]:
    """From sums of features to the state, from sums over time to the output: in float32, as TensorFlow Lite Micro divides."""
    source, features, time, _, state = _tensors(graph, operation)
    (result,) = graph.results(operation)
    x, f, t, s, y = (
        np.float32(tensor.quantization.scale)
        for tensor in (source, features, time, state, result)
        if tensor.quantization
    )
    with np.errstate(over="ignore", under="ignore"):
        return [float(x * f / s), float(s * t / y)]
