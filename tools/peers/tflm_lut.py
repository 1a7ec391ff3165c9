"""TensorFlow Lite Micro's own compression tool and interpreter (PyPI: tflite-micro), each in processes of their own.

Facts seen with 0.dev20261023: tables of up to 128 int8 values, 1 to 7 bits an index; DECODE operators write whole tensors into the
arena. The tool lets a spec choose one table for a tensor or one per channel; the interpreter of the same wheel takes one per scale of
the tensor's quantization, whatever the file says, so that one table for a convolution of per-channel scales decodes to other weights.
"""

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgecompress.errors import ToolError
from edgecompress.reference.executor import Tensors
from edgecompress.reference.tflm import Tflm
from edgecompress.tflite import reader
from edgecompress.tflite.graph import Graph
from peers.clusters import weighted

TOOL = "tflite_micro.tensorflow.lite.micro.compression.compress"
KINDS = ("per_tensor", "per_channel")
LONGEST = 300
"""Seconds for one process."""
ALLOCATIONS = """
import sys
from tflite_micro.python.tflite_micro import runtime
interpreter = runtime.Interpreter.from_file(sys.argv[1], arena_size=1 << 24)
interpreter.invoke()
interpreter.print_allocations()
"""


@dataclass(frozen=True)
class Footprint:
    """What a file takes in TFLM.

    Attributes:
        file_bytes: of the .tflite, which lies in flash.
        arena: bytes of its interpreter for this computer, pointers of 64 bits.
        tensors: of these, activations, scratch and decoded weights: the same on every processor.
    """

    file_bytes: int
    arena: int
    tensors: int


@dataclass(frozen=True)
class Layer:
    """One tensor of weights: what each kind of table makes of it.

    Attributes:
        bytes: of indices, header and tables, by kind.
        right: the kinds that the interpreter decodes to the same weights.
        reasons: the tool's own, by kind that it refused.
        kind: what was taken; None: the weights stay int8.
    """

    label: str
    int8_bytes: int
    bytes: Mapping[str, int]
    right: frozenset[str]
    reasons: Mapping[str, str]

    @property
    def kind(self) -> str | None:
        usable = {kind: self.bytes[kind] for kind in self.right if self.bytes[kind] < self.int8_bytes}
        return min(usable, key=lambda kind: usable[kind], default=None)

    @property
    def taken_bytes(self) -> int:
        return self.bytes[self.kind] if self.kind else self.int8_bytes


@dataclass(frozen=True)
class Compressed:
    """A model before and after, and layer by layer."""

    plain: Footprint
    coded: Footprint
    layers: tuple[Layer, ...]
    equal: bool

    @property
    def int8_bytes(self) -> int:
        return sum(layer.int8_bytes for layer in self.layers)

    @property
    def weight_bytes(self) -> int:
        return sum(layer.taken_bytes for layer in self.layers)

    @property
    def one_table_bytes(self) -> int:
        """What one table a tensor would take where that is smaller, whether or not it is decoded rightly."""
        return sum(min(layer.bytes.get("per_tensor", layer.int8_bytes), layer.taken_bytes) for layer in self.layers)

    @property
    def most_decoded(self) -> int:
        """Bytes of the largest tensor that is decoded as a whole."""
        return max((layer.int8_bytes for layer in self.layers if layer.kind), default=0)


def compress(model: Path, folder: Path, inputs: Sequence[Tensors]) -> Compressed:
    """Runs the tool with each kind of tables, reads what its interpreter decodes, and takes the best of it for every layer.

    Args:
        model: a .tflite whose weight tensors have at most 128 values each.
        folder: for its files.
        inputs: on which the interpreter must give the same outputs for the file that the tool made.

    Raises:
        MissingToolError: the package is not installed.
        ToolError: the tool or its interpreter failed.
    """
    graph, interpreter = reader.read(model), Tflm()
    expected = interpreter.run(model, inputs)
    kinds = {kind: _of_kind(model, graph, folder, kind, inputs[:1]) for kind in KINDS}
    layers = tuple(
        Layer(
            label=f"{operation.index} {operation.opcode}",
            int8_bytes=graph.tensors[index].nbytes,
            bytes={kind: found[0][index] for kind, found in kinds.items() if index in found[0]},
            right=frozenset(kind for kind, found in kinds.items() if index in found[1]),
            reasons={kind: found[2][index] for kind, found in kinds.items() if index in found[2]},
        )
        for operation, index in weighted(graph)
    )
    chosen = {index: layer.kind for (_, index), layer in zip(weighted(graph), layers, strict=True) if layer.kind}
    made = _run_tool(model, graph, folder / f"{model.stem}.lut.tflite", chosen) if chosen else model
    found = interpreter.run(made, inputs)
    places = list(zip(graph.outputs, _subgraph(made).outputs, strict=True))
    equal = all(
        np.array_equal(before[a], after[b]) for before, after in zip(expected, found, strict=True) for a, b in places
    )
    return Compressed(_footprint(model), _footprint(made), layers, equal)


def _of_kind(
    model: Path, graph: Graph, folder: Path, kind: str, inputs: Sequence[Tensors]
) -> tuple[dict[int, int], set[int], dict[int, str]]:
    """Bytes of every tensor that the tool takes with such tables, those decoded rightly, and why it refused others."""
    taken, reasons = {}, {}
    for operation, index in weighted(graph):
        try:
            _run_tool(model, graph, folder / "one.tflite", {index: kind})
            taken[index] = kind
        except ToolError as error:
            reasons[index] = f"{operation.opcode}: {error.found}"
    if not taken:
        return {}, set(), reasons
    made = _run_tool(model, graph, folder / f"{kind}.tflite", taken)
    subgraph = _subgraph(made)
    decoded = Tflm().run(made, inputs)[0]
    sizes, right = {}, set()
    for operator in subgraph.operators:
        if operator.inputs[0] in taken:  # DECODE is the only one that still reads it
            (indices, tables), (result,) = operator.inputs, operator.outputs
            sizes[indices] = sum(int(np.prod(subgraph.tensors[index].shape)) for index in (indices, tables))
            if np.array_equal(decoded[result], graph.tensors[indices].data):
                right.add(indices)
    return sizes, right, reasons


def _subgraph(made: Path) -> Any:
    """Of a file that the tool made: it leaves scales on its indices, which our reader would not take."""
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(made.read_bytes())).subgraphs[0]


def _run_tool(model: Path, graph: Graph, out: Path, kinds: Mapping[int, str]) -> Path:
    """The tool's command on some tensors; the file that it wrote."""
    specification = out.with_suffix(".yaml")
    entries = [
        {"subgraph": 0, "tensor": index, "compression": [{"lut": _method(graph, index, kind)}]}
        for index, kind in kinds.items()
    ]
    specification.write_text(json.dumps({"tensors": entries}), encoding="utf-8")
    command = [sys.executable, "-m", TOOL, "--input", model, "--spec", specification, "--output", out]
    _run([str(part) for part in command])
    return out


def _method(graph: Graph, index: int, kind: str) -> dict[str, object]:
    """Indices of as few bits as the tensor, or its richest channel, needs."""
    tensor = graph.tensors[index]
    assert tensor.data is not None
    if kind == "per_tensor":
        return {"index_bitwidth": _bits(len(np.unique(tensor.data))), kind: None}
    axis = tensor.quantization.axis if tensor.quantization and tensor.quantization.per_channel else 0
    richest = max(len(np.unique(channel)) for channel in np.moveaxis(tensor.data, axis, 0))
    return {"index_bitwidth": _bits(richest), kind: {"axis": axis}}


def _bits(values: int) -> int:
    return max(1, (values - 1).bit_length())


def _footprint(model: Path) -> Footprint:
    said = _run([sys.executable, "-c", ALLOCATIONS, str(model)])
    found = {what: re.search(rf"Arena allocation {what} (\d+) bytes", said) for what in ("total", "head")}
    if not all(found.values()):
        raise ToolError("tflite-micro's interpreter does not say what its arena holds", found=said[-500:])
    total, head = (int(match[1]) for match in found.values() if match)
    return Footprint(model.stat().st_size, total, head)


def _run(command: Sequence[str]) -> str:
    """What a process said on both streams.

    Raises:
        ToolError: it failed; its last line.
    """
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
    if done.returncode:
        last = next(iter(done.stderr.strip().splitlines()[-1:]), f"exit code {done.returncode}")
        raise ToolError(f"{' '.join(command[1:3])} failed", found=last)
    return done.stdout + done.stderr
