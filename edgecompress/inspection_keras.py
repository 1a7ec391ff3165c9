"""`inspect` of a Keras model: described in a worker process, since only TensorFlow reads it."""

import tempfile
from pathlib import Path
from typing import Any

from edgecompress import worker
from edgecompress.files import sha256, size
from edgecompress.report.listing import InspectedLayer, Inspection
from edgecompress.report.records import ModelFile, TensorRecord


def inspect_keras(path: Path, *, trust_model_code: bool = False) -> Inspection:
    """The layers of a Keras model; the bytes are those that full-integer conversion is expected to need."""
    with tempfile.TemporaryDirectory(prefix="edgecompress-") as folder:
        job = {"path": str(path), "trust_model_code": trust_model_code}
        found: dict[str, Any] = worker.call(
            "edgecompress.load.summary:describe_file", job, log=Path(folder) / "log.txt"
        )
    return Inspection(
        model=ModelFile(str(path), sha256(path), size(path), "keras"),
        inputs=tuple(_tensor(entry) for entry in found["inputs"]),
        outputs=tuple(_tensor(entry) for entry in found["outputs"]),
        layers=tuple(_layer(index, entry) for index, entry in enumerate(found["layers"])),
        macs=found["macs"],
        parameters=found["parameters"],
        weight_bytes=found["bytes_int8"],
        quantization="float",
        warnings=(
            "the arena is known once the model is converted: `edgecompress build`, then inspect its model.tflite",
        ),
    )


def _tensor(entry: dict[str, Any]) -> TensorRecord:
    return TensorRecord(entry["name"], tuple(entry["shape"]), entry["dtype"])


def _layer(index: int, entry: dict[str, Any]) -> InspectedLayer:
    shape = entry["output_shape"]
    single = shape and not isinstance(shape[0], list)
    return InspectedLayer(
        index=index,
        op=entry["class"] + (f" {entry['function']}" if entry["function"] else ""),
        name=entry["name"],
        output_shape=tuple(shape) if single else tuple(shape[0]) if shape else None,
        macs=entry["macs"],
        parameters=entry["parameters"],
        weight_bytes=entry["bytes_int8"],
        quantization=None,
    )
