"""SLICE, STRIDED_SLICE, SPLIT, SPLIT_V and UNPACK: parts of the input."""

import numpy as np

from edgecompress.codegen.ops.movement import Movement, integers
from edgecompress.tflite.graph import Graph, Operation


class Slice(Movement):
    opcode = "SLICE"
    operands = (3, 3)

    def move(self, x: np.ndarray, graph: Graph, operation: Operation) -> list[np.ndarray]:
        begin, size = (integers(graph, operation, place).reshape(-1) for place in (1, 2))
        end = np.where(size < 0, np.array(x.shape), begin + size)
        if len(begin) != x.ndim or (begin < 0).any() or (end > x.shape).any() or (size < -1).any():
            raise ValueError(f"from {begin.tolist()}, sizes {size.tolist()}")
        return [x[tuple(map(slice, begin.tolist(), end.tolist()))]]


class StridedSlice(Movement):
    opcode = "STRIDED_SLICE"
    operands = (4, 4)

    def move(self, x: np.ndarray, graph: Graph, operation: Operation) -> list[np.ndarray]:
        begin, end, strides = (integers(graph, operation, place).reshape(-1) for place in (1, 2, 3))
        for name in ("ellipsis_mask", "new_axis_mask", "offset"):
            if operation.options.get(name):
                raise ValueError(f"{name} is not supported")
        bits = {name: int(operation.options.get(name) or 0) for name in ("begin_mask", "end_mask", "shrink_axis_mask")}  # type: ignore[call-overload]
        index: list[slice | int] = []
        for axis in range(len(begin)):
            chosen = {name for name, mask in bits.items() if mask >> axis & 1}
            first = None if "begin_mask" in chosen else int(begin[axis])
            last = None if "end_mask" in chosen else int(end[axis])
            index.append(int(begin[axis]) if "shrink_axis_mask" in chosen else slice(first, last, int(strides[axis])))
        return [np.asarray(x[tuple(index)])]


class Parts(Movement):
    """An operator with several results."""

    count = "num_splits"
    """The option that says how many."""

    def result_count(self, operation: Operation) -> int:
        """As many as it says, where it says so."""
        stated = 1 if "result" in operation.options else operation.options.get(self.count, len(operation.outputs))
        return int(stated)  # type: ignore[call-overload]


class Split(Parts):
    opcode = "SPLIT"
    operands = (2, 2)
    options = ("num_splits",)
    source = 1

    def move(self, x: np.ndarray, graph: Graph, operation: Operation) -> list[np.ndarray]:
        (axis,) = integers(graph, operation, 0).reshape(-1).tolist()
        return np.split(x, int(operation.options["num_splits"]), axis)  # type: ignore[call-overload]


class SplitV(Parts):
    opcode = "SPLIT_V"
    operands = (3, 3)
    options = ("num_splits",)

    def move(self, x: np.ndarray, graph: Graph, operation: Operation) -> list[np.ndarray]:
        sizes = integers(graph, operation, 1).reshape(-1)
        (axis,) = integers(graph, operation, 2).reshape(-1).tolist()
        rest = x.shape[axis] - sizes[sizes >= 0].sum()
        sizes = np.where(sizes < 0, rest, sizes)
        if sizes.sum() != x.shape[axis] or (sizes < 0).any():
            raise ValueError(f"sizes {sizes.tolist()} of dimension {axis}")
        return np.split(x, np.cumsum(sizes)[:-1].tolist(), axis)


class Unpack(Parts):
    opcode = "UNPACK"
    options = ("num", "axis")
    count = "num"

    def move(self, x: np.ndarray, graph: Graph, operation: Operation) -> list[np.ndarray]:
        return list(np.moveaxis(x, int(operation.options["axis"]), 0))  # type: ignore[call-overload]
