"""Other input shapes for a .tflite file: LiteRT says what becomes of every tensor, in a process of its own.

`python -m edgecompress.reference.resizing FOLDER` reads `model.tflite` and `shapes.json` there and writes `tensors.json`:
{"shapes": {tensor index: shape}} or {"error": text}.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import edgecompress
from edgecompress.errors import ToolError, UnsupportedError

TIMEOUT = 120.0
"""Seconds for one inference in the new shapes."""


def inferred(content: bytes, shapes: Sequence[tuple[int, ...]]) -> Mapping[int, tuple[int, ...]]:
    """Tensor index -> shape, of the inputs and of all that operators compute.

    Args:
        content: of a file that the reader has read.
        shapes: of the inputs, in order.

    Raises:
        UnsupportedError: another number of inputs, or shapes that an operator refuses. ToolError: LiteRT died.
    """
    with tempfile.TemporaryDirectory(prefix="edgecompress-") as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(content)
        (folder / "shapes.json").write_text(json.dumps(shapes), encoding="utf-8")
        path = os.pathsep.join(filter(None, [str(Path(edgecompress.__path__[0]).parent), os.environ.get("PYTHONPATH")]))
        environment = os.environ | {"PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "2", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "edgecompress.reference.resizing", name]
        try:
            subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=TIMEOUT, check=False)
        except subprocess.TimeoutExpired as error:
            raise ToolError("LiteRT did not end", found=f"after {TIMEOUT:g} s") from error
        answer = folder / "tensors.json"
        if not answer.exists():
            raise ToolError("LiteRT died while it worked out the tensors' shapes", found=str([list(s) for s in shapes]))
        result: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    if "error" in result:
        raise UnsupportedError("the model cannot have inputs of these shapes", found=result["error"])
    return {int(index): tuple(shape) for index, shape in result["shapes"].items()}


def main(folder: Path) -> None:
    """The child's part."""
    result: dict[str, Any]
    try:
        result = {"shapes": shapes_of(folder / "model.tflite", json.loads((folder / "shapes.json").read_text()))}
    except Exception as error:
        result = {"error": str(error)[:2000]}
    (folder / "unfinished").write_text(json.dumps(result), encoding="utf-8")
    (folder / "unfinished").rename(folder / "tensors.json")


def shapes_of(model: Path, shapes: Sequence[Sequence[int]]) -> dict[str, list[int]]:
    """Of all tensors that an inference computes, once one has been made: some shapes are known only then."""
    from edgecompress.reference.litert import interpreter_module, operator_outputs

    module = interpreter_module()
    interpreter = module.Interpreter(
        model_content=model.read_bytes(),
        num_threads=1,
        experimental_op_resolver_type=module.OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    inputs = interpreter.get_input_details()
    if len(inputs) != len(shapes):
        raise ValueError(f"{len(shapes)} shapes for {len(inputs)} inputs")
    for detail, shape in zip(inputs, shapes, strict=True):
        interpreter.resize_tensor_input(detail["index"], list(shape))
    interpreter.allocate_tensors()
    for detail, shape in zip(inputs, shapes, strict=True):
        interpreter.set_tensor(detail["index"], np.zeros(shape, detail["dtype"]))
    interpreter.invoke()
    places = [*(int(detail["index"]) for detail in inputs), *operator_outputs(interpreter)]
    return {str(i): [int(size) for size in interpreter.get_tensor(i).shape] for i in places}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
