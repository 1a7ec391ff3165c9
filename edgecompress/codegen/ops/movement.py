"""Operators that move values and compute none: each says what it does to any array, and the loops of its copy follow.

An array of places goes through the operator like values do; what comes out says where every output value lies in the input.
"""

import math
from abc import abstractmethod

import numpy as np

from edgecompress.codegen.ops.base import Array, KernelCall, Operator, types_of
from edgecompress.memory.sweep import Sweep, Window
from edgecompress.tflite.graph import Graph, Operation, Tensor

TYPES = tuple(np.dtype(kind) for kind in (np.int8, np.uint8, np.int16, np.int32, np.bool_))
"""Of activations."""
MOST_LOOPS = 6
MOST_TABLES = 4
MOST_ELEMENTS = 2**24
"""Of what is moved: the array of its places is made in memory."""

Loops = list[tuple[int, int]]
"""(count, stride) of each loop, outermost first."""


class Movement(Operator):
    """An operator whose results are made of its input's values, at places that are known at build time.

    Quantization does not matter: the bytes are copied, as TensorFlow Lite Micro does.
    """

    source = 0
    """Which operand is moved; all others say where to."""

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """input and output must have the same type: int8, uint8, int16, int32 or bool, of what is known at build time any"""
        source, results = graph.tensors[operation.inputs[self.source]], graph.results(operation)
        same = all(result.dtype == source.dtype for result in results)
        return "" if same and (source.dtype in TYPES or source.is_constant) else types_of(graph, operation)

    def rule_places(self, graph: Graph, operation: Operation) -> str:
        """the operands that say what goes where must be constant integers"""
        for place, tensor in enumerate(graph.operands(operation)):
            if place != self.source and tensor is not None and (tensor.data is None or tensor.dtype.kind not in "iu"):
                return f'operand "{tensor.name}" {tensor.type_name}{"" if tensor.is_constant else ", not constant"}'
        return ""

    def rule_result(self, graph: Graph, operation: Operation) -> str:
        """the operands must fit one another and the shape of the result"""
        shape, results = graph.tensors[operation.inputs[self.source]].shape, graph.results(operation)
        largest = max(math.prod(one) for one in (shape, *(result.shape for result in results)))
        if largest > MOST_ELEMENTS:
            return f"{largest:,} elements, more than {MOST_ELEMENTS:,}"
        try:
            found = [x.shape for x in self._moved(np.broadcast_to(np.int8(0), shape), graph, operation)]
        except (ValueError, IndexError, TypeError, KeyError, ZeroDivisionError) as error:
            return f"{list(shape)}: {error}"
        expected = [result.shape for result in results]
        return "" if found == expected else f"{found} instead of {expected}"

    @abstractmethod
    def move(self, x: np.ndarray, graph: Graph, operation: Operation) -> list[np.ndarray]:
        """All results for the input x, whatever its values.

        Raises:
            ValueError, IndexError, TypeError, KeyError, ZeroDivisionError: operands or options that do not fit.
        """

    def _moved(self, x: np.ndarray, graph: Graph, operation: Operation) -> list[np.ndarray]:
        """All results, or the one that a separated operation asks for."""
        results = self.move(x, graph, operation)
        return [results[int(operation.options["result"])]] if "result" in operation.options else results  # type: ignore[call-overload]

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        source = inputs[self.source]
        assert source is not None
        return [np.array(x, order="C") for x in self._moved(source, graph, operation)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        source, (result,) = graph.tensors[operation.inputs[self.source]], graph.results(operation)
        places = np.arange(source.elements, dtype=np.int32).reshape(source.shape)
        (moved,) = self._moved(places, graph, operation)
        return copying(moved, source, result)


def integers(graph: Graph, operation: Operation, place: int) -> np.ndarray:
    """The values of a constant operand, as int64.

    Raises:
        ValueError: it is not constant.
    """
    data = graph.tensors[operation.inputs[place]].data
    if data is None:
        raise ValueError(f"operand {place} is not constant")
    return data.astype(np.int64)


def require_shape(shape: tuple[int, ...], graph: Graph, operation: Operation) -> None:
    """For results that operands can make larger than any input.

    Raises:
        ValueError: the result would have another shape than it is said to have.
    """
    expected = graph.results(operation)[0].shape
    if shape != expected:
        raise ValueError(f"{list(shape)} instead of {list(expected)}")


def copying(places: np.ndarray, source: Tensor, result: Tensor) -> KernelCall:
    """The call that copies to every element of the result the one of the source at its place; in loops where there are such."""
    size = source.dtype.itemsize
    loops, starts = regular_loops(places.reshape(-1))
    piece = loops.pop()[0] if loops and loops[-1][1] == 1 else 1
    if len(starts) > 1 or len(loops) > MOST_LOOPS:
        return _by_tables(places.astype(np.int64), piece if len(starts) > 1 else 1, source, result)
    counted = [(count, stride * size) for count, stride in loops]
    first, pieces = int(starts[0]) * size, piece * size
    fields: dict[str, int | float | Array] = {"first": first, "bytes": pieces}
    for number, (count, stride) in enumerate([(1, 0)] * (MOST_LOOPS - len(counted)) + counted):
        fields |= {f"counts[{number}]": count, f"strides[{number}]": stride}
    sweeps = (_sweep(first, pieces, counted, source, result),)
    return KernelCall("strided_copy", fields, (source, result), sweeps=sweeps)


def regular_loops(places: np.ndarray) -> tuple[Loops, np.ndarray]:
    """The innermost loops that repeat one stride, and where each round of them starts: one start where loops say it all."""
    loops: Loops = []
    while len(places) > 1:
        steps = np.diff(places)
        breaks = np.flatnonzero(steps != steps[0]) + 1
        count = int(np.gcd.reduce(np.append(breaks, len(places))))
        if count == 1:
            break
        loops.insert(0, (count, int(steps[0])))
        places = places[::count]
    return loops, places


def _by_tables(places: np.ndarray, piece: int, source: Tensor, result: Tensor) -> KernelCall:
    """A table for each dimension where their sum is the place, else one of all pieces of so many elements."""
    size, tables = source.dtype.itemsize, _separated(places)
    if tables is None:
        tables = [places.reshape(-1)[::piece]]
    else:
        piece = 1
        while tables and np.array_equal(tables[-1], np.arange(len(tables[-1])) * piece):
            piece *= len(tables.pop())
    tables = [np.zeros(1, np.int64)] * (MOST_TABLES - len(tables)) + tables
    fields: dict[str, int | float | Array] = {"bytes": piece * size}
    fields |= {f"counts[{number}]": len(table) for number, table in enumerate(tables)}
    fields |= {f"places_{number}": Array((table * size).astype(np.int32)) for number, table in enumerate(tables)}
    return KernelCall("table_copy", fields, (source, result))


def _separated(places: np.ndarray) -> list[np.ndarray] | None:
    """One table for each dimension longer than one, which add up to the places; None where there are no such, or too many."""
    wide = places.reshape([size for size in places.shape if size > 1])
    if not 1 <= wide.ndim <= MOST_TABLES:
        return None
    first, total = wide[(0,) * wide.ndim], np.zeros((1,) * wide.ndim, np.int64)
    tables = []
    for axis in range(wide.ndim):
        line = wide[tuple(slice(None) if a == axis else 0 for a in range(wide.ndim))] - (first if axis else 0)
        tables.append(line)
        total = total + line.reshape([-1 if a == axis else 1 for a in range(wide.ndim)])
    return tables if np.array_equal(total, wide) else None


def _sweep(first: int, piece: int, loops: Loops, source: Tensor, result: Tensor) -> Sweep | None:
    """A slice of rows and columns is a window of one tap that begins inside the input; None for anything else."""
    if len(loops) > 2 or any(stride <= 0 for _, stride in loops):
        return None
    if len(loops) < 2:
        unit = 1 if loops else int(np.gcd.reduce([first, piece, source.nbytes]))
        loops, piece = [*(loops or [(1, source.nbytes)]), (piece // unit, unit)], unit
    (rows, pitch), (columns, step) = loops
    top, left = divmod(first, pitch)
    is_grid = not any((source.nbytes % pitch, pitch % piece, step % piece, left % piece))
    if not is_grid or left + (columns - 1) * step + piece > pitch:
        return None
    sizes = source.nbytes // pitch, pitch // piece, rows, columns
    window = Window(1, *sizes, 1, 1, 1, step // piece, 1, 1, -top, -(left // piece))
    return window.sweep(piece, piece, part=1, own=True)
