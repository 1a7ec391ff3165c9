"""Which .tflite weight tensors hold which layer's kernel: found by shape and values, not by name alone.

The converter names tensors after layers, but not always (a dense layer with batch norm becomes
"batch_normalization/batchnorm/mul_1"), and it scales every output channel (batch-norm folding, per-channel scales).
So a tensor is a layer's when each of its channels points in the same direction as the layer's: |cosine| close to 1.
Names decide between layers whose weights are alike.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from edgecompress.compress.models.kernels import Kernel
from edgecompress.errors import PromiseError
from edgecompress.tflite.graph import Graph, Operation, Tensor

LEAST_COSINE = 0.98
"""Rounding to int8 leaves a channel's direction within 0.01 of 1 unless a few weights dwarf all others."""

_KINDS = {
    "CONV_2D": ("conv2d", "conv1d", "dense"),
    "FULLY_CONNECTED": ("dense",),
    "DEPTHWISE_CONV_2D": ("depthwise",),
    "TRANSPOSE_CONV": ("transpose",),
}
# A convolution of one input channel with as many outputs as groups, and a depthwise one, are the same thing.
_ALSO = {"conv2d": ("DEPTHWISE_CONV_2D",), "depthwise": ("CONV_2D",), "dense": ("BATCH_MATMUL",)}


@dataclass(frozen=True, eq=False)
class WeightTensor:
    """A constant weight operand in the file: its rows as in `Kernel`, dequantization left out."""

    tensor: Tensor
    opcode: str
    rows: np.ndarray
    positions: int


def weight_tensors(graph: Graph) -> tuple[WeightTensor, ...]:
    """Every constant weight operand of the operators that have one, in order of execution."""
    return tuple(found for operation in graph.operations for found in _weights(graph, operation))


def map_layers(
    graph: Graph, kernels: Mapping[str, Kernel], wanted: Collection[str] | None = None
) -> dict[str, tuple[int, ...]]:
    """The indices of the weight tensors of each kernel.

    Args:
        graph: the converted model.
        kernels: all those of the Keras model that was converted, so that look-alikes are told apart.
        wanted: the kernels that have to be found; None is all.

    Returns:
        By kernel name; a layer that the model uses twice may have two tensors.

    Raises:
        PromiseError: when a wanted layer has no tensor of its shape and values.
    """
    tensors = weight_tensors(graph)
    wanted = kernels.keys() if wanted is None else set(wanted)
    taken: dict[int, str] = {}
    mapping: dict[str, tuple[int, ...]] = {}
    # Layers with few candidates first, so that a tensor named after its layer is not taken by a look-alike.
    for name, kernel in sorted(kernels.items(), key=lambda item: (_alike(item[1], kernels), item[0])):
        fitting = {found.tensor.index: found for found in tensors if _fits(kernel, found)}
        named = {index: found for index, found in fitting.items() if _named_after(found.tensor.name, name)}
        free = {index: found for index, found in (named or fitting).items() if taken.get(index, name) == name}
        if not fitting and name not in wanted:
            continue
        if not fitting:
            raise _unmapped(name, kernel, tensors)
        # Layers of equal weights share one tensor when the converter merges equal constants.
        chosen = tuple(free or fitting) if named else tuple(free or fitting)[:1]
        taken.update(dict.fromkeys(chosen, name))
        mapping[name] = chosen
    return {name: mapping[name] for name in kernels if name in wanted}


def tflite_kernels(graph: Graph, mapping: Mapping[str, tuple[int, ...]]) -> dict[str, Kernel]:
    """The integers of each mapped layer; a layer with several tensors is all their rows below each other."""
    tensors = {found.tensor.index: found for found in weight_tensors(graph)}
    positions: Counter[int] = Counter()
    for found in weight_tensors(graph):
        positions[found.tensor.index] += found.positions
    kernels = {}
    for name, indices in mapping.items():
        parts = [tensors[index] for index in indices]
        rows = np.concatenate([part.rows for part in parts])
        kernels[name] = Kernel(name, parts[0].opcode, rows, positions[indices[0]])
    return kernels


def _weights(graph: Graph, operation: Operation) -> Iterator[WeightTensor]:
    if operation.opcode not in _KINDS:
        return
    # The second operand of all of these is the weights: the output channel is the first axis, or the last (depthwise).
    tensor = graph.operands(operation)[1]
    if tensor is None or tensor.data is None:
        return
    zero_points = tensor.quantization.zero_points if tensor.quantization is not None else (0,)
    values = tensor.data.astype(np.float32 if tensor.data.dtype.kind == "f" else np.int32)
    depthwise = operation.opcode == "DEPTHWISE_CONV_2D"
    rows = (np.moveaxis(values, -1, 0) if depthwise else values).reshape(values.shape[-1 if depthwise else 0], -1)
    if any(zero_points):
        rows = rows - np.resize(np.asarray(zero_points, np.int32), (rows.shape[0], 1))
    places = operation.inputs[2] if operation.opcode == "TRANSPOSE_CONV" else operation.outputs[0]
    yield WeightTensor(tensor, operation.opcode, rows, int(np.prod(graph.tensors[places].shape[1:-1], dtype=np.int64)))


def _fits(kernel: Kernel, found: WeightTensor) -> bool:
    kinds = _KINDS[found.opcode]
    if kernel.kind not in kinds and found.opcode not in _ALSO.get(kernel.kind, ()):
        return False
    return kernel.rows.shape == found.rows.shape and _same_directions(kernel.rows, found.rows)


def _same_directions(floats: np.ndarray, integers: np.ndarray) -> bool:
    a, b = floats.astype(np.float64), integers.astype(np.float64)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosines = np.abs((a * b).sum(axis=1)) / np.where(lengths > 0, lengths, 1)
    # A channel that is zero in the file was zero, vanished beside the tensor's largest weight or met a zero batch norm.
    silent = (np.linalg.norm(b, axis=1) == 0) | (np.linalg.norm(a, axis=1) == 0)
    coarse = np.abs(b).max(axis=1, initial=0) < 32
    return bool(np.all((cosines >= np.where(coarse, LEAST_COSINE - 0.3, LEAST_COSINE)) | silent) and not silent.all())


def _named_after(tensor_name: str, kernel_name: str) -> bool:
    layer = kernel_name.split("/")[0]
    segments = {segment for part in tensor_name.split(";") for segment in part.split("/")}
    return layer in segments or f"quant_{layer}" in segments


def _alike(kernel: Kernel, kernels: Mapping[str, Kernel]) -> int:
    return sum(other.rows.shape == kernel.rows.shape for other in kernels.values())


def _unmapped(name: str, kernel: Kernel, tensors: tuple[WeightTensor, ...]) -> PromiseError:
    shapes = [f"{t.tensor.name} {t.tensor.shape}" for t in tensors if t.rows.shape == kernel.rows.shape]
    return PromiseError(
        f"The weights of layer {name} were not found in the .tflite file, so its promises cannot be checked there.",
        found=f"no {kernel.kind} weight tensor of {kernel.rows.shape[0]} channels of {kernel.rows.shape[1]} weights "
        f"has its values (of that size: {', '.join(shapes) or 'none'})",
        hint="convert the very model that was compressed, or leave the layer out of the passes with exclude",
    )
