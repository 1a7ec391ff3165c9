"""Cases of int16 activations: those of int8 with scales 256 times finer and zero points of 0, weights of int8, biases of int64."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from model_cases import convolutions, curves, elementwise, movement, pointwise, rows, transposed, windows
from model_cases.case import LITERT_DIFFERS, LITERT_EXACT, LITERT_REFUSES, Case

MODULES = (convolutions, curves, elementwise, movement, pointwise, rows, transposed, windows)
WEIGHTED = {
    "CONV_2D": (
        "per_tensor", "per_channel_extreme_scales", "relu", "relu6", "weights_lowest", "positive_shift", "saturating",
        "strongly_negative_shift", "one_input_channel", "same", "valid", "kernel_larger_than_input", "stride_2_same",
        "dilation_3x2_valid", "batch_2", "odd_channels", "one_pixel", "two_groups", "groups_of_one_channel", "no_bias", "absent_bias",
    ),
    "DEPTHWISE_CONV_2D": (
        "per_tensor", "per_channel_extreme_scales", "relu6", "weights_lowest", "saturating", "one_filter", "same", "valid",
        "stride_2_same", "dilation_2_same", "batch_2", "odd_channels", "no_bias", "multiplier_1",
    ),
    "FULLY_CONNECTED": (
        "relu", "weights_lowest", "saturating", "tiny_scales", "one_filter", "no_bias", "17_to_33_rows_2", "keep_num_dims",
    ),
    "TRANSPOSE_CONV": (),
}  # fmt: skip
"""Which cases of layers with weights are taken; all of an operator where none is named."""
OTHERS: dict[str, tuple[str, ...]] = {
    "ADD": (
        "same_shape", "constant", "constant_first", "channel_vector_first", "scalar_of_rank_1", "both_broadcast",
        "scale_ratio_1e4", "scale_ratio_power_of_two", "relu6", "relu_n1_to_1", "coarse_result", "with_itself",
    ),
    "SUB": ("same_shape", "constant_first", "both_broadcast", "scale_ratio_1e9", "relu", "coarse_result", "with_itself"),
    "MUL": ("same_shape", "constant", "channel_vector", "scalar_of_rank_0", "both_broadcast", "relu6", "fine_result", "with_itself"),
    "SQUARED_DIFFERENCE": ("same_shape", "constant", "channel_vector", "both_broadcast", "equal_scales", "coarse_result"),
    "MAXIMUM": (),
    "MINIMUM": (),
    "AVERAGE_POOL_2D": ("2x2_valid", "3x3_same_stride_1", "global_19x15", "larger_than_input_same", "batch_3", "relu", "relu6"),
    "MAX_POOL_2D": ("2x2_valid", "3x3_same_stride_2", "global", "stride_larger_than_kernel", "batch_3", "relu6"),
    "MEAN": (
        "height_width", "height_width_keep", "channels", "all", "rank_2", "large", "finer_result", "finer_result_keep",
        "coarser_result", "tiny_ratio", "all_other_scale",
    ),
    "SUM": (),
    "REDUCE_MAX": (),
    "REDUCE_MIN": (),
    "LOGISTIC": (),
    "TANH": (),
    "RELU": ("same_quantization", "finer", "coarser", "tiny_ratio"),
    "RELU6": ("same_quantization",),
    "ABS": (),
    "LEAKY_RELU": (),
    "SOFTMAX": (
        "ten", "one", "five_hundred", "rows", "rank_4", "beta_half", "beta_10", "beta_tiny", "huge_scale",
    ),
    "BATCH_MATMUL": (),
    "PAD": (),
    "PADV2": (),
}  # fmt: skip
"""The same of operators without weights."""
FINER = 256
UNIT = 2.0**-15
"""The scale of what is between -1 and 1."""
FIXED = ("LOGISTIC", "TANH", "SOFTMAX")
"""Operators whose results have that scale."""
WEIGHTS_AT = {"TRANSPOSE_CONV": 1} | dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"), 1)


def widened(model: bytes) -> bytes:
    """The same model in 16 bits."""
    made = schema.ModelT.InitFromObj(schema.Model.GetRootAs(bytearray(model), 0))
    graph, names = made.subgraphs[0], {value: name for name, value in vars(schema.BuiltinOperator).items()}
    weights, results = set(), set()
    for operator in graph.operators:
        opcode = names[made.operatorCodes[operator.opcodeIndex].builtinCode]
        weights |= {operator.inputs[WEIGHTS_AT[opcode]]} if opcode in WEIGHTS_AT else set()
        results |= set(operator.outputs) if opcode in FIXED else set()
    for index, tensor in enumerate(graph.tensors):
        if tensor.type == schema.TensorType.INT8 and index not in weights:
            _widen(tensor, made.buffers[tensor.buffer], UNIT if index in results else None)
        elif tensor.type == schema.TensorType.INT32 and tensor.quantization is not None:
            tensor.type, buffer = schema.TensorType.INT64, made.buffers[tensor.buffer]
            tensor.quantization.scale = np.array(tensor.quantization.scale, np.float32) / np.float32(FINER)
            values = np.array(buffer.data, np.uint8).view(np.int32).astype(np.int64)
            buffer.data = (FINER * values + index).view(np.uint8)
    builder = flatbuffers.Builder(1024)
    builder.Finish(made.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _widen(tensor: Any, buffer: Any, scale: float | None) -> None:
    tensor.type = schema.TensorType.INT16
    quantization = tensor.quantization
    finer = np.array(quantization.scale, np.float32) / np.float32(FINER)
    quantization.scale = finer if scale is None else np.array([scale], np.float32)
    quantization.zeroPoint = np.zeros(len(quantization.zeroPoint), np.int64)
    if buffer.data is not None and len(buffer.data):
        values = np.array(buffer.data, np.uint8).view(np.int8).astype(np.int16)
        buffer.data = (values * FINER + np.arange(len(values)) * 37 % FINER).astype(np.int16).view(np.uint8)


def twin(build: Callable[[], bytes]) -> Callable[[], bytes]:
    return lambda: widened(build())


ODD: dict[str, dict[str, Any]] = {
    "SQUARED_DIFFERENCE": {"litert": LITERT_REFUSES, "why": "it knows float32 and int32 only"},
    "SUM": {"litert": LITERT_DIFFERS, "why": "it saturates before it scales"},
    "REDUCE_MAX": {"reference": "litert"},
    "REDUCE_MIN": {"reference": "litert"},
}
"""Operators of which LiteRT's reference kernels say something else than TFLM, or alone something."""
WITHOUT_BIAS = ("conv_2d-no_bias", "conv_2d-absent_bias")


def sixteen(case: Case) -> Case:
    changes = {"litert": LITERT_EXACT, "why": "", "reference": "tflm", **ODD.get(case.operator, {})}
    if case.operator == "FULLY_CONNECTED" or case.id == "leaky_relu-alpha_negative":
        changes |= {"litert": case.litert, "why": case.why}
    if case.id in WITHOUT_BIAS:
        changes |= {"litert": LITERT_REFUSES, "why": "beside int16 it wants a bias"}
    return replace(case, name=f"int16_{case.name}", build=twin(case.build), **changes)


def twins() -> list[Case]:
    known = [case for module in MODULES for case in module.CASES if case.reference == "tflm"]
    return [
        sixteen(case)
        for opcode, names in (WEIGHTED | OTHERS).items()
        for case in known
        if case.operator == opcode and (not names or case.name in names) and not case.name.startswith("int16")
    ]


CASES = twins()
