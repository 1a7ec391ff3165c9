"""Broadcasting of element-wise operators: shapes as loops over four dimensions with a stride per operand (0 repeats)."""

from collections.abc import Mapping, Sequence

import numpy as np

from edgecompress.codegen.ops.bands import by_length
from edgecompress.codegen.ops.base import Array, KernelCall
from edgecompress.codegen.ops.sweeps import elementwise
from edgecompress.tflite.graph import Graph, Operation, Tensor

RANK = 4


def broadcast_mismatch(graph: Graph, operation: Operation) -> str:
    """ "" when all inputs broadcast to the output in at most RANK dimensions, else what was found."""
    tensors = [graph.tensors[i] for i in operation.inputs]
    (result,) = graph.results(operation)
    found = f"{' and '.join(str(list(t.shape)) for t in tensors)} -> {list(result.shape)}"
    try:
        shape = np.broadcast_shapes(*(t.shape for t in tensors))
    except ValueError:
        return found
    return "" if shape == result.shape and len(merged_loops(*tensors, result)) <= RANK else found


def merged_loops(*tensors: Tensor) -> list[tuple[int, ...]]:
    """(size, stride of each operand) of each loop, outermost first; neighbouring dimensions are merged where all operands allow.

    Args:
        tensors: the operands, then the result.
    """
    *operands, result = tensors
    loops: list[tuple[int, ...]] = []
    strides = [_strides(tensor, len(result.shape)) for tensor in operands]
    for size, *steps in zip(result.shape, *strides, strict=True):
        if size == 1:
            continue
        if loops and all(outer == inner * size for outer, inner in zip(loops[-1][1:], steps, strict=True)):
            loops[-1] = (loops[-1][0] * size, *steps)
        else:
            loops.append((size, *steps))
    return loops


def broadcast_parameters(a: Tensor, b: Tensor, result: Tensor, prefix: str = "") -> dict[str, int]:
    """The fields `sizes`, `strides_a`, `strides_b` of the kernel's struct, outermost loop first, padded with loops of one."""
    return loop_fields(("sizes", "strides_a", "strides_b"), (a, b, result), prefix)


def loop_fields(names: Sequence[str], tensors: Sequence[Tensor], prefix: str = "") -> dict[str, int]:
    """The same under these names: of the sizes, then of each operand's strides.

    Args:
        tensors: the operands, then the result.
    """
    loops = merged_loops(*tensors)
    loops = [(1, *(0 for _ in names[1:]))] * (RANK - len(loops)) + loops
    return {
        f"{prefix}{name}[{axis}]": value
        for axis, loop in enumerate(loops)
        for name, value in zip(names, loop, strict=True)
    }


def repeating_call(
    kernel: str, fields: Mapping[str, int | float | Array], tensors: Sequence[Tensor], source: str = ""
) -> KernelCall:
    """The call of a kernel whose struct begins with `loops`, in bands where all operands are as large as the result.

    Args:
        tensors: the operands, then the result.
    """
    *operands, result = tensors
    sweeps = tuple(elementwise(t, result) if t.elements == result.elements else None for t in operands)
    call = KernelCall(kernel, fields, tuple(tensors), source, sweeps=sweeps)
    is_one_loop = all(sweeps) and not any(t.is_constant for t in operands)
    return by_length(call, "loops.sizes[3]") if is_one_loop else call


def _strides(tensor: Tensor, rank: int) -> list[int]:
    """Element strides of the tensor aligned to `rank` dimensions on the right; 0 where a dimension repeats."""
    shape = (1,) * (rank - len(tensor.shape)) + tensor.shape
    return [0 if size == 1 else int(np.prod(shape[axis + 1 :], dtype=np.int64)) for axis, size in enumerate(shape)]
