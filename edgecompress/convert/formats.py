"""Files for LiteRT on a computer: int16 activations, dynamic range, float16; each proven from the file itself."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from edgecompress import files
from edgecompress.convert.lite import to_dynamic, to_float16, to_int16
from edgecompress.convert.post_training import settings_of
from edgecompress.convert.proof import WEIGHTS
from edgecompress.convert.samples import open_samples
from edgecompress.convert.stage import Calibration, load_model, remark
from edgecompress.errors import UnsupportedError, UsageError
from edgecompress.tflite.graph import Graph, Tensor
from edgecompress.tflite.reader import read_bytes

FORMATS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"int16": ("int16", "int8"), "dynamic": ("float32", "int8"), "float16": ("float32", "float16")}
)
"""Format → the types of activations and of weights."""


def convert_as(job: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a Keras model to one of `FORMATS`; runs in the worker process.

    Args:
        job: as `stage.convert` takes it; the format is [quantization]'s.

    Returns:
        JSON-able: "output", "sha256", "bytes", "seconds", "quantization" (None), "proof" (see `check_format`).

    Raises:
        UsageError: techniques that are for int8 files.
        UnsupportedError: the file does not hold what its format says; names the tensor.
    """
    started = time.monotonic()
    settings = settings_of(job)
    if not settings.is_plain:
        raise UsageError(
            f"post-training quantization by samples is for int8 files, not for {settings.format}",
            found=settings.words,
            hint='leave those techniques out, or format = "int8"',
        )
    model = load_model(job)
    content = _converters(model, job)[settings.format]()
    graph = read_bytes(content)
    proof = check_format(graph, settings.format)
    files.write_bytes(Path(job["output"]), content)
    return {
        "output": str(job["output"]),
        "sha256": graph.sha256,
        "bytes": len(content),
        "seconds": round(time.monotonic() - started, 3),
        "quantization": None,
        "proof": proof,
    }


def check_format(graph: Graph, name: str) -> dict[str, int]:
    """Check that operators with weights read and give the activations, and hold the weights, that a format says.

    The converter leaves weights of fewer than 1,024 values in float32 where it quantizes dynamically; they are counted.

    Returns:
        {"weights": tensors of the format's type, "left": weights in float32}.

    Raises:
        UnsupportedError: another type, or no weights of the format's type at all; names the tensor.
    """
    activations, wanted = FORMATS[name]
    made = {index: one for one in graph.operations for index in one.outputs}
    count = left = 0
    for operation in graph.operations:
        if operation.opcode not in WEIGHTS:
            continue
        weights = graph.tensors[operation.inputs[WEIGHTS[operation.opcode]]]
        source = made.get(weights.index)
        if source is not None and source.opcode == "DEQUANTIZE":
            weights = graph.tensors[source.inputs[0]]
        for tensor in graph.results(operation):
            _require(tensor, activations, f"{name}: an activation")
        if name == "dynamic" and weights.dtype == np.float32:
            left += 1
            continue
        _require(weights, wanted, f"{name}: weights")
        count += 1
    if not count:
        raise UnsupportedError(
            f"{name}: the converter quantized no weights of this model",
            found=f"{left} tensors left in float32; it leaves those of fewer than 1,024 values",
            hint="float16, or int8",
        )
    return {"weights": count, "left": left}


def _converters(model: Any, job: Mapping[str, Any]) -> dict[str, Callable[[], bytes]]:
    def int16() -> bytes:
        shapes = [tuple(tensor.shape[1:]) for tensor in model.inputs]
        samples = open_samples(job, "calibration", shapes, job.get("calibration_samples"))
        remark(samples)
        return to_int16(model, Calibration(samples, [tensor.dtype.as_numpy_dtype for tensor in model.inputs]))

    return {"int16": int16, "dynamic": lambda: to_dynamic(model), "float16": lambda: to_float16(model)}


def _require(tensor: Tensor, wanted: str, what: str) -> None:
    if tensor.dtype != np.dtype(wanted):
        raise UnsupportedError(
            f'{what} "{tensor.name.split(";")[0]}" is not {wanted}',
            found=str(tensor.dtype),
            hint="the converter has no such form of this operator; another format",
        )
