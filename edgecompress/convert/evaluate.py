"""A .tflite model's outputs over samples, by LiteRT, in a worker process: a foreign model can bring the process down.

The reference kernels give TensorFlow Lite Micro's bytes, except FULLY_CONNECTED, which LiteRT rounds once instead of
twice (up to 2 steps of the output's scale). The fast kernels differ more; they are for float models.
"""

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgecompress import worker
from edgecompress.convert.outputs import Collector
from edgecompress.convert.samples import Samples, open_samples
from edgecompress.errors import MissingToolError, ModelFileError, UnsupportedError
from edgecompress.tflite.graph import Graph
from edgecompress.tflite.reader import read_bytes

_EVENTS = 100


def run(job: Mapping[str, Any]) -> dict[str, Any]:
    """Run a .tflite model over samples.

    Args:
        job: "model" (path), "output" (path of the .npz, see `Collector`), "split" ("test"), "limit" (None: all),
            "kernels" ("reference" or "fast"), and where the samples come from: "inputs", or "data", "recipe",
            "overrides", or "random". Samples are real numbers; integer models get them quantized, saturating.

    Returns:
        JSON-able: "output", "samples", "labels", "seconds", "saturated" (fraction of the input values beyond the
        range of the model's input).

    Raises:
        ModelFileError: no .tflite file, or one that LiteRT refuses.
        DataError: samples that do not suit the model.
    """
    started = time.monotonic()
    content = Path(job["model"]).read_bytes()
    graph = read_bytes(content)
    order = input_order(graph)
    shapes = [tuple(graph.tensors[index].shape[1:]) for index in order]
    samples = open_samples(job, job.get("split", "test"), shapes, job.get("limit"))
    interpreter = _interpreter(content, job.get("kernels", "reference"), Path(job["model"]).name)
    runner = _Runner(interpreter, graph, order)
    labelled = _collect(runner, samples, Path(job["output"]))
    return {
        "output": str(job["output"]),
        "samples": samples.count,
        "labels": labelled,
        "seconds": round(time.monotonic() - started, 3),
        "saturated": runner.saturated,
    }


def quantize(values: np.ndarray, scale: float, zero_point: int, dtype: np.dtype) -> np.ndarray:
    """Real numbers to integers as TFLite's QUANTIZE does it: float32 division, halves away from zero, saturating."""
    scaled = np.asarray(values, np.float32) / np.float32(scale)
    rounded = np.trunc(scaled + np.copysign(np.float32(0.5), scaled)) + zero_point
    limits = np.iinfo(dtype)
    return np.clip(rounded, limits.min, limits.max).astype(dtype)


def dequantize(values: np.ndarray, scale: float, zero_point: int) -> np.ndarray:
    """scale · (values - zero_point), in float32."""
    return (values.astype(np.int32) - zero_point).astype(np.float32) * np.float32(scale)


def input_order(graph: Graph) -> tuple[int, ...]:
    """The inputs in the model's order: our converter numbers their names, other files keep the file's order."""
    names = {index: graph.tensors[index].name.removeprefix("serving_default_") for index in graph.inputs}
    if len(names) > 1 and all(name.startswith("input_") for name in names.values()):
        return tuple(sorted(graph.inputs, key=lambda index: names[index]))
    return graph.inputs


def _interpreter(content: bytes, kernels: str, name: str) -> Any:
    try:
        from ai_edge_litert import interpreter as litert
    except ImportError as error:
        raise MissingToolError(
            "LiteRT is not installed", found=str(error), hint="pip install ai-edge-litert"
        ) from error
    kind = {"reference": litert.OpResolverType.BUILTIN_REF, "fast": litert.OpResolverType.AUTO}[kernels]
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    try:
        made = litert.Interpreter(model_content=content, experimental_op_resolver_type=kind, num_threads=threads)
        made.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelFileError(f"{name}: LiteRT refuses the model", found=str(error)[:400]) from error
    return made


class _Runner:
    """One inference at a time, in real numbers."""

    def __init__(self, interpreter: Any, graph: Graph, order: tuple[int, ...]) -> None:
        self._interpreter = interpreter
        self._graph = graph
        self._inputs = order
        self._beyond = self._values = 0
        for index in order:
            if graph.tensors[index].shape[:1] != (1,):
                raise UnsupportedError(
                    f'input "{graph.tensors[index].name}" has a batch other than 1',
                    found=str(graph.tensors[index].shape),
                    hint="convert the model with batch 1",
                )

    @property
    def saturated(self) -> float:
        """Fraction of the input values so far that lay beyond what the integer input can hold."""
        return self._beyond / max(1, self._values)

    def infer(self, sample: tuple[np.ndarray, ...]) -> Iterator[tuple[str, np.ndarray]]:
        """Arrays of one inference under their names in the file of outputs."""
        for index, values in zip(self._inputs, sample, strict=True):
            self._interpreter.set_tensor(index, self._as_input(index, values[None]))
        self._interpreter.invoke()
        for i, index in enumerate(self._graph.outputs):
            raw = self._interpreter.get_tensor(index)
            tensor = self._graph.tensors[index]
            if tensor.quantization is None or raw.dtype.kind == "f":
                yield f"real_{i}", raw.astype(np.float32)
                continue
            yield f"output_{i}", raw
            yield f"real_{i}", dequantize(raw, tensor.quantization.scale, tensor.quantization.zero_point)

    def _as_input(self, index: int, values: np.ndarray) -> np.ndarray:
        tensor = self._graph.tensors[index]
        if tensor.quantization is None or tensor.dtype.kind == "f":
            return values.astype(tensor.dtype)
        scale, zero_point = tensor.quantization.scale, tensor.quantization.zero_point
        limits = np.iinfo(tensor.dtype)
        low, high = (limits.min - zero_point - 0.5) * scale, (limits.max - zero_point + 0.5) * scale
        self._beyond += int(np.count_nonzero((values < low) | (values > high)))
        self._values += values.size
        return quantize(values, scale, zero_point, tensor.dtype)


def _collect(runner: _Runner, samples: Samples, path: Path) -> bool:
    """Run all samples and write the outputs; returns whether there were labels."""
    collector, done, labelled = Collector(), 0, False
    every = max(1, samples.count // _EVENTS)
    for inputs, labels in samples.batches():
        for i in range(len(inputs[0])):
            for name, array in runner.infer(tuple(array[i] for array in inputs)):
                collector.add(name, array)
            done += 1
            if done % every == 0:
                worker.progress("integer outputs", done, samples.count)
        if labels is not None:
            collector.add("labels", labels)
            labelled = True
    collector.write(path)
    return labelled
