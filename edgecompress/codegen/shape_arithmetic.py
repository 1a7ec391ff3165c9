"""Integer arithmetic on what is known at build time: how graphs compute shapes, axes and indices, of which no C is left.

Plain int32, int64 and bool tensors, as LiteRT computes them; nothing quantized.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from edgecompress.codegen.ops.base import describe
from edgecompress.errors import UnsupportedError
from edgecompress.tflite.graph import ABSENT, Graph, Operation

KINDS = (np.dtype(np.int32), np.dtype(np.int64), np.dtype(np.bool_))
MOST_ELEMENTS = 2**20
"""Of a result: shapes and indices are far shorter."""

BY_SHAPE = ("RANK", "SHAPE")
"""Operators that look at nothing but their input's shape."""


def _truncating(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    quotient = np.abs(a) // np.abs(b)
    return np.where((a < 0) == (b < 0), quotient, -quotient)


PAIRS: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "ADD": np.add,
    "DIV": _truncating,
    "EQUAL": np.equal,
    "FLOOR_DIV": np.floor_divide,
    "FLOOR_MOD": np.mod,
    "GREATER": np.greater,
    "GREATER_EQUAL": np.greater_equal,
    "LESS": np.less,
    "LESS_EQUAL": np.less_equal,
    "LOGICAL_AND": np.logical_and,
    "LOGICAL_OR": np.logical_or,
    "MAXIMUM": np.maximum,
    "MINIMUM": np.minimum,
    "MUL": np.multiply,
    "NOT_EQUAL": np.not_equal,
    "SUB": np.subtract,
}
SINGLES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "ABS": np.abs,
    "CAST": np.asarray,
    "LOGICAL_NOT": np.logical_not,
    "NEG": np.negative,
}
REDUCTIONS: Mapping[str, Callable[..., np.ndarray]] = {
    "REDUCE_ALL": np.all,
    "REDUCE_ANY": np.any,
    "REDUCE_MAX": np.max,
    "REDUCE_MIN": np.min,
    "REDUCE_PROD": np.prod,
    "SUM": np.sum,
}
DIVISIONS = ("DIV", "FLOOR_DIV", "FLOOR_MOD")


def is_known(graph: Graph, operation: Operation) -> bool:
    """Whether the result depends on no input of the model, nor on its state."""
    if operation.opcode in BY_SHAPE:
        return True
    constant = all(i == ABSENT or graph.tensors[i].is_constant for i in operation.inputs)
    return constant and bool(operation.inputs)


def is_shape_arithmetic(graph: Graph, operation: Operation) -> bool:
    """Whether the operation, whose operands are known, is one of those here."""
    if operation.opcode == "RANK":
        return True
    if operation.opcode not in {*PAIRS, *SINGLES, *REDUCTIONS, "RANGE", "SELECT_V2"}:
        return False
    tensors = [*graph.operands(operation), *graph.results(operation)]
    return all(t is not None and t.dtype in KINDS and t.quantization is None for t in tensors)


def compute(graph: Graph, operation: Operation, operands: Sequence[np.ndarray | None]) -> np.ndarray:
    """The result, in the type and, where the graph says one, the shape that the graph gives it.

    Raises:
        UnsupportedError: operands that do not fit one another, a division by zero, a result of another shape.
    """
    (result,) = graph.results(operation)
    where = f"{describe(graph, operation)}: the constants must fit one another and the result"
    if operation.opcode == "RANK":
        values = np.array(len(graph.tensors[operation.inputs[0]].shape))
    else:
        try:
            values = _computed(operation, [x for x in operands if x is not None])
        except (ValueError, TypeError, IndexError, ZeroDivisionError) as error:
            raise UnsupportedError(where, found=str(error)) from error
    if values.shape != result.shape:
        raise UnsupportedError(where, found=f"{list(values.shape)} instead of {list(result.shape)}")
    with np.errstate(over="ignore"):
        return np.asarray(values).astype(result.dtype)


def _computed(operation: Operation, operands: list[np.ndarray]) -> np.ndarray:
    """The values, whose shape and type are not yet the graph's."""
    opcode, options = operation.opcode, operation.options
    if options.get("fused_activation_function", "NONE") != "NONE":
        raise ValueError("a fused activation")
    if opcode == "RANGE":
        first, end, step = (int(x.reshape(())) for x in operands)
        if len(range(first, end, step)) > MOST_ELEMENTS:
            raise ValueError(f"a range of {len(range(first, end, step)):,} numbers")
        return np.arange(first, end, step)
    if opcode in REDUCTIONS:
        x, axes = operands
        chosen = tuple(int(axis) for axis in axes.reshape(-1))
        return np.asarray(REDUCTIONS[opcode](x, axis=chosen, keepdims=bool(options.get("keep_dims"))))
    shape = np.broadcast_shapes(*(x.shape for x in operands))
    if int(np.prod(shape, dtype=np.int64)) > MOST_ELEMENTS:
        raise ValueError(f"{list(shape)}")
    if opcode in DIVISIONS and not operands[1].all():
        raise ZeroDivisionError("a division by zero")
    if opcode == "SELECT_V2":
        return np.where(*operands)
    if opcode in SINGLES:
        return SINGLES[opcode](*operands)
    return np.asarray(PAIRS[opcode](*operands))
