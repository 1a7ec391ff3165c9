"""Two output channels in one halfword, and their bias and requantization in eight bytes, where both are exact.

See `runtime/kernels/ec_gemm_joint.h` and `ec_scaling.h` for what the kernels make of them.
"""

import numpy as np

from edgecompress.codegen.variants.quick import Limits, QuickLayer
from edgecompress.tflite.graph import Tensor

LARGEST_JOINT_SUM = 2**23 - 1
SCALING_LIMITS = Limits(bias=2**25 - 1, shift=22)
"""Of `ec_scaling`."""
LARGEST_INPUT = 128


def join(rows: np.ndarray) -> np.ndarray | None:
    """Weights [outputs, inputs], int8, such that the bytes (a, b) of outputs 2i and 2i + 1 are the halfword 256 b + a.

    That is the next lower number in place of b where a is negative.

    Returns:
        None where b has no next lower number, or where a sum of 256 b could leave 32 bits.
    """
    joined = rows.astype(np.int64)
    joined[1::2] -= joined[::2] < 0
    largest = LARGEST_INPUT * np.abs(rows[1::2].astype(np.int64)).sum(axis=1)
    if joined.min(initial=0) < np.iinfo(np.int8).min or largest.max(initial=0) > LARGEST_JOINT_SUM:
        return None
    return joined.astype(np.int8)


def pack_joint(rows: np.ndarray) -> np.ndarray | None:
    """Weights [an even number of outputs, inputs] in the order of `ec_gemm_joint`, inputs padded to fours with zeros.

    For two outputs and four inputs: inputs 0 and 2 of both outputs, then inputs 1 and 3, the outputs side by side.
    """
    joined = join(rows)
    return None if joined is None else in_twos(joined)


def in_twos(rows: np.ndarray) -> np.ndarray:
    """Two outputs after two."""
    outputs, inputs = rows.shape
    padded = np.pad(rows, ((0, 0), (0, -inputs % 4)))
    blocks = padded.reshape(outputs // 2, 2, -1, 4)
    return np.ascontiguousarray(blocks[..., [0, 2, 1, 3]].transpose(0, 2, 3, 1)).reshape(-1)


def pack_fours(rows: np.ndarray) -> np.ndarray | None:
    """Weights [fours of outputs, fours of inputs] in the order of `ec_dot_joint`.

    For four outputs and four inputs: inputs 0 and 2 of outputs 0 and 1, of outputs 2 and 3, then inputs 1 and 3 likewise.
    """
    joined = join(rows)
    return None if joined is None else in_fours(joined)


def in_fours(rows: np.ndarray) -> np.ndarray:
    """Four outputs after four."""
    blocks = rows.reshape(-1, 2, 2, rows.shape[1] // 4, 2, 2)  # outputs by two and two, inputs as (half, parity)
    return np.ascontiguousarray(blocks.transpose(0, 3, 5, 1, 4, 2)).reshape(-1)


def pack_scalings(layer: QuickLayer) -> np.ndarray | None:
    """The structs `ec_scaling` of all outputs of a layer: int32 [outputs, 2].

    Returns:
        None where a number is outside `SCALING_LIMITS`.
    """
    shift = -layer.shift.astype(np.int64)
    if (shift > SCALING_LIMITS.shift).any() or (np.abs(layer.bias) > SCALING_LIMITS.bias).any():
        return None
    both = np.broadcast_arrays(layer.multiplier.astype(np.int64), layer.bias * 64 + shift - 1)
    return np.stack(both, axis=-1).astype(np.int32)


def form_of(result: Tensor) -> str:
    """Which of a kernel's two forms gives this output: "relu" where everything negative becomes its zero point of -128, so that it
    does not matter how negative halves are rounded; else "linear". A narrower range than int8's is clamped afterwards."""
    assert result.quantization
    return "relu" if result.quantization.zero_point == np.iinfo(np.int8).min else "linear"
