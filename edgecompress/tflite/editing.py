"""Changes constants inside a .tflite file and nothing else: operators, names, metadata and signatures stay."""

from collections.abc import Mapping
from dataclasses import dataclass

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgecompress.tflite.reader import IDENTIFIER

ALIGNMENT = 16
"""Of constants in the file, as the schema asks: interpreters read them in place."""


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


class _Buffer(schema.BufferT):  # type: ignore[misc]
    """A buffer whose bytes are aligned; the generated code aligns them to one byte."""

    def Pack(self, builder: flatbuffers.Builder) -> int:  # noqa: N802 (the schema's name)
        if self.data is None:
            return int(super().Pack(builder))
        raw = bytes(self.data)
        builder.StartVector(1, len(raw), ALIGNMENT)
        builder.head = builder.Head() - len(raw)
        builder.Bytes[builder.Head() : builder.Head() + len(raw)] = raw
        data = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, data)
        return int(schema.BufferEnd(builder))


def with_constants(content: bytes, constants: Mapping[int, Constant]) -> bytes:
    """The file with other constants.

    Args:
        content: a file that `edgecompress.tflite.reader` accepts.
        constants: tensor index of the main subgraph → what it holds.
    """
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    model.buffers = [_aligned(buffer) for buffer in model.buffers]
    users = [tensor.buffer for subgraph in model.subgraphs for tensor in subgraph.tensors]
    for index, constant in sorted(constants.items()):
        tensor = model.subgraphs[0].tensors[index]
        if users.count(tensor.buffer) > 1:  # equal constants share one
            users.remove(tensor.buffer)
            tensor.buffer = len(model.buffers)
            model.buffers.append(_Buffer())
        model.buffers[tensor.buffer].data = constant.data.astype(constant.data.dtype.newbyteorder("<")).tobytes()
        quantization = tensor.quantization
        quantization.scale = constant.scales.astype(np.float32)
        quantization.zeroPoint = np.zeros(len(constant.scales), np.int64)
        quantization.quantizedDimension = constant.axis
        quantization.min = quantization.max = None
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def _aligned(buffer: schema.BufferT) -> _Buffer:
    aligned = _Buffer()
    for field, value in vars(buffer).items():
        setattr(aligned, field, value)
    return aligned
