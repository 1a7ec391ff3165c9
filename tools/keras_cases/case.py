"""What a case of the Keras layers is, and the model that it makes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """A small model around one Keras layer, used in one way.

    Attributes:
        layer: the name of its class in Keras.
        way: how it is used, in a few words; "" where there is nothing to say.
        shapes: of the inputs, without the batch.
        build: from keras.layers and the inputs to the outputs.
        refused: words that the refusal must hold; "" where the model must go through.
        remedy: for users, what to do instead where it is refused.
        kinds: dtypes of the inputs; float32 each where none are given.
        batch: the model's fixed one; None: open.
    """

    layer: str
    way: str
    shapes: tuple[Shape, ...]
    build: Callable[..., Any]
    refused: str = ""
    remedy: str = ""
    kinds: tuple[str, ...] = ()
    batch: int | None = None

    @property
    def id(self) -> str:
        return f"{self.layer}-{self.way}".rstrip("-").replace(" ", "_")


def model_of(case: Case, keras: Any) -> Any:
    """The Keras model of a case, with the same weights each time, none of them all zeros or all ones."""
    keras.utils.set_random_seed(1)
    kinds = case.kinds or ("float32",) * len(case.shapes)
    inputs = [keras.Input(shape, case.batch, dtype=kind) for shape, kind in zip(case.shapes, kinds, strict=True)]
    model = keras.Model(inputs, case.build(keras.layers, *inputs))
    generator = np.random.default_rng(2)
    for weight in model.weights:
        values = weight.numpy()
        if values.dtype.kind == "f" and values.size and np.ptp(values) == 0:
            spread = generator.uniform(-0.3, 0.3, values.shape)
            weight.assign((values + spread).astype(values.dtype))
    return model
