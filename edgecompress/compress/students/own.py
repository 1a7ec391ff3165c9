"""A student of the user's own: a model file, read like every other one, that the teacher's answers suit."""

from pathlib import Path
from typing import Any

from edgecompress.compress.models.companions import read_companion
from edgecompress.compress.models.rebuilding import rebuild
from edgecompress.compress.training.fine_tuning import describe_output
from edgecompress.errors import RecipeError


def read_student(file: str, model: Any) -> Any:
    """A functional model without models inside. No code that the file holds is run.

    Args:
        file: any model file that can be compressed.
        model: whose place it takes.

    Raises:
        RecipeError: one gives probabilities and the other does not, or as `read_companion`.
        ModelFileError, UnsupportedError: as `read_companion`.
    """
    name = Path(file).name
    student = read_companion(file, model, "student", "a path relative to the recipe, of a .h5, .keras or SavedModel")
    given, wanted = describe_output(student).activation, describe_output(model).activation
    if given != wanted:
        raise RecipeError(
            f"student: {name} ends in another activation than the model, so they mean different things by their answers.",
            found=f"{given} where the model has {wanted}",
            hint="give it the model's last activation, and save it again",
        )
    return rebuild(student)
