"""`inspect`: what a model holds and needs, before anything is built."""

from pathlib import Path
from typing import Any

import numpy as np

from edgecompress.codegen import ops
from edgecompress.codegen.folding import fold_constants
from edgecompress.codegen.legacy import signed
from edgecompress.codegen.ops.requantization import exceeds_int8
from edgecompress.codegen.program import lower, macs
from edgecompress.errors import EdgecompressError, ModelFileError, UnsupportedError
from edgecompress.files import sha256, size
from edgecompress.report.listing import InspectedLayer, Inspection
from edgecompress.report.memory_records import MemoryMap
from edgecompress.report.records import ModelFile, TensorRecord
from edgecompress.shrink.driver import Progress, shrink
from edgecompress.shrink.ranges import Range, Ranges, ranges
from edgecompress.shrink.summary import summary
from edgecompress.tflite import reader
from edgecompress.tflite.graph import Graph, Operation, Tensor


def inspect(path: Path | str, *, trust_model_code: bool = False, on_progress: Progress | None = None) -> Inspection:
    """What a .tflite or Keras model file holds.

    Raises:
        ModelFileError: it is none, or damaged.
    """
    path = Path(path)
    if not path.exists():
        raise ModelFileError(f"{path}: no such file", hint="check the path")
    if path.suffix == ".tflite":
        return inspect_tflite(path, on_progress)
    from edgecompress.inspection_keras import inspect_keras

    return inspect_keras(path, trust_model_code=trust_model_code)


def inspect_tflite(path: Path, on_progress: Progress | None = None) -> Inspection:
    """The operators of a .tflite file, which cannot be built and why, the arena, and what could be gained."""
    graph = reader.read(path)
    shrunk = shrink(graph, with_interpreter=False, on_progress=on_progress)
    warnings: list[str] = []
    try:
        graph = signed(fold_constants(graph))
    except EdgecompressError as error:
        warnings.append(f"constants could not be folded: {error.what}")
    known = ranges(graph) if not shrunk.reason else {}
    layers = tuple(_layer(graph, operation, known) for operation in graph.operations)
    plan, memory_map = None, None
    if not any(layer.problem for layer in layers):
        try:
            plan = lower(graph).plan
            memory_map = MemoryMap(plan.planner, plan.blocks)
        except UnsupportedError as error:
            warnings.append(f"the memory could not be planned: {error.what}")
    used = sorted({i for o in graph.operations for i in o.inputs if i >= 0 and graph.tensors[i].is_constant})
    weights = [
        graph.tensors[i] for i in used if graph.tensors[i].dtype.kind in "iuf" and len(graph.tensors[i].shape) > 1
    ]
    return Inspection(
        model=ModelFile(str(path), sha256(path), size(path), "tflite"),
        inputs=tuple(tensor_record(graph.tensors[i]) for i in graph.inputs),
        outputs=tuple(tensor_record(graph.tensors[i]) for i in graph.outputs),
        layers=layers,
        macs=sum(layer.macs or 0 for layer in layers),
        parameters=sum(layer.parameters or 0 for layer in layers),
        weight_bytes=sum(map(_bytes_of, weights)),
        arena=plan.arena_bytes if plan else None,
        bound_without_sharing=plan.bound_without_sharing if plan else None,
        bound_of_schedule=plan.bound_of_schedule if plan else None,
        memory=memory_map,
        quantization=_kind(graph),
        shrinking=summary(shrunk),
        warnings=tuple(warnings),
    )


def tensor_record(tensor: Tensor) -> TensorRecord:
    q = tensor.quantization if tensor.quantization and not tensor.quantization.per_channel else None
    return TensorRecord(
        tensor.name, tensor.shape, tensor.type_name.lower(), q.scale if q else None, q.zero_point if q else None
    )


def _layer(graph: Graph, operation: Operation, known: Ranges) -> InspectedLayer:
    problem = None
    try:
        ops.check(graph, operation)
    except EdgecompressError as error:
        problem = error.what.partition(": ")[2] + (f" (found: {error.found})" if error.found else "")
    constants = [t for t in graph.operands(operation) if t is not None and t.is_constant]
    weights = next((t for t in constants if len(t.shape) > 1), None)
    result = graph.results(operation)[0] if operation.outputs else None
    return InspectedLayer(
        index=operation.index,
        op=operation.opcode,
        name=result.name if result else "",
        output_shape=result.shape if result else None,
        macs=macs(graph, operation) if problem is None else None,
        parameters=sum(
            t.elements for t in constants if t is weights or (t.dtype.name == "int32" and operation.opcode in WEIGHTED)
        )
        if weights
        else 0,
        weight_bytes=_bytes_of(weights) if weights else 0,
        quantization=_quantization(weights or result),
        problem=problem,
        **_potential(weights, known.get(result.index) if result else None),
    )


def _potential(weights: Tensor | None, known: Range | None) -> dict[str, Any]:
    """What shrinking and encoding could gain of an operator with weights."""
    if weights is None or weights.data is None or weights.dtype.kind not in "iuf" or not weights.elements:
        return {}
    values, counts = np.unique(weights.data, return_counts=True)
    shares = counts / weights.elements
    return {
        "constant_channels": None if known is None else int(known.is_constant.sum()),
        "weights": weights.elements,
        "distinct_values": len(values),
        "zeros": int(counts[values == 0].sum()),
        "entropy_bits": round(float(-(shares * np.log2(shares)).sum()) + 0.0, 3),
    }


def _bytes_of(weights: Tensor) -> int:
    """In the file, and in flash."""
    return weights.elements if exceeds_int8(weights) else weights.nbytes


WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def _quantization(tensor: Tensor | None) -> str | None:
    if tensor is None or tensor.quantization is None:
        return None
    return f"{tensor.type_name.lower()} per {'channel' if tensor.quantization.per_channel else 'tensor'}"


def _kind(graph: Graph) -> str:
    """Float, int8, … in words."""
    types = {graph.tensors[i].type_name for o in graph.operations for i in o.outputs}
    if types <= {"INT8", "INT32"}:
        return "full integer"
    return (
        "float"
        if "INT8" not in types and "UINT8" not in types
        else "mixed: " + ", ".join(sorted(t.lower() for t in types))
    )
