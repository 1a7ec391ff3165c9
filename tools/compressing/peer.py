"""The same clustered file through TensorFlow Lite Micro's own compression tool and through the codecs here."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarking.measure import MODELS
from peers import tflm_lut
from peers.clusters import clustered

from compressing import material
from compressing.rows import Figure, Setting
from compressing.sizes import measure
from edgecompress.reference.inputs import hostile_inputs, random_inputs
from edgecompress.tflite import reader, writer

VALUES = 16
NAMES = ("kws", "ic")


def peer(at: Setting) -> Iterator[Figure]:
    """MLPerf Tiny's KWS and ResNet8, their int8 weights clustered; `tools/lut_peer.py` shows more of each."""
    for name in NAMES:
        with tempfile.TemporaryDirectory(prefix="edgecompress-") as folder:
            yield _compared(name, material.find(at.models, MODELS[name]), Path(folder), at)


def _compared(name: str, model: Path, folder: Path, at: Setting) -> Figure:
    file = folder / model.name
    file.write_bytes(writer.write(clustered(reader.read(model), VALUES)))
    graph = reader.read(file)
    theirs = tflm_lut.compress(file, folder, [*random_inputs(graph, 1), *hostile_inputs(graph)])
    sizes = measure(file, at.say)
    words = (
        f"theirs {theirs.weight_bytes:,} of {theirs.int8_bytes:,} B, {theirs.most_decoded:,} B of RAM for decoded tensors, its"
        f" model {theirs.coded.file_bytes:,} B in flash, outputs {'equal' if theirs.equal else 'DIFFERENT'}; its cycles cannot be"
        f" had from the package; ours: {sizes.words}, {sizes.extra_ram:,} B of RAM beyond dense"
    )
    return Figure(f"peer_{name}", sizes.weights / theirs.weight_bytes, words)
