"""Teachers that are models of their own: larger ones, or several whose answers are averaged.

An ensemble answers better than each of its members, and a single model can learn what it answers: Hinton, Vinyals and Dean, 2015,
https://arxiv.org/abs/1503.02531.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgecompress.compress.models.companions import read_companion
from edgecompress.compress.models.saved import sha256_of
from edgecompress.load.runtime import keras2


@dataclass(frozen=True, eq=False)
class Teachers:
    """Models of the same inputs and outputs as the one that learns.

    Attributes:
        model: gives the mean of their outputs.
        sha256: of their files.
    """

    model: Any
    sha256: tuple[str, ...]

    @staticmethod
    def read(files: Sequence[str], model: Any, *, trust_model_code: bool) -> "Teachers | None":
        """From model files; None without any.

        Raises:
            RecipeError, ModelFileError, UnsupportedError: as `read_companion`.
        """
        if not files:
            return None
        wanted = "original (as loaded), baseline (trained as long without compression), or model files that exist"
        found = [
            read_companion(file, model, "training.teacher", wanted, trust_model_code=trust_model_code) for file in files
        ]
        return Teachers(_mean_of(found), tuple(sha256_of(Path(file)) for file in files))


def _mean_of(teachers: list[Any]) -> Any:
    if len(teachers) == 1:
        return teachers[0]
    keras = keras2()
    inputs = [keras.layers.Input(tuple(one.shape[1:])) for one in teachers[0].inputs]
    given = inputs if len(inputs) > 1 else inputs[0]
    answers = []
    for number, teacher in enumerate(teachers):
        teacher._name = f"teacher_{number}"  # two files may hold models of one name, which one graph cannot
        answers.append(teacher(given))
    return keras.Model(inputs, keras.layers.Average()(answers))
