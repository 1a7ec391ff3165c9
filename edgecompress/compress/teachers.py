"""Teachers that are models of their own: larger ones, or several whose answers are averaged.

An ensemble answers better than each of its members, and a single model can learn what it answers: Hinton, Vinyals and Dean, 2015,
https://arxiv.org/abs/1503.02531.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgecompress import load
from edgecompress.compress.saved import sha256_of
from edgecompress.errors import RecipeError
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
            RecipeError: there is no such file, or inputs or outputs differ from the model's.
            ModelFileError, UnsupportedError: as `edgecompress.load.load`.
        """
        if not files:
            return None
        found = []
        for file in files:
            if not Path(file).exists():
                raise RecipeError(
                    f"training.teacher: there is no model {file}.",
                    hint="original (as loaded), baseline (trained as long without compression), or model files that exist",
                )
            teacher = load.load(file, trust_model_code=trust_model_code)
            check_ends(teacher, model, Path(file).name, "training.teacher")
            found.append(teacher)
        return Teachers(_mean_of(found), tuple(sha256_of(Path(file)) for file in files))


def check_ends(other: Any, model: Any, name: str, what: str) -> None:
    """Refuse a model that does not take the same samples, or does not give the same kind of answers.

    Args:
        other: from a file of this `name`.
        model: the one to be compressed.
        what: "training.teacher", or whoever reads the file.

    Raises:
        RecipeError: inputs or outputs differ.
    """
    for side in ("inputs", "outputs"):
        given, wanted = ([tuple(one.shape[1:]) for one in getattr(each, side)] for each in (other, model))
        if given != wanted:
            raise RecipeError(
                f"{what}: the {side} of {name} differ from the model's.",
                found=f"{_shapes(given)} where the model has {_shapes(wanted)}",
                hint="teachers and students take the same samples and give the same kind of answers",
            )


def _shapes(shapes: list[tuple[int | None, ...]]) -> str:
    return ", ".join("x".join(map(str, shape)) for shape in shapes)


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
