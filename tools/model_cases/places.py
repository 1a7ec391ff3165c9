"""Cases of operators that take values from places: SLICE, SPLIT, GATHER, TILE, MIRROR_PAD, nearest neighbours, blocks of space."""

from dataclasses import replace
from typing import Any

import numpy as np

from model_cases.case import LITERT_DIFFERS, LITERT_REFUSES, Case
from model_cases.network import Network
from model_cases.single import Operand, Single, numbers

Q = (0.05, -7)
OTHER = (0.1, 3)
"""Movements do not look at the quantization of the result."""


def scalar(value: int) -> Operand:
    return Operand((), None, dtype="INT32", constant=(value,))


def matrix(rows: list[list[int]]) -> Operand:
    values = np.array(rows)
    return Operand(values.shape, None, dtype="INT32", constant=tuple(values.reshape(-1).tolist()))


def moved(
    opcode: str,
    shape: tuple[int, ...],
    target: tuple[int, ...],
    *controls: Operand,
    options: str = "",
    dtype: str = "INT8",
    result: tuple[float, int] = Q,
    **fields: Any,
) -> Single:
    """One operand, then what says where to."""
    zero = {"INT16": 0}.get(dtype, Q[1])
    operands = (Operand(shape, Q[0], zero, dtype), *controls)
    return Single(opcode, operands, (Operand(target, result[0], result[1] if zero else 0, dtype),), options, fields)


def sliced(shape: tuple[int, ...], begin: tuple[int, ...], size: tuple[int, ...], **more: Any) -> Single:
    target = tuple(s if s >= 0 else whole - b for whole, b, s in zip(shape, begin, size, strict=True))
    return moved("SLICE", shape, target, numbers(*begin), numbers(*size), options="Slice", **more)


SLICES = {
    "rows": sliced((1, 6, 7, 3), (0, 2, 0, 0), (1, 3, 7, 3)),
    "columns": sliced((1, 6, 7, 3), (0, 0, 2, 0), (1, 6, 4, 3)),
    "channels": sliced((1, 5, 4, 8), (0, 0, 0, 3), (1, 5, 4, 4)),
    "one_channel": sliced((1, 5, 4, 8), (0, 0, 0, 7), (1, 5, 4, 1)),
    "rows_and_columns": sliced((1, 6, 8, 4), (0, 1, 2, 0), (1, 4, -1, 4)),
    "all_dimensions": sliced((2, 6, 7, 3), (1, 1, 2, 0), (-1, 4, -1, 2), result=OTHER),
    "everything": sliced((1, 6, 7, 3), (0, 0, 0, 0), (-1, -1, -1, -1)),
    "rank_1": sliced((37,), (5,), (20,)),
    "rank_5": sliced((2, 3, 2, 3, 4), (0, 1, 0, 1, 1), (2, 2, 2, 2, 2)),
    "int16": sliced((1, 6, 7, 3), (0, 1, 2, 1), (1, 4, 4, 2), dtype="INT16"),
}


def split(shape: tuple[int, ...], axis: int, count: int) -> Single:
    part = list(shape)
    part[axis] //= count
    operands = (scalar(axis), Operand(shape, *Q))
    return Single("SPLIT", operands, (Operand(tuple(part), *Q),) * count, "Split", {"numSplits": count})


def split_v(shape: tuple[int, ...], axis: int, sizes: tuple[int, ...], stated: tuple[int, ...] = ()) -> Single:
    results = []
    for size in sizes:
        part = list(shape)
        part[axis] = size
        results.append(Operand(tuple(part), *Q))
    operands = (Operand(shape, *Q), numbers(*(stated or sizes)), scalar(axis))
    return Single("SPLIT_V", operands, tuple(results), "SplitV", {"numSplits": len(sizes)})


def unpack(shape: tuple[int, ...], axis: int) -> Single:
    part = tuple(size for a, size in enumerate(shape) if a != axis % len(shape))
    fields = {"num": shape[axis], "axis": axis}
    return Single("UNPACK", (Operand(shape, *Q),), (Operand(part, *Q),) * shape[axis], "Unpack", fields)


def split_and_joined() -> bytes:
    """Channels are split, one part is used twice, another is an output, and all are put together again."""
    network = Network()
    source = network.tensor((1, 4, 3, 6), *Q)
    parts = [network.tensor((1, 4, 3, 2), *Q) for _ in range(3)]
    network.operator(
        "SPLIT", [network.tensor((), dtype="INT32", data=np.array(3)), source], parts, "Split", numSplits=3
    )
    total, joined = network.tensor((1, 4, 3, 2), 0.09, 5), network.tensor((1, 4, 3, 6), *Q)
    network.operator("ADD", parts[:2], [total], "Add", 2, fusedActivationFunction="NONE")
    order = [parts[2], parts[0], parts[2]]
    fields = {"axis": 3, "fusedActivationFunction": "NONE"}
    network.operator("CONCATENATION", order, [joined], "Concatenation", **fields)
    return network.file([source], [parts[1], total, joined])


def filled() -> bytes:
    """A constant that the graph makes itself."""
    network = Network()
    source, value = network.tensor((2, 3), *Q), network.tensor((), *OTHER, data=np.array(-99))
    constant, total = network.tensor((2, 3), *OTHER), network.tensor((2, 3), 0.12, 5)
    network.operator("FILL", [network.integers([2, 3]), value], [constant], "Fill")
    network.operator("ADD", [source, constant], [total], "Add", 2, fusedActivationFunction="NONE")
    return network.file([source], [total])


def gather(shape: tuple[int, ...], indices: Operand, target: tuple[int, ...], axis: int, batches: int = 0) -> Single:
    return moved("GATHER", shape, target, indices, options="Gather", axis=axis, batchDims=batches)


GATHERS = {
    "rows": gather((5, 6), numbers(4, 0, 4, 1), (4, 6), 0),
    "middle": gather((2, 3, 4), numbers(2, 0, 2, 1), (2, 4, 4), 1),
    "last": gather((2, 3, 5), numbers(4, 1, 0), (2, 3, 3), -1),
    "scalar": gather((2, 3, 4), scalar(2), (2, 4), 1),
    "matrix_of_indices": gather((5, 3), matrix([[4, 0], [1, 1]]), (2, 2, 3), 0),
    "in_batches": gather((2, 3, 4), matrix([[2, 0], [1, 1]]), (2, 2, 4), 1, 1),
    "regular": gather((6, 4), numbers(1, 3, 5), (3, 4), 0),
}


def looked_up(known: Single, table: int | None = None) -> Single:
    """The same by indices that come in, in a table that does too or, by its seed, is constant."""
    source, indices = known.operands
    return replace(known, operands=(replace(source, constant=table), replace(indices, constant=None)))


LOOKUPS = {
    **GATHERS,
    "columns_in_batches": gather((2, 3, 4, 2), matrix([[3, 0], [1, 2]]), (2, 3, 2, 2), 2, -1),
    "all_in_batches": gather((2, 3, 5), matrix([[3, 0, 1], [1, 2, 1]]), (2, 3, 5), 1, 1),
    "words": gather((7, 8), numbers(6, 0, 3, 3, 5), (5, 8), 0),
}

PADDINGS = [[0, 0], [1, 2], [2, 1], [0, 0]]


def mirrored(shape: tuple[int, ...], paddings: list[list[int]], mode: int) -> Single:
    target = tuple(size + sum(pair) for size, pair in zip(shape, paddings, strict=True))
    return moved("MIRROR_PAD", shape, target, matrix(paddings), options="MirrorPad", mode=mode)


def resized(shape: tuple[int, ...], height: int, width: int, way: int, dtype: str = "INT8") -> Single:
    target, fields = (shape[0], height, width, shape[3]), {"alignCorners": bool(way & 1), "halfPixelCenters": way > 1}
    opcode, options = "RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighbor"
    return moved(opcode, shape, target, numbers(height, width), options=options, dtype=dtype, **fields)


RESIZES = {
    "twice": ((1, 3, 4, 2), 6, 8),
    "uneven": ((1, 3, 4, 2), 7, 9),
    "smaller": ((1, 9, 11, 3), 4, 5),
    "one_pixel": ((1, 1, 1, 3), 4, 5),
    "to_one_pixel": ((2, 4, 5, 3), 1, 1),
}
WAYS = {"plain": 0, "corners": 1, "centres": 2}


def blocks(opcode: str, shape: tuple[int, ...], size: int, dtype: str = "INT8") -> Single:
    batches, height, width, channels = shape
    if opcode == "SPACE_TO_DEPTH":
        target = (batches, height // size, width // size, channels * size**2)
    else:
        target = (batches, height * size, width * size, channels // size**2)
    options = opcode.title().replace("_", "")
    return moved(opcode, shape, target, options=options, dtype=dtype, blockSize=size)


def from_batches(shape: tuple[int, ...], block: tuple[int, ...], crops: list[list[int]]) -> Single:
    space = [s * b - sum(crop) for s, b, crop in zip(shape[1:], block, crops, strict=False)]
    target = (shape[0] // int(np.prod(block)), *space, *shape[1 + len(block) :])
    controls = numbers(*block), matrix(crops)
    return moved("BATCH_TO_SPACE_ND", shape, target, *controls, options="BatchToSpaceND")


def to_batches(shape: tuple[int, ...], block: tuple[int, ...], paddings: list[list[int]]) -> Single:
    sizes = zip(shape[1:], block, paddings, strict=False)
    space = [(size + sum(pair)) // times for size, times, pair in sizes]
    target = (shape[0] * int(np.prod(block)), *space, *shape[1 + len(block) :])
    controls = numbers(*block), matrix(paddings)
    return moved("SPACE_TO_BATCH_ND", shape, target, *controls, options="SpaceToBatchND")


TILES = {"rows": (3, 1), "columns": (1, 3), "both": (2, 3), "once": (1, 1)}
WITHOUT = {"reference": "litert"}
PADDED = "TFLM pads with what its memory holds, not with the zero point"
UNKNOWN = "LiteRT knows no version of it with int8"

CASES = [
    *(Case("SLICE", name, build) for name, build in SLICES.items()),
    Case("SPLIT", "channels", split((1, 4, 3, 6), 3, 3)),
    Case("SPLIT", "rows", split((1, 6, 3, 4), 1, 2)),
    Case("SPLIT", "batch_negative_axis", split((4, 3), -2, 4)),
    Case("SPLIT", "one_alone", split((4, 3), 0, 1)),
    Case("SPLIT", "split_and_joined", split_and_joined),
    Case("CONCATENATION", "split_and_joined", split_and_joined),
    Case("SPLIT_V", "channels", split_v((1, 4, 3, 6), 3, (1, 2, 3))),
    Case("SPLIT_V", "rest", split_v((1, 7, 3, 2), 1, (2, 4, 1), (2, -1, 1))),
    *(Case("UNPACK", f"axis_{axis}", unpack((2, 3, 4), axis)) for axis in (0, 1, -1)),
    *(Case("GATHER", name, build) for name, build in GATHERS.items()),
    *(Case("GATHER", f"{name}_at_run_time", looked_up(known)) for name, known in LOOKUPS.items()),
    *(Case("GATHER", f"{name}_of_a_constant", looked_up(LOOKUPS[name], 5)) for name in ("rows", "last", "words")),
    Case("GATHER_ND", "rows", moved("GATHER_ND", (2, 3, 4), (2, 4), matrix([[1, 2], [0, 1]]), options="GatherNd")),
    Case("GATHER_ND", "values", moved("GATHER_ND", (5, 3), (2,), matrix([[4, 2], [0, 1]]), options="GatherNd")),
    *(
        Case(
            "TILE",
            name,
            moved("TILE", (2, 5), (2 * rows, 5 * columns), numbers(rows, columns), options="Tile"),
            **WITHOUT,
        )  # type: ignore[arg-type]
        for name, (rows, columns) in TILES.items()
    ),
    Case("FILL", "of_a_sum", filled),
    Case("BROADCAST_TO", "rows", moved("BROADCAST_TO", (1, 5), (4, 5), numbers(4, 5), options="BroadcastTo")),
    Case("BROADCAST_TO", "more_dimensions", moved("BROADCAST_TO", (3, 1), (2, 3, 4), numbers(2, 3, 4))),
    *(
        Case("MIRROR_PAD", f"{n}_image", mirrored((1, 4, 5, 3), PADDINGS, m))
        for m, n in enumerate(("reflect", "symmetric"))
    ),
    Case("MIRROR_PAD", "symmetric_whole", mirrored((3, 4), [[3, 3], [4, 0]], 1)),
    Case("MIRROR_PAD", "reflect_channels", mirrored((2, 4), [[1, 0], [3, 3]], 0)),
    Case("REVERSE_V2", "rows", moved("REVERSE_V2", (3, 4, 5), (3, 4, 5), numbers(1), options="ReverseV2")),
    Case("REVERSE_V2", "last", moved("REVERSE_V2", (3, 4, 5), (3, 4, 5), numbers(2), options="ReverseV2")),
    *(
        Case("RESIZE_NEAREST_NEIGHBOR", f"{name}_{way}", resized(*sizes, number))
        for name, sizes in RESIZES.items()
        for way, number in WAYS.items()
    ),
    Case("RESIZE_NEAREST_NEIGHBOR", "int16", resized((1, 3, 4, 2), 7, 8, 2, "INT16")),
    Case("SPACE_TO_DEPTH", "two", blocks("SPACE_TO_DEPTH", (1, 4, 6, 3), 2)),
    Case("SPACE_TO_DEPTH", "three_in_batches", blocks("SPACE_TO_DEPTH", (2, 3, 6, 1), 3)),
    Case("DEPTH_TO_SPACE", "two", blocks("DEPTH_TO_SPACE", (1, 2, 3, 12), 2), LITERT_REFUSES, UNKNOWN),
    Case("DEPTH_TO_SPACE", "three_in_batches", blocks("DEPTH_TO_SPACE", (2, 1, 2, 9), 3), LITERT_REFUSES, UNKNOWN),
    Case("SPACE_TO_BATCH_ND", "image", to_batches((1, 4, 6, 2), (2, 2), [[0, 0], [0, 0]])),
    Case("SPACE_TO_BATCH_ND", "padded", to_batches((2, 3, 4, 2), (2, 3), [[0, 1], [1, 1]]), LITERT_DIFFERS, PADDED),
    Case("SPACE_TO_BATCH_ND", "rank_3", to_batches((2, 6, 5), (3,), [[0, 0]])),
    Case("BATCH_TO_SPACE_ND", "image", from_batches((4, 2, 3, 2), (2, 2), [[0, 0], [0, 0]])),
    Case("BATCH_TO_SPACE_ND", "cropped", from_batches((12, 2, 3, 2), (2, 3), [[0, 1], [2, 1]])),
    Case("BATCH_TO_SPACE_ND", "rank_3", from_batches((6, 2, 5), (3,), [[1, 2]])),
]
