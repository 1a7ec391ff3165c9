"""LiteRT (or its predecessor tflite-runtime) with the reference kernels and no delegates: the second opinion.

Facts, each seen:

- `tflite-runtime` 2.14 and `ai-edge-litert` up to 1.2 give TFLM's bytes. Since 1.3 FULLY_CONNECTED rounds its result
  once where TFLM rounds twice: up to 2 LSB, in that operator and in all that follows it. Such differences are to be
  shown with their size, not to be called defects of ours.
- Reading a tensor without numbers (a resource handle: NumPy dtype object) ends the process with a segmentation fault.
- `reset_all_variables` does not clear what VAR_HANDLE names: for such models each sample gets a new interpreter.
- It refuses quantized_dimension != 0 on one-dimensional tensors (TFLM's person_detect.tflite).
- `tflite-runtime` 2.14 does not work with NumPy 2.
"""

import importlib
import importlib.metadata
import importlib.util
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from edgecompress.errors import MissingToolError
from edgecompress.reference import process
from edgecompress.reference.executor import Answer, Job, Tensors
from edgecompress.reference.session import InputMismatchError, MalformedError, Session, check_input_tensors

PACKAGES = (("ai_edge_litert", "ai-edge-litert"), ("tflite_runtime", "tflite-runtime"))
"""Import name and distribution, the preferred first."""


class Litert:
    """Executor: LiteRT's reference kernels in a child process.

    Args:
        timeout: seconds for one child process.
    """

    name = "litert"

    def __init__(self, timeout: float = 600.0) -> None:
        self.timeout = timeout

    def available(self) -> str | None:
        """None, or why it cannot run."""
        if installed_package() is None:
            return "neither ai-edge-litert nor tflite-runtime is installed (pip install ai-edge-litert)"
        return None

    def run(self, model_path: Path, inputs: Sequence[Tensors], length: int = 1) -> list[dict[int, np.ndarray]]:
        """See `Executor.run`."""
        self._require()
        return process.run_one("litert", self.name, model_path, inputs, self.timeout, length)

    def run_jobs(self, jobs: Sequence[Job]) -> list[Answer]:
        """See `Executor.run_jobs`."""
        self._require()
        return process.run_jobs("litert", self.name, jobs, self.timeout)

    def _require(self) -> None:
        reason = self.available()
        if reason is not None:
            raise MissingToolError("LiteRT's interpreter is missing", found=reason)


def installed_package() -> tuple[str, str] | None:
    """Import name and distribution of what is installed."""
    for module, distribution in PACKAGES:
        if importlib.util.find_spec(module) is not None:
            return module, distribution
    return None


def version() -> str | None:
    """Distribution and version, "ai-edge-litert 2.3.0", or None when there is none."""
    found = installed_package()
    return None if found is None else f"{found[1]} {importlib.metadata.version(found[1])}"


def rounds_once(distribution: str | None, version: str | None) -> bool:
    """Whether this LiteRT's FULLY_CONNECTED rounds once (ai-edge-litert since 1.3) where TFLM rounds twice."""
    numbers = (version or "").split(".")[:2]
    if distribution != "ai-edge-litert" or len(numbers) < 2 or not all(n.isdecimal() for n in numbers):
        return False
    return (int(numbers[0]), int(numbers[1])) >= (1, 3)


def rounds_fully_connected_once() -> bool:
    """`rounds_once` of what is installed."""
    found = installed_package()
    return found is not None and rounds_once(found[1], importlib.metadata.version(found[1]))


def interpreter_module() -> ModuleType:
    """Import the interpreter (child process only)."""
    found = installed_package()
    assert found is not None
    return importlib.import_module(f"{found[0]}.interpreter")


class LitertSession:
    """A model loaded into LiteRT (child process only)."""

    def __init__(self, data: bytes) -> None:
        if data[4:8] != b"TFL3":
            raise MalformedError(f"the file identifier is {data[4:8]!r} instead of b'TFL3'")
        self._data = data
        self._interpreter = open_interpreter(data)
        self._inputs = [int(detail["index"]) for detail in self._interpreter.get_input_details()]
        self._outputs = operator_outputs(self._interpreter)
        operators = self._interpreter._get_ops_details()
        self._keeps_state = any(operator["op_name"] == "VAR_HANDLE" for operator in operators)
        self._used = False

    def run(self, inputs: dict[int, np.ndarray], *, fresh: bool = True) -> dict[int, np.ndarray]:
        """See `Session.run`."""
        check_input_tensors(self._inputs, inputs)
        if fresh and self._keeps_state and self._used:
            self._interpreter = open_interpreter(self._data)
        self._used = True
        if fresh:
            self._interpreter.reset_all_variables()
        for index, value in inputs.items():
            try:
                self._interpreter.set_tensor(index, value)
            except ValueError as error:
                raise InputMismatchError(str(error)) from error
        self._interpreter.invoke()
        return {index: np.asarray(self._interpreter.get_tensor(index)) for index in self._outputs}


def open_interpreter(data: bytes, *, fast: bool = False) -> Any:
    """An interpreter with the reference kernels, or the fast ones without delegates, its tensors allocated."""
    module = interpreter_module()
    kernels = module.OpResolverType
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        interpreter = module.Interpreter(
            model_content=data,
            num_threads=1,
            experimental_op_resolver_type=kernels.BUILTIN_WITHOUT_DEFAULT_DELEGATES if fast else kernels.BUILTIN_REF,
            experimental_preserve_all_tensors=True,
        )
    interpreter.allocate_tensors()
    return interpreter


def operator_outputs(interpreter: Any) -> list[int]:
    """The tensors that operators write and that hold numbers."""
    # The operators have no public name in this API; tflite-runtime and every ai-edge-litert so far have this one.
    operators = interpreter._get_ops_details()
    return sorted(
        {
            int(index)
            for operator in operators
            for index, dtype in zip((i for i in operator["outputs"] if i >= 0), operator["result_types"], strict=True)
            if np.dtype(dtype).kind in "biuf"
        }
    )


def open_session(data: bytes) -> Session:
    """Load a model (child process only)."""
    return LitertSession(data)
