"""The bytes of constants in a .tflite file, as arrays; none of its sizes is trusted."""

import math

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgecompress.errors import ModelFileError


def read_data(
    buffer: schema.Buffer, dtype: np.dtype, shape: tuple[int, ...], label: str, content: bytes
) -> np.ndarray | None:
    """The constant's values, read-only, or None for an activation (an empty buffer).

    Args:
        label: of the tensor, for messages.
        content: the file's bytes.

    Raises:
        ModelFileError: more or fewer bytes than the shape takes.
    """
    if buffer.Offset() > 1:  # the data lies behind the FlatBuffer (files above 2 GB)
        start, size = buffer.Offset(), buffer.Size()
        if start + size > len(content):
            raise ModelFileError(
                f"{label}: data out of range", found=f"bytes {start} to {start + size} of {len(content)}"
            )
        raw = np.frombuffer(content, np.uint8, size, start)
    elif buffer.DataLength() == 0:
        return None
    else:
        raw = buffer.DataAsNumpy()
    expected = math.prod(shape) * dtype.itemsize
    if raw.size != expected:
        raise ModelFileError(
            f"{label}: the data do not fill the shape {list(shape)} of {dtype}",
            found=f"{raw.size} bytes instead of {expected}",
        )
    data = raw.view(dtype.newbyteorder("<")).astype(dtype, copy=False).reshape(shape)
    data.flags.writeable = False
    return data


def read_four_bits(buffer: schema.Buffer, shape: tuple[int, ...], label: str, content: bytes) -> np.ndarray | None:
    """The same of four-bit numbers, two in a byte, the first one lower: as int8."""
    packed = read_data(buffer, np.dtype(np.uint8), ((math.prod(shape) + 1) // 2,), label, content)
    if packed is None:
        return None
    halves = np.stack([packed << 4, packed & 0xF0], axis=-1).view(np.int8) >> 4
    data = halves.reshape(-1)[: math.prod(shape)].reshape(shape)
    data.flags.writeable = False
    return data
