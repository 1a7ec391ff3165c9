"""TensorFlow Lite Micro's own interpreter for x86 (the PyPI package `tflite-micro`): the arithmetic that we must equal.

Facts about that package, each seen (0.dev20261023):

- It is told to preserve all tensors; `GetTensor(tensor, subgraph)` then returns a dictionary {"dtype", "shape",
  "tensor_data"} whose array is a copy.
- `GetTensor` checks nothing: an index out of range, and a tensor that owns no memory (the RESOURCE output of
  VAR_HANDLE), end the process with a segmentation fault. So only the operators' outputs are asked for, and no handles.
- An arena smaller than some 8 KiB ends the process too; a larger one that does not suffice raises. Untouched pages of
  a large arena cost nothing, so it is sized generously and grown when the allocation fails.
- Operators and types that are not registered, too small an arena, and a failing check in a kernel's preparation all
  raise "TFLM failed to allocate tensors"; the reason is only on standard error.
- `reset()` costs microseconds. It fills variables with the byte of their zero point, those of VAR_HANDLE too, and never runs
  CALL_ONCE again: a new interpreter is what models with it begin a sequence with.
- With all tensors preserved nothing is done in place: RESHAPE copies, and its output is readable as any other.
- Inputs must have the exact rank, dimensions and dtype; an equal number of elements is not enough.
- A SOFTMAX whose exponentials sum to 512 or more (that many equal inputs) fails an assertion and aborts; so does LiteRT.
- A bias operand of -1 is accepted by CONV_2D and FULLY_CONNECTED and ends the process in DEPTHWISE_CONV_2D.
- RELU6 only clamps the raw values as the input is quantized: it ignores the result's scale and zero point.
- Legacy uint8 (per-tensor) convolutions, hybrid models (float activations, int8 weights), GELU, TILE and
  RELU_N1_TO_1 are refused; uint8 outputs by QUANTIZE work.
"""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from edgecompress.errors import MissingToolError
from edgecompress.reference import process
from edgecompress.reference.executor import Answer, Job, Tensors
from edgecompress.reference.session import InputMismatchError, MalformedError, Session, check_input_tensors

SMALLEST_ARENA = 1 << 20
LARGEST_ARENA = 1 << 31
OPAQUE_TYPES = ("STRING", "RESOURCE", "VARIANT")


class Tflm:
    """Executor: `tflite-micro` in a child process.

    Args:
        timeout: seconds for one child process.
    """

    name = "tflite-micro"

    def __init__(self, timeout: float = 600.0) -> None:
        self.timeout = timeout

    def available(self) -> str | None:
        """None, or why it cannot run: the package exists for Linux only, as nightly pre-releases."""
        if importlib.util.find_spec("tflite_micro") is None:
            return "the package tflite-micro is not installed (Linux: pip install --pre tflite-micro)"
        return None

    def run(self, model_path: Path, inputs: Sequence[Tensors], length: int = 1) -> list[dict[int, np.ndarray]]:
        """See `Executor.run`."""
        self._require()
        return process.run_one("tflm", self.name, model_path, inputs, self.timeout, length)

    def run_jobs(self, jobs: Sequence[Job]) -> list[Answer]:
        """See `Executor.run_jobs`."""
        self._require()
        return process.run_jobs("tflm", self.name, jobs, self.timeout)

    def _require(self) -> None:
        reason = self.available()
        if reason is not None:
            raise MissingToolError("TensorFlow Lite Micro's interpreter is missing", found=reason)


class TflmSession:
    """A model loaded into TFLM's interpreter (child process only)."""

    def __init__(self, data: bytes) -> None:
        from tflite_micro.python.tflite_micro import runtime

        try:
            model = runtime.convert_bytearray_to_object(data)
            (subgraph, *_) = model.subgraphs
            # Its own flatbuffers verifier is not run on this path: a pointer out of the file would be followed.
            check_identifier(data)
        except Exception as error:
            raise MalformedError(f"{type(error).__name__}: {error}") from error
        self._data, self._arena_bytes = data, arena_estimate(model, len(data))
        self._inputs = [int(i) for i in subgraph.inputs]
        self._outputs = operator_outputs(runtime.schema_fb, subgraph)
        self._begins_once = len(model.subgraphs) > 1
        self._runtime = runtime
        self._open()

    def _open(self) -> None:
        self._interpreter = open_interpreter(self._runtime, self._data, self._arena_bytes)
        self._is_new = True

    def run(self, inputs: dict[int, np.ndarray], *, fresh: bool = True) -> dict[int, np.ndarray]:
        """See `Session.run`."""
        check_input_tensors(self._inputs, inputs)
        if fresh and not self._is_new:
            if self._begins_once:
                self._open()
            else:
                self._interpreter.reset()
        self._is_new = False
        for place, index in enumerate(self._inputs):
            try:
                self._interpreter.set_input(inputs[index], place)
            except ValueError as error:
                raise InputMismatchError(str(error)) from error
        self._interpreter.invoke()
        return {index: self._interpreter.GetTensor(index, 0)["tensor_data"] for index in self._outputs}


def open_session(data: bytes) -> Session:
    """Load a model (child process only)."""
    return TflmSession(data)


def check_identifier(data: bytes) -> None:
    if data[4:8] != b"TFL3":
        raise ValueError(f"the file identifier is {data[4:8]!r} instead of b'TFL3'")


def operator_outputs(schema: ModuleType, subgraph: Any) -> list[int]:
    """The tensors that operators write and that hold numbers."""
    opaque = {getattr(schema.TensorType, name) for name in OPAQUE_TYPES}
    written = {
        int(i) for operator in subgraph.operators or [] for i in ([] if operator.outputs is None else operator.outputs)
    }
    return sorted(i for i in written if 0 <= i < len(subgraph.tensors) and subgraph.tensors[i].type not in opaque)


def arena_estimate(model: Any, file_bytes: int) -> int:
    """Bytes that hold every tensor twice at eight bytes an element, and the interpreter's own structures."""
    elements = sum(
        int(np.prod(np.maximum(tensor.shape, 1), dtype=np.int64)) if tensor.shape is not None else 1
        for subgraph in model.subgraphs
        for tensor in subgraph.tensors
    )
    return min(max(SMALLEST_ARENA, 16 * elements + 8 * file_bytes), LARGEST_ARENA)


def open_interpreter(runtime: ModuleType, data: bytes, arena_bytes: int) -> Any:
    """Make the interpreter, with an arena that grows until the tensors fit."""
    while True:
        try:
            return runtime.Interpreter.from_bytes(
                data, arena_size=arena_bytes, intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors
            )
        except RuntimeError:
            if arena_bytes >= LARGEST_ARENA:
                raise
        arena_bytes = min(arena_bytes * 64, LARGEST_ARENA)
