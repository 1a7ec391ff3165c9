"""Layers whose inputs are whole numbers: indices into a table."""

from keras_cases.case import Case

WORDS = ("int32",)


def _averaged(of, x):  # type: ignore[no-untyped-def]
    return of.Dense(3)(of.GlobalAveragePooling1D()(of.Embedding(20, 8)(x)))


def _in_sequence(of, x):  # type: ignore[no-untyped-def]
    return of.LSTM(4)(of.Embedding(20, 8)(x))


CASES = (
    Case("Embedding", "", ((6,),), lambda of, x: of.Embedding(20, 8)(x), kinds=WORDS),
    Case("Embedding", "averaged", ((6,),), _averaged, kinds=WORDS),
    Case("Embedding", "before LSTM", ((6,),), _in_sequence, kinds=WORDS),
    Case("Embedding", "with an input of float32", ((6,),), _averaged),
)
