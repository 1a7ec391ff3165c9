"""Normalization, and what scales by constants."""

from keras_cases.case import Case

IMAGE, SEQUENCE = ((4, 4, 8),), ((6, 16),)

CASES = (
    Case("BatchNormalization", "", IMAGE, lambda of, x: of.BatchNormalization()(x)),
    Case("BatchNormalization", "after Conv2D", IMAGE, lambda of, x: of.ReLU()(of.BatchNormalization()(of.Conv2D(4, 3)(x)))),
    Case("BatchNormalization", "after Dense", ((10,),), lambda of, x: of.BatchNormalization()(of.Dense(8)(x))),
    Case("BatchNormalization", "before Conv2D", IMAGE, lambda of, x: of.Conv2D(4, 3)(of.BatchNormalization()(x))),
    Case("BatchNormalization", "axis 1", IMAGE, lambda of, x: of.BatchNormalization(axis=1)(x)),
    Case("BatchNormalization", "of sequences", SEQUENCE, lambda of, x: of.BatchNormalization()(x)),
    Case("LayerNormalization", "", SEQUENCE, lambda of, x: of.LayerNormalization()(x)),
    Case("LayerNormalization", "of vectors", ((16,),), lambda of, x: of.LayerNormalization()(x)),
    Case("LayerNormalization", "of images", IMAGE, lambda of, x: of.LayerNormalization()(x)),
    Case("LayerNormalization", "two axes", IMAGE, lambda of, x: of.LayerNormalization(axis=[1, 2])(x)),
    Case("GroupNormalization", "", IMAGE, lambda of, x: of.GroupNormalization(2)(x)),
    Case("UnitNormalization", "", SEQUENCE, lambda of, x: of.UnitNormalization()(x)),
    Case(
        "Normalization", "", ((4, 4, 3),),
        lambda of, x: of.Normalization(mean=(0.1, 0.2, -0.3), variance=(1.5, 0.5, 2.0))(x),
    ),
    Case("Rescaling", "", IMAGE, lambda of, x: of.Rescaling(0.5, offset=-1.0)(x)),
)  # fmt: skip
