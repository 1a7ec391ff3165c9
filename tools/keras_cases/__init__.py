"""Keras's layers in small models, layer × way of using it: what goes through a build, and what is refused."""

from keras_cases import activations, convolutions, indices, merging, normalization, pooling, recurrent, shapes
from keras_cases.case import Case, model_of

CASES: tuple[Case, ...] = (
    *convolutions.CASES, *pooling.CASES, *activations.CASES, *normalization.CASES, *shapes.CASES, *merging.CASES,
    *recurrent.CASES, *indices.CASES,
)  # fmt: skip

__all__ = ["CASES", "Case", "model_of"]
