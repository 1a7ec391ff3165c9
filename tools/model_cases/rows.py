"""Cases of operators that compute along rows: ARG_MAX, ARG_MIN, L2_NORMALIZATION, BATCH_MATMUL, RESIZE_BILINEAR."""

from model_cases.case import Case
from model_cases.places import WAYS, Q, scalar
from model_cases.single import Operand, Single, numbers


def arg(opcode: str, shape: tuple[int, ...], axis: int) -> Single:
    target = tuple(size for a, size in enumerate(shape) if a != axis % len(shape))
    results = (Operand(target, None, dtype="INT32"),)
    options = "ArgMax" if opcode == "ARG_MAX" else "ArgMin"
    return Single(opcode, (Operand(shape, *Q), scalar(axis)), results, options, {"outputType": 2})


ARGS = {
    "classes": ((3, 10), 1),
    "rows": ((5, 4), 0),
    "middle": ((2, 3, 4), -2),
    "channels": ((1, 3, 4, 5), -1),
    "one": ((4, 1), 1),
}

NORMS = {
    "rows": ((4, 10), 3),
    "zero_point_lowest": ((2, 17), -128),
    "zero_point_highest": ((2, 17), 127),
    "one": ((5, 1), -7),
    "image": ((1, 3, 4, 5), 0),
    "long": ((1, 5000), -128),
}


def normalization(shape: tuple[int, ...], zero_point: int) -> Single:
    fields = {"fusedActivationFunction": "NONE"}
    return Single(
        "L2_NORMALIZATION", (Operand(shape, 0.05, zero_point),), (Operand(shape, 1 / 128, 0),), "L2Norm", fields
    )


SECOND = (0.03, 9)
MATRICES = {
    "plain": ((2, 3, 4), (2, 4, 5), (2, 3, 5), ""),
    "both_transposed": ((2, 4, 3), (2, 5, 4), (2, 3, 5), "xy"),
    "keys_transposed": ((1, 2, 5, 7), (1, 2, 6, 7), (1, 2, 5, 6), "y"),
    "rank_2": ((3, 8), (8, 5), (3, 5), ""),
    "broadcast": ((2, 1, 3, 4), (3, 4, 2), (2, 3, 3, 2), ""),
    "one": ((1, 1, 17), (1, 17, 1), (1, 1, 1), ""),
}


def matmul(a: Operand, b: Operand, target: tuple[int, ...], adjoint: str, scale: float = 0.06) -> Single:
    fields = {"adjX": "x" in adjoint, "adjY": "y" in adjoint}
    return Single("BATCH_MATMUL", (a, b), (Operand(target, scale, -3),), "BatchMatMul", fields)


MATMULS = {name: matmul(Operand(a, *Q), Operand(b, *SECOND), *more) for name, (a, b, *more) in MATRICES.items()} | {
    "constant": matmul(Operand((2, 3, 4), *Q), Operand((2, 5, 4), *SECOND, constant=1), (2, 3, 5), "y"),
    "zero_points_opposite": matmul(Operand((3, 40), 0.05, -128), Operand((40, 3), 0.03, 127), (3, 3), "", 0.9),
    "fine_result": matmul(Operand((3, 8), 0.9, 3), Operand((8, 5), 0.8, 1), (3, 5), "", 0.01),
}
SMOOTH = {
    "twice": ((1, 3, 4, 2), 6, 8),
    "uneven": ((2, 3, 4, 3), 7, 9),
    "smaller": ((1, 9, 11, 3), 4, 5),
    "one_pixel": ((1, 1, 1, 3), 4, 5),
    "to_one_pixel": ((1, 4, 5, 3), 1, 1),
    "same": ((1, 4, 5, 2), 4, 5),
}


def bilinear(shape: tuple[int, ...], height: int, width: int, way: int) -> Single:
    fields = {"alignCorners": way == 1, "halfPixelCenters": way == 2}
    results = (Operand((shape[0], height, width, shape[3]), *Q),)
    return Single("RESIZE_BILINEAR", (Operand(shape, *Q), numbers(height, width)), results, "ResizeBilinear", fields, 3)


CASES = [
    *(Case("BATCH_MATMUL", name, build) for name, build in MATMULS.items()),
    *(
        Case("RESIZE_BILINEAR", f"{name}_{way}", bilinear(*sizes, number))
        for name, sizes in SMOOTH.items()
        for way, number in WAYS.items()
    ),
    *(Case("L2_NORMALIZATION", name, normalization(*way)) for name, way in NORMS.items()),
    *(Case(opcode, name, arg(opcode, *way)) for opcode in ("ARG_MAX", "ARG_MIN") for name, way in ARGS.items()),
]
