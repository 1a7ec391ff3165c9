"""A Keras model's outputs over samples, in float: the side that integer outputs are judged against."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgecompress import worker
from edgecompress.convert.outputs import Collector
from edgecompress.convert.samples import open_samples
from edgecompress.convert.stage import load_model

_EVENTS = 50


def run(job: Mapping[str, Any]) -> dict[str, Any]:
    """Run a Keras model in the worker process.

    Args:
        job: "model" (path), "output" (path of the .npz, see `Collector`), "split" ("test"), "limit" (None: all
            samples), "quantized", "stage", "trust_model_code" as for `stage.convert`, and where the samples come from:
            "inputs", or "data", "recipe", "overrides", or "random".

    Returns:
        JSON-able: "output", "samples", "labels" (whether there are any), "seconds".
    """
    started = time.monotonic()
    model = load_model(job)
    shapes = [tuple(tensor.shape[1:]) for tensor in model.inputs]
    samples = open_samples(job, job.get("split", "test"), shapes, job.get("limit"))
    collector, done, labelled = Collector(), 0, False
    every = max(1, samples.count // _EVENTS)
    for inputs, labels in samples.batches():
        results = model(list(inputs) if len(inputs) > 1 else inputs[0], training=False)
        for i, result in enumerate(_arrays(results)):
            collector.add(f"real_{i}", result)
        if labels is not None:
            collector.add("labels", labels)
            labelled = True
        if (done + len(inputs[0])) // every > done // every:
            worker.progress("float outputs", done + len(inputs[0]), samples.count)
        done += len(inputs[0])
    collector.write(Path(job["output"]))
    seconds = round(time.monotonic() - started, 3)
    return {"output": str(job["output"]), "samples": done, "labels": labelled, "seconds": seconds}


def _arrays(results: Any) -> list[np.ndarray]:
    """A model's results as a flat list of float32 arrays, in the model's order."""
    if isinstance(results, Mapping):
        return [array for key in results for array in _arrays(results[key])]
    if isinstance(results, list | tuple):
        return [array for item in results for array in _arrays(item)]
    return [np.asarray(results, dtype=np.float32)]
