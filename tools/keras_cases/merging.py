"""Layers with several inputs, attention, and Dense in its variants."""

from keras_cases.case import Case

TWO = ((4, 4, 6),) * 2
THREE = ((4, 4, 6),) * 3
PAIR = ((6, 8), (5, 8))
MERGING = ("Add", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")


def _encoder(of, x):  # type: ignore[no-untyped-def]
    attended = of.LayerNormalization()(of.Add()([x, of.MultiHeadAttention(2, 4)(x, x)]))
    return of.LayerNormalization()(of.Add()([attended, of.Dense(8)(of.Dense(16, activation="gelu")(attended))]))


def _merged(name: str) -> tuple[Case, Case]:
    return (
        Case(name, "", TWO, lambda of, *inputs: getattr(of, name)()(list(inputs))),
        Case(name, "three", THREE, lambda of, *inputs: getattr(of, name)()(list(inputs))),
    )


CASES = (
    *(case for name in MERGING for case in _merged(name)),
    Case("Subtract", "", TWO, lambda of, x, y: of.Subtract()([x, y])),
    Case("Add", "broadcast", ((4, 4, 6), (1, 1, 6)), lambda of, x, y: of.Add()([x, y])),
    Case("Concatenate", "axis 1", ((4, 6), (3, 6)), lambda of, x, y: of.Concatenate(axis=1)([x, y])),
    Case("Dot", "", ((6,), (6,)), lambda of, x, y: of.Dot(axes=1)([x, y])),
    Case("Dot", "of matrices", ((4, 6), (6, 5)), lambda of, x, y: of.Dot(axes=(2, 1))([x, y])),
    Case("Dot", "normalized", ((6,), (6,)), lambda of, x, y: of.Dot(axes=1, normalize=True)([x, y])),
    Case("MultiHeadAttention", "", ((6, 8),), lambda of, x: of.MultiHeadAttention(2, 4)(x, x)),
    Case(
        "MultiHeadAttention", "of two", PAIR,
        lambda of, x, y: of.MultiHeadAttention(2, 4, value_dim=3, output_shape=5)(x, y),
    ),
    Case("MultiHeadAttention", "causal", ((6, 8),), lambda of, x: of.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True)),
    Case("MultiHeadAttention", "encoder", ((6, 8),), _encoder),
    Case("Attention", "", PAIR, lambda of, x, y: of.Attention()([x, y])),
    Case("Attention", "scaled", PAIR, lambda of, x, y: of.Attention(use_scale=True)([x, y])),
    Case("Attention", "concat", PAIR, lambda of, x, y: of.Attention(score_mode="concat")([x, y])),
    Case("AdditiveAttention", "", PAIR, lambda of, x, y: of.AdditiveAttention()([x, y])),
    Case("Dense", "", ((10,),), lambda of, x: of.Dense(8)(x)),
    Case("Dense", "without bias", ((10,),), lambda of, x: of.Dense(8, use_bias=False)(x)),
    Case("Dense", "of sequences", ((6, 10),), lambda of, x: of.Dense(8)(x)),
    Case("Dense", "of images", ((4, 4, 6),), lambda of, x: of.Dense(8, activation="relu")(x)),
    Case("EinsumDense", "", ((6, 10),), lambda of, x: of.EinsumDense("abc,cd->abd", (None, 8), bias_axes="d")(x)),
    Case("EinsumDense", "heads", ((6, 10),), lambda of, x: of.EinsumDense("abc,cde->abde", (None, 2, 4))(x)),
    Case("EinsumDense", "over time", ((6, 10),), lambda of, x: of.EinsumDense("abc,bd->adc", (5, 10))(x)),
)  # fmt: skip
