"""Model files that go with the model to be compressed, as teachers or as students: the same samples, the same kind of answers."""

from pathlib import Path
from typing import Any

from edgecompress import load
from edgecompress.errors import RecipeError


def read_companion(file: str, model: Any, key: str, wanted: str, *, trust_model_code: bool = False) -> Any:
    """The model of a file, when it fits.

    Args:
        file: any model file that can be compressed.
        model: the one that it goes with.
        key: of the recipe, that names the file.
        wanted: what to give there, for a file that does not exist.

    Raises:
        RecipeError: there is no such file, or inputs or outputs differ from the model's.
        ModelFileError, UnsupportedError: as `edgecompress.load.load`.
    """
    if not Path(file).exists():
        raise RecipeError(f"{key}: there is no model {file}.", hint=wanted)
    other = load.load(file, trust_model_code=trust_model_code)
    for side in ("inputs", "outputs"):
        given, expected = ([tuple(one.shape[1:]) for one in getattr(each, side)] for each in (other, model))
        if given != expected:
            raise RecipeError(
                f"{key}: the {side} of {Path(file).name} differ from the model's.",
                found=f"{_shapes(given)} where the model has {_shapes(expected)}",
                hint="teachers and students take the same samples and give the same kind of answers",
            )
    return other


def _shapes(shapes: list[tuple[int | None, ...]]) -> str:
    return ", ".join("x".join(map(str, shape)) for shape in shapes)
