"""Cases of operators that move values without computing: RESHAPE, PAD, TRANSPOSE, CONCATENATION, STRIDED_SLICE, …"""

import itertools
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from model_cases.case import Case
from model_cases.network import Network
from model_cases.single import Operand, Single, numbers

Q = (0.05, -7)


def reshape(shape: tuple[int, ...], target: tuple[int, ...], operand: tuple[int, ...] | None, **fields: Any) -> Single:
    operands = [Operand(shape, *Q)] + ([numbers(*operand)] if operand is not None else [])
    return Single("RESHAPE", tuple(operands), (Operand(target, *Q),), "Reshape" if fields else "", fields, 1)


RESHAPES = {
    "flatten": reshape((1, 3, 4, 2), (1, 24), (1, 24)),
    "flatten_minus_one": reshape((1, 3, 4, 2), (1, 24), (-1, 24)),
    "split": reshape((1, 24), (1, 2, 3, 4), (1, 2, 3, -1), newShape=[1, 2, 3, 4]),
    "options_only": reshape((1, 24), (1, 4, 6), None, newShape=[1, 4, 6]),
    "same": reshape((2, 5), (2, 5), (2, 5)),
}


def pad(
    shape: tuple[int, ...],
    before: tuple[int, ...],
    after: tuple[int, ...],
    zero_point: int = -7,
    fill: int | None = None,
) -> Single:
    paddings = Operand(
        (len(shape), 2), None, dtype="INT32", constant=tuple(itertools.chain(*zip(before, after, strict=True)))
    )
    target = tuple(sum(sizes) for sizes in zip(shape, before, after, strict=True))
    operands = [Operand(shape, 0.05, zero_point), paddings]
    if fill is not None:
        operands.append(Operand((), 0.05, zero_point, constant=(fill,)))
    opcode = "PAD" if fill is None else "PADV2"
    return Single(opcode, tuple(operands), (Operand(target, 0.05, zero_point),), "Pad" if fill is None else "PadV2")


PADS = {
    "around": pad((1, 3, 4, 2), (0, 1, 1, 0), (0, 1, 1, 0)),
    "bottom_right": pad((1, 3, 4, 3), (0, 0, 0, 0), (0, 1, 1, 0)),
    "uneven": pad((1, 3, 4, 2), (0, 2, 0, 0), (0, 1, 3, 0)),
    "channels": pad((1, 3, 4, 2), (0, 0, 0, 1), (0, 0, 0, 3)),
    "batch": pad((2, 3, 2, 2), (1, 0, 0, 0), (1, 0, 0, 0)),
    "nothing": pad((1, 3, 4, 2), (0, 0, 0, 0), (0, 0, 0, 0)),
    "rank_2": pad((3, 4), (1, 2), (2, 0)),
    "rank_3": pad((2, 3, 4), (0, 1, 0), (0, 2, 1)),
    "zero_point_lowest": pad((1, 3, 4, 2), (0, 1, 1, 0), (0, 1, 1, 0), -128),
    "zero_point_highest": pad((1, 3, 4, 2), (0, 1, 1, 0), (0, 1, 1, 0), 127),
}

PADS_WITH_VALUE = {
    "lowest": pad((1, 3, 4, 2), (0, 1, 1, 0), (0, 1, 1, 0), -7, -128),
    "highest": pad((1, 3, 4, 2), (0, 0, 1, 0), (0, 1, 2, 1), -7, 127),
}


def transpose(shape: tuple[int, ...], order: tuple[int, ...]) -> Single:
    target = tuple(shape[axis] for axis in order)
    return Single("TRANSPOSE", (Operand(shape, *Q), numbers(*order)), (Operand(target, *Q),), "Transpose")


TRANSPOSES = {
    "".join(map(str, order)): transpose(shape, order)
    for shape, orders in (
        ((3, 5), ((1, 0), (0, 1))),
        ((2, 3, 5), ((0, 2, 1), (2, 1, 0), (1, 2, 0))),
        ((2, 3, 4, 5), ((0, 3, 1, 2), (0, 2, 3, 1), (3, 2, 1, 0), (1, 0, 3, 2), (0, 2, 1, 3))),
    )
    for order in orders
}


def concatenation(shapes: tuple[tuple[int, ...], ...], axis: int, constant: bool = False) -> Single:
    operands = [Operand(shape, *Q) for shape in shapes]
    if constant:
        operands[-1] = Operand(shapes[-1], *Q, constant=7)
    target = list(shapes[0])
    target[axis] = sum(shape[axis] for shape in shapes)
    fields = {"axis": axis, "fusedActivationFunction": "NONE"}
    return Single("CONCATENATION", tuple(operands), (Operand(tuple(target), *Q),), "Concatenation", fields)


CONCATENATIONS = {
    "channels": concatenation(((1, 3, 4, 2), (1, 3, 4, 5)), 3),
    "last_axis_negative": concatenation(((1, 3, 4, 2), (1, 3, 4, 5)), -1),
    "rows": concatenation(((1, 3, 4, 2), (1, 1, 4, 2)), 1),
    "columns": concatenation(((1, 3, 4, 2), (1, 3, 1, 2)), 2),
    "batch": concatenation(((1, 6), (3, 6)), 0),
    "three": concatenation(((1, 4), (1, 1), (1, 7)), 1),
    "constant": concatenation(((1, 4), (1, 3)), 1, constant=True),
    "one_alone": concatenation(((1, 4),), 1),
}


def strided_slice(
    shape: tuple[int, ...], begin: tuple[int, ...], end: tuple[int, ...], strides: tuple[int, ...], **masks: int
) -> Single:
    slices = []
    for axis in range(len(begin)):
        start = None if masks.get("beginMask", 0) >> axis & 1 else begin[axis]
        stop = None if masks.get("endMask", 0) >> axis & 1 else end[axis]
        shrinks = masks.get("shrinkAxisMask", 0) >> axis & 1
        slices.append(begin[axis] if shrinks else slice(start, stop, strides[axis]))
    target = np.zeros(shape)[tuple(slices)].shape
    operands = (Operand(shape, *Q), numbers(*begin), numbers(*end), numbers(*strides))
    return Single("STRIDED_SLICE", operands, (Operand(target, *Q),), "StridedSlice", masks, 1)


SLICES = {
    "plain": strided_slice((1, 6, 7, 3), (0, 1, 2, 0), (1, 5, 6, 3), (1, 1, 1, 1)),
    "strides": strided_slice((1, 6, 7, 3), (0, 0, 1, 0), (1, 6, 7, 3), (1, 2, 3, 2)),
    "negative_stride": strided_slice((1, 6, 7, 3), (0, 5, 0, 0), (1, 0, 7, 3), (1, -2, 1, 1)),
    "negative_indices": strided_slice((1, 6, 7, 3), (0, -4, 0, -2), (1, -1, 7, 3), (1, 1, 1, 1)),
    "masks": strided_slice((1, 6, 7, 3), (0, 2, 0, 1), (0, 0, 4, 0), (1, 1, 1, 1), beginMask=5, endMask=11),
    "shrink": strided_slice((1, 6, 7, 3), (0, 2, 0, 0), (1, 3, 7, 3), (1, 1, 1, 1), shrinkAxisMask=2),
    "rank_2": strided_slice((4, 9), (1, 2), (3, 8), (1, 2)),
}


def pack(axis: int, count: int, shape: tuple[int, ...] = (2, 3)) -> Single:
    target = list(shape)
    target.insert(axis % (len(shape) + 1), count)
    fields = {"axis": axis, "valuesCount": count}
    return Single("PACK", (Operand(shape, *Q),) * count, (Operand(tuple(target), *Q),), "Pack", fields)


def reshape_by_computed_shape() -> bytes:
    """SHAPE, STRIDED_SLICE, PACK, RESHAPE: what Keras' Flatten and Reshape become when the batch is not fixed."""
    network = Network()
    source = network.tensor((2, 3, 4), *Q)
    shape, batch, target = (
        network.tensor((3,), dtype="INT32"),
        network.tensor((), dtype="INT32"),
        network.tensor((2,), dtype="INT32"),
    )
    result = network.tensor((2, 12), *Q)
    zero, one = network.integers([0]), network.integers([1])
    columns = network.tensor((), dtype="INT32", data=np.array(12))
    network.operator("SHAPE", [source], [shape], "Shape", outType=schema.TensorType.INT32)
    network.operator("STRIDED_SLICE", [shape, zero, one, one], [batch], "StridedSlice", shrinkAxisMask=1)
    network.operator("PACK", [batch, columns], [target], "Pack", valuesCount=2, axis=0)
    network.operator("RESHAPE", [source, target], [result], "Reshape")
    return network.file([source], [result])


SHAPE = Single("SHAPE", (Operand((1, 3, 4, 2), *Q),), (Operand((4,), None, dtype="INT32"),), "Shape", {"outType": 2}, 1)

SQUEEZE = Single("SQUEEZE", (Operand((1, 3, 1, 2), *Q),), (Operand((1, 3, 2), *Q),), "Squeeze", {"squeezeDims": [2]}, 1)

EXPAND_DIMS = Single("EXPAND_DIMS", (Operand((2, 3), *Q), numbers(1)), (Operand((2, 1, 3), *Q),), "ExpandDims", {}, 1)

CASES = [
    *(Case("RESHAPE", name, build) for name, build in RESHAPES.items()),
    *(Case("PAD", name, build) for name, build in PADS.items()),
    *(Case("PADV2", name, build) for name, build in PADS_WITH_VALUE.items()),
    *(Case("TRANSPOSE", name, build) for name, build in TRANSPOSES.items()),
    *(Case("CONCATENATION", name, build) for name, build in CONCATENATIONS.items()),
    *(Case("STRIDED_SLICE", name, build) for name, build in SLICES.items()),
    *(Case("PACK", f"axis_{axis}", pack(axis, count)) for axis, count in ((0, 2), (1, 3), (2, 2), (-1, 4))),
    *(Case(opcode, "of_shape", reshape_by_computed_shape) for opcode in ("SHAPE", "STRIDED_SLICE", "PACK", "RESHAPE")),
    Case("SHAPE", "rank_4", SHAPE),
    Case("SQUEEZE", "width", SQUEEZE),
    Case("EXPAND_DIMS", "rows", EXPAND_DIMS),
]
