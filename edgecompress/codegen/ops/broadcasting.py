"""Broadcasting of element-wise operators: shapes as loops over four dimensions with a stride per operand (0 repeats)."""

import numpy as np

from edgecompress.tflite.graph import Graph, Operation, Tensor

RANK = 4


def broadcast_mismatch(graph: Graph, operation: Operation) -> str:
    """ "" when two inputs broadcast to the output in at most RANK dimensions, else what was found."""
    a, b = (graph.tensors[i] for i in operation.inputs[:2])
    (result,) = graph.results(operation)
    found = f"{list(a.shape)} and {list(b.shape)} -> {list(result.shape)}"
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        return found
    return "" if shape == result.shape and len(merged_loops(a, b, result)) <= RANK else found


def merged_loops(a: Tensor, b: Tensor, result: Tensor) -> list[tuple[int, int, int]]:
    """(size, stride of a, stride of b) of each loop, outermost first; neighbouring dimensions are merged where both operands allow."""
    loops: list[tuple[int, int, int]] = []
    strides_a, strides_b = _strides(a, len(result.shape)), _strides(b, len(result.shape))
    for size, stride_a, stride_b in zip(result.shape, strides_a, strides_b, strict=True):
        if size == 1:
            continue
        if loops and loops[-1][1] == stride_a * size and loops[-1][2] == stride_b * size:
            loops[-1] = (loops[-1][0] * size, stride_a, stride_b)
        else:
            loops.append((size, stride_a, stride_b))
    return loops


def broadcast_parameters(a: Tensor, b: Tensor, result: Tensor, prefix: str = "") -> dict[str, int]:
    """The fields `sizes`, `strides_a`, `strides_b` of the kernel's struct, outermost loop first, padded with loops of one."""
    loops = merged_loops(a, b, result)
    loops = [(1, 0, 0)] * (RANK - len(loops)) + loops
    fields: dict[str, int] = {}
    for axis, (size, stride_a, stride_b) in enumerate(loops):
        fields |= {f"sizes[{axis}]": size, f"strides_a[{axis}]": stride_a, f"strides_b[{axis}]": stride_b}
    return {prefix + name: value for name, value in fields.items()}


def _strides(tensor: Tensor, rank: int) -> list[int]:
    """Element strides of the tensor aligned to `rank` dimensions on the right; 0 where a dimension repeats."""
    shape = (1,) * (rank - len(tensor.shape)) + tensor.shape
    return [0 if size == 1 else int(np.prod(shape[axis + 1 :], dtype=np.int64)) for axis, size in enumerate(shape)]
