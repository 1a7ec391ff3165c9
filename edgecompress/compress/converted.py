"""The last check of every promise: on the integers inside the final .tflite file. No TensorFlow needed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgecompress.compress.base import ON_DEVICE, Promise
from edgecompress.compress.models.mapping import map_layers
from edgecompress.compress.models.saved import load_kernels
from edgecompress.compress.promises import Measurement, check_tflite
from edgecompress.tflite.graph import Graph


def check_converted(graph: Graph, kernels: Path, promises: Sequence[Mapping[str, Any]]) -> tuple[Measurement, ...]:
    """Measure the standing promises of a compression in the file that was converted from its model.

    Args:
        graph: of the .tflite file.
        kernels: path of the compression's kernels.npz.
        promises: the "promises" of its result.

    Returns:
        A measurement per promise, in order; `Measurement.as_dict` is for the report. Those about the device say nothing yet.

    Raises:
        PromiseError: a promise does not hold in the file, or a layer with a promise is not found there.
    """
    standing = [Promise.from_dict(promise) for promise in promises]
    if not standing:
        return ()
    known = load_kernels(kernels)
    weighty = [promise for promise in standing if promise.kind not in ON_DEVICE]
    wanted = {layer for promise in weighty for layer in (promise.layers or tuple(known))}
    return check_tflite(graph, standing, map_layers(graph, known, wanted))
