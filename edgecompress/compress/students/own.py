"""A student of the user's own: a model file, read like every other one, that the teacher's answers suit."""

from pathlib import Path
from typing import Any

from edgecompress import load
from edgecompress.compress.rebuilding import rebuild
from edgecompress.compress.teachers import check_ends
from edgecompress.compress.training import describe_output
from edgecompress.errors import RecipeError


def read_student(file: str, model: Any) -> Any:
    """A functional model without models inside. No code that the file holds is run.

    Args:
        file: any model file that can be compressed.
        model: whose place it takes.

    Raises:
        RecipeError: inputs or outputs differ from the model's, or one gives probabilities and the other does not.
        ModelFileError, UnsupportedError: as `edgecompress.load.load`.
    """
    name = Path(file).name
    student = load.load(file)
    check_ends(student, model, name, "student")
    given, wanted = describe_output(student).activation, describe_output(model).activation
    if given != wanted:
        raise RecipeError(
            f"student: {name} ends in another activation than the model, so they mean different things by their answers.",
            found=f"{given} where the model has {wanted}",
            hint="give it the model's last activation, and save it again",
        )
    return rebuild(student)
