"""Trained codes written into the converted file, and the proof that they are there. No TensorFlow needed.

The converter gives every output channel the scale at which its largest weight is ±127, and so integers of its own. Codes
and scales that a pass trained stand for the same weights: they replace the converter's, and biases, which count in units
of input scale · weight scale, are counted anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from edgecompress.compress.base import Promise
from edgecompress.compress.models.kernels import Kernel
from edgecompress.compress.models.mapping import map_layers, tflite_kernels
from edgecompress.compress.models.saved import load_kernels
from edgecompress.convert.proof import BIASES, WEIGHTS
from edgecompress.errors import PromiseError, ToolError
from edgecompress.tflite.graph import ABSENT, Graph, Operation, Quantization, Tensor
from edgecompress.tflite.reader import read_bytes
from edgecompress.tflite.writer import write

ROUNDING = 0.75
"""Steps of the converter's scale by which its weight may differ from ours: half a step, and float32's rounding."""
LARGEST_BIAS = 2**31 - 1
_ACTIVATION = {"TRANSPOSE_CONV": 2}
"""Which operand the weights are multiplied with, where it is not the first."""


@dataclass(frozen=True, eq=False)
class LayerCodes:
    """The codes of one layer.

    Attributes:
        codes: (channels, weights of each), int8, in the order of `Kernel.rows`.
        scales: (channels,), float32.
        source: the pass that trained them, in text form.
    """

    codes: np.ndarray
    scales: np.ndarray
    source: str


@dataclass(frozen=True, eq=False)
class Constant:
    """What a tensor holds from now on.

    Attributes:
        data: of the tensor's shape and dtype.
        scales: one per channel along `axis`, float32; zero points are 0.
        axis: the output channels' dimension.
    """

    data: np.ndarray
    scales: np.ndarray
    axis: int

    def within(self, tensor: Tensor) -> Tensor:
        """The tensor with this content."""
        scales = tuple(float(scale) for scale in self.scales)
        quantization = Quantization(scales, (0,) * len(scales), self.axis if len(scales) > 1 else 0)
        return replace(tensor, data=self.data, quantization=quantization)


def write_codes(
    content: bytes, path: Path | str, promises: Sequence[Mapping[str, Any]]
) -> tuple[bytes, tuple[str, ...]]:
    """The file with the codes that compression trained; see `with_codes`.

    Args:
        content: of the file as the converter wrote it.
        path: the compression's kernels.npz; not needed without promises.
        promises: the "promises" of its result.

    Returns:
        The bytes, and the layers whose codes are in there.
    """
    standing = [Promise.from_dict(promise) for promise in promises]
    if not any(promise.units for promise in standing):
        return content, ()
    kernels = load_kernels(Path(path))
    return with_codes(content, kernels, standing), tuple(layer_codes(kernels, standing))


def with_codes(content: bytes, kernels: Mapping[str, Kernel], promises: Sequence[Promise]) -> bytes:
    """The file with the codes of every layer that a promise gives units for, proven from the bytes themselves.

    Args:
        content: a full-integer file.
        kernels: all those of the Keras model that it was converted from.
        promises: those that stand.

    Raises:
        PromiseError: a layer is not found in the file, does not hold these weights there, or its biases do not fit.
        ToolError: the file does not hold what was to be written (a defect).
    """
    coded = layer_codes(kernels, promises)
    if not coded:
        return content
    before = read_bytes(content)
    mapping = map_layers(before, kernels, coded)
    constants: dict[int, Constant] = {}
    for layer, indices in mapping.items():
        for weights in indices:
            for index, constant in _constants(before, layer, weights, coded[layer]):
                if not _alike(constants.setdefault(index, constant), constant):
                    name = before.tensors[index].name
                    raise _unwritable(layer, coded[layer], f'tensor "{name}" would have to hold two things at once')
    changed = {index: constant.within(before.tensors[index]) for index, constant in constants.items()}
    wanted = replace(before, tensors=MappingProxyType({**before.tensors, **changed}))
    written = write(wanted)
    _prove(wanted, read_bytes(written), coded, mapping)
    return written


def layer_codes(kernels: Mapping[str, Kernel], promises: Sequence[Promise]) -> dict[str, LayerCodes]:
    """Layers to their codes: the weights of the Keras model divided by the units that a promise names.

    Raises:
        PromiseError: a weight is no integer within ±127 in its unit.
    """
    found = {}
    for promise in promises:
        for layer, units in promise.units.items():
            scales = np.asarray(units, np.float32)
            exact = kernels[layer].rows.astype(np.float64) / scales[:, None].astype(np.float64)
            codes = np.rint(exact)
            if np.abs(exact - codes).max(initial=0) > 1e-3 or np.abs(codes).max(initial=0) > 127:
                raise PromiseError(
                    f"The weights of layer {layer} are not the integer codes that {promise.source} trained.",
                    found=f"up to {np.abs(exact - codes).max():.3g} of a step away from an integer, largest {exact.max():.4g}",
                    hint="leave out the pass behind it that changed them",
                )
            found[layer] = LayerCodes(codes.astype(np.int8), scales, promise.source)
    return found


def _constants(graph: Graph, layer: str, weights: int, coded: LayerCodes) -> Iterator[tuple[int, Constant]]:
    """A weight tensor's new content, and that of the biases of all operators that use it."""
    yield weights, _weights(graph, layer, coded, graph.tensors[weights])
    users = _users(graph, weights)
    for operation in users:
        position = BIASES[operation.opcode]
        if len(operation.inputs) <= position or operation.inputs[position] == ABSENT:
            continue
        bias = operation.inputs[position]
        if any(bias in other.inputs and other not in users for other in graph.operations):
            raise _unwritable(layer, coded, f'the bias "{graph.tensors[bias].name}" serves other layers, too')
        yield bias, _bias(graph, layer, operation, coded)


def _weights(graph: Graph, layer: str, coded: LayerCodes, tensor: Tensor) -> Constant:
    """The tensor's new content, if it holds the layer's weights now."""
    depthwise = any(o.opcode == "DEPTHWISE_CONV_2D" for o in _users(graph, tensor.index))
    axis = len(tensor.shape) - 1 if depthwise else 0
    quantization = tensor.quantization
    if tensor.dtype != np.int8 or quantization is None or any(quantization.zero_points):
        raise _unwritable(layer, coded, f'tensor "{tensor.name}" is {tensor.type_name} with other zero points than 0')
    assert tensor.data is not None, "only constants are mapped"
    rows = np.moveaxis(tensor.data, axis, 0).reshape(coded.codes.shape).astype(np.float64)
    steps = np.resize(np.asarray(quantization.scales), len(rows))[:, None]
    wanted = coded.codes * coded.scales[:, None].astype(np.float64)
    off = np.abs(rows * steps - wanted) / steps
    if off.max(initial=0) > ROUNDING:
        raise _unwritable(
            layer, coded, f'weights of tensor "{tensor.name}" are up to {off.max():.1f} steps away from the layer\'s'
        )
    moved = np.moveaxis(tensor.data, axis, 0).shape
    return Constant(np.ascontiguousarray(np.moveaxis(coded.codes.reshape(moved), 0, axis)), coded.scales, axis)


def _bias(graph: Graph, layer: str, operation: Operation, coded: LayerCodes) -> Constant:
    """The bias of an operator in its new units."""
    bias = graph.tensors[operation.inputs[BIASES[operation.opcode]]]
    activation = graph.tensors[operation.inputs[_ACTIVATION.get(operation.opcode, 0)]]
    assert bias.quantization is not None, "a bias of a full-integer file has a scale"
    assert activation.quantization is not None, "so has an activation"
    assert bias.data is not None, "and a bias is constant"
    scales = (np.float32(activation.quantization.scale) * coded.scales).astype(np.float32)
    numbers = np.rint(bias.data * np.asarray(bias.quantization.scales) / scales.astype(np.float64))
    if np.abs(numbers).max(initial=0) > LARGEST_BIAS:
        channel = int(np.abs(numbers).argmax())
        raise _unwritable(layer, coded, f"the bias of channel {channel} does not fit 32 bits at its weights' scale")
    return Constant(numbers.astype(np.int32), scales, 0)


def _alike(one: Constant, other: Constant) -> bool:
    return np.array_equal(one.data, other.data) and np.array_equal(one.scales, other.scales)


def _users(graph: Graph, index: int) -> list[Operation]:
    return [o for o in graph.operations if o.opcode in WEIGHTS and o.inputs[WEIGHTS[o.opcode]] == index]


def _unwritable(layer: str, coded: LayerCodes, found: str) -> PromiseError:
    return PromiseError(
        f"The codes that {coded.source} trained for layer {layer} cannot be written into the .tflite file.",
        found=found,
        hint="convert the very model that was compressed, or leave the layer out of the pass with exclude",
    )


def _prove(
    wanted: Graph, written: Graph, coded: Mapping[str, LayerCodes], mapping: Mapping[str, tuple[int, ...]]
) -> None:
    """The written bytes, read again: codes and scales are there, and nothing else is different."""
    found = tflite_kernels(written, mapping)
    for layer, one in coded.items():
        uses = len(mapping[layer])
        if not np.array_equal(found[layer].rows, np.concatenate([one.codes] * uses)):
            raise ToolError(f"The codes of layer {layer} are not in the .tflite file that was written.")
    ends = (wanted.operations, wanted.inputs, wanted.outputs, wanted.signatures)
    if ends != (written.operations, written.inputs, written.outputs, written.signatures):
        raise ToolError("Writing codes into the .tflite file changed its operators.")
    for index, tensor in wanted.tensors.items():
        if not _equal(tensor, written.tensors[index]):
            raise ToolError(f'Writing codes into the .tflite file changed tensor "{tensor.name}" otherwise.')


def _equal(one: Tensor, other: Tensor) -> bool:
    if {**vars(one), "data": None} != {**vars(other), "data": None} or one.is_constant != other.is_constant:
        return False
    return one.data is None or np.array_equal(one.data, other.data)  # type: ignore[arg-type]
