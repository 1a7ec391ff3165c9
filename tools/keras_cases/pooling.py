"""Pooling over sequences, images and volumes."""

from keras_cases.case import Case

SHAPES = {"1D": ((16, 4),), "2D": ((8, 8, 4),), "3D": ((4, 4, 4, 2),)}
FLAT = "pooling of images (2D) after a Reshape that joins two of the dimensions"


def _cases(kind: str, size: str) -> tuple[Case, ...]:
    shape, local, whole = SHAPES[size], f"{kind}Pooling{size}", f"Global{kind}Pooling{size}"
    refused = f"{'Avg' if kind == 'Average' else kind}Pool3D" if size == "3D" else ""
    remedy = FLAT if refused else ""
    return (
        Case(local, "", shape, lambda of, x: getattr(of, local)(2)(x), refused, remedy),
        Case(local, "overlapping", shape, lambda of, x: getattr(of, local)(3, 2, "same")(x), refused, remedy),
        Case(whole, "", shape, lambda of, x: getattr(of, whole)()(x)),
        Case(whole, "keepdims", shape, lambda of, x: getattr(of, whole)(keepdims=True)(x)),
    )


CASES = tuple(case for size in SHAPES for kind in ("Average", "Max") for case in _cases(kind, size))
