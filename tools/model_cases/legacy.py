"""Cases of legacy uint8: those of int8 with everything 128 higher, and weights with zero points of all kinds."""

from collections.abc import Callable
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from model_cases import convolutions, curves, decisions, elementwise, pointwise, rows, windows
from model_cases.case import LITERT_EXACT, Case
from model_cases.network import Network

MODULES = (convolutions, curves, decisions, elementwise, pointwise, rows, windows)
COMPARED = ("same_shape", "number", "constant", "both_broadcast", "tiny_scales")
TWINS = {
    "ADD": ("same_shape", "channel_vector", "both_broadcast", "relu6", "scale_ratio_1e4"),
    "SUB": ("same_shape", "constant_first", "relu"),
    "MUL": ("same_shape", "channel_vector", "scalar_of_rank_1", "relu6"),
    "PRELU": ("same_shape", "constant"),
    "MAXIMUM": ("same_shape", "constant"),
    "MINIMUM": ("same_shape",),
    "AVERAGE_POOL_2D": (),
    "MAX_POOL_2D": (),
    "SOFTMAX": (),
    "LOG_SOFTMAX": (),
    "LOGISTIC": (),
    "TANH": (),
    "HARD_SWISH": (),
    "LEAKY_RELU": (),
    "RELU": (),
    "RELU6": ("same_quantization",),
    "RELU_N1_TO_1": (),
    "MEAN": (),
    "SUM": (),
    "REDUCE_MAX": (),
    "ARG_MAX": (),
    "EQUAL": COMPARED,
    "GELU": (),
    "GREATER": COMPARED,
    "GREATER_EQUAL": COMPARED,
    "LESS": COMPARED,
    "LESS_EQUAL": COMPARED,
    "NOT_EQUAL": COMPARED,
}
"""Which cases of int8 are taken; all of an operator where none is named."""
MOST = 12
"""Of an operator's cases."""


def unsigned(model: bytes) -> bytes:
    """The same model with every int8 tensor's values and zero points 128 higher."""
    made = schema.ModelT.InitFromObj(schema.Model.GetRootAs(bytearray(model), 0))
    raised = set()
    for tensor in made.subgraphs[0].tensors:
        if tensor.type != schema.TensorType.INT8:
            continue
        tensor.type = schema.TensorType.UINT8
        tensor.quantization.zeroPoint = np.array(tensor.quantization.zeroPoint) + 128
        buffer = made.buffers[tensor.buffer]
        if buffer.data is not None and len(buffer.data) and tensor.buffer not in raised:
            buffer.data = np.array(buffer.data, np.uint8) ^ 128
            raised.add(tensor.buffer)
    for code in made.operatorCodes:
        code.version = 1
    builder = flatbuffers.Builder(1024)
    builder.Finish(made.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def twin(build: Callable[[], bytes]) -> Callable[[], bytes]:
    return lambda: unsigned(build())


def legacy(case: Case) -> Case:
    """LiteRT is the reference where it gives TFLM's bytes in int8."""
    reference: Any = "litert" if case.litert == LITERT_EXACT else "numpy"
    return Case(case.operator, f"legacy_{case.name}", twin(case.build), case.litert, case.why, reference)


def twins() -> list[Case]:
    found = []
    for opcode, names in TWINS.items():
        cases = [
            case
            for module in MODULES
            for case in module.CASES
            if case.operator == opcode and (case.reference == "tflm" or opcode == "GELU")
        ]
        chosen = [case for case in cases if not names or case.name in names]
        found += [legacy(case) for case in chosen[:MOST]]
    return found


def weighted(
    opcode: str,
    zero_point: int,
    shape: tuple[int, ...],
    target: tuple[int, ...],
    filter_shape: tuple[int, ...],
    **fields: Any,
) -> Callable[[], bytes]:
    """One operator with weights of all 256 values and one zero point."""

    def build() -> bytes:
        network, generator = Network(), np.random.default_rng(zero_point)
        weights = generator.integers(0, 256, filter_shape)
        weights.reshape(-1)[:2] = 0, 255
        outputs = target[-1]
        source = network.tensor(shape, 0.0234, 131, "UINT8")
        kernel = network.tensor(filter_shape, 0.00171, zero_point, "UINT8", data=weights)
        bias = network.tensor((outputs,), 0.0234 * 0.00171, 0, "INT32", data=generator.integers(-3000, 3000, outputs))
        result = network.tensor(target, 0.0271, 117, "UINT8")
        options = {"CONV_2D": "Conv2D", "DEPTHWISE_CONV_2D": "DepthwiseConv2D", "FULLY_CONNECTED": "FullyConnected"}[
            opcode
        ]
        network.operator(opcode, [source, kernel, bias], [result], options, 1, **fields)
        return network.file([source], [result])

    return build


SLIDING = {"padding": "SAME", "strideW": 1, "strideH": 1, "fusedActivationFunction": "RELU6"}
LAYERS: dict[str, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "CONV_2D": ((1, 5, 6, 3), (1, 5, 6, 4), (4, 3, 3, 3), SLIDING),
    "DEPTHWISE_CONV_2D": ((1, 5, 6, 4), (1, 5, 6, 8), (1, 3, 3, 8), {**SLIDING, "depthMultiplier": 2}),
    "FULLY_CONNECTED": ((2, 33), (2, 7), (7, 33), {"fusedActivationFunction": "NONE"}),
}
ZERO_POINTS = {"zero": 0, "low": 61, "middle": 128, "high": 204, "highest": 255}
ONCE = "it rounds once since 1.3; tflite-runtime 2.14 did not (tried with weights around 128)"


def layers() -> list[Case]:
    found = []
    for opcode, (shape, target, filter_shape, fields) in LAYERS.items():
        known = (
            {"litert": 1, "why": ONCE, "reference": "numpy"} if opcode == "FULLY_CONNECTED" else {"reference": "litert"}
        )
        for name, zero_point in ZERO_POINTS.items():
            build = weighted(opcode, zero_point, shape, target, filter_shape, **fields)
            found.append(Case(opcode, f"legacy_zero_point_{name}", build, **known))  # type: ignore[arg-type]
    return found


CASES = [*twins(), *layers()]
