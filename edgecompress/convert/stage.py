"""The conversion stage, run in the worker process: calibrate, convert, prove, write."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgecompress import files, load, worker
from edgecompress.codegen.program import lower
from edgecompress.convert.codes import write_codes
from edgecompress.convert.index_inputs import with_index_inputs
from edgecompress.convert.islands import with_integer_forms
from edgecompress.convert.lite import Sample, to_float, to_integer
from edgecompress.convert.naming import layers_named
from edgecompress.convert.output_order import outputs_apart
from edgecompress.convert.post_training import post_training, settings_of
from edgecompress.convert.proof import check_full_integer
from edgecompress.convert.samples import Samples, open_samples
from edgecompress.errors import DataError
from edgecompress.tflite.graph import Graph
from edgecompress.tflite.reader import read_bytes
from edgecompress.tflite.writer import write

_FEW_SAMPLES = 20
_FLAT_SCALE = 1e-9
_EVENTS = 100


def convert(job: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a Keras model to a full-integer .tflite file.

    Args:
        job: "model" (path), "output" (path of the .tflite), and optionally
            "quantized" (False): the model has TF-MOT's quantize wrappers;
            "stage" (False): an earlier stage wrote the model (implied by "quantized");
            "trust_model_code" (False);
            "recipe", "overrides", "data": where calibration samples come from, as the compression stage takes them;
            "random" (False): calibrate with random numbers, so that accuracy means nothing;
            "buildable" (False): also refuse what the back end could not build;
            "calibration_samples" (None: all of the split; 100 random ones);
            "float_output" (None): also write the float twin there, for `layer_errors`;
            "promises", "kernels" (none): the promises that stand and the path of kernels.npz, of the compression that
            wrote the model: codes that it trained are written into the file.

    Returns:
        JSON-able: "output", "sha256", "bytes", "seconds", "peak_bytes" (of this process), "float_output", "calibration" {kind,
        source, samples, low, high (smallest and largest input value seen)}, "inputs" and "outputs" [{name, shape, scale, zero_point}],
        "operators" (names with counts), "codes" (the layers whose trained codes are in the file), "quantization" (what
        `post_training` did), "proof" (see `Proof`).

    Raises:
        EdgecompressError: model, data, an operation without int8 form, a file that is not full-integer, codes that
            cannot be written.
    """
    started = time.monotonic()
    np.random.seed(0)
    model = with_index_inputs(load_model(job))
    shapes = [tuple(tensor.shape[1:]) for tensor in model.inputs]
    samples = open_samples(job, "calibration", shapes, job.get("calibration_samples"))
    remark(samples)
    calibration = Calibration(samples, [tensor.dtype.as_numpy_dtype for tensor in model.inputs])
    worker.progress("convert", 0, None)
    with layers_named(model):
        content = as_integers(to_integer(model, calibration))
        check_full_integer(read_bytes(content))  # what codes are written into
        if job.get("buildable"):
            check_buildable(read_bytes(content))
    wanted = job.get("float_output") or not settings_of(job).is_plain
    floating = to_float(model) if wanted else None
    content, quantization = post_training(job, content, floating, shapes)
    content, coded = write_codes(content, job.get("kernels") or "", job.get("promises") or ())
    graph = read_bytes(content)
    proof = check_full_integer(graph)
    _warn_flat(graph)
    output = Path(job["output"])
    if job.get("float_output") and floating is not None:
        files.write_bytes(Path(job["float_output"]), floating)
    files.write_bytes(output, content)
    return {
        "output": str(output),
        "sha256": graph.sha256,
        "bytes": len(content),
        "seconds": round(time.monotonic() - started, 3),
        "peak_bytes": worker.peak_bytes(),
        "float_output": job.get("float_output"),
        "calibration": calibration.as_dict(),
        "inputs": [_quantized(graph, index) for index in graph.inputs],
        "outputs": [_quantized(graph, index) for index in graph.outputs],
        "operators": _operators(graph),
        "codes": list(coded),
        "quantization": quantization,
        "proof": proof.as_dict(),
    }


def as_integers(content: bytes) -> bytes:
    """The converter's file with `with_integer_forms` and `outputs_apart`; the file itself where there is nothing to do."""
    graph = read_bytes(content)
    changed = outputs_apart(with_integer_forms(graph))
    return content if changed is graph else write(changed)


def check_buildable(graph: Graph) -> None:
    """Raises UnsupportedError where the back end could not build the file, while the layers' names are still known."""
    lower(graph)


def load_model(job: Mapping[str, Any]) -> Any:
    """The Keras model that a job names: "model", "quantized", "stage", "trust_model_code"."""
    quantized, trust = bool(job.get("quantized")), bool(job.get("trust_model_code"))
    if quantized or job.get("stage"):
        return load.load_stage(job["model"], quantized=quantized, trust_model_code=trust)
    return load.load(job["model"], trust_model_code=trust)


class Calibration:
    """Hands the samples to the converter one at a time, tells how far it is and remembers the range of the inputs."""

    def __init__(self, samples: Samples, dtypes: list[type]) -> None:
        self._samples = samples
        self._dtypes = dtypes
        self.low, self.high, self.seen = float("inf"), float("-inf"), 0

    def __call__(self) -> Iterator[Sample]:
        began, self.seen = time.monotonic(), 0
        every = max(1, self._samples.count // _EVENTS)
        for inputs, _ in self._samples.batches():
            self._check(inputs)
            for i in range(len(inputs[0])):
                yield tuple(
                    self._typed(array[i : i + 1], kind) for array, kind in zip(inputs, self._dtypes, strict=True)
                )
                self.seen += 1
                if self.seen % every == 0 or self.seen == self._samples.count:
                    left = (time.monotonic() - began) / self.seen * (self._samples.count - self.seen)
                    worker.progress("calibrate", self.seen, self._samples.count, eta=round(left, 1))
        if self.low == self.high:
            raise DataError("all values of all calibration samples are the same", found=f"{self.low:g}")

    def _typed(self, array: np.ndarray, kind: type) -> np.ndarray:
        """Of random numbers 0 and 1 where indices go in, which every table has."""
        is_drawn = self._samples.kind == "random" and np.issubdtype(kind, np.integer)
        return (array > 0).astype(kind) if is_drawn else array.astype(kind)

    def _check(self, inputs: tuple[np.ndarray, ...]) -> None:
        for array in inputs:
            if not np.isfinite(array).all():
                raise DataError("a calibration sample holds NaN or infinity", found=self._samples.source)
            self.low = min(self.low, float(array.min()))
            self.high = max(self.high, float(array.max()))

    def as_dict(self) -> dict[str, Any]:
        return {
            "kind": self._samples.kind,
            "source": self._samples.source,
            "samples": self.seen,
            "low": self.low,
            "high": self.high,
        }


def remark(samples: Samples) -> None:
    if samples.kind == "random":
        worker.warn("calibrated with random numbers: size and speed are real, accuracy is unknown")
    elif samples.count < _FEW_SAMPLES:
        worker.warn(
            f"only {samples.count} calibration samples: activation ranges may be too narrow; 100 or more are usual"
        )


def _warn_flat(graph: Graph) -> None:
    """An activation that was constant over all calibration samples gets a range of nothing."""
    for operation in graph.operations:
        for tensor in graph.results(operation):
            if tensor.quantization is not None and max(tensor.quantization.scales) < _FLAT_SCALE:
                worker.warn(f"operator {operation.index} {operation.opcode}: the output was constant in calibration")


def _quantized(graph: Graph, index: int) -> dict[str, Any]:
    """Indices, which have no scale, count as they are."""
    tensor = graph.tensors[index]
    scales = tensor.quantization
    scale, zero_point = (scales.scale, scales.zero_point) if scales else (1.0, 0)
    return {"name": tensor.name, "shape": list(tensor.shape), "scale": scale, "zero_point": zero_point}


def _operators(graph: Graph) -> dict[str, int]:
    names = [operation.opcode for operation in graph.operations]
    return {name: names.count(name) for name in sorted(set(names))}
