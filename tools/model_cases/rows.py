"""Cases of operators over one axis: ARG_MAX, ARG_MIN, L2_NORMALIZATION, BATCH_MATMUL."""

from model_cases.case import Case
from model_cases.places import Q, scalar
from model_cases.single import Operand, Single


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


CASES = [
    *(Case("L2_NORMALIZATION", name, normalization(*way)) for name, way in NORMS.items()),
    *(Case(opcode, name, arg(opcode, *way)) for opcode in ("ARG_MAX", "ARG_MIN") for name, way in ARGS.items()),
]
